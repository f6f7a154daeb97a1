"""Anthropic's Messages API: refuses what the API refuses, answers as it answers."""

import hashlib
import re
from collections.abc import Iterator

from answers import (
    Answer,
    Call,
    Json,
    RefusedError,
    Say,
    Think,
    compact,
    demand,
    demand_known,
    demand_unique,
    fields,
    pieces,
    sse,
    words,
)

TOP_LEVEL = fields(
    "model messages max_tokens metadata stop_sequences stream system temperature thinking tool_choice tools top_k "
    "top_p container context_management mcp_servers service_tier output_config cache_control"
)
TOOL = fields("type name description input_schema cache_control strict defer_loading eager_input_streaming")
BLOCKS = {
    "text": frozenset({"type", "text", "cache_control", "citations"}),
    "tool_use": frozenset({"type", "id", "name", "input", "cache_control", "caller"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "image": frozenset({"type", "source", "cache_control"}),
}
OF_ROLE = {"user": {"text", "image", "tool_result"}, "assistant": {"text", "tool_use", "thinking"}}
BREAKPOINTS = 4


def signature(thinking: str) -> str:
    """What makes a thinking block this provider's own."""
    return hashlib.sha256(b"signed:" + thinking.encode()).hexdigest()


def refusal(status: int, message: str) -> Json:
    """An error as the API words it."""
    kind = "invalid_request_error" if status == 400 else "overloaded_error"
    return {"type": "error", "error": {"type": kind, "message": message}}


def check(body: Json) -> None:
    """Raise ``RefusedError`` where the API answers 400."""
    demand_known(body, TOP_LEVEL, "body")
    for name in ("model", "messages", "max_tokens"):
        demand(body.get(name), f"{name}: Field required")
    tools = body.get("tools") or []
    for tool in tools:
        if tool.get("type", "custom") == "custom":
            demand_known(tool, TOOL, "tools")
            demand(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", tool.get("name", "")), "tools.name: bad pattern")
            demand(tool.get("input_schema", {}).get("type") == "object", "tools.input_schema: must be an object")
    names = [tool["name"] for tool in tools]
    demand_unique(names, "tool names")
    _check_messages(body["messages"], set(names))
    _check_breakpoints(body)


def _blocks(content: object) -> list[Json]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)  # type: ignore[call-overload]


def _check_messages(messages: list[Json], names: set[str]) -> None:
    demand(messages[0].get("role") == "user", "messages: the first must be the user's")
    open_calls: list[str] = []
    seen: list[str] = []
    for number, message in enumerate(messages):
        where, role, blocks = f"messages.{number}", message.get("role"), _blocks(message.get("content"))
        demand_known(message, frozenset({"role", "content"}), where)
        demand(role in OF_ROLE, f"{where}: role {role!r}")
        demand(blocks, f"{where}: content is empty")
        for block in blocks:
            _check_block(where, str(role), block)
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        demand(sorted(results) == sorted(open_calls), f"{where}: results {results} for calls {open_calls}")
        kinds = [block["type"] for block in blocks]
        demand("tool_result" not in kinds[len(results) :], f"{where}: results must stand first")
        calls = [block for block in blocks if block["type"] == "tool_use"]
        undeclared = {block["name"] for block in calls} - names
        demand(not undeclared, f"{where}: undeclared {sorted(undeclared)}")
        open_calls = [block["id"] for block in calls]
        seen += open_calls
    demand(not open_calls, f"`tool_use` ids were found without `tool_result` blocks: {open_calls}")
    demand_unique(seen, "tool_use ids")


def _check_block(where: str, role: str, block: Json) -> None:
    kind = block.get("type", "")
    demand(kind in OF_ROLE[role], f"{where}: a block {kind!r} of {role}")
    demand_known(block, BLOCKS[kind], f"{where}.{kind}")
    if kind == "text":
        demand(block.get("text"), f"{where}: text must be non-empty")
    elif kind == "thinking":
        demand(block.get("signature") == signature(block["thinking"]), f"{where}: Invalid `signature`")
    elif kind == "tool_use":
        demand(isinstance(block.get("input"), dict), f"{where}: input must be an object")


def _check_breakpoints(body: Json) -> None:
    """At most four, and those of an hour before those of five minutes, in the order tools, system, messages."""
    system = body.get("system") or []
    holders = [*(body.get("tools") or []), *(_blocks(system) if system else [])]
    for message in body["messages"]:
        for block in _blocks(message["content"]):
            inner = block.get("content")
            holders += [*(inner if isinstance(inner, list) else []), block]
    marks = [holder["cache_control"] for holder in holders if holder.get("cache_control")]
    demand(len(marks) <= BREAKPOINTS, f"A maximum of {BREAKPOINTS} blocks with cache_control, found {len(marks)}")
    ttls = [mark.get("ttl", "5m") for mark in marks]
    demand(all(mark.get("type") == "ephemeral" for mark in marks), "cache_control.type")
    demand("1h" not in ttls[ttls.index("5m") :] if "5m" in ttls else True, "ttl='1h' must not come after ttl='5m'")


def _written(block: Say | Call | Think) -> Json:
    if isinstance(block, Call):
        return {"type": "tool_use", "id": block.id, "name": block.name, "input": block.arguments}
    if isinstance(block, Think):
        return {"type": "thinking", "thinking": block.text, "signature": signature(block.text)}
    return {"type": "text", "text": block.text}


def whole(body: Json, answer: Answer) -> Json:
    """The reply to a request that does not stream."""
    content = [_written(block) for block in answer.blocks]
    return {
        "id": "msg_" + hashlib.sha256(compact(body).encode()).hexdigest()[:20],
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": content,
        "stop_reason": "tool_use" if answer.calls else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": words(body),
            "cache_read_input_tokens": 0,
            "cache_creation_input_tokens": 0,
            "output_tokens": words(content),
        },
    }


def events(body: Json, answer: Answer) -> Iterator[bytes]:
    """The reply to a request that streams, event by event."""
    message = whole(body, answer)
    content, stop, usage = message["content"], message["stop_reason"], message["usage"]
    start = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    yield _event("message_start", message=start)
    for index, block in enumerate(content):
        kind = block["type"]
        empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}[kind]
        yield _event("content_block_start", index=index, content_block={**block, **empty})
        if index == 0:
            yield _event("ping")
        for delta in _deltas(block):
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    delta = {"stop_reason": stop, "stop_sequence": None}
    yield _event("message_delta", delta=delta, usage={"output_tokens": usage["output_tokens"]})
    yield _event("message_stop")


def _event(name: str, **fields: object) -> bytes:
    return sse({"type": name, **fields}, name)


def _deltas(block: Json) -> Iterator[Json]:
    if block["type"] == "text":
        yield from ({"type": "text_delta", "text": piece} for piece in pieces(block["text"]))
    elif block["type"] == "thinking":
        yield from ({"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"]))
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "tool_use":
        for piece in ["", *pieces(compact(block["input"]), 7)]:
            yield {"type": "input_json_delta", "partial_json": piece}
    else:
        raise RefusedError(f"cannot stream {block['type']}")
