import json
from typing import Any

import pytest
from wire_talks import fixture, seen

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Prompt
from headroom_mitm.wire.gemini_generate import GeminiGenerate
from headroom_mitm.wire.splice import splice

WIRE = GeminiGenerate()


def read(**members: Any) -> Prompt:
    return WIRE.read(json.dumps({"contents": [], **members}).encode())


def response(value: Any) -> Prompt:
    part = {"functionResponse": {"id": "c", "name": "read", "response": value}}
    return read(contents=[{"role": "user", "parts": [part]}])


SEEN = {
    "gemini_cli": [
        ("read_file", "/repo/calc.py", "def add(a, b):\n    return a - b\n"),
        ("run_shell_command", "python3 test_calc.py", "Exit Code: 1"),
        ("run_shell_command", "python3 test_calc.py", "AssertionError: 1 != 3"),
    ],
    "cloud_code": [("list_directory", "/repo", "calc.py")],
    "snake_case": [("read", "a.py", "a = 1"), ("read", "b.py", "a = 1")],
}


@pytest.mark.parametrize(("name", "expected"), SEEN.items(), ids=SEEN.keys())
def test_results_of_real_clients_are_found(name: str, expected: list[tuple[str, str, str]]) -> None:
    assert seen(WIRE.read(fixture(WIRE.name, name))) == expected


def test_a_request_of_gemini_cli_is_read_whole() -> None:
    prompt = WIRE.read(fixture(WIRE.name, "gemini_cli"))
    assert (prompt.model, prompt.streamed, prompt.answered) == ("", False, True)
    assert prompt.tool_names == {"read_file", "run_shell_command"}
    assert [(s.call_id, s.part, s.is_error) for s in prompt.segments] == [
        ("a1", 0, False),
        ("a2", 0, False),
        ("a2", 1, True),
    ]
    assert all(segment.newest for segment in prompt.segments)


def test_the_wrapped_request_of_cloud_code_says_its_model() -> None:
    prompt = WIRE.read(fixture(WIRE.name, "cloud_code"))
    assert (prompt.model, prompt.tool_names) == ("gemini-2.5-pro", {"list_directory"})


def test_equal_results_of_two_calls_without_ids_have_two_keys() -> None:
    assert len({segment.key for segment in WIRE.read(fixture(WIRE.name, "snake_case")).segments}) == 2


@pytest.mark.parametrize("name", SEEN)
def test_a_declared_function_goes_behind_the_last(name: str) -> None:
    raw = fixture(WIRE.name, name)
    prompt = WIRE.read(raw)
    edit = WIRE.declare(prompt, "retrieve", "Get it back.", b'{"type":"object"}')
    assert edit is not None
    before, after = (json.loads(body).get("request", json.loads(body)) for body in (raw, splice(raw, [edit])))
    function = {"name": "retrieve", "description": "Get it back.", "parametersJsonSchema": {"type": "object"}}
    for tool in before["tools"]:
        for key in tool.keys() & {"functionDeclarations", "function_declarations"}:
            tool[key].append(function)
    assert after == before


@pytest.mark.parametrize(
    "tools", [None, [], [{"googleSearch": {}}], [{"functionDeclarations": []}], {"functionDeclarations": [{}]}]
)
def test_without_functions_there_is_no_place_for_one(tools: Any) -> None:
    assert WIRE.declare(read(tools=tools), "retrieve", "d", b"{}") is None


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ({"output": "a"}, ["a"]),
        ({"status": 0, "stdout": "a", "stderr": "b"}, ["a", "b"]),
        ({"output": {"text": "a"}}, []),
        ({"output": "\ud83d", "error": "b"}, ["b"]),
        ({}, []),
        ("a", []),
        (None, []),
    ],
    ids=repr,
)
def test_strings_of_a_response_are_texts(value: Any, texts: list[str]) -> None:
    assert [text for _, _, text in seen(response(value))] == texts


def test_a_part_keeps_its_number_when_its_neighbour_cannot_be_read() -> None:
    assert [segment.part for segment in response({"code": 0, "out": "\ud83d", "err": "b"}).segments] == [2]


@pytest.mark.parametrize(
    ("config", "forced"),
    [
        ({"toolConfig": {"functionCallingConfig": {"mode": "NONE"}}}, True),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["a"]}}}, True),
        ({"tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["a"]}}}, True),
        ({"tool_config": {"function_calling_config": {"mode": "none"}}}, True),
        ({"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}}, False),
        ({"toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": []}}}, False),
        ({"toolConfig": {}}, False),
        ({}, False),
    ],
    ids=repr,
)
def test_a_choice_of_certain_functions_or_none_is_forced(config: dict[str, Any], forced: bool) -> None:
    assert read(**config).forced_tool is forced


def test_the_head_is_what_the_user_says_first() -> None:
    said = {"role": "user", "parts": [{"text": "Fix it."}]}
    answer = {"role": "model", "parts": [{"text": "Done."}]}
    head = read(contents=[said], systemInstruction={"parts": [{"text": "today"}]}).head
    assert head == read(contents=[{"parts": [{"text": "Fix it."}]}, answer, said]).head
    assert head != read(contents=[said, said]).head
    assert head != read(contents=[said], tools=[{"functionDeclarations": [{"name": "a"}]}]).head


@pytest.mark.parametrize("contents", [{}, None, "text", [1], [{"role": "user", "parts": [1]}]])
def test_contents_of_another_shape_are_unreadable(contents: Any) -> None:
    with pytest.raises(UnreadableBody):
        read(contents=contents)


@pytest.mark.parametrize(
    ("members", "has_place"),
    [
        ({}, True),
        ({"generationConfig": {"candidateCount": 1}}, True),
        ({"generationConfig": {"candidateCount": 2}}, False),
        ({"generation_config": {"candidate_count": 2}}, False),
        ({"toolConfig": {"functionCallingConfig": {"streamFunctionCallArguments": True}}}, False),
    ],
    ids=repr,
)
def test_there_is_no_place_where_calls_cannot_be_followed(members: dict[str, Any], has_place: bool) -> None:
    prompt = read(tools=[{"functionDeclarations": [{"name": "a"}]}], **members)
    assert (prompt.tool_slot is not None) is has_place
