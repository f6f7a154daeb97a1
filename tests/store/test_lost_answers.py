"""A server keeps what it was told, and its answer is lost: what left instead holds here, and for all other workers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from decision_samples import key, lossy, raw
from redis_server import RedisServer
from sample_compressors import LARGE, Shorten, rows
from sample_conversations import ANTHROPIC, COMPRESS, asked, body, offers, result, rewritten, texts
from slow_redis import SlowRedis
from test_slow_redis import settled

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.pipeline import Outcome, Policy
from headroom_mitm.router import Router
from headroom_mitm.segments import digest
from headroom_mitm.service import Service
from headroom_mitm.store import Store
from headroom_mitm.store.base import Offer, Visit, Wanted
from headroom_mitm.store.redis_batches import RedisBatches
from headroom_mitm.store.redis_server import BACK_OFF_SECONDS
from headroom_mitm.store.staged import StagedStore

Messages = list[dict[str, Any]]
FIRST = asked() + result("c1", rows(LARGE))
SECOND = FIRST + result("c2", rows(LARGE, "other "))
THIRD = SECOND + result("c3", rows(LARGE, "third "))
FOURTH = THIRD + result("c4", rows(LARGE, "fourth "))


class Clock:
    now = 1.7e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[SlowRedis]:
    server = SlowRedis(tmp_path)
    server.cuts = True
    server.start()
    yield server
    server.stop()


def run(talk: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(talk())


def worker(url: str, clock: Clock) -> Service:
    return Service(url, Router((Shorten(),)), clock=clock)


async def send(service: Service, messages: Messages, policy: Policy = COMPRESS) -> Outcome:
    outcome = await rewritten(service, ANTHROPIC, body(messages), policy, 60)
    assert outcome is not None, "it was not read in time"
    return outcome


def silent(relay: SlowRedis, service: Service, after: int) -> None:
    """Have the server do what it is told, and say nothing any more after so many answers."""
    settled(service)
    relay.most = relay.answered + after


def back(relay: SlowRedis, service: Service, clock: Clock) -> None:
    settled(service)
    relay.most = float("inf")
    clock.now += BACK_OFF_SECONDS


@pytest.mark.parametrize("cuts", [False, True], ids=["silent", "cut off"])
def test_a_text_that_left_raw_is_raw_for_other_workers(relay: SlowRedis, *, cuts: bool) -> None:
    """The decision to shorten it was kept all the same, and nobody has sent it."""
    relay.cuts = cuts

    async def talk() -> None:
        clock = Clock()
        here = worker(relay.url, clock)
        await send(here, asked())
        await send(here, FIRST)
        silent(relay, here, after=1)
        assert texts((await send(here, SECOND)).body)["c2"] == rows(LARGE, "other ")
        back(relay, here, clock)
        sent = await send(here, THIRD)
        there = worker(relay.server.url, clock)
        met = await send(there, THIRD)
        assert met.body == sent.body
        assert len(texts(met.body)["c3"]) < 1_000
        for service in (here, there):
            service.close()

    run(talk)


def test_a_worker_that_ends_says_what_it_has_sent(relay: SlowRedis) -> None:
    """As in a rolling restart: the one that comes next has no memory but the store."""

    async def talk() -> None:
        clock = Clock()
        here = worker(relay.url, clock)
        await send(here, asked())
        await send(here, FIRST)
        silent(relay, here, after=1)
        sent = await send(here, SECOND)
        settled(here)
        relay.most = float("inf")
        here.close()
        there = worker(relay.server.url, clock)
        assert texts((await send(there, SECOND)).body) == texts(sent.body)
        there.close()

    run(talk)


def test_a_conversation_that_began_without_the_tool_has_none_elsewhere(relay: SlowRedis) -> None:
    async def talk() -> None:
        clock = Clock()
        here = worker(relay.url, clock)
        settled(here)
        silent(relay, here, after=1)
        assert not offers((await send(here, asked())).body)
        back(relay, here, clock)
        assert not offers((await send(here, FIRST)).body)
        there = worker(relay.server.url, clock)
        assert not offers((await send(there, SECOND)).body)
        for service in (here, there):
            service.close()

    run(talk)


def test_what_another_has_sent_meanwhile_stays(relay: SlowRedis) -> None:
    """Only what was kept by the very attempt whose answer was lost gives way."""

    async def talk() -> None:
        clock = Clock()
        here, there = worker(relay.url, clock), worker(relay.server.url, clock)
        for service in (here, there):
            await send(service, asked())
            await send(service, FIRST)
        silent(relay, here, after=0)
        theirs = await send(there, SECOND)
        assert texts((await send(here, SECOND)).body)["c2"] == rows(LARGE, "other ")
        back(relay, here, clock)
        await send(here, THIRD)
        assert texts((await send(here, FOURTH)).body)["c2"] == texts(theirs.body)["c2"], "all go by the same now"
        third = worker(relay.server.url, clock)
        assert texts((await send(third, FOURTH)).body)["c2"] == texts(theirs.body)["c2"]
        for service in (here, there, third):
            service.close()

    run(talk)


DISTANT = pytest.mark.parametrize("url", ["redis", "sentinel", "cluster"], indirect=True)


def batches(url: str, opened: Callable[..., Store]) -> RedisBatches:
    store = opened(url)
    assert isinstance(store, StagedStore)
    return store._store.batches


@DISTANT
@pytest.mark.parametrize("lands", ["before", "after", "never"])
def test_what_left_takes_the_place_of_what_did_not(url: str, opened: Callable[..., Store], lands: str) -> None:
    """Whether the server takes the lost attempt up before what left instead, behind it, or not at all."""
    here, name = batches(url, opened), f"call {lands}"
    told = here.sealed([lossy(name)], Offer(digest(name.encode()), offered=True))
    if lands == "before":
        here.write(told)
    here.unsettled(told)
    kept = here.keep([raw(name)])
    if lands == "after":
        here.write(told)
    there = batches(url, opened).read(Wanted([key(name)], [digest(name.encode())]))
    assert kept.renderings == there.renderings == {key(name): raw(name).rendering}
    assert there.offers == {digest(name.encode()): False}
    assert not here.doubts.are_raised


@DISTANT
@pytest.mark.parametrize("is_equal", [True, False], ids=["an equal one", "another"])
def test_a_decision_of_another_worker_stays(url: str, opened: Callable[..., Store], *, is_equal: bool) -> None:
    """It has been sent there, even where nobody could tell the two from what they say."""
    here, there, name = batches(url, opened), batches(url, opened), f"call {is_equal}"
    theirs = lossy(name) if is_equal else lossy(name, text="shorter")
    there.keep([theirs])
    told = here.sealed([lossy(name)])
    here.write(told)
    here.unsettled(told)
    assert here.keep([raw(name)]).renderings == {key(name): theirs.rendering}


@DISTANT
def test_an_offer_that_was_never_made_reads_so(url: str, opened: Callable[..., Store]) -> None:
    """Here at once, and elsewhere as soon as the server answers."""
    here, there = batches(url, opened), batches(url, opened)
    head = digest(b"a conversation")
    told = here.sealed((), Offer(head, offered=True))
    here.write(told)
    here.unsettled(told)
    assert here.read(Wanted(offers=[head])).offers == {head: False}
    here.keep(())
    assert there.read(Wanted(offers=[head])).offers == {head: False}
    assert not here.doubts.are_raised


def test_an_epoch_whose_answer_was_lost_has_not_begun(relay: SlowRedis, opened: Callable[..., Store]) -> None:
    """What left goes by the one before: here at once, and for all as soon as this worker says what it has sent."""
    here, there = opened(relay.url), opened(relay.server.url)
    before, after = Visit(1.0, 300.0), Visit(500.0, 300.0, epoch=1, changed=bytes(18))
    keys = [digest(b"loads the script"), digest(b"gets no answer")]
    for key_of_visit in keys:
        here.visits.begin(key_of_visit, None, before)
    relay.most = relay.answered + 1
    with pytest.raises(StoreUnavailable):
        here.visits.begin(keys[1], before, after)
    assert there.visits.get(keys[1]) == after
    relay.most = float("inf")
    here.staging.certainty.insist()
    assert here.visits.get(keys[1]) == before
    with here.staging.begun(1.0):
        here.staging.look_up(Wanted(visits=keys))
        assert here.visits.get(keys[1]) == before
    assert here.visits.touch(keys[1], 501.0, 300.0) == before.touched(501.0, 300.0)
    assert there.visits.get(keys[1]) == before.touched(501.0, 300.0)


def test_an_epoch_by_which_another_has_sent_holds(relay: SlowRedis, opened: Callable[..., Store]) -> None:
    here, there = opened(relay.url), opened(relay.server.url)
    before, after = Visit(1.0, 300.0), Visit(500.0, 300.0, epoch=1)
    one = digest(b"a prefix")
    here.visits.begin(one, None, before)
    relay.most = relay.answered + 1
    with pytest.raises(StoreUnavailable):
        here.visits.begin(one, before, after)
    there.visits.touch(one, 502.0, 300.0)
    relay.most = float("inf")
    here.staging.certainty.insist()
    assert here.visits.touch(one, 503.0, 300.0) == after.touched(503.0, 300.0)


def test_what_a_server_has_forgotten_is_kept_again(own_redis: RedisServer) -> None:
    """As by a failover whose replica lacked the last writes: who has sent it says so to those who have not."""

    async def talk() -> None:
        clock = Clock()
        own_redis.start()
        here = worker(own_redis.url, clock)
        await send(here, asked())
        first = await send(here, FIRST)
        settled(here)
        own_redis.kill()
        replayed = await send(here, FIRST)
        assert texts(replayed.body) == texts(first.body)
        settled(here)
        own_redis.start()
        clock.now += BACK_OFF_SECONDS
        sent = await send(here, SECOND)
        settled(here)
        there = worker(own_redis.url, clock)
        met = await send(there, SECOND)
        assert met.body == sent.body
        assert here.shared.store.staging.certainty.returns
        (rendering,) = [one for one in met.originals.values() if one.text == texts(first.body)["c1"]]
        assert there.read(rendering.original) == rows(LARGE)
        for service in (here, there):
            service.close()

    run(talk)


def test_what_left_is_told_without_another_request(relay: SlowRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one of the conversation may come to another worker."""
    monkeypatch.setattr("headroom_mitm.behind.AGAIN_SECONDS", 0.0)

    async def talk() -> None:
        clock = Clock()
        here, there = worker(relay.url, clock), worker(relay.server.url, clock)
        await send(here, asked())
        await send(here, FIRST)
        silent(relay, here, after=1)
        sent = await send(here, SECOND)
        back(relay, here, clock)
        for _ in range(1_000):
            await asyncio.wrap_future(here.shared.behind.submit(lambda: None))
            if not here.shared.store.staging.certainty.is_in_doubt:
                break
        assert texts((await send(there, SECOND)).body) == texts(sent.body)
        for service in (here, there):
            service.close()

    run(talk)


def test_what_texts_would_have_become_is_never_kept(own_redis: RedisServer) -> None:
    """Where nothing is changed it is only looked at, and a server that has forgotten is told what has left."""

    async def talk() -> None:
        clock = Clock()
        own_redis.start()
        here = worker(own_redis.url, clock)
        for messages in (asked(), FIRST):
            looked = await send(here, messages, Policy(change=False))
        assert any(not rendering.is_raw for rendering in looked.known.values())
        settled(here)
        own_redis.kill()
        own_redis.start()
        clock.now += BACK_OFF_SECONDS
        for messages in (SECOND, SECOND):
            await send(here, messages, Policy(change=False))
            settled(here)
        there = worker(own_redis.url, clock)
        assert texts((await send(there, SECOND)).body) == {"c1": rows(LARGE), "c2": rows(LARGE, "other ")}
        for service in (here, there):
            service.close()

    run(talk)
