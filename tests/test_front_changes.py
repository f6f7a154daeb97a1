"""What differs between two fronts, and of what kind it is."""

import json
from typing import Any

import pytest

from headroom_mitm.front_changes import ADVICE, EXCERPT, Change, changes

RULES = "Be brief. Say what you have verified. " * 20
UUID, OTHER = "123e4567-e89b-12d3-a456-426614174000", "99999999-e89b-12d3-a456-426614174000"


def tool(name: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "description": f"Runs {name}.", "input_schema": schema or {"type": "object"}}


A, B, C = tool("a"), tool("b"), tool("c")
KEYED, SHUFFLED = tool("a", type="object", required=["x"]), tool("a", required=["x"], type="object")


def found(before: Any, after: Any, name: str = "system") -> list[Change]:
    return list(changes(name, json.dumps(before).encode(), json.dumps(after).encode()))


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("Today is 2026-11-21.", "Today is 2026-11-22.", "date"),
        ("Today is Saturday, November 21.", "Today is Sunday, November 22.", "date"),
        ("Today is 21. Nov", "Today is 22. Nov", "date"),
        ("It is 2026-11-21T10:15:00Z", "It is 2026-11-21T10:16:30Z", "time"),
        ("It is 9:05", "It is 9:06", "time"),
        (f"Session {UUID}", f"Session {OTHER}", "id"),
        ("commit 5f3a2b1c9d8e7f60", "commit 0a1b2c3d4e5f6071", "id"),
        ("You have 14 messages left", "You have 13 messages left", "counter"),
        ("Files:\na.py\nsrc/b.py\n", "Files:\na.py\nsrc/b.py\nsrc/new_file.py\ndoc/x.md\n", "listing"),
        ("The user likes tea", "The user likes coffee", "text"),
        ("No note. ", "No note. A word is added here. ", "text"),
    ],
)
def test_what_has_changed_in_a_text(old: str, new: str, kind: str) -> None:
    """Behind long rules that are the same, or between them."""
    for before, after in ((RULES + old, RULES + new), (f"{RULES}{old}\n{RULES}", f"{RULES}{new}\n{RULES}")):
        (change,) = found(before, after)
        assert (change.kind, change.place.split(",")[0]) == (kind, "system")
        assert change.advice == ADVICE[kind]
        assert RULES.find("Be") <= change.at <= len(RULES) + len(old)


def test_a_block_is_named_by_its_number() -> None:
    blocks = [{"type": "text", "text": text} for text in ("First", RULES + "Now: 10:15")]
    later = [blocks[0], blocks[1] | {"text": RULES + "Now: 10:16"}]
    (change,) = found(blocks, later)
    assert change.place == f"system block 1, character {len(RULES) + 9}"
    assert (change.before, change.after) == ("10:15", "10:16")


def test_the_header_of_a_client_is_known() -> None:
    header = "x-anthropic-billing-header: cc_version=2.1; cch={};"
    (change,) = found(
        [{"type": "text", "text": header.format(n)} for n in ("a1",)], [{"type": "text", "text": header.format("b2")}]
    )
    assert change.kind == "billing header"
    assert "CLAUDE_CODE_ATTRIBUTION_HEADER=0" in change.advice


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([A, B], [B, A]),
        ([A, B, C], [A, C, B]),
        (
            [{"type": "function", "function": A}, {"type": "function", "function": B}],
            [{"type": "function", "function": B}, {"type": "function", "function": A}],
        ),
    ],
)
def test_an_order_of_tools(before: Any, after: Any) -> None:
    (change,) = found(before, after, "tools")
    assert change.kind == "tool order"
    assert change.before != change.after


def test_the_order_of_keys() -> None:
    (change,) = found([KEYED, B], [SHUFFLED, B], "tools")
    assert (change.kind, change.place) == ("key order in tools", "tool 0 (a)")


def test_more_and_fewer_tools() -> None:
    (change,) = found([A, B], [A, C, B], "tools")
    assert (change.kind, change.before, change.after) == ("tool list", "2 tools", "+c")
    (change,) = found([A, B], [A, C], "tools")
    assert (change.before, change.after) == ("-b", "+c")


def test_the_text_of_a_tool() -> None:
    (change,) = found([A, B], [A, B | {"description": "Runs b on 3 agents."}], "tools")
    assert (change.kind, change.place) == ("tool text", "tool 1 (b)")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (RULES, "Write a title for this talk."),
        ([A], [B]),
        ([A | {"cache_control": {"type": "ephemeral"}}], [A]),
        ([{"type": "text", "text": RULES, "cache_control": {"type": "ephemeral"}}], [{"type": "text", "text": RULES}]),
        ({"role": "system", "content": RULES}, {"content": RULES, "role": "system"}),
        ([], []),
        (None, {"a": [1]}),
    ],
    ids=["two texts", "two lists", "a marker on a tool", "a marker on a text", "a spelling", "nothing", "no texts"],
)
def test_nothing_is_said(before: Any, after: Any) -> None:
    assert found(before, after) == []


def test_what_is_no_json_is_no_change() -> None:
    assert list(changes("system", b"{", b"}")) == []


def test_no_more_than_a_few_words_of_the_user_s_are_shown() -> None:
    """On one line, so that nothing in a prompt can pass for a line of the log."""
    (change,) = found(RULES + "a\nb" * 60, RULES + "c\nd" * 60)
    assert max(len(change.before), len(change.after)) <= EXCERPT
    assert "\n" not in change.before + change.after
    (change,) = found([A, tool("x" * 500)], [A, tool("y" * 500)], "tools")
    assert max(map(len, (change.before, change.after))) <= EXCERPT
