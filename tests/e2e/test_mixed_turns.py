"""The provider gets its own history back: rounds that a client has not seen, and calls beside its own."""

import itertools
import json
import re
from collections.abc import Callable, Sequence

import pytest
from answers import Answer, Call, Json, Say, Think, answer
from client import Client, Connect, Reply
from conversations import history, measurements, request, results_of
from provider import Provider, Received
from proxy import Start

OURS = "headroom_retrieve"
TEXT_ID = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")
LOG = measurements(1500)
BASH = Call("toolu_c", "Bash", {"command": "date"})
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
Speak = Callable[[Received], Answer]


def asking(*blocks: Say | Think | Call | str) -> Speak:
    """Say this; a string is a call of our tool, by its id, for the text whose note stands in the request."""

    def step(received: Received) -> Answer:
        found = TEXT_ID.search(results_of(received.json)["toolu_0"])
        assert found, "nothing was left out"
        return answer(*(Call(b, OURS, {"id": found[1], "lines": "7-9"}) if isinstance(b, str) else b for b in blocks))

    return step


class Session:
    """A client that keeps its history as it is shown, and goes on from it."""

    def __init__(self, client: Client, *, stream: bool) -> None:
        self.client, self.stream = client, stream
        client.post("/v1/messages", request(history()))
        self.messages = history(LOG)

    def ask(self, *results: str) -> list[Json]:
        """Send what there is; keep the answer and the results of its calls, and a question if there are none."""
        reply = self.client.post("/v1/messages", request(self.messages, stream=self.stream))
        assert reply.status == 200, reply.body
        content = blocks_of(reply) if self.stream else list(reply.json["content"])  # type: ignore[call-overload]
        assert OURS not in str(content)
        calls = [block["id"] for block in content if block["type"] == "tool_use"]
        given = [{"type": "tool_result", "tool_use_id": c, "content": r} for c, r in zip(calls, results, strict=True)]
        self.messages += [
            {"role": "assistant", "content": content},
            {"role": "user", "content": given or [{"type": "text", "text": f"And {len(self.messages)}?"}]},
        ]
        return content


def blocks_of(reply: Reply) -> list[Json]:
    """The blocks of a streamed answer as a client puts them together."""
    blocks: list[Json] = []
    arguments: dict[int, str] = {}
    for event in reply.events:
        if event["type"] == "content_block_start":
            blocks.append(dict(event["content_block"]))  # type: ignore[call-overload]
        elif event["type"] == "content_block_delta":
            delta: Json = event["delta"]  # type: ignore[assignment]
            name = delta["type"].removesuffix("_delta")
            if name == "input_json":
                arguments[len(blocks) - 1] = arguments.get(len(blocks) - 1, "") + delta["partial_json"]
            else:
                blocks[-1][name] += delta[name]
    for number, text in arguments.items():
        blocks[number]["input"] = json.loads(text or "{}")
    return blocks


def plain(received: Received) -> list[Json]:
    """The messages without cache markers: the provider does not count them."""
    found: list[Json] = json.loads(re.sub(rb',"cache_control":\{[^}]*\}', b"", received.body))["messages"]
    return found


def assert_cached(requests: Sequence[Received]) -> None:
    """Each request goes on from all of the one before, and ends in what will be read again."""
    for before, after in itertools.pairwise(requests):
        assert plain(after)[: len(plain(before))] == plain(before)
    for one in requests:
        assert "cache_control" in one.json["messages"][-1]["content"][-1]


@STREAM
def test_rounds_in_an_answer_come_back_in_the_next_request(
    provider: Provider, start: Start, connect: Connect, *, stream: bool
) -> None:
    """With thinking in the turns that it belongs to: it is signed."""
    session = Session(connect(start()), stream=stream)
    provider.script(
        asking(Think("Hm."), Say("I look. "), "toolu_r1"),
        asking(Think("Ah."), "toolu_r2", "toolu_r3"),
        answer(Think("Oh."), Say("The card.")),
        answer(Say("Yes.")),
    )
    session.ask()
    session.ask()
    assert provider.refused == []
    assert_cached(provider.received[1:])
    said = [[b["type"] for b in m["content"]] for m in plain(provider.received[-1])[3:] if m["role"] == "assistant"]
    assert said == [["thinking", "text", "tool_use"], ["thinking", "tool_use", "tool_use"], ["thinking", "text"]]


@STREAM
@pytest.mark.parametrize(
    "order", [("toolu_r1", BASH), (BASH, "toolu_r1"), ("toolu_r1", BASH, "toolu_r2")], ids=["first", "last", "around"]
)
def test_a_call_beside_the_clients_is_put_back(
    provider: Provider, start: Start, connect: Connect, order: tuple[Call | str, ...], *, stream: bool
) -> None:
    """And the model gets what it has asked for, beside what the client brings."""
    session = Session(connect(start()), stream=stream)
    provider.script(asking(Think("Both."), *order), answer(Say("Done.")), answer(Say("Yes.")))
    (thought, call) = session.ask("Sunday")
    assert (thought["type"], call["name"]) == ("thinking", "Bash")
    session.ask()
    session.ask()
    assert provider.refused == []
    assert_cached(provider.received[1:])
    *_, said, given = provider.received[2].json["messages"]
    assert [b["id"] for b in said["content"][1:]] == [b if isinstance(b, str) else b.id for b in order]
    results = {block["tool_use_id"]: block["content"] for block in given["content"]}
    assert results["toolu_c"] == "Sunday"
    assert all("\n".join(LOG.split("\n")[6:9]) in text for name, text in results.items() if name != "toolu_c")


@STREAM
@pytest.mark.parametrize("again", ["restarted", "second worker"])
def test_another_worker_knows_it_too(
    provider: Provider, start: Start, connect: Connect, again: str, *, stream: bool
) -> None:
    first = start()
    session = Session(connect(first), stream=stream)
    provider.script(asking("toolu_r1"), asking("toolu_r2", BASH), answer(Say("Done.")))
    session.ask("Sunday")
    if again == "restarted":
        first.stop()
    session.client = connect(start())
    session.ask()
    assert provider.refused == []
    assert_cached(provider.received[1:])


def test_without_the_store_the_client_is_taken_at_its_word(provider: Provider, start: Start, connect: Connect) -> None:
    """It says what the provider takes, too."""
    first = start()
    session = Session(connect(first), stream=True)
    provider.script(asking("toolu_r1"), asking(Say("Both."), "toolu_r2", BASH), answer(Say("Done.")))
    session.ask("Sunday")
    session.client = connect(start(headroom_store=str(first.home / "other.db"), headroom_mode="lossless"))
    session.ask()
    assert provider.refused == []
    assert "toolu_r" not in str(plain(provider.received[-1]))
    assert len(plain(provider.received[-1])) == len(session.messages[:-2])


def test_the_client_may_move_its_marker_back(provider: Provider, start: Start, connect: Connect) -> None:
    """A marker on a block of an earlier leg goes with it; there are never more than the client's."""
    session = Session(connect(start()), stream=True)
    provider.script(asking(Say("I look. "), "toolu_r1"), answer(Say("The card.")), answer(Say("Yes.")))
    session.ask()
    session.messages[-2]["content"][0]["cache_control"] = {"type": "ephemeral"}
    session.ask()
    assert provider.refused == []
    body = provider.received[-1].json
    holders = [
        b for m in body["messages"] if isinstance(m["content"], list) for b in m["content"] if "cache_control" in b
    ]
    assert [b["text"] for b in holders] == ["I look. ", "And 3?"]
