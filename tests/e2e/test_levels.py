"""Through the real stack: what a model asks for again and again is left in, for all workers and over restarts."""

import re
from pathlib import Path

import pytest
from answers import Answer, Call, Say, answer
from client import Client, Connect
from conversations import history, measurements, request, results_of
from provider import Provider, Received
from proxy import Start

OURS = "headroom_retrieve"
TEXT_ID = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")
SYSTEM = "You look after machines. " * 16_000
"""As long as a session is when it matters: asking has all of it read again."""


def ask(received: Received) -> Answer:
    """Ask for the text whose id stands in the request, as a model would; nothing if all of it is there."""
    found = TEXT_ID.search(results_of(received.json).get("toolu_0", ""))
    return answer(Call("toolu_r", OURS, {"id": found[1], "search": ""}) if found else Say("I see all."))


def converse(client: Client, provider: Provider, salts: list[str], *, asks: bool) -> None:
    """Have a short conversation for each salt, each with a result nobody has seen."""
    for salt in salts:
        begun = history()
        begun[0]["content"] += f" Number {salt}."
        client.post("/v1/messages", request(begun, system=SYSTEM))
        went_on = history(measurements(600, salt=salt))
        went_on[0]["content"] += f" Number {salt}."
        provider.script(ask if asks else answer(Say("Fine.")))
        assert client.post("/v1/messages", request(went_on, system=SYSTEM)).status == 200


def shortened(provider: Provider, before: int) -> list[bool]:
    """Say for each first request with a result, from the ``before``-th on, whether something was left out of it."""
    found = [results_of(received.json) for received in provider.received[before:]]
    return [TEXT_ID.search(results["toolu_0"]) is not None for results in found if list(results) == ["toolu_0"]]


@pytest.fixture(params=["sqlite", "redis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "store.sqlite") if request.param == "sqlite" else str(request.getfixturevalue("redis_url"))


@pytest.mark.parametrize("restarted", [True, False], ids=["restarted", "second worker"])
@pytest.mark.parametrize("asks", [True, False], ids=["asked for", "not asked for"])
def test_what_is_asked_for_is_left_in_by_the_next_proxy(
    provider: Provider, start: Start, connect: Connect, store: str, *, asks: bool, restarted: bool
) -> None:
    """Retrievals of one kind make the next results less compressed; none make them none the less so."""
    one = start(headroom_store=store)
    converse(connect(one), provider, [f"{asks}{number}" for number in range(15)], asks=asks)
    if restarted:
        one.stop()
    before = len(provider.received)
    converse(connect(start(headroom_store=store)), provider, [f"next{number}" for number in range(5)], asks=False)
    found = shortened(provider, before)
    assert len(found) == 5
    assert sum(found) <= 1 if asks else sum(found) >= 4
