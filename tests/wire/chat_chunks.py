"""Chat completions as servers stream them, and a client that is strict about what it reads."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Json = dict[str, Any]

OURS = "headroom_retrieve"
PIECE = 5  # characters of a delta
FORMS = {"function": ("function", "arguments"), "custom": ("custom", "input")}
"""Of calls, by type: the member that tells of it, and where what the tool gets stands in that."""
DONE = b"data: [DONE]\n\n"


def say(text: str) -> Json:
    return {"content": text}


def think(text: str, name: str = "reasoning_content") -> Json:
    return {name: text}


def details(*items: Json) -> Json:
    return {"reasoning_details": list(items)}


def call(call_id: str, name: str = OURS, arguments: str = '{"id": "0a1b2c3d"}', **members: Any) -> Json:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **members}


def chunk(head: Json, delta: Json, finish: str | None = None, **members: Any) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return event({**head, "choices": [choice], **members})


def event(value: Json) -> bytes:
    return b"data: %s\n\n" % json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def head(leg_id: str) -> Json:
    return {"id": leg_id, "object": "chat.completion.chunk", "created": 1700 + len(leg_id), "model": f"m-{leg_id}"}


def usage(prompt: int, cached: int, output: int, thought: int = 0) -> Json:
    return {
        "prompt_tokens": prompt,
        "completion_tokens": output,
        "total_tokens": prompt + output,
        "prompt_tokens_details": {"cached_tokens": cached},
        "completion_tokens_details": {"reasoning_tokens": thought},
    }


def leg(*blocks: Json, finish: str | None = None, spent: Json | None = None, leg_id: str = "c-1") -> bytes:
    """One answer in chunks. Blocks with an ``id`` are calls; there is a usage only if one is given."""
    return b"".join(events(*blocks, finish=finish, spent=spent, leg_id=leg_id))


def events(*blocks: Json, finish: str | None = None, spent: Json | None = None, leg_id: str = "c-1") -> Iterator[bytes]:
    same = head(leg_id)
    asked: Json = {} if spent is None else {"usage": None}
    yield chunk(same, {"role": "assistant", "content": "", "refusal": None}, **asked)
    calls = [block for block in blocks if "id" in block]
    for delta in (delta for block in blocks for delta in _deltas(block, calls)):
        yield chunk(same, delta, **asked)
    yield chunk(same, {}, finish or ("tool_calls" if calls else "stop"), **asked)
    if spent is not None:
        yield event({**same, "choices": [], "usage": spent})
    yield DONE


def _deltas(block: Json, calls: Sequence[Json]) -> Iterator[Json]:
    if "id" in block:
        index, form, member = calls.index(block), *FORMS[block["type"]]
        yield {"tool_calls": [{"index": index, **block, form: {"name": block[form]["name"], member: ""}}]}
        for piece in _cut(block[form][member]):
            yield {"tool_calls": [{"index": index, form: {member: piece}}]}
        return
    for name, value in block.items():
        yield from ({name: [piece]} if isinstance(value, list) else {name: piece} for piece in _pieces(value))


def _pieces(value: Any) -> list[Any]:
    return _cut(value) if isinstance(value, str) else value


def _cut(long: str) -> list[str]:
    return [long[at : at + PIECE] for at in range(0, len(long), PIECE)]


def whole(*blocks: Json, finish: str | None = None, spent: Json | None = None, leg_id: str = "c-1") -> bytes:
    """The same answer in one document, indented so that its own bytes can be told from others."""
    calls = [block for block in blocks if "id" in block]
    message: Json = {"role": "assistant", "content": None, "refusal": None, "annotations": []}
    for name, value in (item for block in blocks if "id" not in block for item in block.items()):
        message[name] = (message.get(name) or value[:0]) + value
    choice = {"index": 0, "message": message | ({"tool_calls": calls} if calls else {}), "logprobs": None}
    choice["finish_reason"] = finish or ("tool_calls" if calls else "stop")
    document = {**head(leg_id), "choices": [choice], "usage": spent or usage(100, 0, 10), "unknown": [1.50]}
    return json.dumps(document, indent=2, ensure_ascii=False).encode()


def message_of(stream: bytes) -> Json:
    """The message as a client puts it together, with its end and usage: one head, one role, one end, one DONE."""
    assert stream.endswith(DONE)
    assert stream.count(b"[DONE]") == 1
    message: Json = {"tool_calls": []}
    seen = list(read(stream))
    assert len({(data["id"], data["created"], data["model"]) for data in seen}) == 1
    choices = [choice for data in seen for choice in data["choices"]]
    assert [sum("role" in choice["delta"] for choice in choices), choices[0]["delta"].get("role")] == [1, "assistant"]
    assert [choice["finish_reason"] is None for choice in choices] == [True] * (len(choices) - 1) + [False]
    for choice in choices:
        _grow(message, choice["delta"])
    message["finish_reason"] = choices[-1]["finish_reason"]
    message["usage"] = next((data["usage"] for data in seen if data.get("usage")), None)
    return message


def read(stream: bytes) -> Iterator[Json]:
    """Yield the data of each event but the last."""
    for block in stream.decode().replace("\r\n", "\n").split("\n\n"):
        data = "\n".join(line[5:].strip() for line in block.split("\n") if line.startswith("data:"))
        if data and data != "[DONE]":
            yield json.loads(data)


def _grow(message: Json, delta: Json) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            for piece in value:
                _grow_call(message["tool_calls"], piece)
        elif isinstance(value, str):
            message[name] = message.get(name, "") + value
        elif isinstance(value, list):
            message[name] = [*message.get(name, []), *value]


def _grow_call(calls: list[Json], piece: Json) -> None:
    index = piece["index"]
    if "id" in piece:
        assert index == len(calls), "calls must be numbered without gaps"
        calls.append({**piece, "function": dict(piece["function"])})
        del calls[-1]["index"]
    else:
        function = calls[index]["function"]
        for name, more in piece["function"].items():
            function[name] = function.get(name, "") + more


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut at these offsets, wherever they fall."""
    at = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(at)]
