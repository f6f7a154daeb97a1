"""Chat completions and Gemini: the model asks for what was left out; the client sees one answer without our tool."""

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pytest
from answers import Answer, Call, Json, Say, answer
from client import Client, Connect, Reply
from conversations import measurements
from provider import Provider, Received
from proxy import Start

OURS = "headroom_retrieve"
TEXT_ID = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")
LOG = measurements(1500)
LINES = LOG.split("\n")
SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}}
ENDLESS = 30


@dataclass(frozen=True)
class Message:
    """What a client makes of an answer."""

    text: str
    calls: list[str]
    end: str
    spent: int
    made: int


@dataclass(frozen=True)
class Format:
    """How a client of one format asks and reads."""

    host: str
    path: str
    request: Callable[[Iterable[str]], Json]
    """With one result for each call of the model so far."""
    message: Callable[[list[Json]], Message]
    """From the documents of an answer."""
    results: Callable[[Json], list[str]]
    """Of all calls, in a request."""
    ends: tuple[str, str]
    """What an answer ends with: with calls, and without."""

    def post(self, client: Client, *results: str) -> Reply:
        return client.post(self.path, json.dumps(self.request(results), ensure_ascii=False).encode())

    def read(self, reply: Reply) -> Message:
        assert reply.status == 200
        if "event-stream" in reply.headers["content-type"]:
            return self.message(reply.events)
        value = json.loads(reply.body)
        return self.message(value if isinstance(value, list) else [value])


