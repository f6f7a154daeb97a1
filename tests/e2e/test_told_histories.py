"""Chat completions, Responses and Gemini: what a client has not seen is in its next request where it was.

Each request goes on from all of the one before, so that the provider's cache holds; also after a restart, and by
another worker.
"""

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from answers import Answer, Call, Json, Say, answer
from client import Client, Connect
from conversations import measurements
from provider import Provider, Received
from proxy import Start

OURS = "headroom_retrieve"
TEXT_ID = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")
NOTED = re.compile(r'\[1500 lines in order(?:[^"\\]|\\.)*')
LOG = measurements(1500)
BASH = Call("call_c", "Bash", {"command": "date"})
SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}}


@dataclass(frozen=True)
class Format:
    """How a client of one format keeps its history."""

    host: str
    path: str
    member: str
    """Of a request, with the history."""
    rest: Json
    """All else in a request."""
    said: Callable[[Json], list[Json]]
    """What an answer adds to the history."""
    calls: Callable[[list[Json]], list[str]]
    """Ids of the calls in that."""
    result: Callable[[str, str], Json]
    """What a call's id and its result add."""
    question: Callable[[str], Json]

    def results(self, received: Received) -> str:
        return json.dumps(received.json[self.member], ensure_ascii=False)


def _chat_said(document: Json) -> list[Json]:
    message = document["choices"][0]["message"]
    return [{name: value for name, value in message.items() if value is not None or name == "content"}]


def _gemini_result(call_id: str, text: str) -> Json:
    response = {"id": call_id, "name": "Bash", "response": {"output": text}}
    return {"role": "user", "parts": [{"functionResponse": response}]}


FORMATS = {
    "chat": Format(
        "api.openai.com",
        "/v1/chat/completions",
        "messages",
        {"model": "gpt-5", "tools": [{"type": "function", "function": {"name": "Bash", "parameters": SCHEMA}}]},
        _chat_said,
        lambda said: [call["id"] for call in said[0].get("tool_calls", ())],
        lambda call_id, text: {"role": "tool", "tool_call_id": call_id, "content": text},
        lambda text: {"role": "user", "content": text},
    ),
    "responses": Format(
        "api.openai.com",
        "/v1/responses",
        "input",
        {"model": "gpt-5", "store": False, "tools": [{"type": "function", "name": "Bash", "parameters": SCHEMA}]},
        lambda document: document["output"],
        lambda said: [item["call_id"] for item in said if item["type"] == "function_call"],
        lambda call_id, text: {"type": "function_call_output", "call_id": call_id, "output": text},
        lambda text: {"role": "user", "content": text},
    ),
    "gemini": Format(
        "generativelanguage.googleapis.com",
        "/v1beta/models/gemini-3-pro:generateContent",
        "contents",
        {"tools": [{"functionDeclarations": [{"name": "Bash", "parametersJsonSchema": SCHEMA}]}]},
        lambda document: [document["candidates"][0]["content"]],
        lambda said: [part["functionCall"]["id"] for part in said[0]["parts"] if "functionCall" in part],
        _gemini_result,
        lambda text: {"role": "user", "parts": [{"text": text}]},
    ),
}
FORMAT = pytest.mark.parametrize("wire", FORMATS.values(), ids=FORMATS)


class Session:
    """A client that keeps its history as it is shown, and goes on from it."""

    def __init__(self, client: Client, wire: Format) -> None:
        self.client, self.wire = client, wire
        self.history = [wire.question("How many rows failed?")]

    def ask(self, *results: str) -> None:
        """Send what there is; keep the answer and the results of its calls, and a question if there are none."""
        wire = self.wire
        reply = self.client.post(wire.path, json.dumps({**wire.rest, wire.member: self.history}).encode())
        assert reply.status == 200, reply.body
        assert OURS not in reply.body.decode()
        said = wire.said(json.loads(reply.body))
        calls = wire.calls(said)
        self.history += [*said, *(wire.result(*pair) for pair in zip(calls, results, strict=True))]
        self.history += [] if calls else [wire.question(f"And {len(self.history)}?")]


