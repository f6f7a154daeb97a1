"""Tools in one order, whatever order a client declares them in."""

import json
import random
from typing import Any

import pytest
from wire_talks import written

from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.splice import splice
from headroom_mitm.wire.tool_order import ordered

SCHEMA = {"type": "object", "properties": {"b": {"type": "string", "enum": ["z", "a"]}, "a": {"x": [1.50, 10**30]}}}
TOOLS = [{"name": name, "description": f"é {name}", "input_schema": SCHEMA} for name in ("Write", "Bash", "Read")]
ANTHROPIC = BY_NAME["anthropic_messages"]


def sent(tools: Any, wire: Any = ANTHROPIC, marker: bytes = b"", style: random.Random | None = None) -> Any:
    messages = "input" if wire.name == "openai_responses" else "messages"
    value = {"tools": tools, messages: []}
    raw = written(value, style) if style else json.dumps(value).encode()
    return json.loads(splice(raw, ordered(wire.read(raw), marker)))["tools"]


@pytest.mark.parametrize("seed", range(20))
def test_every_order_and_every_style_leaves_alike(seed: int) -> None:
    """The same tools with the same values, by name; keys too."""
    style = random.Random(seed)
    found = sent(style.sample(TOOLS, 3), style=style)
    assert found == sorted(TOOLS, key=lambda tool: str(tool["name"]))
    assert json.dumps(found, sort_keys=True) == json.dumps(found)


@pytest.mark.parametrize(
    ("wire", "wrap"),
    [
        ("openai_chat", lambda tool: {"type": "function", "function": tool}),
        ("openai_responses", lambda tool: {"type": "function", **tool}),
    ],
)
def test_other_formats(wire: str, wrap: Any) -> None:
    found = sent([wrap(tool) for tool in TOOLS], BY_NAME[wire])
    assert [tool.get("function", tool)["name"] for tool in found] == ["Bash", "Read", "Write"]


def test_what_is_in_order_is_not_touched() -> None:
    raw = b'{"tools": [{"input_schema":{},"name":"a"},  {"name":"b"}], "messages": []}'
    assert ordered(ANTHROPIC.read(raw)) == []


def test_a_marker_goes_on_the_last_that_is_shown() -> None:
    tools = [{"name": "c", "defer_loading": True}, {"name": "b"}, {"name": "a"}]
    assert sent(tools, marker=b'"m":1') == [{"name": "a"}, {"name": "b", "m": 1}, {"defer_loading": True, "name": "c"}]


@pytest.mark.parametrize(
    "tools",
    [[], None, "x", [*TOOLS, {"name": "a", "cache_control": {"type": "ephemeral"}}]],
    ids=["none", "null", "no list", "marked by the client"],
)
def test_it_is_left_as_it_is(tools: Any) -> None:
    assert ordered(ANTHROPIC.read(json.dumps({"tools": tools, "messages": []}).encode())) == []
