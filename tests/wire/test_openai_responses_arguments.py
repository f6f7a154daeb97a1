"""Texts of ours are looked for in all that a client of Responses runs: functions, scripts, shells, patches."""

import json
from typing import Any

import pytest

from headroom_mitm.wire import sse
from headroom_mitm.wire.arguments import Arguments
from headroom_mitm.wire.retellings import COPIES, IN_FRAMES

Json = dict[str, Any]

NOTE = "[Left out here, not missing"
SHORT = f'[12 lines in order, "a" é left out]\n\tx\\n\n{NOTE}: lines 2-11 of 12. To read it: ours, id=0a1b2c3d]'
LONG = "\n".join(f'line {number} "é" \\ \t' for number in range(12))


def patch(content: str) -> str:
    return "*** Add File: log\n+" + content.replace("\n", "\n+") + "\n*** End Patch"


def item(kind: str, **members: Any) -> Json:
    return {"type": kind, "id": "x_1", "call_id": "call_1", "status": "completed", **members}


def local_shell(text: str) -> Json:
    action = {"type": "exec", "command": ["bash", "-c", f"cat > log <<'END'\n{text}\nEND"], "env": {}}
    return item("local_shell_call", action=action)


# the item with some text in it, and the events that bring a part of it, as the name of their member and its value
KINDS: dict[str, Any] = {
    "function_call": lambda text: (
        item("function_call", name="write", arguments=json.dumps({"text": text})),
        ("function_call_arguments", {"arguments": json.dumps({"text": text})}),
    ),
    "custom_tool_call": lambda text: (
        item("custom_tool_call", name="apply_patch", input=patch(text)),
        ("custom_tool_call_input", {"input": patch(text)}),
    ),
    "local_shell_call": lambda text: (local_shell(text), None),
    "shell_call": lambda text: (
        item("shell_call", action={"commands": ["ls", f"echo '{text}'"], "timeout_ms": 1}),
        ("shell_call_command", {"command": f"echo '{text}'", "command_index": 1}),
    ),
    "apply_patch_call": lambda text: (
        item("apply_patch_call", operation={"type": "create_file", "path": "log", "diff": patch(text)}),
        ("apply_patch_call_operation_diff", {"diff": patch(text)}),
    ),
}
KIND = pytest.mark.parametrize("written", KINDS.values(), ids=KINDS)


def events(written: Any, text: str) -> list[Json]:
    """An answer with one such call, the text of which comes in pieces of seven characters."""
    whole, part = written(text)
    found: list[Json] = []
    if part is not None:
        name, members = part
        (member, value), *others = members.items()
        place = {"output_index": 0, **dict(others)}
        pieces = [value[at : at + 7] for at in range(0, len(value), 7)]
        found += [{"type": f"response.{name}.delta", **place, "delta": piece} for piece in pieces]
        found.append({"type": f"response.{name}.done", **place, member: value})
    found.append({"type": "response.output_item.done", "output_index": 0, "item": whole})
    return [*found, {"type": "response.completed", "response": {"output": [whole]}}]


def texts(found: list[Json]) -> list[Json]:
    """The events, with all pieces joined."""
    joined = "".join(event["delta"] for event in found if "delta" in event)
    return [{"delta": joined}, *(event for event in found if "delta" not in event)]


@KIND
@pytest.mark.parametrize("original", [LONG, None], ids=["kept", "gone"])
def test_a_copy_becomes_the_original_in_a_stream(written: Any, original: str | None) -> None:
    """Where the original cannot be read, all stays as it came."""
    form = COPIES["openai_responses"]
    copies = Arguments([SHORT], NOTE, form.calls(), form.framing())
    stream = b"".join(sse.written(event["type"], json.dumps(event).encode()) for event in events(written, SHORT))
    shown = b"".join(copies.feed(stream[at : at + 50]) for at in range(0, len(stream), 50)) + copies.end(b"")
    shown += copies.expanded(lambda _: original) if copies.held else b""
    found = [json.loads(sse.data_of(event)) for event in sse.Splitter().feed(shown)]
    assert texts(found) == texts(events(written, SHORT if original is None else original))


@KIND
def test_a_copy_becomes_the_original_in_frames(written: Any) -> None:
    """In the items, which are what clients run."""
    form = IN_FRAMES["openai_responses"]
    copies = Arguments([SHORT], NOTE, form.calls(), form.framing())
    for event, expected in zip(events(written, SHORT)[-2:], events(written, LONG)[-2:], strict=True):
        assert copies.feed(json.dumps(event).encode()) == b""
        assert json.loads(copies.expanded(lambda _: LONG)) == expected


@KIND
def test_calls_without_texts_of_ours_are_not_held_back(written: Any) -> None:
    form = COPIES["openai_responses"]
    copies = Arguments([SHORT], NOTE, form.calls(), form.framing())
    for event in events(written, "all is well"):
        data = sse.written(event["type"], json.dumps(event).encode())
        assert copies.feed(data) == data