def asking(wire: Format, *blocks: Say | Call | str) -> Callable[[Received], Answer]:
    """Say this; a string is a call of our tool, by its id, for the text whose note stands in the request."""

    def step(received: Received) -> Answer:
        found = TEXT_ID.search(wire.results(received))
        assert found, "nothing was left out"
        return answer(*(Call(b, OURS, {"id": found[1], "lines": "7-9"}) if isinstance(b, str) else b for b in blocks))

    return step


def assert_goes_on(provider: Provider, wire: Format) -> None:
    """Each request is the one before, and more; the provider has refused none."""
    assert provider.refused == []
    histories = [received.json[wire.member] for received in provider.received]
    for before, after in itertools.pairwise(histories):
        assert after[: len(before)] == before


@FORMAT
def test_rounds_and_calls_come_back_in_the_next_requests(
    provider: Provider, start: Start, connect: Connect, wire: Format
) -> None:
    session = Session(connect(start(), wire.host), wire)
    provider.script(
        answer(Call("call_0", "Bash", {"command": "cat log"})),
        asking(wire, Say("I look. "), "call_r1"),
        asking(wire, "call_r2", "call_r3"),
        answer(Say("The card.")),
        asking(wire, Say("Both. "), "call_r4", BASH),
        asking(wire, "call_r5"),
        answer(Say("Done.")),
        answer(Say("Yes.")),
    )
    session.ask(LOG)
    session.ask()
    session.ask("Sunday")
    session.ask()
    session.ask()
    assert_goes_on(provider, wire)
    last = wire.results(provider.received[-1])
    assert all(last.count(f'"call_r{number}"') >= 2 for number in range(1, 6))
    assert json.dumps("\n".join(LOG.split("\n")[6:9]), ensure_ascii=False)[1:-1] in last


@FORMAT
@pytest.mark.parametrize("again", ["restarted", "second worker"])
def test_another_worker_knows_it_too(
    provider: Provider, start: Start, connect: Connect, wire: Format, again: str
) -> None:
    first = start()
    session = Session(connect(first, wire.host), wire)
    provider.script(
        answer(Call("call_0", "Bash", {"command": "cat log"})),
        asking(wire, Say("I look. "), "call_r1"),
        asking(wire, "call_r2", BASH),
        answer(Say("Done.")),
    )
    session.ask(LOG)
    session.ask("Sunday")
    if again == "restarted":
        first.stop()
    session.client = connect(start(), wire.host)
    session.ask()
    assert_goes_on(provider, wire)


@FORMAT
def test_without_the_store_the_client_is_taken_at_its_word(
    provider: Provider, start: Start, connect: Connect, wire: Format
) -> None:
    """It says what the provider takes, too."""
    first = start()
    session = Session(connect(first, wire.host), wire)
    provider.script(
        answer(Call("call_0", "Bash", {"command": "cat log"})),
        asking(wire, Say("I look. "), "call_r1"),
        asking(wire, "call_r2", BASH),
        answer(Say("Done.")),
    )
    session.ask(LOG)
    session.ask("Sunday")
    session.client = connect(start(headroom_store=str(first.home / "other.db")), wire.host)
    session.ask()
    assert provider.refused == []
    assert "call_r" not in wire.results(provider.received[-1])
    assert len(provider.received[-1].json[wire.member]) == len(session.history[:-2])


@FORMAT
def test_a_copied_result_is_written_whole(provider: Provider, start: Start, connect: Connect, wire: Format) -> None:
    """What the model copies of a shortened result into a call is the original before the client runs it."""

    def copying(received: Received) -> Answer:
        found = NOTED.search(wire.results(received))
        assert found
        return answer(Call("call_1", "Bash", {"command": json.loads(f'"{found[0]}"')}))

    session = Session(connect(start(), wire.host), wire)
    provider.script(answer(Call("call_0", "Bash", {"command": "cat log"})), copying)
    session.ask(LOG)
    session.ask("ok")
    kept = json.dumps(session.history[3:], ensure_ascii=False)
    assert "Left out here" not in kept
    twice = json.dumps(json.dumps(LOG, ensure_ascii=False)[1:-1], ensure_ascii=False)[1:-1]
    assert json.dumps(LOG, ensure_ascii=False)[1:-1] in kept or twice in kept
