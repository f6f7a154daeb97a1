"""Texts of ours are looked for in functions and in tools of the client's own form, whole or in pieces."""

import json
from typing import Any

import pytest

from headroom_mitm.wire import sse
from headroom_mitm.wire.arguments import Arguments
from headroom_mitm.wire.retellings import COPIES

NOTE = "[Left out here, not missing"
SHORT = f'[12 lines, "a" é]\n{NOTE}: lines 2-11 of 12. To read it: ours, id=0a1b2c3d]'
LONG = "\n".join(f'line {number} "é"' for number in range(12))

# how a call with some text is written
CALLS: dict[str, Any] = {
    "function": lambda text: {"type": "function", "function": {"name": "write", "arguments": text}},
    "custom": lambda text: {"type": "custom", "custom": {"name": "write", "input": text}},
}
CALL = pytest.mark.parametrize("written", CALLS.values(), ids=CALLS)


def inner(call: Any) -> str:
    holder = call.get("function") or call["custom"]
    return str(holder.get("arguments", holder.get("input")))


@CALL
def test_a_copy_becomes_the_original_in_a_stream(written: Any) -> None:
    form = COPIES["openai_chat"]
    copies = Arguments([SHORT], NOTE, form.calls(), form.framing())
    text = f"Log:\n{SHORT}\nEnd."
    shown = b""
    for at in range(0, len(text), 5):
        call = {"index": 0, **written(text[at : at + 5])}
        chunk = {"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}
        shown += copies.feed(b"data: %s\n\n" % json.dumps(chunk).encode())
    shown += copies.end(b"") + copies.expanded(lambda _: LONG)
    chunks = [json.loads(sse.data_of(event)) for event in sse.Splitter().feed(shown)]
    calls = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in chunks]
    assert "".join(map(inner, calls)) == f"Log:\n{LONG}\nEnd."


@CALL
def test_a_copy_becomes_the_original_in_a_document(written: Any) -> None:
    form = COPIES["openai_chat"]
    copies = Arguments([SHORT], NOTE, form.calls(), None)
    document = {"choices": [{"index": 0, "message": {"tool_calls": [{"id": "call_1", **written(SHORT)}]}}]}
    assert copies.end(json.dumps(document).encode()) == b""
    found = json.loads(copies.expanded(lambda _: LONG))
    assert inner(found["choices"][0]["message"]["tool_calls"][0]) == LONG
