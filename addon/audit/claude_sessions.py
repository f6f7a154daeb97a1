"""Requests as Claude Code's own session logs tell them: ``~/.claude/projects/*/*.jsonl``.

A line is a message, or a part of an answer; parts of one answer have one id. Each answer was one request, of all that
stands before it. System prompt and tools are not in the log, so a request made of it has only the names of its tools.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from headroom_mitm.audit.recording import Recording, seconds
from headroom_mitm.hosts import ANTHROPIC
from headroom_mitm.wire.reported import Listener

Json = Mapping[str, Any]
_NEVER_SENT = "<synthetic>"
"""The model of messages that the client makes itself: errors, interruptions."""
_MODEL, _USER = "assistant", "user"


@dataclass(slots=True)
class _Thread:
    """One conversation of a log: the main one, or that of a sub-agent."""

    session: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    by_id: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Answers."""
    tools: dict[str, None] = field(default_factory=dict)
    """Names of those that were called."""

    def add(self, role: str, content: Any, answer_id: str = "") -> None:
        """Add a message, or to one: parts of an answer, and results that belong to the same turn, are parts of one."""
        blocks = content if isinstance(content, list) else [{"type": "text", "text": str(content)}]
        same = self.by_id.get(answer_id) if answer_id else None
        if same is None and role == _USER and self.messages and self.messages[-1]["role"] == _USER:
            same = self.messages[-1]
        if same is not None:
            same["content"] = [*same["content"], *blocks]
            return
        self.messages.append({"role": role, "content": blocks})
        if answer_id:
            self.by_id[answer_id] = self.messages[-1]


@dataclass(frozen=True, slots=True)
class _Answer:
    thread: _Thread
    messages: list[dict[str, Any]]
    count: int
    """So many of the messages were in the request."""
    at: float
    id: str
    model: str


def is_line(line: Json) -> bool:
    """Say whether this is a line of such a log."""
    return "sessionId" in line and "type" in line


def claude_session(lines: Iterable[Json], seen: set[str] | None = None) -> Iterator[Recording]:
    """Yield the requests of a log, in its order.

    ``seen`` holds the ids of answers that were met before: the log of a resumed session repeats an older one.
    """
    seen = set() if seen is None else seen
    log = _Log()
    for line in lines:
        log.take(line)
    for answer in log.answers:
        if answer.id not in seen:
            seen.add(answer.id)
            yield _recording(answer, log.usage[answer.id])


class _Log:
    """A whole log: what an answer took stands in the last of its lines."""

    def __init__(self) -> None:
        self.answers: list[_Answer] = []
        self.usage: dict[str, Any] = {}
        self._threads: dict[tuple[str, bool, str], _Thread] = {}

    def take(self, line: Json) -> None:
        """Take the next line."""
        session, agent = str(line.get("sessionId", "")), str(line.get("agentId", ""))
        name = (session, bool(line.get("isSidechain")), agent)
        thread = self._threads.setdefault(name, _Thread("/".join(part for part in (session, agent) if part)))
        kind, message = line.get("type"), line.get("message")
        if kind == "system" and "compact" in str(line.get("subtype", "")):
            thread.messages = []  # the list that requests were made of stays as it is
        elif kind == _USER and isinstance(message, dict):
            thread.add(_USER, message.get("content", ""))
        elif kind == _MODEL and isinstance(message, dict) and message.get("model") != _NEVER_SENT:
            self._answered(thread, line, message)

    def _answered(self, thread: _Thread, line: Json, message: Json) -> None:
        answer_id, at = str(message.get("id", "")), seconds(line.get("timestamp"))
        if answer_id not in self.usage and thread.messages and at is not None:
            model = str(message.get("model", ""))
            self.answers.append(_Answer(thread, thread.messages, len(thread.messages), at, answer_id, model))
        self.usage[answer_id] = message.get("usage")
        thread.add(_MODEL, message.get("content", ""), answer_id)
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            if isinstance(block, dict) and "input" in block and isinstance(block.get("name"), str):
                thread.tools[block["name"]] = None


def _recording(answer: _Answer, usage: Any) -> Recording:
    body = {
        "model": answer.model,
        "max_tokens": 1,
        "tools": [{"name": name, "input_schema": {"type": "object"}} for name in answer.thread.tools],
        "messages": answer.messages[: answer.count],
    }
    listener = Listener(ANTHROPIC, streamed=False)
    listener.feed(orjson.dumps({"usage": usage}))
    return Recording(
        at=answer.at,
        host="api.anthropic.com",
        port=443,
        path="/v1/messages",
        wire=ANTHROPIC,
        body=orjson.dumps(body),
        legs=listener.counted()[:1],
        agent="claude-cli",
        session=answer.thread.session,
        is_partial=True,
    )
