"""What was sent once is sent again byte for byte: the provider's cache of the prefix stays good."""

import itertools
from pathlib import Path

import pytest
from answers import Json
from client import Client, Connect
from conversations import history, log, request, results_of, rows
from forked import Copy
from provider import Provider
from proxy import ADDON, Mitmdump, Start, running

SET_CLOCK = Path(__file__).with_name("set_clock.py")
RESULTS = (rows(300), log(1500), rows(200, salt="b"), log(400, salt="c"))


def play(client: Client, first: int, last: int) -> None:
    """Send the turns of one conversation, each with all that came before."""
    for count in range(first, last + 1):
        assert client.post("/v1/messages", request(history(*RESULTS[:count]), stream=True)).status == 200


def without_marks(value: object) -> object:
    """A request as the provider hashes it: markers of the cache are no part of it."""
    if isinstance(value, dict):
        return {key: without_marks(item) for key, item in value.items() if key != "cache_control"}
    return [without_marks(item) for item in value] if isinstance(value, list) else value


def broken_prefixes(bodies: list[Json]) -> list[int]:
    """Numbers of the requests that do not begin as the one before."""
    plain = [without_marks(body) for body in bodies]
    broken = []
    for number, (before, after) in enumerate(itertools.pairwise(plain), start=1):
        assert isinstance(before, dict)
        assert isinstance(after, dict)
        head = {key: after[key] for key in ("tools", "system")} == {key: before[key] for key in ("tools", "system")}
        if not head or after["messages"][: len(before["messages"])] != before["messages"]:
            broken.append(number)
    return broken


@pytest.mark.parametrize("mode", ["compress", "lossless"])
def test_each_turn_begins_as_the_last_one(provider: Provider, start: Start, connect: Connect, mode: str) -> None:
    play(connect(start(headroom_mode=mode)), 1, 4)
    bodies = [received.json for received in provider.received]
    assert provider.refused == []
    assert broken_prefixes(bodies) == []
    changed = results_of(bodies[-1])
    assert [changed[f"toolu_{number}"] != text for number, text in enumerate(RESULTS)] == [True] * 4


def test_a_restart_changes_nothing(provider: Provider, start: Start, connect: Connect) -> None:
    first = start()
    play(connect(first), 1, 2)
    first.stop()
    first.start()
    play(connect(first), 2, 4)
    bodies = [received.json for received in provider.received]
    assert provider.bodies[1] == provider.bodies[2]
    assert broken_prefixes(bodies) == []


def test_another_proxy_on_the_same_store_says_the_same(provider: Provider, start: Start, connect: Connect) -> None:
    one, other = connect(start()), connect(start())
    play(one, 1, 2)
    play(other, 2, 3)
    play(one, 3, 4)
    assert provider.bodies[1] == provider.bodies[2]
    assert provider.bodies[3] == provider.bodies[4]
    assert broken_prefixes([received.json for received in provider.received]) == []


def test_moving_markers_of_the_cache_are_the_clients(provider: Provider, start: Start, connect: Connect) -> None:
    """They stand where this request has them: none is replayed with a text it once stood on."""
    play(connect(start()), 1, 4)
    for received in provider.received:
        last = received.json["messages"][-1]["content"][-1]
        assert "cache_control" in last
        assert received.body.count(b'"cache_control"') == 2


def test_a_conversation_met_in_the_middle_keeps_its_past(provider: Provider, start: Start, connect: Connect) -> None:
    """The provider has it in its cache as it is, and to write it again for the tool would not pay."""
    given = request(history(*RESULTS), system="All that must be known of the ship. " * 20_000)
    connect(start()).post("/v1/messages", given)
    found = results_of(provider.received[0].json)
    assert [found[f"toolu_{number}"] == text for number, text in enumerate(RESULTS)] == [True, True, True, False]


def test_redis_is_shared_by_proxies(provider: Provider, start: Start, connect: Connect, redis_url: str) -> None:
    one, other = connect(start(headroom_store=redis_url)), connect(start(headroom_store=redis_url))
    play(one, 1, 2)
    play(other, 2, 3)
    assert provider.bodies[1] == provider.bodies[2]
    assert broken_prefixes([received.json for received in provider.received]) == []
    assert results_of(provider.received[-1].json)["toolu_0"] != RESULTS[0]


@pytest.mark.parametrize(("restarted", "broken"), [(False, []), (True, [1])], ids=["set", "passed, as far as is known"])
def test_a_clock_that_is_set_changes_nothing(
    provider: Provider, confdir: Path, connect: Connect, tmp_path: Path, *, restarted: bool, broken: list[int]
) -> None:
    """Who has been there knows that the time has not passed; to who comes later, the clock is all there is."""
    clock, system = tmp_path / "clock", "All that must be known of the ship. " * 2_000
    scripts, environment = (SET_CLOCK, ADDON), {"SET_CLOCK_FILE": str(clock)}
    proxy = Mitmdump(
        tmp_path / "home", confdir, provider.port, scripts, {"headroom_deadline": "50"}, environment, launch=Copy
    )
    with running(proxy):
        connect(proxy).post("/v1/messages", request(history(*RESULTS[:3]), system=system))
        clock.write_text("86400", encoding="ascii")
        if restarted:
            proxy.stop()
            proxy.start()
        connect(proxy).post("/v1/messages", request(history(*RESULTS), system=system))
    assert broken_prefixes([received.json for received in provider.received]) == broken
