"""Texts of messages go to whoever said them, in all formats, and nothing is said twice."""

import json

import pytest

from headroom_mitm.wire.spoken import in_front, in_message

CALL = {"type": "tool_use", "id": "t", "name": "Bash", "input": {"command": "ls"}}
MESSAGES = {
    "user": ({"role": "user", "content": "hi"}, [("user", "hi")]),
    "system message": ({"role": "developer", "content": [{"type": "input_text", "text": "x"}]}, [("system", "x")]),
    "call": ({"role": "assistant", "content": [CALL]}, [("assistant", 'Bash{"command":"ls"}')]),
    "thinking": (
        {"role": "assistant", "content": [{"type": "thinking", "thinking": "hm", "signature": "s" * 99}]},
        [("assistant", "hm")],
    ),
    "a kind that is none": ({"role": "user", "content": [{"type": ["text"], "a": 1}]}, [("user", '{"a":1}')]),
    "hidden thinking": ({"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x" * 99}]}, []),
    "result and text": (
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "content": [{"type": "text", "text": "out"}]},
                {"type": "text", "text": "go"},
            ],
        },
        [("results", "out"), ("user", "go")],
    ),
    "image": ({"role": "user", "content": [{"type": "image", "source": {"data": "x" * 999}}]}, [("files", "")]),
    "chat result": ({"role": "tool", "tool_call_id": "c", "content": "out"}, [("results", "out")]),
    "chat call": (
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
        [("assistant", "f{}")],
    ),
    "responses call": (
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        [("assistant", "f{}")],
    ),
    "responses result": ({"type": "function_call_output", "call_id": "c", "output": "out"}, [("results", "out")]),
    "reasoning": (
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "so"}], "encrypted_content": "x" * 999},
        [("assistant", "so")],
    ),
    "gemini": ({"role": "model", "parts": [{"text": "a"}, {"functionCall": {"name": "f", "args": {}}}]},
               [("assistant", "a"), ("assistant", "f{}")]),
    "gemini result": (
        {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"output": "o"}}}]},
        [("results", '{"name":"f","response":{"output":"o"}}')],
    ),
    "gemini file": ({"role": "user", "parts": [{"inlineData": {"data": "x" * 999}}]}, [("files", "")]),
    "no message": ([1, 2], []),
}  # fmt: skip


@pytest.mark.parametrize(("message", "expected"), MESSAGES.values(), ids=MESSAGES)
def test_texts_go_to_whoever_said_them(message: object, expected: list[tuple[str, str]]) -> None:
    assert [tuple(said) for said in in_message(json.dumps(message).encode())] == expected


def test_what_is_no_json_says_nothing() -> None:
    assert list(in_message(b"{")) == []
    assert list(in_message(b"[" * 100_000)) == []


def test_tools_and_system_prompts_stand_in_front() -> None:
    tools = json.dumps([{"name": "a"}, {"name": "b", "cache_control": {}}]).encode()
    assert [tuple(said) for said in in_front("tools", tools)] == [("tools", '{"name":"a"}'), ("tools", '{"name":"b"}')]
    assert [tuple(said) for said in in_front("system", b'[{"type":"text","text":"be"}]')] == [("system", "be")]
