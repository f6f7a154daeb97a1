"""The stand-in is as strict as the providers, their SDKs read its answers, and the road to it changes nothing."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import strict_anthropic
import strict_gemini
import strict_openai_chat
import strict_openai_responses
from answers import Call, Json, RefusedError, Say, Think, answer
from client import Connect
from conversations import history, request
from provider import Provider
from proxy import Start
from sdk import run_agent

TOOL: Json = {"name": "t", "input_schema": {"type": "object"}}
USE: Json = {"type": "tool_use", "id": "c1", "name": "t", "input": {}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "c1", "content": "r"}
MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}


def _anthropic(*messages: tuple[str, object], **fields: Any) -> Json:
    written = [{"role": role, "content": content} for role, content in messages]
    return {"model": "m", "max_tokens": 1, "tools": [TOOL], "messages": written, **fields}


def _text(**fields: Any) -> Json:
    return {"type": "text", "text": "x", **fields}


CHAT_CALL: Json = {"id": "c1", "type": "function", "function": {"name": "t", "arguments": "{}"}}
CHAT: Json = {"model": "m", "tools": [{"type": "function", "function": {"name": "t"}}]}
RESPONSES: Json = {"model": "m", "tools": [{"type": "function", "name": "t"}]}
FUNCTION_CALL: Json = {"type": "function_call", "call_id": "c1", "name": "t", "arguments": "{}"}
GEMINI: Json = {"tools": [{"functionDeclarations": [{"name": "t"}]}]}
MODEL_CALLS: Json = {"role": "model", "parts": [{"functionCall": {"name": "t"}, "thoughtSignature": "c2lnbmVk"}]}

REFUSED: dict[str, tuple[ModuleType, Json]] = {
    "anthropic unknown field": (strict_anthropic, _anthropic(("user", "x"), extra=1)),
    "anthropic unknown block field": (strict_anthropic, _anthropic(("user", [_text(extra=1)]))),
    "anthropic call without result": (strict_anthropic, _anthropic(("user", "x"), ("assistant", [USE]), ("user", "y"))),
    "anthropic result without call": (strict_anthropic, _anthropic(("user", [RESULT]))),
    "anthropic result twice": (
        strict_anthropic,
        _anthropic(("user", "x"), ("assistant", [USE]), ("user", [RESULT, RESULT])),
    ),
    "anthropic result after text": (
        strict_anthropic,
        _anthropic(("user", "x"), ("assistant", [USE]), ("user", [_text(), RESULT])),
    ),
    "anthropic undeclared": (
        strict_anthropic,
        _anthropic(("user", "x"), ("assistant", [{**USE, "name": "other"}]), ("user", [RESULT])),
    ),
    "anthropic five breakpoints": (strict_anthropic, _anthropic(("user", [_text(**MARK)] * 5))),
    "anthropic breakpoints inside results": (
        strict_anthropic,
        _anthropic(
            ("user", [_text(**MARK)] * 4),
            ("assistant", [USE]),
            ("user", [{**RESULT, "content": [_text(**MARK)]}]),
        ),
    ),
    "anthropic an hour after minutes": (strict_anthropic, _anthropic(("user", [_text(**MARK), _text(**HOUR)]))),
    "anthropic two tools of a name": (strict_anthropic, _anthropic(("user", "x"), tools=[TOOL, TOOL])),
    "anthropic forged thinking": (
        strict_anthropic,
        _anthropic(("user", "x"), ("assistant", [{"type": "thinking", "thinking": "a", "signature": "b"}])),
    ),
    "anthropic empty text": (strict_anthropic, _anthropic(("user", [{"type": "text", "text": ""}]))),
    "chat unknown field": (strict_openai_chat, {**CHAT, "messages": [{"role": "user", "content": "x"}], "extra": 1}),
    "chat call without result": (
        strict_openai_chat,
        {**CHAT, "messages": [{"role": "assistant", "tool_calls": [CHAT_CALL]}, {"role": "user", "content": "x"}]},
    ),
    "chat result without call": (
        strict_openai_chat,
        {**CHAT, "messages": [{"role": "tool", "tool_call_id": "c1", "content": "x"}]},
    ),
    "chat empty tools": (
        strict_openai_chat,
        {"model": "m", "tools": [], "messages": [{"role": "user", "content": "x"}]},
    ),
    "responses unknown field": (strict_openai_responses, {**RESPONSES, "input": "x", "extra": 1}),
    "responses call without output": (strict_openai_responses, {**RESPONSES, "input": [FUNCTION_CALL]}),
    "responses output without call": (
        strict_openai_responses,
        {**RESPONSES, "input": [{"type": "function_call_output", "call_id": "c1", "output": "x"}]},
    ),
    "responses undeclared": (
        strict_openai_responses,
        {
            "model": "m",
            "input": [FUNCTION_CALL, {"type": "function_call_output", "call_id": "c1", "output": "x"}],
        },
    ),
    "responses reasoning alone": (
        strict_openai_responses,
        {**RESPONSES, "input": [{"type": "reasoning", "id": "r", "summary": []}, {"role": "user", "content": "x"}]},
    ),
    "gemini unknown field": (strict_gemini, {**GEMINI, "contents": [{"parts": [{"text": "x"}]}], "extra": 1}),
    "gemini call without response": (strict_gemini, {**GEMINI, "contents": [MODEL_CALLS, {"parts": [{"text": "x"}]}]}),
    "gemini lost signature": (
        strict_gemini,
        {**GEMINI, "contents": [{"role": "model", "parts": [{"functionCall": {"name": "t"}}]}]},
    ),
}
TAKEN: dict[str, tuple[ModuleType, Json]] = {
    "anthropic": (
        strict_anthropic,
        _anthropic(("user", [_text(**HOUR), _text(**MARK)]), ("assistant", [USE]), ("user", [RESULT, _text(**MARK)])),
    ),
    "chat": (
        strict_openai_chat,
        {
            **CHAT,
            "messages": [
                {"role": "assistant", "tool_calls": [CHAT_CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": "x"},
            ],
        },
    ),
    "responses": (
        strict_openai_responses,
        {**RESPONSES, "input": [FUNCTION_CALL, {"type": "function_call_output", "call_id": "c1", "output": "x"}]},
    ),
    "gemini": (
        strict_gemini,
        {**GEMINI, "contents": [MODEL_CALLS, {"parts": [{"functionResponse": {"name": "t", "response": {}}}]}]},
    ),
}


def refusal(wire: ModuleType, body: Json) -> str | None:
    """Return why the stand-in refuses a body; None if it takes it."""
    try:
        wire.check(body)
    except RefusedError as error:
        return str(error) or "for no reason"
    return None


@pytest.mark.parametrize(("wire", "body"), REFUSED.values(), ids=REFUSED)
def test_what_the_provider_refuses_is_refused(wire: ModuleType, body: Json) -> None:
    assert refusal(wire, body)


@pytest.mark.parametrize(("wire", "body"), TAKEN.values(), ids=TAKEN)
def test_what_the_provider_takes_is_taken(wire: ModuleType, body: Json) -> None:
    assert refusal(wire, body) is None


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("agent", ["anthropic_messages", "openai_chat", "openai_responses", "gemini_generate"])
def test_the_sdks_read_the_stand_in(
    provider: Provider, start: Start, tmp_path: Path, agent: str, *, stream: bool
) -> None:
    """Without our addon: what fails here is wrong with the stand-in, not with us."""
    (tmp_path / "result").write_text("three", encoding="utf-8")
    provider.script(answer(Say("I look."), Call("call_1", "list_rows", {"limit": 3})), answer(Say("Three of them.")))
    proxy = start(addon=False)
    assert run_agent(agent, proxy, stream=stream, result=tmp_path / "result") == "Three of them."
    assert provider.refused == []
    assert len(provider.received) == 2


def test_the_road_changes_nothing(provider: Provider, start: Start, connect: Connect) -> None:
    body = request(history("one", "two"), stream=True)
    provider.script(answer(Think("Hm."), Say("Two."), Call("c9", "Bash", {"command": "ls"})))
    reply = connect(start(addon=False)).post("/v1/messages?beta=true", body)
    assert provider.received[0].raw == body
    assert provider.received[0].header("host") == "api.anthropic.com"
    assert [event["type"] for event in reply.events][-2:] == ["message_delta", "message_stop"]


def test_a_cut_stream_is_cut_and_an_error_has_its_status(provider: Provider, start: Start, connect: Connect) -> None:
    proxy = start(addon=False)
    provider.script(answer(status=529), answer(Say("a" * 500), cut=5))
    assert connect(proxy).post("/v1/messages", request(history("x"))).status == 529
    assert b"message_stop" not in connect(proxy).post_cut("/v1/messages", request(history("x"), stream=True))
