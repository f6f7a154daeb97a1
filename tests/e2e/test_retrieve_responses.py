"""OpenAI's Responses: the model gets what was left out inside the same answer, and the client meets nothing of it."""

import json
import re
from collections.abc import Callable

import pytest
from answers import Answer, Call, Json, Say, Think, answer
from client import Client, Connect, Reply
from conversations import measurements
from provider import Provider, Received
from proxy import Start

OURS = "headroom_retrieve"
TEXT_ID = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")
LOG = measurements(1500)
LINES = LOG.split("\n")
PATH = "/v1/responses"
TOOL: Json = {"type": "function", "name": "shell", "strict": False, "parameters": {"type": "object", "properties": {}}}
NAMESPACES: Json = {
    "type": "additional_tools",
    "role": "developer",
    "tools": [{"type": "namespace", "name": "functions", "description": "", "tools": [TOOL]}],
}
QUESTION: Json = {"role": "user", "content": "How many rows failed?"}
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


class Agent:
    """A client of the Responses API that sends what it has seen, and nothing else."""

    def __init__(self, client: Client, *, stream: bool, chained: bool = False, **members: object) -> None:
        self.client = client
        self.chained = chained
        self.stream = stream
        self.members = {"model": "gpt-5", "store": chained, **members}
        self.items: list[Json] = []
        self.shown = b""

    def ask(self, *items: Json) -> Json:
        """Send more items; return the answer."""
        self.items += items
        body = {**self.members, "input": self.items, "stream": self.stream}
        reply = self.post(json.dumps(body).encode())
        assert reply.status == 200, reply.body
        self.shown += reply.body
        found = answer_of(reply) if self.stream else reply.json
        if self.chained:
            self.members["previous_response_id"], self.items = found["id"], []
        else:
            self.items += found["output"]  # type: ignore[arg-type]
        return found

    def post(self, body: bytes) -> Reply:
        return self.client.post(PATH, body, {"authorization": "Bearer sk-test"})

    def results(self, *texts: str, of: Json) -> list[Json]:
        """Answer the calls in an answer."""
        calls = [item for item in of["output"] if item["type"] == "function_call"]
        assert [item["name"] for item in calls] == ["shell"] * len(texts)
        return [
            {"type": "function_call_output", "call_id": called["call_id"], "output": text}
            for called, text in zip(calls, texts, strict=True)
        ]


def answer_of(reply: Reply) -> Json:
    """The answer that ends a stream; the stream must be one, of one id, with items and events numbered in order."""
    events: list[Json] = reply.events
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
    assert [kinds.count(kind) for kind in (kinds[0], kinds[1], kinds[-1])] == [1, 1, 1]
    assert len({event["response"]["id"] for event in events if "response" in event}) == 1
    done = [event for event in events if event["type"] == "response.output_item.done"]
    found: Json = events[-1]["response"]
    assert [event["output_index"] for event in done] == list(range(len(done)))
    assert [event["item"] for event in done] == found["output"]
    return found


def said(found: Json) -> str:
    messages = [item for item in found["output"] if item["type"] == "message"]
    return "".join(part["text"] for item in messages for part in item["content"])


def asking(*more: Call, call_id: str = "call_r", **arguments: str) -> Callable[[Received], Answer]:
    """Think, speak, then ask for the text whose id stands in the request, as a model would."""

    def step(received: Received) -> Answer:
        found = TEXT_ID.search(received.body.decode())
        assert found, "nothing was left out"
        return answer(Think("Hm."), Say("I look closer. "), Call(call_id, OURS, {"id": found[1], **arguments}), *more)

    return step


def outputs(received: Received) -> dict[str, str]:
    items = received.json["input"]
    return {item["call_id"]: item["output"] for item in items if item.get("type") == "function_call_output"}


def begun(agent: Agent, provider: Provider, *steps: Answer | Callable[[Received], Answer]) -> Json:
    """Ask the first question, and send the log that the model wants; what it answers then is what the test scripts."""
    provider.script(answer(Call("call_0", "shell")), *steps)
    first = agent.ask(QUESTION)
    return agent.ask(*agent.results(LOG, of=first))


WAYS = pytest.mark.parametrize(
    "members",
    [{"tools": [TOOL]}, {"tools": [TOOL], "chained": True}],
    ids=["all items", "by id"],
)


