"""Session logs and HAR files as clients write them, made from one small conversation; formats seen in November 2026."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]
USAGE: tuple[Json, ...] = (
    {"input_tokens": 3, "cache_creation_input_tokens": 9000, "cache_read_input_tokens": 0, "output_tokens": 50},
    {"input_tokens": 3, "cache_creation_input_tokens": 7000, "cache_read_input_tokens": 9000, "output_tokens": 60},
    {"input_tokens": 3, "cache_creation_input_tokens": 200, "cache_read_input_tokens": 16000, "output_tokens": 70},
)
LOG = "\n".join(
    f"2026-11-01T10:{number // 60:02}:{number % 60:02}Z INFO worker-{number % 7} request {number} done in 12 ms"
    for number in range(400)
)
"""What a command has printed."""


def claude_lines(session: str = "s1") -> list[Json]:
    """Return a session of Claude Code: a question, a command with a long output, the same again, an answer."""
    return [
        {"type": "queue-operation", "operation": "enqueue", "sessionId": session},
        _claude(session, "user", {"role": "user", "content": "Why does it hang?"}, 0),
        *_claude_answer(session, "m1", USAGE[0], 1, ["t1"]),
        _claude_result(session, "t1", LOG, 2),
        *_claude_answer(session, "m2", USAGE[1], 3, ["t2"]),
        _claude_result(session, "t2", LOG, 4),
        *_claude_answer(session, "m3", USAGE[2], 5, []),
    ]


def _claude(session: str, kind: str, message: Json, second: int, **more: Any) -> Json:
    return {
        "type": kind,
        "sessionId": session,
        "uuid": f"{session}-{second}-{kind}",
        "isSidechain": False,
        "timestamp": f"2026-11-01T10:00:{second:02}.000Z",
        "message": message,
        **more,
    }


def _claude_answer(session: str, answer: str, usage: Json, second: int, calls: Sequence[str]) -> list[Json]:
    """Return an answer's lines: one for each block, all with one id."""
    blocks: list[Json] = [{"type": "text", "text": f"Looking, {answer}."}]
    blocks += [{"type": "tool_use", "id": call, "name": "Bash", "input": {"command": "cat app.log"}} for call in calls]
    head = {"id": answer, "role": "assistant", "type": "message", "model": "claude-sonnet-4-5", "usage": usage}
    return [_claude(session, "assistant", {**head, "content": [block]}, second) for block in blocks]


def _claude_result(session: str, call: str, text: str, second: int) -> Json:
    block = {"type": "tool_result", "tool_use_id": call, "content": text, "is_error": False}
    return _claude(session, "user", {"role": "user", "content": [block]}, second, toolUseResult={"stdout": text})


def codex_lines() -> list[Json]:
    """Return a session of Codex: a question, a command with a long output, an answer."""

    def line(kind: str, second: int, **payload: Any) -> Json:
        return {"timestamp": f"2026-11-01T10:00:{second:02}.000Z", "type": kind, "payload": payload}

    def said(role: str, text: str) -> Json:
        part = "output_text" if role == "assistant" else "input_text"
        return {"type": "message", "role": role, "content": [{"type": part, "text": text}]}

    def told(read: int, prompt: int) -> Json:
        usage = {"input_tokens": prompt, "cached_input_tokens": read, "output_tokens": 20, "total_tokens": prompt + 20}
        return {"type": "token_count", "info": {"last_token_usage": usage}}

    call = {"type": "function_call", "call_id": "c1", "name": "shell", "arguments": '{"command":["cat","app.log"]}'}
    return [
        line("session_meta", 0, id="c", base_instructions={"text": "You are an agent."}),
        line("turn_context", 0, model="gpt-5"),
        line("response_item", 0, **said("user", "Why does it hang?")),
        line("response_item", 1, type="reasoning", id="r", summary=[], encrypted_content="x"),
        line("response_item", 1, **call),
        line("event_msg", 1, **told(0, 8000)),
        line("response_item", 2, type="function_call_output", call_id="c1", output=LOG),
        line("response_item", 3, **said("assistant", "It does not.")),
        line("event_msg", 3, **told(7936, 14000)),
    ]


def messages(turns: int) -> list[Json]:
    """Return the messages of a request with so many commands behind it."""
    found: list[Json] = [{"role": "user", "content": [{"type": "text", "text": "Why does it hang?"}]}]
    for number in range(turns):
        call = {"type": "tool_use", "id": f"t{number}", "name": "Bash", "input": {"command": "cat app.log"}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": LOG}
        found += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    return found


def request(turns: int, **more: Any) -> bytes:
    """Return a request's body as an SDK sends it: it sets no markers."""
    tool = {"name": "Bash", "description": "Runs a command. " * 400, "input_schema": {"type": "object"}}
    body = {"model": "claude-sonnet-4-5", "max_tokens": 9, "tools": [tool], "messages": messages(turns), **more}
    return json.dumps(body).encode()


def har(entries: Sequence[tuple[str, bytes, Json | None]], url: str = "https://api.anthropic.com/v1/messages") -> Json:
    """Return a HAR file: times, bodies, and what the provider reported."""
    return {
        "log": {
            "entries": [
                {
                    "startedDateTime": at,
                    "request": {
                        "method": "POST",
                        "url": url,
                        "headers": [{"name": "User-Agent", "value": "Anthropic/Python 0.7"}],
                        "postData": {"text": body.decode()},
                    },
                    "response": {
                        "status": 200 if usage else 0,
                        "content": {"mimeType": "application/json", "text": json.dumps({"usage": usage})},
                    },
                }
                for at, body, usage in entries
            ]
        }
    }


def written(file: Path, lines: Sequence[Json]) -> Path:
    """Write a log, a line each."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file
