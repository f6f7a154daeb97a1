"""Events pass when they come: nothing is held back to look for a call that may never come."""

import json

import pytest
from answers import Call, Say, answer
from client import Connect
from conversations import history, request
from provider import Provider
from proxy import Start

OPENAI = {"model": "gpt-5", "stream": True}
# host, path, body; each is the first request of a conversation
REQUESTS: dict[str, tuple[str, str, bytes]] = {
    "anthropic, tool offered": ("api.anthropic.com", "/v1/messages", request(history(), stream=True)),
    "anthropic, no tools": (
        "api.anthropic.com",
        "/v1/messages",
        request([{"role": "user", "content": "x"}], stream=True, tools=[]),
    ),
    "chat": (
        "api.openai.com",
        "/v1/chat/completions",
        json.dumps({**OPENAI, "messages": [{"role": "user", "content": "x"}]}).encode(),
    ),
    "responses": ("api.openai.com", "/v1/responses", json.dumps({**OPENAI, "input": "x"}).encode()),
    "gemini": (
        "generativelanguage.googleapis.com",
        "/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse",
        json.dumps({"contents": [{"role": "user", "parts": [{"text": "x"}]}]}).encode(),
    ),
}
ANSWER = "A long answer. " * 10


@pytest.mark.parametrize(("host", "path", "body"), REQUESTS.values(), ids=REQUESTS)
def test_the_first_event_is_there_before_the_last_is_sent(
    provider: Provider, start: Start, connect: Connect, host: str, path: str, body: bytes
) -> None:
    """The provider goes on when the client has something in hand: a proxy that waits for the end waits for ever."""
    provider.script(answer(Say(ANSWER), hold=2))
    reply = connect(start(), host).post(path, body, on_piece=lambda _: provider.release())
    assert reply.status == 200
    assert len(reply.pieces) > 1
    assert provider.refused == []


def test_an_ordinary_answer_is_the_providers_byte_for_byte(provider: Provider, start: Start, connect: Connect) -> None:
    """Also where the tool is offered, and the model calls one of the client's own."""
    body = request(history(), stream=True)
    model = answer(Say(ANSWER), Call("toolu_9", "Bash", {"command": "ls"}))
    provider.script(model, model)
    through_us = connect(start()).post("/v1/messages", body).body
    sent_on = provider.bodies[0]
    assert through_us == connect(start(addon=False)).post("/v1/messages", sent_on).body


def test_a_stream_that_breaks_off_breaks_off(provider: Provider, start: Start, connect: Connect) -> None:
    """The client must see a cut connection, not an answer that seems to be whole: then it tries again."""
    client = connect(start())
    provider.script(answer(Say(ANSWER), cut=5))
    received = client.post_cut("/v1/messages", request(history(), stream=True))
    assert b"text_delta" in received
    assert b"message_stop" not in received
    assert client.post("/v1/messages", request(history(), stream=True)).events[-1]["type"] == "message_stop"


def test_an_error_of_the_provider_is_the_providers(provider: Provider, start: Start, connect: Connect) -> None:
    provider.script(answer(status=529))
    reply = connect(start()).post("/v1/messages", request(history(), stream=True))
    assert reply.status == 529
    assert reply.json["type"] == "error"
