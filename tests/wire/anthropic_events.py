"""Answers of the Messages API as the provider streams them, and a client that is strict about what it reads."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Json = dict[str, Any]

OURS = "headroom_retrieve"
PIECE = 5  # characters of a delta

_FINAL_MEMBERS = {"text": "text", "thinking": "thinking", "compaction": "content"}


def text(said: str, **members: Any) -> Json:
    return {"type": "text", "text": said, **members}


def thinking(said: str, signature: str = "EqQB+/c2lnbmVk==") -> Json:
    return {"type": "thinking", "thinking": said, "signature": signature}


def call(call_id: str, name: str = OURS, arguments: str = '{"id": "0a1b2c3d"}') -> Json:
    """A call as it will have been written: ``input`` is the text of the arguments."""
    return {"type": "tool_use", "id": call_id, "name": name, "input": arguments}


def event(name: str, end: str = "\n", **members: Any) -> bytes:
    data = json.dumps({"type": name, **members}, ensure_ascii=False, separators=(",", ":"))
    return f"event: {name}{end}data: {data}{end}{end}".encode()


def leg(*blocks: Json, stop: str | None = None, usage: Sequence[int] = (100, 10), message_id: str = "msg_1") -> bytes:
    """One answer in events; ``usage`` is input and output in tokens."""
    return b"".join(events(*blocks, stop=stop, usage=usage, message_id=message_id))


def events(
    *blocks: Json, stop: str | None = None, usage: Sequence[int] = (100, 10), message_id: str = "msg_1"
) -> Iterator[bytes]:
    spent, made = usage
    started = {"input_tokens": spent, "cache_read_input_tokens": spent * 10, "output_tokens": 1}
    message = {"id": message_id, "type": "message", "role": "assistant", "content": [], "usage": started}
    yield event("message_start", message=message)
    yield event("ping")
    for index, block in enumerate(blocks):
        yield from _block(index, block)
    yield event("message_delta", delta=_ending(blocks, stop), usage={"output_tokens": made})
    yield event("message_stop")


def whole(*blocks: Json, stop: str | None = None, usage: Sequence[int] = (100, 10), message_id: str = "msg_1") -> bytes:
    """The same answer in one document, indented so that its own bytes can be told from others."""
    content = [{**block, "input": json.loads(block["input"])} if "input" in block else block for block in blocks]
    spent = {"input_tokens": usage[0], "cache_read_input_tokens": usage[0] * 10, "output_tokens": usage[1]}
    head = {"id": message_id, "type": "message", "role": "assistant", "model": "m", "unknown": [1.50]}
    return json.dumps({**head, "content": content, **_ending(blocks, stop), "usage": spent}, indent=2).encode()


def _ending(blocks: Iterable[Json], stop: str | None) -> Json:
    calls = any(block["type"] == "tool_use" for block in blocks)
    return {"stop_reason": stop or ("tool_use" if calls else "end_turn"), "stop_sequence": None}


def _block(index: int, block: Json) -> Iterator[bytes]:
    name = _FINAL_MEMBERS.get(block["type"])
    begun = {**block}
    if "input" in block:
        begun["input"] = {}
    if name:
        begun[name] = ""
    if "signature" in block:
        begun["signature"] = ""
    if block.get("citations"):
        begun["citations"] = []
    yield event("content_block_start", index=index, content_block=begun)
    for delta in _deltas(block, name):
        yield event("content_block_delta", index=index, delta=delta)
    yield event("content_block_stop", index=index)


def _deltas(block: Json, name: str | None) -> Iterator[Json]:
    if name:
        for piece in _cut(block[name]):
            yield {"type": f"{name}_delta", name: piece, "unknown_member": 1}
    for citation in block.get("citations") or ():
        yield {"type": "citations_delta", "citation": citation}
    if "signature" in block:
        yield {"type": "signature_delta", "signature": block["signature"]}
    if "input" in block:
        for piece in ("", *_cut(block["input"])):
            yield {"type": "input_json_delta", "partial_json": piece}


def _cut(long: str) -> list[str]:
    return [long[at : at + PIECE] for at in range(0, len(long), PIECE)]


def message_of(stream: bytes) -> Json:
    """The message as a client puts it together. It must be one: a start, a stop, blocks in order and without gaps."""
    message: Json = {}
    kinds: list[str] = []
    for name, data in read(stream):
        assert name == data["type"]
        kinds.append(name)
        if name == "message_start":
            message = data["message"]
        elif name == "content_block_start":
            assert data["index"] == len(message["content"]), "blocks must be numbered without gaps"
            message["content"].append(data["content_block"])
        elif name == "content_block_delta":
            _grow(message["content"][data["index"]], data["delta"])
        elif name == "message_delta":
            message |= {**data["delta"], "usage": {**message["usage"], **data["usage"]}}
    assert [kinds.count(kind) for kind in ("message_start", "message_delta", "message_stop")] == [1, 1, 1]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    return message


def read(stream: bytes) -> Iterator[tuple[str, Json]]:
    """Yield name and data of each event."""
    for block in stream.decode().replace("\r\n", "\n").split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if any(line.startswith("data:") for line in lines):
            (name,) = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
            yield name, json.loads("\n".join(line[5:] for line in lines if line.startswith("data:")))


def _grow(block: Json, delta: Json) -> None:
    kind = delta["type"]
    if kind == "input_json_delta":
        earlier = block["input"] if isinstance(block["input"], str) else ""
        block["input"] = earlier + delta["partial_json"]
    elif kind == "citations_delta":
        block["citations"].append(delta["citation"])
    else:
        name = kind.removesuffix("_delta")
        block[name] += delta[name]


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut at these offsets, wherever they fall."""
    at = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(at)]
