"""Answers of Gemini as the provider streams them, and a client that puts them together."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

Json = dict[str, Any]

OURS = "headroom_retrieve"
SIGNED = "CsoBAXLI2nx+/c2ln=="


def say(text: str, **members: Any) -> Json:
    return {"text": text, **members}


def call(call_id: str = "", name: str = OURS, *, signature: str = "", **args: Any) -> Json:
    function = {**({"id": call_id} if call_id else {}), "name": name, "args": args}
    return {"functionCall": function, **({"thoughtSignature": signature} if signature else {})}


def usage(prompt: int, cached: int, output: int, thought: int = 0) -> Json:
    counted = {"promptTokenCount": prompt, "candidatesTokenCount": output, "thoughtsTokenCount": thought}
    details = [{"modality": "TEXT", "tokenCount": prompt}]
    members = {"totalTokenCount": prompt + output + thought, "promptTokensDetails": details}
    return {**counted, **members, **({"cachedContentTokenCount": cached} if cached else {})}


def document(parts: Sequence[Json], finish: str = "", spent: Json | None = None, leg_id: str = "r-1") -> Json:
    candidate: Json = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    candidate |= {"finishReason": finish} if finish else {}
    head = {"modelVersion": f"m-{leg_id}", "responseId": leg_id}
    return {"candidates": [candidate], "usageMetadata": spent or usage(100, 0, 10), **head}


def documents(*parts: Json, finish: str = "STOP", spent: Json | None = None, leg_id: str = "r-1") -> list[Json]:
    """A document for each part; the last one says that it is the last."""
    last = len(parts) - 1
    return [document([part], finish if number == last else "", spent, leg_id) for number, part in enumerate(parts)]


def written(value: Json) -> bytes:
    return json.dumps(value, indent=1, ensure_ascii=False).replace("\n", " ").encode()


def events(values: Iterable[Json], end: bytes = b"\r\n") -> bytes:
    return b"".join(b"data: %s%s%s" % (written(value), end, end) for value in values)


def array(values: Iterable[Json]) -> bytes:
    return b"[" + b"\r\n,\r\n".join(json.dumps(value, indent=2).encode() for value in values) + b"\r\n]\r\n"


def wrapped(values: Iterable[Json]) -> bytes:
    """As Cloud Code wraps them."""
    return events({"response": value, "traceId": "t"} for value in values)


def read(stream: bytes) -> Iterator[Json]:
    """Yield all documents of a stream, whatever its form."""
    if stream.lstrip().startswith(b"["):
        yield from json.loads(stream)
        return
    for line in stream.splitlines():
        if line.startswith(b"data:"):
            value = json.loads(line[5:])
            yield value.get("response", value)


def answer_of(stream: bytes) -> Json:
    """The answer as a client puts it together: one id, one end."""
    seen = list(read(stream))
    assert len({(value["responseId"], value["modelVersion"]) for value in seen}) == 1
    candidates = [candidate for value in seen for candidate in value["candidates"]]
    assert [bool(candidate.get("finishReason")) for candidate in candidates] == [False] * (len(seen) - 1) + [True]
    parts = [part for candidate in candidates for part in candidate["content"]["parts"]]
    return {"parts": parts, "finish": candidates[-1]["finishReason"], "usage": seen[-1]["usageMetadata"]}


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut at these offsets, wherever they fall."""
    at = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(at)]
