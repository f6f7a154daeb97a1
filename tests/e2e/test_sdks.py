"""The official SDKs do their work through the addon, cheaper, and see nothing of it."""

from pathlib import Path

import pytest
from answers import Call, Say, answer
from conversations import rows
from provider import Provider
from proxy import Start
from sdk import run_agent


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("agent", ["anthropic_messages", "openai_chat", "openai_responses", "gemini_generate"])
def test_a_tool_loop_with_a_large_result(
    provider: Provider, start: Start, tmp_path: Path, agent: str, *, stream: bool
) -> None:
    result = tmp_path / "result.json"
    result.write_text(rows(400), encoding="utf-8")
    provider.script(
        answer(Say("I look."), Call("call_1", "list_rows", {"limit": 400})),
        answer(Say("And once more."), Call("call_2", "list_rows", {"limit": 400})),
        answer(Say("Three of them.")),
    )
    assert run_agent(agent, start(), stream=stream, result=result) == "Three of them."
    assert provider.refused == []
    assert len(provider.received) == 3
    second, third = (len(received.body) for received in provider.received[1:])
    assert second < result.stat().st_size * 0.8
    assert third < 2 * result.stat().st_size * 0.8
