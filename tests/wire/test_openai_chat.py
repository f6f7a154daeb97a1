import json
from typing import Any

import pytest
from wire_talks import fixture, seen

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Prompt
from headroom_mitm.wire.openai_chat import OpenAIChat
from headroom_mitm.wire.splice import splice

WIRE = OpenAIChat()


def read(**members: Any) -> Prompt:
    return WIRE.read(json.dumps({"model": "m", "messages": [], **members}).encode())


SEEN = {
    "openai_sdk": [
        ("bash", "cat calc.py", "def add(a, b):\n    return a - b\n"),
        ("bash", "python3 test_calc.py", "AssertionError: 1 != 3"),
        ("sql", "select 1", "1"),
        ("sql", "select 1", "(1 row)"),
    ],
    "openrouter": [("read", "/repo/calc.py", "1: def add(a, b):")],
    "legacy_functions": [
        ("weather", "Bern", '{"sky": "clear"}'),
        ("weather", "Bern, tomorrow", '{"sky": "clear"}'),
    ],
}


@pytest.mark.parametrize(("name", "expected"), SEEN.items(), ids=SEEN.keys())
def test_results_of_real_clients_are_found(name: str, expected: list[tuple[str, str, str]]) -> None:
    assert seen(WIRE.read(fixture(WIRE.name, name))) == expected


def test_a_request_of_the_sdk_is_read_whole() -> None:
    prompt = WIRE.read(fixture(WIRE.name, "openai_sdk"))
    assert (prompt.model, prompt.streamed, prompt.answered) == ("gpt-4.1", True, True)
    assert prompt.tool_names == {"bash", "sql"}
    assert [segment.newest for segment in prompt.segments] == [False, True, True, True]
    assert [segment.part for segment in prompt.segments] == [0, 0, 0, 1]


def test_old_functions_are_tools_but_leave_no_place_for_one() -> None:
    prompt = WIRE.read(fixture(WIRE.name, "legacy_functions"))
    assert prompt.tool_names == {"weather"}
    assert prompt.tool_slot is None
    assert len({segment.call_id for segment in prompt.segments}) == 2


def test_a_declared_tool_has_the_shape_of_the_others() -> None:
    raw = fixture(WIRE.name, "openai_sdk")
    edit = WIRE.declare(WIRE.read(raw), "retrieve", "Get it back.", b'{"type":"object"}')
    assert edit is not None
    *others, tool = json.loads(splice(raw, [edit]))["tools"]
    assert others == json.loads(raw)["tools"]
    function = {"name": "retrieve", "description": "Get it back.", "parameters": {"type": "object"}}
    assert tool == {"type": "function", "function": function}


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        ({"tool_choice": "none"}, True),
        ({"tool_choice": {"type": "function", "function": {"name": "a"}}}, True),
        ({"tool_choice": "required"}, False),
        ({"tool_choice": "auto"}, False),
        ({"function_call": {"name": "a"}}, True),
        ({"function_call": "auto"}, False),
        ({}, False),
    ],
    ids=repr,
)
def test_a_choice_of_one_tool_or_none_is_forced(choice: dict[str, Any], forced: bool) -> None:
    assert read(**choice).forced_tool is forced


def test_the_head_does_not_know_system_nor_markers() -> None:
    one = {"role": "user", "content": "Fix it."}
    marked = {"role": "user", "content": [{"type": "text", "text": "Fix it.", "cache_control": {"type": "ephemeral"}}]}
    answer = {"role": "assistant", "content": "Done."}
    head = read(messages=[{"role": "system", "content": "today"}, one]).head
    assert head == read(messages=[{"role": "developer", "content": "tomorrow"}, marked, answer, one]).head
    assert head != read(messages=[one], tools=[{"type": "function", "function": {"name": "a"}}]).head
    assert head != read(messages=[one, one]).head


@pytest.mark.parametrize("content", [None, 1, {}, [], [{"type": "image_url"}], [{"type": "refusal", "text": "no"}]])
def test_other_contents_have_no_texts(content: Any) -> None:
    assert read(messages=[{"role": "tool", "tool_call_id": "c", "content": content}]).segments == ()


@pytest.mark.parametrize("call", [{"id": "c"}, {"id": "c", "function": {}}, {"id": "c", "function": {"name": 1}}])
def test_a_call_may_lack_anything_but_its_id(call: dict[str, Any]) -> None:
    prompt = read(messages=[{"role": "assistant", "tool_calls": [call]}])
    assert (prompt.calls["c"].name, prompt.calls["c"].subject) == ("", "")


@pytest.mark.parametrize("messages", [{}, None, "text", [1], [{"role": "tool", "content": [1]}]])
def test_messages_of_another_shape_are_unreadable(messages: Any) -> None:
    with pytest.raises(UnreadableBody):
        read(messages=messages)


@pytest.mark.parametrize(
    ("members", "has_place"),
    [({}, True), ({"n": 1}, True), ({"n": None}, True), ({"n": 2}, False), ({"functions": [{"name": "f"}]}, False)],
    ids=repr,
)
def test_there_is_no_place_where_several_choices_or_old_functions_are_asked_for(
    members: dict[str, Any], has_place: bool
) -> None:
    prompt = read(tools=[{"type": "function", "function": {"name": "a"}}], **members)
    assert (prompt.tool_slot is not None) is has_place
