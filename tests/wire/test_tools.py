from collections.abc import Iterator
from dataclasses import replace

import pytest

from headroom_mitm.segments import Edit, Prompt, Span, digest
from headroom_mitm.wire import document
from headroom_mitm.wire.tools import Declarations, Tools, added, is_forced, listed


def name(raw: bytes, place: Span) -> Iterator[str]:
    yield document.string(raw, place)


def prompt(slot: Span | None) -> Prompt:
    empty = Prompt(b"[]", "", False, (), {}, digest(), False, frozenset({"Bash"}), None)
    return replace(empty, tool_slot=slot)


def test_the_next_tool_goes_behind_the_last() -> None:
    assert listed(b'["a", "b" ]', name) == Tools(frozenset({"a", "b"}), Span(9, 9))


def test_an_empty_list_has_no_place() -> None:
    assert listed(b"[ ]", name) == Tools()


def test_the_same_list_is_found_wherever_it_stands() -> None:
    declarations = Declarations(lambda raw: listed(raw, name))
    for body in (b'["a"]', b'{"tools":["a"]}'):
        start = body.index(b"[")
        tools = declarations.at(body, Span(start, start + 5))
        assert body[: tools.slot.start].endswith(b'"a"') if tools.slot else False


@pytest.mark.parametrize("body", [b"null", b"{}", b'"tools"'])
def test_what_is_no_list_declares_nothing(body: bytes) -> None:
    assert Declarations(lambda raw: listed(raw, name)).at(body, document.whole(body)) == Tools()


def test_a_tool_is_added_with_a_comma() -> None:
    assert added(prompt(Span(7, 7)), "retrieve", b"{}") == Edit(Span(7, 7), b",{}")


@pytest.mark.parametrize(("slot", "tool"), [(None, "retrieve"), (Span(7, 7), "Bash")], ids=["no place", "taken name"])
def test_a_tool_without_a_place_or_a_free_name_is_not_added(slot: Span | None, tool: str) -> None:
    assert added(prompt(slot), tool, b"{}") is None


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        (b'"none"', True),
        (b'{"type":"function","name":"a"}', True),
        (b'{"type":"allowed_tools","mode":"auto","tools":[]}', True),
        (b'"auto"', False),
        (b'"required"', False),
        (b"null", False),
    ],
)
def test_a_choice_of_certain_tools_or_none_is_forced(choice: bytes, forced: bool) -> None:
    assert is_forced(choice, document.whole(choice)) is forced
    assert not is_forced(choice, None)
