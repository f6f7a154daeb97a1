"""Where markers are and where one may go; setting one changes nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from wire_talks import TALKS, Talk, body

from headroom_mitm.segments import Layout, Slot, Span
from headroom_mitm.wire import anthropic_cache
from headroom_mitm.wire.anthropic_messages import AnthropicMessages
from headroom_mitm.wire.splice import splice, text_edit

MARKER: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
HOUR: dict[str, Any] = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
WIRE = AnthropicMessages()


def said(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": text, **more}


def result(content: Any, **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "t", "content": content, **more}


def layout(content: Any, role: str = "user") -> Layout:
    """Return the layout of one message."""
    raw = json.dumps({"messages": [{"role": role, "content": content}]}).encode()
    blocks = WIRE.read(raw).blocks
    assert blocks is not None
    return blocks.messages[0]


def free(found: Layout) -> list[int]:
    return [slot.block for slot in found.slots]


IMAGE = {"type": "image", "source": {"type": "base64", "data": "aGk="}}
REFERENCE = {"type": "tool_reference", "tool_name": "x"}
FREE: dict[str, tuple[Any, list[int]]] = {
    "a string": ("hello", [0]),
    "an empty string": ("", []),
    "a blank string": (" \n\t", []),
    "half a character": ("\ud83d", []),
    "nothing": (None, []),
    "no blocks": ([], []),
    "texts": ([said("a"), said(""), said("\n"), said("b")], [0, 3]),
    "a text that is none": ([{"type": "text"}, {"type": "text", "text": 1}], []),
    "an image": ([IMAGE], [0]),
    "a marked text": ([said("a", **MARKER), said("b")], [1]),
    "a marker that is none": ([said("a", cache_control=None), said("b")], [1]),
    "results": ([result("a"), result(""), result([]), result([said("a")]), result([said("a"), said(" ")])], [0, 3]),
    "a result of an image": ([result([IMAGE])], [0]),
    "a result without content": ([{"type": "tool_result", "tool_use_id": "t"}, result(None)], []),
    "a result that declares tools": ([result([REFERENCE]), result([said("a"), REFERENCE])], []),
    "a result whose part is marked": ([result([said("a", **MARKER)])], []),
    "what is left alone": (
        [{"type": "document", "source": {}}, {"type": "search_result"}, {"type": "thinking"}, {"type": "new", "x": 1}],
        [],
    ),
}


@pytest.mark.parametrize("marker", [MARKER, HOUR, {"cache_control": {"type": "ephemeral", "ttl": None}}], ids=repr)
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_marker_behind_all_else_is_read_as_one_elsewhere(role: str, marker: dict[str, Any]) -> None:
    lists = (content for content, _ in FREE.values() if isinstance(content, list) and content)
    for content in lists:
        marked = json.dumps({"role": role, "content": [*content[:-1], {**content[-1], **marker}]})
        raws = (marked, marked.replace('"cache_control":', '"cache_control" :'))
        usual, other = (WIRE.read(b'{"messages":[%b]}' % raw.encode()).blocks for raw in raws)
        assert usual is not None
        assert other is not None
        assert [*map(_named, usual.messages)] == [*map(_named, other.messages)]


def test_a_marker_on_what_is_no_block_is_none() -> None:
    raw = {"role": "user", "content": [said("a")], "others": [said("b", **MARKER)]}
    blocks = WIRE.read(json.dumps({"messages": [raw]}).encode()).blocks
    assert blocks is not None
    assert blocks.marked == ()


def _named(one: Layout) -> tuple[int, bool, tuple[tuple[int, str], ...], list[int]]:
    return one.blocks, one.by_model, one.marks, free(one)


@pytest.mark.parametrize(("content", "expected"), FREE.values(), ids=FREE.keys())
def test_what_may_be_marked(content: Any, expected: list[int]) -> None:
    assert free(layout(content)) == expected
    assert free(layout(content, "assistant")) == free(layout(content, "system")) == []


MARKS: dict[str, tuple[Any, tuple[tuple[int, str], ...]]] = {
    "none": ([said("a")], ()),
    "usual": ([said("a"), said("b", **MARKER)], ((1, "5m"),)),
    "an hour": ([said("a", **HOUR)], ((0, "1h"),)),
    "null": ([said("a", cache_control=None)], ()),
    "on a part and on its block": ([result([said("a", **HOUR)], **MARKER)], ((0, "1h"), (0, "5m"))),
    "in a document": ([{"type": "document", "source": {"content": [said("a", **MARKER)]}}], ((0, "5m"),)),
    "in what a tool is called with": ([{"type": "tool_use", "id": "t", "name": "n", "input": MARKER}], ()),
    "in a text": ([said(json.dumps(MARKER)), result(json.dumps(MARKER))], ()),
    "on what is never looked into": (
        [{"type": "thinking", **MARKER}, {"type": "new", **MARKER}],
        ((0, "5m"), (1, "5m")),
    ),
}


@pytest.mark.parametrize(("content", "expected"), MARKS.values(), ids=MARKS.keys())
@pytest.mark.parametrize("role", ["user", "assistant"])
def test_the_client_s_markers_are_seen(content: Any, expected: tuple[Any, ...], role: str) -> None:
    assert layout(content, role).marks == expected


def test_tools_that_are_deferred_are_no_part_of_the_prompt() -> None:
    tools = [{"name": "a"}, {"name": "b", "defer_loading": True}, {"name": "c", **HOUR}, {"name": "d"}]
    found = anthropic_cache.of_tools(json.dumps(tools).encode())
    assert (found.blocks, found.marks, free(found)) == (3, ((1, "1h"),), [0, 2])


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("You are", [0]),
        ("", []),
        ([said("x-anthropic-billing-header: cch=1"), said("You are")], [1]),
        ([said("You are", **MARKER), said(" ")], []),
    ],
)
def test_a_system_prompt(system: Any, expected: list[int]) -> None:
    assert free(anthropic_cache.of_system(json.dumps(system).encode())) == expected


@pytest.mark.parametrize(
    ("members", "expected"), [({}, ""), (MARKER, "5m"), (HOUR, "1h"), ({"cache_control": None}, "")]
)
def test_a_marker_for_the_whole_request(members: dict[str, Any], expected: str) -> None:
    blocks = WIRE.read(json.dumps({"messages": [], **members}).encode()).blocks
    assert blocks is not None
    assert blocks.whole == expected


@pytest.mark.parametrize("lifetime", ["5m", "1h"])
def test_a_string_becomes_a_list(lifetime: str) -> None:
    """Its text may be replaced in the same splice."""
    raw = b'{"content" : "a text" }'
    edits = anthropic_cache.marked(Slot(0, Span(13, 21), bare=True), lifetime)
    marker = HOUR if lifetime == "1h" else MARKER
    assert json.loads(splice(raw, edits)) == {"content": [said("a text", **marker)]}
    edits.append(text_edit(Span(13, 21), "another"))
    assert json.loads(splice(raw, edits)) == {"content": [said("another", **marker)]}


@given(talk=TALKS)
@settings(max_examples=300, deadline=None)
def test_a_marker_on_every_free_block_adds_nothing_but_markers(talk: Talk) -> None:
    """Taken out again they leave the value that came, in whatever style it was written."""
    raw = body(WIRE.name, talk)
    prompt = WIRE.read(raw)
    assert prompt.blocks is not None
    parts = [*prompt.blocks.front, *zip(prompt.blocks.spans, prompt.blocks.messages, strict=True)]
    slots = [slot.shifted(span.start) for span, layout in parts for slot in layout.slots]
    edits = [edit for slot in slots for edit in anthropic_cache.marked(slot, "1h")]
    texts = [text_edit(segment.span, "new") for segment in prompt.segments]
    changed = splice(raw, edits)
    assert len(splice(raw, [*texts, *edits])) - len(splice(raw, texts)) == len(changed) - len(raw)
    assert without(json.loads(changed)) == without(json.loads(raw))
    again = WIRE.read(changed).blocks
    assert again is not None
    found = [mark for _, layout in again.front for mark in layout.marks] + [
        m for lay in again.messages for m in lay.marks
    ]
    assert sum(lifetime == "1h" for _, lifetime in found) == len(slots)


def without(value: Any) -> Any:
    """Return a value without markers, and with contents as lists."""
    if isinstance(value, list):
        return [without(item) for item in value]
    if not isinstance(value, dict):
        return repr(value)
    plain = {key: without(member) for key, member in value.items() if key != "cache_control"}
    if isinstance(value.get("content"), str) and "role" in value:
        plain["content"] = [without(said(value["content"]))]
    return plain
