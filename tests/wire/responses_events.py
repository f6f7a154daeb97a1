"""Answers of OpenAI's Responses as the provider streams them, and a client that is strict about what it reads."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

Json = dict[str, Any]

OURS = "headroom_retrieve"
PIECE = 5  # characters of a delta
TOOLS: list[Json] = [{"type": "function", "name": name, "parameters": {}} for name in ("shell", OURS)]


def text(said: str, number: int = 0, **members: Any) -> Json:
    part = {"type": "output_text", "annotations": [], "text": said}
    return {"id": f"msg_{number}", "type": "message", "role": "assistant", "content": [part], **members}


def reasoning(number: int = 0, **members: Any) -> Json:
    sealed = f"gAAAA+/{number}=="
    return {"id": f"rs_{number}", "type": "reasoning", "summary": [], "encrypted_content": sealed, **members}


def call(call_id: str, name: str = OURS, arguments: str = '{"id": "0a1b2c3d"}', **members: Any) -> Json:
    said = {"call_id": call_id, "name": name, "arguments": arguments, "status": "completed"}
    return {"id": f"fc_{call_id}", "type": "function_call", **said, **members}


def event(kind: str, number: int, **members: Any) -> bytes:
    data = {"type": kind, **members, "sequence_number": number}
    return f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def answer(*items: Json, **members: Any) -> Json:
    """An answer in one document."""
    usage = {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 10,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 110,
    }
    head = {"id": "resp_1", "object": "response", "status": "completed", "error": None, "store": False}
    more = {"previous_response_id": None, "tools": TOOLS, "unknown": [1.50], "usage": usage}
    return {**head, **more, "output": list(items), **members}


def leg(*items: Json, **members: Any) -> bytes:
    """The same in events."""
    return b"".join(events(*items, **members))


def events(*items: Json, **members: Any) -> Iterator[bytes]:
    whole = answer(*items, **members)
    kinds = list(_kinds(items, whole))
    yield from (event(kind, number, **more) for number, (kind, more) in enumerate(kinds))


def _kinds(items: Sequence[Json], whole: Json) -> Iterator[tuple[str, Json]]:
    begun = {"response": {**whole, "status": "in_progress", "output": [], "usage": None}}
    yield "response.created", begun
    yield "response.in_progress", begun
    for index, item in enumerate(items):
        yield "response.output_item.added", {"output_index": index, "item": {**item, **_EMPTY.get(item["type"], {})}}
        yield from _deltas(item, {"item_id": item["id"], "output_index": index})
        yield "response.output_item.done", {"output_index": index, "item": item}
    yield f"response.{whole['status']}", {"response": whole}


_EMPTY: dict[str, Json] = {"message": {"content": []}, "function_call": {"arguments": "", "status": "in_progress"}}


def _deltas(item: Json, where: Json) -> Iterator[tuple[str, Json]]:
    if item["type"] == "function_call":
        for piece in _cut(item["arguments"]):
            yield "response.function_call_arguments.delta", {**where, "delta": piece}
        yield "response.function_call_arguments.done", {**where, "arguments": item["arguments"]}
    elif item["type"] == "message":
        part = item["content"][0]
        yield "response.content_part.added", {**where, "content_index": 0, "part": {**part, "text": ""}}
        for piece in _cut(part["text"]):
            yield "response.output_text.delta", {**where, "content_index": 0, "delta": piece}
        yield "response.content_part.done", {**where, "content_index": 0, "part": part}


def _cut(long: str) -> list[str]:
    return [long[at : at + PIECE] for at in range(0, len(long), PIECE)]


def read(stream: bytes) -> list[Json]:
    """Return the data of all events; comments are passed over."""
    found = []
    for block in stream.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            name, data = lines
            found.append(json.loads(data.removeprefix("data: ")))
            assert name == f"event: {found[-1]['type']}"
    return found


def answer_of(stream: bytes) -> Json:
    """The answer as a client puts it together: one, of one id, with items in order and events numbered without gaps."""
    found = read(stream)
    assert [data["sequence_number"] for data in found] == list(range(len(found)))
    kinds = [data["type"] for data in found]
    assert kinds[:2] == ["response.created", "response.in_progress"]
    assert [kinds.count(kind) for kind in kinds[:2]] == [1, 1]
    whole = [data["response"] for data in found if "response" in data]
    assert len({response["id"] for response in whole}) == 1
    assert [kind for kind, data in zip(kinds, found, strict=True) if "response" in data][2:] == [kinds[-1]]
    items: list[Json] = []
    for data in found:
        if data["type"] == "response.output_item.added":
            assert data["output_index"] == len(items), "items must be numbered without gaps"
            items.append(data["item"])
        elif "output_index" in data:
            assert data["output_index"] == len(items) - 1
            assert data.get("item_id", items[-1]["id"]) == items[-1]["id"]
            items[-1] = data.get("item", items[-1])
    last: Json = found[-1]["response"]
    assert last["output"] == items
    return last
