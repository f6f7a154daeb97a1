"""The model asks for what was left out, and gets it inside the same answer; the client never meets our tool."""

import re
from collections.abc import Callable

import pytest
from answers import Answer, Call, Json, Say, Think, answer
from client import Client, Connect, Reply
from conversations import TOOLS, history, measurements, request, results_of
from provider import Provider, Received
from proxy import Start

OURS = "headroom_retrieve"
TEXT_ID = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")
LOG = measurements(1500)
LINES = LOG.split("\n")
ENDLESS = 30


def asking(call_id: str = "toolu_r", **arguments: str) -> Callable[[Received], Answer]:
    """Think, speak, then ask for the text whose id stands in the request, as a model would."""

    def step(received: Received) -> Answer:
        found = TEXT_ID.search(results_of(received.json)["toolu_0"])
        assert found, "nothing was left out"
        return answer(Think("Hm."), Say("I look closer. "), Call(call_id, OURS, {"id": found[1], **arguments}))

    return step


def begin(client: Client, provider: Provider) -> Client:
    """Ask the first question of a conversation: only one that begins here is offered the tool."""
    steps = provider.take_script()
    client.post("/v1/messages", request(history()))
    provider.received.clear()
    provider.script(*steps)
    return client


def send(client: Client, *, stream: bool) -> Reply:
    """Send the result of the model's first call; the answer is what the test has scripted."""
    reply = client.post("/v1/messages", request(history(LOG), stream=stream))
    assert reply.status == 200
    return reply


def message_of(reply: Reply, *, stream: bool) -> Json:
    """The message as a client puts it together; it must be one, with blocks in order and without gaps."""
    if not stream:
        return reply.json
    events: list[Json] = reply.events
    kinds = [event["type"] for event in events]
    assert [kinds.count(kind) for kind in ("message_start", "message_delta", "message_stop")] == [1, 1, 1]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    blocks: list[Json] = []
    for event in events:
        if event["type"] == "content_block_start":
            assert event["index"] == len(blocks)
            blocks.append(dict(event["content_block"]))
        elif event["type"] == "content_block_delta":
            assert event["index"] == len(blocks) - 1
            if event["delta"]["type"] == "text_delta":
                blocks[-1]["text"] += event["delta"]["text"]
    final: Json = next(event for event in events if event["type"] == "message_delta")
    return {"content": blocks, "stop_reason": final["delta"]["stop_reason"], "usage": final["usage"]}


def texts(message: Json) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@STREAM
def test_the_answer_goes_on_and_shows_no_trace(
    provider: Provider, start: Start, connect: Connect, *, stream: bool
) -> None:
    provider.script(asking(lines="701-703"), answer(Think("Ah."), Say("It was the card.")))
    reply = send(begin(connect(start()), provider), stream=stream)
    message = message_of(reply, stream=stream)
    assert texts(message) == "I look closer. It was the card."
    assert message["stop_reason"] == "end_turn"
    assert b"headroom" not in reply.body
    assert b"toolu_r" not in reply.body
    assert provider.refused == []
    assert "\n".join(LINES[700:703]) in results_of(provider.received[1].json)["toolu_r"]
    assert LINES[700] not in provider.received[0].body.decode()


@STREAM
def test_the_next_leg_begins_as_the_first(provider: Provider, start: Start, connect: Connect, *, stream: bool) -> None:
    """It extends the prompt that the provider has just cached, with the model's own words unchanged."""
    provider.script(asking(), answer(Say("Done.")))
    send(begin(connect(start()), provider), stream=stream)
    first, second = (received.json for received in provider.received)
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert {key: second[key] for key in first if key != "messages"} == {k: first[k] for k in first if k != "messages"}
    said = second["messages"][len(first["messages"])]
    assert [block["type"] for block in said["content"]] == ["thinking", "text", "tool_use"]


def test_the_first_leg_is_not_held_back(provider: Provider, start: Start, connect: Connect) -> None:
    """Text that comes before the call is shown while the model still speaks."""

    def held(received: Received) -> Answer:
        asked = asking()(received)
        return answer(*asked.blocks, hold=8)

    provider.script(held, answer(Say("Done.")))
    body = request(history(LOG), stream=True)
    client = begin(connect(start()), provider)
    reply = client.post("/v1/messages", body, on_piece=lambda _: provider.release())
    assert texts(message_of(reply, stream=True)).endswith("Done.")