@STREAM
@WAYS
def test_the_answer_goes_on_and_shows_no_trace(
    provider: Provider, start: Start, connect: Connect, *, stream: bool, members: Json
) -> None:
    agent = Agent(connect(start(), "api.openai.com"), stream=stream, **members)
    found = begun(agent, provider, asking(lines="701-703"), answer(Think("Ah."), Say("It was the card.")))
    assert said(found) == "I look closer. It was the card."
    assert [item["type"] for item in found["output"]] == ["reasoning", "message", "reasoning", "message"]
    assert b"headroom" not in agent.shown
    assert b"call_r" not in agent.shown
    assert provider.refused == []
    assert "\n".join(LINES[700:703]) in outputs(provider.received[2])["call_r"]
    assert LINES[700] not in provider.received[1].body.decode()
    usage = found["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


@STREAM
@WAYS
def test_the_conversation_goes_on_with_what_the_client_saw(
    provider: Provider, start: Start, connect: Connect, *, stream: bool, members: Json
) -> None:
    """Also to a second text from the same conversation, and over a restart of the proxy."""
    proxy = start()
    agent = Agent(connect(proxy, "api.openai.com"), stream=stream, **members)
    begun(agent, provider, asking(lines="701-703"), answer(Say("It was the card.")))
    text_id = TEXT_ID.search(provider.received[1].body.decode())
    assert text_id is not None
    arguments = {"id": text_id[1], "lines": "801-802"}
    again, once_more = answer(Call("call_s", OURS, arguments)), answer(Call("call_t", OURS, arguments))
    provider.script(again, answer(Say("The card.")), once_more, answer(Say("Yes.")))
    found = agent.ask({"role": "user", "content": "Which one?"})
    assert said(found) == "The card."
    if agent.chained:
        kept = agent.client.get(f"{PATH}/{found['id']}/input_items")
        assert [item.get("type") for item in kept.json["data"]].count("function_call") == 1
        assert b"call_r" not in kept.body
        assert b"call_0" in kept.body
        del provider.received[-1]
    agent.client.close()
    proxy.stop()
    proxy.start()
    assert said(agent.ask({"role": "user", "content": "Sure?"})) == "Yes."
    assert provider.refused == []
    texts = {call_id: text for received in provider.received for call_id, text in outputs(received).items()}
    assert "\n".join(LINES[800:802]) in texts["call_s"]
    assert texts["call_t"] == texts["call_s"]
    tools = [received.json["tools"] for received in provider.received]
    assert tools == [tools[0]] * len(tools)
    assert tools[0][-1]["name"] == OURS


@STREAM
@WAYS
def test_a_turn_with_a_call_of_the_clients_too(
    provider: Provider, start: Start, connect: Connect, *, stream: bool, members: Json
) -> None:
    """The client gets its own call alone; what it sends next is a request that the provider takes."""
    agent = Agent(connect(start(), "api.openai.com"), stream=stream, **members)
    found = begun(agent, provider, asking(Call("call_1", "shell"), lines="701-703"), answer(Say("Done.")))
    assert said(agent.ask(*agent.results("three rows", of=found))) == "Done."
    assert provider.refused == []
    if members.get("chained"):
        assert "\n".join(LINES[700:703]) in outputs(provider.received[2])["call_r"]


@STREAM
def test_tools_in_the_input_are_answered_too(
    provider: Provider, start: Start, connect: Connect, *, stream: bool
) -> None:
    """Codex declares them there, in namespaces."""
    agent = Agent(connect(start(), "api.openai.com"), stream=stream)
    agent.items = [NAMESPACES]
    found = begun(agent, provider, asking(), answer(Say("It was the card.")))
    assert said(found) == "I look closer. It was the card."
    assert provider.refused == []
    assert [tool["name"] for tool in provider.received[0].json["input"][0]["tools"]] == ["functions", OURS]
    assert "tools" not in provider.received[0].json


@STREAM
@pytest.mark.parametrize("member", [{"background": True}, {"conversation": "conv_1"}], ids=["background", "elsewhere"])
def test_nothing_is_left_out_where_nobody_could_answer(
    provider: Provider, start: Start, connect: Connect, member: Json, *, stream: bool
) -> None:
    agent = Agent(connect(start(), "api.openai.com"), stream=stream, tools=[TOOL], **member)
    begun(agent, provider, answer(Say("Done.")))
    assert all(OURS.encode() not in received.body for received in provider.received)


@STREAM
def test_an_error_in_a_later_leg_is_seen_as_one(
    provider: Provider, start: Start, connect: Connect, *, stream: bool
) -> None:
    """The client must not take half an answer for a whole one."""
    agent = Agent(connect(start(), "api.openai.com"), stream=stream, tools=[TOOL])
    provider.script(answer(Call("call_0", "shell")), asking(), *[answer(status=503)] * 4)
    items = [*agent.results(LOG, of=agent.ask(QUESTION))]
    body = {**agent.members, "input": [*agent.items, *items], "stream": stream}
    reply = agent.post(json.dumps(body).encode())
    if stream:
        assert [event["type"] for event in reply.events][-1] == "response.failed"
        assert b"response.completed" not in reply.body
    else:
        assert reply.status == 503
        assert "error" in reply.json
