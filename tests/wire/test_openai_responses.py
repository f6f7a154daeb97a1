import json
from typing import Any

import pytest
from wire_talks import fixture, seen

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Prompt
from headroom_mitm.wire.openai_responses import OpenAIResponses
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.splice import splice

WIRE = OpenAIResponses()
USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Fix it."}]}


def read(**members: Any) -> Prompt:
    return WIRE.read(json.dumps({"model": "m", **members}).encode())


SCRIPT = 'const r = await tools.exec_command({cmd: "cat calc.py"}); text(r);'
SEEN = {
    "codex_default": [
        ("exec", SCRIPT, "Script completed\nWall time 0.1 seconds\nOutput:\n"),
        ("exec", SCRIPT, "def add(a, b):\n    return a - b\n"),
    ],
    "codex_gpt55": [
        (
            "exec_command",
            "cat calc.py",
            "Chunk ID: 71b7d2\nWall time: 0.0 seconds\nProcess exited with code 0\nOutput:\ndef add(a, b):\n",
        ),
        ("shell", "bash -lc ls", "calc.py\n"),
        ("apply_patch", "*** Begin Patch\n*** End Patch\n", "Exit code: 0\nOutput:\nSuccess.\n"),
    ],
    "opencode": [("read", "/repo/calc.py", "1: def add(a, b):")],
    "shells": [
        ("local_shell", "ls -l", '{"output":"calc.py"}'),
        ("shell", "ls -a", ". .."),
        ("shell", "ls -a", ""),
        ("shell", "ls -a", ""),
        ("shell", "ls -a", "no such folder"),
    ],
}


@pytest.mark.parametrize(("name", "expected"), SEEN.items(), ids=SEEN.keys())
def test_results_of_real_clients_are_found(name: str, expected: list[tuple[str, str, str]]) -> None:
    assert seen(WIRE.read(fixture(WIRE.name, name))) == expected


def test_a_request_of_codex_is_read_whole() -> None:
    prompt = WIRE.read(fixture(WIRE.name, "codex_gpt55"))
    assert (prompt.model, prompt.streamed, prompt.answered) == ("gpt-5.5", True, True)
    assert prompt.tool_names == {"exec_command", "shell", "apply_patch", "web_search"}
    assert [segment.newest for segment in prompt.segments] == [False, True, True]


def test_a_tool_is_declared_beside_those_in_the_input_and_in_no_namespace() -> None:
    """Codex declares its tools in its first item, in namespaces; a call comes back as a plain function's then."""
    raw = fixture(WIRE.name, "codex_default")
    prompt = WIRE.read(raw)
    assert prompt.tool_names == {"exec", "open", "find"}
    edit = WIRE.declare(prompt, "retrieve", "d", b"{}")
    assert edit is not None
    first, *rest = json.loads(splice(raw, [edit]))["input"]
    before, *rest_before = json.loads(raw)["input"]
    *others, tool = first["tools"]
    assert (rest, others) == (rest_before, before["tools"])
    assert (tool["type"], tool["name"]) == ("function", "retrieve")


@pytest.mark.parametrize(
    "given",
    [
        [{"type": "additional_tools", "tools": []}, USER],
        [{"type": "additional_tools"}, USER],
        [USER, {"type": "additional_tools", "tools": [{"type": "custom", "name": "exec"}]}],
        [{"role": "user", "content": "additional_tools"}],
        "additional_tools",
    ],
    ids=["no tools", "no list", "not the first item", "only the word", "text"],
)
def test_elsewhere_in_the_input_there_is_no_place_for_a_tool(given: Any) -> None:
    assert read(input=given).tool_slot is None


@pytest.mark.parametrize("members", [{"background": True}, {"conversation": "conv_1"}, {"conversation": {"id": "c"}}])
def test_no_tool_is_declared_where_the_answer_cannot_be_watched(members: dict[str, Any]) -> None:
    tools = [{"type": "function", "name": "a"}]
    assert read(input=[USER], tools=tools, background=False, conversation=None).tool_slot is not None
    assert read(input=[USER], tools=tools, **members).tool_slot is None


def test_a_conversation_that_is_elsewhere_is_known_by_the_answer_it_goes_on_from() -> None:
    heads = [read(input=[USER], previous_response_id=previous).head for previous in ("resp_1", "resp_2", None)]
    assert len(set(heads)) == 3
    assert read(input="Other.", previous_response_id="resp_1").head == heads[0]


@pytest.mark.parametrize(
    ("body", "previous"),
    [
        (b'{"input":"previous_response_id"}', ""),
        (b'{"previous_response_id":null}', ""),
        (b'{"x":{"previous_response_id":"no"}}', ""),
        (b'{"previous_response_id" : "resp_1"}', "resp_1"),
    ],
)
def test_the_answer_that_a_request_goes_on_from_is_found(body: bytes, previous: str) -> None:
    assert WIRE.previous(body) == previous


