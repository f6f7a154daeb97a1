"""The arguments of the call whose result a text is are found in each format, and only those."""

import json
from typing import Any

import pytest

from headroom_mitm import own_call
from headroom_mitm.wire import BY_NAME

INPUT = {"path": "/a.py", "text": "one\ntwo\nthree", "more": {"note": "x\ny\nz"}}
TEXT = json.dumps(INPUT)


def _anthropic(call_id: str) -> list[dict[str, Any]]:
    call = {"type": "tool_use", "id": call_id, "name": "Write", "input": INPUT}
    other = {"type": "tool_use", "id": "other", "name": "Write", "input": {"text": "of\nanother\ncall"}}
    results = [{"type": "tool_result", "tool_use_id": id_, "content": f"done {id_}"} for id_ in ("other", call_id)]
    return [{"role": "assistant", "content": [other, call]}, {"role": "user", "content": results}]


def _openai(call_id: str) -> list[dict[str, Any]]:
    calls = [
        {"id": id_, "type": "function", "function": {"name": "Write", "arguments": TEXT}} for id_ in ("o", call_id)
    ]
    results = [{"role": "tool", "tool_call_id": id_, "content": f"done {id_}"} for id_ in ("o", call_id)]
    return [{"role": "assistant", "tool_calls": calls}, *results]


def _responses(call_id: str) -> list[dict[str, Any]]:
    call = {"type": "function_call", "call_id": call_id, "name": "Write", "arguments": TEXT}
    return [call, {"type": "function_call_output", "call_id": call_id, "output": f"done {call_id}"}]


@pytest.mark.parametrize(
    ("wire", "messages"),
    [
        ("anthropic_messages", {"messages": [{"role": "user", "content": "Go."}, *_anthropic("c1")]}),
        ("openai_chat", {"messages": [{"role": "user", "content": "Go."}, *_openai("c1")]}),
        ("openai_responses", {"input": [{"role": "user", "content": "Go."}, *_responses("c1")]}),
    ],
)
def test_arguments_are_those_of_the_call_with_the_id(wire: str, messages: dict[str, Any]) -> None:
    """Objects within them are arguments, too; texts go by the names of their arguments."""
    prompt = BY_NAME[wire].read(json.dumps({"model": "m", **messages}).encode())
    segment = next(segment for segment in prompt.segments if segment.call_id == "c1")
    found = list(own_call.arguments(prompt, segment))
    assert INPUT in found
    assert INPUT["more"] in found
    assert own_call.texts(prompt, segment, 3) == {"text": ["one", "two", "three"], "note": ["x", "y", "z"]}
    assert own_call.texts(prompt, segment, 4) == {}


def test_without_its_call_a_result_has_no_arguments() -> None:
    messages = [{"role": "user", "content": "c1"}, {"role": "assistant", "content": "c1"}, *_anthropic("c1")[1:]]
    prompt = BY_NAME["anthropic_messages"].read(json.dumps({"model": "m", "messages": messages}).encode())
    assert [list(own_call.arguments(prompt, segment)) for segment in prompt.segments] == [[], []]


def test_an_argument_whose_name_stands_twice_is_not_named() -> None:
    """A reader could not tell which is meant."""
    call = {"type": "tool_use", "id": "c1", "name": "Edit", "input": {"text": "a\nb\nc", "then": {"text": "d\ne\nf"}}}
    result = {"type": "tool_result", "tool_use_id": "c1", "content": "done"}
    messages = [
        {"role": "user", "content": "Go."},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]
    prompt = BY_NAME["anthropic_messages"].read(json.dumps({"model": "m", "messages": messages}).encode())
    assert own_call.texts(prompt, prompt.segments[0], 3) == {}
