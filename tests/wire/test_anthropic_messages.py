import json
from typing import Any

import pytest
from wire_talks import fixture, seen

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Prompt
from headroom_mitm.wire import document
from headroom_mitm.wire.anthropic_messages import AnthropicMessages
from headroom_mitm.wire.splice import splice

WIRE = AnthropicMessages()


def read(**members: Any) -> Prompt:
    return WIRE.read(json.dumps({"model": "m", "max_tokens": 1, "messages": [], **members}).encode())


def result(content: Any, **members: Any) -> Prompt:
    """Read a conversation whose one call of a tool brought this."""
    call = {"type": "tool_use", "id": "t", "name": "Bash", "input": {}}
    block = {"type": "tool_result", "tool_use_id": "t", "content": content, **members}
    return read(messages=[{"role": "assistant", "content": [call]}, {"role": "user", "content": [block]}])


SEEN = {
    "claude_code": [
        ("Read", "/repo/calc.py", "1\tdef add(a, b):\n2\t    return a - b\n"),
        (
            "Bash",
            "python3 test_calc.py",
            "Exit code 1\nTraceback (most recent call last):\nAssertionError: 1 != 3",
        ),
        ("Grep", "/repo", "calc.py:1:def add(a, b):"),
    ],
    "opencode": [
        (
            "read",
            "/repo/calc.py",
            "<path>/repo/calc.py</path>\n<content>\n1: def add(a, b):\n</content>",
        )
    ],
    "sdk": [("bash", "ls", "calc.py\ntest_calc.py")],
    "tool_search": [("Ticket", "", "Ticket 7: the sum is wrong."), ("Ticket", "", "It is open.")],
}


@pytest.mark.parametrize(("name", "expected"), SEEN.items(), ids=SEEN.keys())
def test_results_of_real_clients_are_found(name: str, expected: list[tuple[str, str, str]]) -> None:
    assert seen(WIRE.read(fixture(WIRE.name, name))) == expected


def test_a_request_of_claude_code_is_read_whole() -> None:
    prompt = WIRE.read(fixture(WIRE.name, "claude_code"))
    assert (prompt.model, prompt.streamed, prompt.answered) == ("claude-sonnet-4-5", True, True)
    assert prompt.tool_names == {"Bash", "Read", "Grep"}
    assert [segment.is_error for segment in prompt.segments] == [False, True, False]
    assert [segment.newest for segment in prompt.segments] == [False, True, True]
    assert [segment.call_id for segment in prompt.segments] == ["toolu_01A", "toolu_01B", "toolu_01C"]


def test_an_answer_of_the_user_ends_what_is_newest_with_the_model() -> None:
    assert [segment.newest for segment in WIRE.read(fixture(WIRE.name, "sdk")).segments] == [False]


def test_parts_are_numbered_by_their_place() -> None:
    assert [segment.part for segment in WIRE.read(fixture(WIRE.name, "tool_search")).segments] == [2, 4]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("a", ["a"]),
        ("", [""]),
        ([{"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}], ["a"]),
        ([{"type": "text", "text": "a"}, {"type": "tool_reference", "tool_name": "x"}], []),
        ([{"type": "document", "text": "a"}, {"type": "image"}, {"type": "search_result"}], []),
        ([], []),
        (None, []),
        ("\ud83d", []),
        ([{"type": "text", "text": "\ud83d"}, {"type": "text", "text": "b"}], ["b"]),
    ],
    ids=["text", "empty", "part", "tool reference", "no texts", "no parts", "nothing", "broken", "broken part"],
)
def test_only_texts_of_results_are_segments(content: Any, texts: list[str]) -> None:
    assert [text for _, _, text in seen(result(content))] == texts


@pytest.mark.parametrize(
    "messages",
    [
        {},
        None,
        ["text"],
        [{"role": "user", "content": ["text"]}],
        [{"role": "user", "content": [{"type": "tool_result", "content": [1]}]}],
    ],
    ids=["object", "nothing", "no message", "no block", "no part"],
)
def test_messages_of_another_shape_are_unreadable(messages: Any) -> None:
    with pytest.raises(UnreadableBody):
        read(messages=messages)


@pytest.mark.parametrize(
    ("choice", "forced"),
    [
        ({"type": "tool", "name": "Bash"}, True),
        ({"type": "none"}, True),
        ({"type": "any"}, False),
        ({"type": "auto"}, False),
        (None, False),
    ],
)
def test_a_choice_of_one_tool_or_none_is_forced(choice: Any, forced: bool) -> None:
    assert read(tool_choice=choice).forced_tool is forced


@pytest.mark.parametrize("tools", [None, []])
def test_without_tools_there_is_no_place_for_one(tools: Any) -> None:
    prompt = read(tools=tools)
    assert prompt.tool_slot is None
    assert WIRE.declare(prompt, "retrieve", "d", b"{}") is None


def test_a_declared_tool_has_the_shape_of_the_others() -> None:
    raw = fixture(WIRE.name, "claude_code")
    edit = WIRE.declare(WIRE.read(raw), "retrieve", "Get it back.", b'{"type":"object"}')
    assert edit is not None
    *others, tool = json.loads(splice(raw, [edit]))["tools"]
    assert others == json.loads(raw)["tools"]
    assert tool == {"name": "retrieve", "description": "Get it back.", "input_schema": {"type": "object"}}


def test_the_head_does_not_know_system_nor_tools_nor_markers() -> None:
    one = {"role": "user", "content": "Fix it."}
    marked = {"role": "user", "content": [{"type": "text", "text": "Fix it.", "cache_control": {"type": "ephemeral"}}]}
    tools = [{"name": "Bash", "input_schema": {}}]
    head = read(messages=[one], system="today", tools=tools).head
    assert head == read(messages=[marked], system="tomorrow", tools=[*tools, {"name": "Read"}]).head
    assert head == read(messages=[{"role": "system", "content": "now"}, one], tools=tools).head
    assert head != read(messages=[one]).head
    assert head != read(messages=[{"role": "user", "content": "Fix this."}], tools=tools).head
    image = {"type": "image", "source": {"type": "base64", "data": "aWNv"}}
    assert head != read(messages=[{"role": "user", "content": [image]}, one], tools=tools).head


def test_results_keep_their_keys_when_text_becomes_a_part() -> None:
    assert [s.key for s in result("a").segments] == [s.key for s in result([{"type": "text", "text": "a"}]).segments]


def test_broken_text_elsewhere_does_not_matter() -> None:
    broken = {"role": "user", "content": "\ud83d"}
    messages = [broken, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "a"}]}]
    prompt = read(messages=messages, system="\udc00")
    assert [document.string(prompt.body, segment.span) for segment in prompt.segments] == ["a"]