@pytest.mark.parametrize(
    ("given", "behind"),
    [
        (b'[ {"role":"user"} ]', b',{"role":"user"}'),
        (b"[ ]", b""),
        (b'"So?"', b',{"role":"user","content":"So?"}'),
    ],
)
def test_a_request_goes_on_from_another_answer_with_what_is_owed(given: bytes, behind: bytes) -> None:
    body = b'{"a": 1.50, "previous_response_id": "r1", "input": %s, "b":[]}' % given
    raw = WIRE.relinked(body, "r2", [Answered(HiddenCall("call_1", b""), "one")])
    owed = b'{"type":"function_call_output","call_id":"call_1","output":"one"}'
    expected = b'{"a": 1.50, "previous_response_id": "r2", "input": [%s%s], "b":[]}' % (owed, behind)
    assert json.loads(raw) == json.loads(expected)
    assert raw.startswith(b'{"a": 1.50, ')
    assert WIRE.relinked(body, "r2", []) == body.replace(b'"r1"', b'"r2"')


def test_the_two_streams_of_each_command_are_numbered() -> None:
    prompt = WIRE.read(fixture(WIRE.name, "shells"))
    assert [segment.part for segment in prompt.segments if segment.call_id == "call_2"] == [0, 1, 2, 3]


def test_an_input_may_be_a_text_or_missing() -> None:
    plain = read(input="Fix it.")
    assert (plain.segments, plain.answered) == ((), False)
    assert plain.head == read(input=[{"role": "user", "content": "Fix it."}]).head == read(input=[USER]).head
    assert plain.head != read(input="Fix this.").head
    assert read().segments == read(input=None).segments == ()


@pytest.mark.parametrize(
    ("members", "answered"),
    [
        ({"input": [USER]}, False),
        ({"input": [USER], "previous_response_id": None}, False),
        ({"input": [USER], "previous_response_id": "resp_1"}, True),
        ({"input": [USER], "conversation": {"id": "conv_1"}}, True),
        ({"input": [USER, {"type": "reasoning"}]}, True),
        ({"input": [USER, {"type": "web_search_call"}]}, True),
        ({"input": [USER, {"type": "message", "role": "assistant", "content": []}]}, True),
        ({"input": [{"type": "additional_tools", "tools": []}, {"type": "compaction"}, USER]}, False),
    ],
)
def test_the_model_has_answered_if_an_item_or_an_id_says_so(members: dict[str, Any], answered: bool) -> None:
    assert read(**members).answered is answered


def test_the_head_does_not_know_ids_nor_what_developers_say() -> None:
    """Clients such as opencode write the system prompt, with the date, into a developer's item every time."""
    today, tomorrow = ({"role": "developer", "content": day} for day in ("today", "tomorrow"))
    head = read(input=[today, USER], instructions="now").head
    assert head == read(input=[tomorrow, {**USER, "id": "msg_1", "status": "completed"}], instructions="then").head
    assert head == read(input=[USER, {"type": "reasoning"}, USER]).head
    assert head != read(input=[USER, USER]).head
    assert head != read(input=[USER], tools=[{"type": "web_search"}]).head
    assert head != read(input=[{"type": "additional_tools", "tools": [{"type": "custom", "name": "exec"}]}, USER]).head


def test_a_declared_tool_has_the_shape_of_the_others() -> None:
    raw = fixture(WIRE.name, "opencode")
    edit = WIRE.declare(WIRE.read(raw), "retrieve", "Get it back.", b'{"type":"object"}')
    assert edit is not None
    *others, tool = json.loads(splice(raw, [edit]))["tools"]
    assert others == json.loads(raw)["tools"]
    assert tool == {
        "type": "function",
        "name": "retrieve",
        "description": "Get it back.",
        "strict": False,
        "parameters": {"type": "object"},
    }


@pytest.mark.parametrize(
    ("choice", "forced"),
    [("none", True), ({"type": "function", "name": "a"}, True), ("required", False), (None, False)],
)
def test_a_choice_of_one_tool_or_none_is_forced(choice: Any, forced: bool) -> None:
    assert read(tool_choice=choice).forced_tool is forced


@pytest.mark.parametrize(
    "item",
    [
        {"type": "mcp_call", "output": "text"},
        {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot"}},
        {"type": "apply_patch_call_output", "call_id": "c", "output": "text"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "image_url": "text"}]},
        {"type": "function_call_output", "call_id": "c", "output": None},
        {"type": "item_of_the_future", "output": "text"},
        {"role": "user", "content": "text"},
    ],
    ids=lambda item: item.get("type"),
)
def test_other_items_have_no_texts(item: dict[str, Any]) -> None:
    assert read(input=[item]).segments == ()


@pytest.mark.parametrize("given", [[1], ["text", []], [{"type": "function_call_output", "output": [1]}]])
def test_items_of_another_shape_are_unreadable(given: Any) -> None:
    with pytest.raises(UnreadableBody):
        read(input=given)
