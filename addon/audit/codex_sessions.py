"""Requests as Codex's own session logs tell them: ``~/.codex/sessions/*/*/*/rollout-*.jsonl``.

A line is an item of a conversation, or tells something about it. What the model says begins an answer, and that was one
request, of all items before it; what it took is told by the next line that tells of tokens.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from headroom_mitm.audit.recording import Recording, seconds
from headroom_mitm.hosts import RESPONSES
from headroom_mitm.wire.reported import Listener

Json = Mapping[str, Any]
_ITEM, _ABOUT, _TURN, _COMPACTED = "response_item", "session_meta", "turn_context", "compacted"
_USUAL_MODEL = "gpt-5"
"""Logs of old versions do not name one."""


@dataclass(slots=True)
class _Answer:
    at: float
    model: str
    items: list[Json]
    count: int
    """So many of the items were in the request."""
    usage: Json = field(default_factory=dict)


def is_line(line: Json) -> bool:
    """Say whether this is a line of such a log."""
    return isinstance(line.get("payload"), dict) and isinstance(line.get("type"), str)


def codex_session(lines: Iterable[Json]) -> Iterator[Recording]:
    """Yield the requests of a log, in its order."""
    log = _Log()
    for line in lines:
        payload = line.get("payload")
        if isinstance(payload, dict):
            log.take(str(line.get("type")), payload, seconds(line.get("timestamp")))
    for answer in log.answers:
        yield _recording(log, answer)


class _Log:
    def __init__(self) -> None:
        self.answers: list[_Answer] = []
        self.session = ""
        self.front = ""
        self.tools: dict[str, None] = {}
        self._model = _USUAL_MODEL
        self._items: list[Json] = []
        self._is_answering = False

    def take(self, kind: str, payload: Json, at: float | None) -> None:
        """Take the next line."""
        if kind == _ABOUT:
            self.session = str(payload.get("id", ""))
            front = payload.get("base_instructions")
            self.front = str(front.get("text") or "") if isinstance(front, dict) else ""
        elif kind == _TURN:
            self._model = str(payload.get("model") or self._model)
        elif kind == _COMPACTED:
            replaced = payload.get("replacement_history")
            self._items = list(replaced) if isinstance(replaced, list) else []
        elif kind == _ITEM:
            self._item(payload, at)
        elif (usage := _usage(kind, payload)) is not None and self.answers:
            self.answers[-1].usage = usage

    def _item(self, item: Json, at: float | None) -> None:
        by_model = _is_by_model(item)
        if by_model and not self._is_answering and self._items and at is not None:
            self.answers.append(_Answer(at, self._model, self._items, len(self._items)))
        self._is_answering = by_model
        # What the client keeps of its own beside an item is not sent.
        self._items.append({name: value for name, value in item.items() if not name.startswith("internal_")})
        if by_model and isinstance(item.get("name"), str):
            self.tools[item["name"]] = None


def _is_by_model(item: Json) -> bool:
    kind = str(item.get("type", ""))
    return kind == "reasoning" or item.get("role") == "assistant" or kind.endswith("_call")


def _usage(kind: str, payload: Json) -> Json | None:
    """Return what a line tells of one answer."""
    if kind == "token_usage_record":
        found = payload.get("usage")
    elif payload.get("type") == "token_count" and isinstance(payload.get("info"), dict):
        found = payload["info"].get("last_token_usage")
    else:
        return None
    return found if isinstance(found, dict) else None


def _recording(log: _Log, answer: _Answer) -> Recording:
    items = answer.items[: answer.count]
    names = [] if any("tools" in item for item in items) else list(log.tools)
    body: dict[str, Any] = {"model": answer.model, "instructions": log.front, "input": items, "stream": True}
    body |= {"tools": [{"type": "function", "name": name, "parameters": {"type": "object"}} for name in names]}
    usage = dict(answer.usage)
    # The log flattens what the provider tells in an object of its own.
    details = {name: usage.pop(logged) for name, logged in _DETAILS.items() if logged in usage}
    listener = Listener(RESPONSES, streamed=False)
    listener.feed(orjson.dumps({"usage": usage | {"input_tokens_details": details}}))
    return Recording(
        at=answer.at,
        host="api.openai.com",
        port=443,
        path="/v1/responses",
        wire=RESPONSES,
        body=orjson.dumps(body),
        legs=listener.counted()[:1],
        agent="codex",
        session=log.session,
        is_partial=True,
    )


_DETAILS = {"cached_tokens": "cached_input_tokens", "cache_write_tokens": "cache_write_input_tokens"}