def chat(*, stream: bool) -> Format:
    def request(results: Iterable[str]) -> Json:
        function = {"name": "Bash", "description": "Runs something.", "parameters": SCHEMA}
        messages: list[Json] = [{"role": "user", "content": "How many rows failed?"}]
        for number, result in enumerate(results):
            call = {"id": f"call_{number}", "type": "function", "function": {"name": "Bash", "arguments": "{}"}}
            messages += [
                {"role": "assistant", "content": "Let me look.", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": f"call_{number}", "content": result},
            ]
        streamed: Json = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        return {
            "model": "gpt-5",
            "messages": messages,
            "tools": [{"type": "function", "function": function}],
        } | streamed

    def message(chunks: list[Json]) -> Message:
        (usage,) = (chunk["usage"] for chunk in chunks if chunk.get("usage"))
        choices = [choice for chunk in chunks for choice in chunk["choices"]]
        deltas = [choice["delta"] if "delta" in choice else choice["message"] for choice in choices]
        assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
        assert sum("role" in delta for delta in deltas) == 1
        (end,) = (choice["finish_reason"] for choice in choices if choice["finish_reason"])
        calls = [call["function"]["name"] for delta in deltas for call in delta.get("tool_calls", ()) if "id" in call]
        text = "".join(delta.get("content") or "" for delta in deltas)
        return Message(text, calls, end, usage["prompt_tokens"], usage["completion_tokens"])

    def results(body: Json) -> list[str]:
        return [message["content"] for message in body["messages"] if message["role"] == "tool"]

    return Format("api.openai.com", "/v1/chat/completions", request, message, results, ("tool_calls", "stop"))


def gemini(method: str) -> Format:
    def request(results: Iterable[str]) -> Json:
        contents: list[Json] = [{"role": "user", "parts": [{"text": "How many rows failed?"}]}]
        for number, result in enumerate(results):
            named = {"id": f"call_{number}", "name": "Bash"}
            response = {**named, "response": {"output": result}}
            contents += [
                {"role": "model", "parts": [{"functionCall": {**named, "args": {}}, "thoughtSignature": "c2lnbmVk"}]},
                {"role": "user", "parts": [{"functionResponse": response}]},
            ]
        functions = [{"name": "Bash", "description": "Runs something.", "parametersJsonSchema": SCHEMA}]
        return {"contents": contents, "tools": [{"functionDeclarations": functions}]}

    def message(documents: list[Json]) -> Message:
        candidates = [candidate for document in documents for candidate in document["candidates"]]
        parts = [part for candidate in candidates for part in candidate["content"]["parts"]]
        (end,) = (candidate["finishReason"] for candidate in candidates if "finishReason" in candidate)
        calls = [part["functionCall"]["name"] for part in parts if "functionCall" in part]
        usage = documents[-1]["usageMetadata"]
        text = "".join(part.get("text", "") for part in parts)
        return Message(text, calls, end, usage["promptTokenCount"], usage["candidatesTokenCount"])

    def results(body: Json) -> list[str]:
        parts = [part for content in body["contents"] for part in content["parts"]]
        responses = [part["functionResponse"]["response"] for part in parts if "functionResponse" in part]
        return [response.get("output") or response["error"] for response in responses]

    path = f"/v1beta/models/gemini-3-pro:{method}"
    return Format("generativelanguage.googleapis.com", path, request, message, results, ("STOP", "STOP"))


FORMATS = {
    "chat stream": chat(stream=True),
    "chat whole": chat(stream=False),
    "gemini events": gemini("streamGenerateContent?alt=sse"),
    "gemini array": gemini("streamGenerateContent"),
    "gemini whole": gemini("generateContent"),
}
FORMAT = pytest.mark.parametrize("wire", FORMATS.values(), ids=FORMATS)


def asking(wire: Format, *more: Call, **arguments: str) -> Callable[[Received], Answer]:
    """Speak, then ask for the text whose id stands in the request, as a model would."""

    def step(received: Received) -> Answer:
        found = TEXT_ID.search(wire.results(received.json)[0])
        assert found, "nothing was left out"
        call_id = f"call_r{len(wire.results(received.json))}"
        return answer(Say("I look closer. "), Call(call_id, OURS, {"id": found[1], **arguments}), *more)

    return step


@pytest.fixture
def client(provider: Provider, start: Start, connect: Connect, wire: Format) -> Client:
    """A client that has asked its first question: only a conversation that begins here is offered the tool."""
    client = connect(start(), wire.host)
    wire.post(client)
    provider.received.clear()
    return client


@FORMAT
def test_the_answer_goes_on_and_shows_no_trace(provider: Provider, client: Client, wire: Format) -> None:
    provider.script(asking(wire, lines="701-703"), answer(Say("It was the card.")))
    reply = wire.post(client, LOG)
    message = wire.read(reply)
    assert (message.text, message.calls, message.end) == ("I look closer. It was the card.", [], wire.ends[1])
    assert b"headroom" not in reply.body
    assert b"call_r" not in reply.body
    assert provider.refused == []
    assert "\n".join(LINES[700:703]) in wire.results(provider.received[1].json)[1]
    assert LINES[700] not in provider.received[0].body.decode()


@FORMAT
def test_the_next_leg_begins_as_the_first(provider: Provider, client: Client, wire: Format) -> None:
    """It extends the prompt that the provider has just cached."""
    provider.script(asking(wire), answer(Say("Done.")))
    wire.post(client, LOG)
    first, second = (received.body for received in provider.received)
    shared = len(first) - len(first.partition(wire.results(json.loads(first))[0][-20:].encode())[2])
    assert second[:shared] == first[:shared]
    assert json.loads(second)["tools"] == json.loads(first)["tools"]


@FORMAT
def test_the_client_is_told_what_its_own_conversation_costs(provider: Provider, client: Client, wire: Format) -> None:
    """The retrieved text is not its own; what the model wrote is, in whatever leg."""
    provider.script(asking(wire), answer(Say("Done.")))
    asked = wire.read(wire.post(client, LOG))
    provider.script(answer(Say("Done.")))
    plain = wire.read(wire.post(client, LOG))
    assert asked.spent == plain.spent
    assert asked.made > plain.made


@FORMAT
def test_two_texts_can_be_asked_for_at_once(provider: Provider, client: Client, wire: Format) -> None:
    gone = Call("call_r9", OURS, {"id": "00000000"})
    provider.script(asking(wire, gone, lines="1-3"), answer(Say("Done.")))
    assert wire.read(wire.post(client, LOG)).calls == []
    found, missing = wire.results(provider.received[1].json)[1:]
    assert "\n".join(LINES[:3]) in found
    assert "do not ask for it again" in missing
    assert provider.refused == []


@FORMAT
def test_a_model_that_never_stops_is_stopped(provider: Provider, client: Client, wire: Format) -> None:
    provider.script(*[asking(wire)] * ENDLESS)
    message = wire.read(wire.post(client, LOG))
    assert (message.calls, message.end) == ([], wire.ends[1])
    assert len(provider.received) <= 10
    assert provider.refused == []


@FORMAT
def test_a_turn_with_a_call_of_the_clients_too(provider: Provider, client: Client, wire: Format) -> None:
    """The client gets its own call alone; what it sends next is an order that the provider takes."""
    provider.script(asking(wire, Call("call_1", "Bash", {"command": "ls"})), answer(Say("Done.")))
    message = wire.read(wire.post(client, LOG))
    assert (message.calls, message.end) == (["Bash"], wire.ends[0])
    assert wire.read(wire.post(client, LOG, "three rows")).text == "Done."
    assert provider.refused == []


@FORMAT
def test_an_error_in_a_later_leg_is_seen_as_one(provider: Provider, client: Client, wire: Format) -> None:
    """The client must not take half an answer for a whole one."""
    provider.script(asking(wire), *[answer(status=503)] * 4)
    reply = wire.post(client, LOG)
    if reply.status < 500:
        assert b'"error"' in reply.body
        assert b"[DONE]" not in reply.body
        assert b'"STOP"' not in reply.body


@FORMAT
def test_a_leg_that_breaks_off_is_seen_as_such(provider: Provider, client: Client, wire: Format) -> None:
    """A chat breaks off, as it would by itself; Google's clients try again after an error with a status."""
    # A leg that dies before any of it was shown is asked for again; the first event of chat shows nothing.
    cut = 2 if wire is FORMATS["chat stream"] else 1
    provider.script(asking(wire), answer(Say("It was the card, and nothing but the card."), cut=cut))
    body = json.dumps(wire.request([LOG])).encode()
    received = client.post_cut(wire.path, body)
    assert (b'"error"' in received) == ("stream" in wire.path)
    assert b"[DONE]" not in received


@pytest.mark.parametrize("wire", [FORMATS["chat stream"], FORMATS["gemini events"], FORMATS["gemini array"]],
                         ids=["chat", "events", "array"])  # fmt: skip
def test_what_comes_before_the_call_is_not_held_back(provider: Provider, client: Client, wire: Format) -> None:
    """Nor is an array, which mitmproxy by itself would not show before its end."""

    def held(received: Received) -> Answer:
        return answer(*asking(wire)(received).blocks, hold=2 if wire.host == "api.openai.com" else 1)

    provider.script(held, answer(Say("Done.")))
    body = json.dumps(wire.request([LOG])).encode()
    reply = client.post(wire.path, body, on_piece=lambda _: provider.release())
    assert wire.read(reply).text == "I look closer. Done."


@pytest.mark.parametrize("wire", [FORMATS["gemini array"]], ids=["array"])
def test_an_array_that_nobody_watches_is_not_held_back(
    provider: Provider, start: Start, connect: Connect, wire: Format
) -> None:
    provider.script(answer(Say("a" * 100), hold=2))
    body = json.dumps(wire.request([])).encode()
    client = connect(start(headroom_mode="lossless"), wire.host)
    assert wire.read(client.post(wire.path, body, on_piece=lambda _: provider.release())).text == "a" * 100