@STREAM
def test_the_conversation_goes_on_with_what_the_client_saw(
    provider: Provider, start: Start, connect: Connect, *, stream: bool
) -> None:
    """The client's history has one message for the two legs, and the provider takes it."""
    client = begin(connect(start()), provider)
    provider.script(asking(), answer(Say("It was the card.")))
    said = message_of(send(client, stream=stream), stream=stream)
    content = [block for block in said["content"] if block["type"] == "text"]
    messages = [*history(LOG), {"role": "assistant", "content": content}, {"role": "user", "content": "Which one?"}]
    assert client.post("/v1/messages", request(messages, stream=stream)).status == 200
    assert provider.refused == []
    assert results_of(provider.received[2].json)["toolu_0"] == results_of(provider.received[0].json)["toolu_0"]


@STREAM
@pytest.mark.parametrize("arguments", [{"id": "00000000"}, {}, {"id": "../../etc/passwd"}], ids=["id", "none", "odd"])
def test_an_unknown_id_is_told_once_and_for_all(
    provider: Provider, start: Start, connect: Connect, *, stream: bool, arguments: Json
) -> None:
    provider.script(answer(Call("toolu_r", OURS, arguments)), answer(Say("Then not.")))
    message = message_of(send(begin(connect(start()), provider), stream=stream), stream=stream)
    assert texts(message) == "Then not."
    result = provider.received[1].json["messages"][-1]["content"][0]
    assert result["is_error"] is True
    assert "do not ask for it again" in str(result["content"])


@STREAM
def test_a_model_that_never_stops_is_stopped(
    provider: Provider, start: Start, connect: Connect, *, stream: bool
) -> None:
    provider.script(*(asking(f"toolu_r{number}") for number in range(ENDLESS)))
    message = message_of(send(begin(connect(start()), provider), stream=stream), stream=stream)
    assert OURS not in str(message)
    assert message["stop_reason"] != "tool_use"
    assert len(provider.received) <= 10
    assert provider.refused == []


@STREAM
def test_an_error_in_a_later_leg_is_seen_as_one(
    provider: Provider, start: Start, connect: Connect, *, stream: bool
) -> None:
    """The client must not take half an answer for a whole one."""
    provider.script(asking(), *[answer(status=529)] * 4)
    client = begin(connect(start()), provider)
    if stream:
        received = client.post_cut("/v1/messages", request(history(LOG), stream=True))
        assert b"message_stop" not in received
        assert b"event: error" in received
    else:
        assert client.post("/v1/messages", request(history(LOG))).status >= 500


@STREAM
def test_a_turn_with_a_call_of_the_clients_too(
    provider: Provider, start: Start, connect: Connect, *, stream: bool
) -> None:
    """The client gets its own call alone; what it sends next is an order that the provider takes."""

    def both(received: Received) -> Answer:
        asked = asking()(received)
        return answer(*asked.blocks, Call("toolu_1", "Bash", {"command": "list rows"}))

    client = begin(connect(start()), provider)
    provider.script(both, answer(Say("Done.")))
    message = message_of(send(client, stream=stream), stream=stream)
    assert [block["name"] for block in message["content"] if block["type"] == "tool_use"] == ["Bash"]
    assert message["stop_reason"] == "tool_use"
    follow_up = request(history(LOG, "three rows"), stream=stream)
    assert texts(message_of(client.post("/v1/messages", follow_up), stream=stream)) == "Done."
    assert provider.refused == []


def test_retrieved_text_is_never_shortened(provider: Provider, start: Start, connect: Connect) -> None:
    """Or the model would ask for ever."""
    provider.script(asking(lines="1-60"), answer(Say("Done.")))
    send(begin(connect(start()), provider), stream=True)
    assert "\n".join(LINES[:60]) in results_of(provider.received[1].json)["toolu_r"]


def test_the_tool_stands_last_and_costs_little(provider: Provider, start: Start, connect: Connect) -> None:
    """It is there from the first request, and never goes away."""
    client = connect(start())
    for results in ((), (LOG,), (LOG, "short")):
        client.post("/v1/messages", request(history(*results)))
    declared = [received.json["tools"] for received in provider.received]
    assert [tool["name"] for tool in declared[0]] == [*(tool["name"] for tool in TOOLS), OURS]
    assert declared[1:] == [declared[0]] * 2
    assert len(str(declared[0][-1])) < 500


def test_lossless_mode_offers_no_tool(provider: Provider, start: Start, connect: Connect) -> None:
    connect(start(headroom_mode="lossless")).post("/v1/messages", request(history(LOG)))
    received = provider.received[0]
    assert [tool["name"] for tool in received.json["tools"]] == [tool["name"] for tool in TOOLS]
    assert b"headroom" not in received.body
