"""A store that is slow, or falls silent in the middle of a request: nothing that was sent changes, nothing is lost."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis_server import RedisServer
from sample_compressors import LARGE, Shorten, rows
from sample_conversations import ANTHROPIC, COMPRESS, asked, body, offers, result, rewritten, texts
from slow_redis import SlowRedis

from headroom_mitm.pipeline import Outcome
from headroom_mitm.router import Router
from headroom_mitm.service import Service
from headroom_mitm.store.redis_server import BACK_OFF_SECONDS
from headroom_mitm.store.staged import ASKING, StagedStore

Messages = list[dict[str, Any]]
FIRST = asked() + result("c1", rows(LARGE))
SECOND = FIRST + result("c2", rows(LARGE, "other "))


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[SlowRedis]:
    server = SlowRedis(tmp_path)
    server.start()
    yield server
    server.stop()


class Clock:
    now = 1.7e9

    def __call__(self) -> float:
        return self.now


def run(url: str, talk: Callable[[Service, Clock], Awaitable[None]]) -> None:
    async def inside() -> None:
        clock = Clock()
        service = Service(url, Router((Shorten(),)), clock=clock)
        try:
            await talk(service, clock)
        finally:
            service.close()

    asyncio.run(inside())


async def send(service: Service, messages: Messages, seconds: float = 60) -> Outcome:
    outcome = await rewritten(service, ANTHROPIC, body(messages), COMPRESS, seconds)
    assert outcome is not None, "it was not read in time"
    return outcome


def settled(service: Service) -> None:
    """Return when nothing is told any more, and no question waits for an answer."""
    service.shared.behind.submit(lambda: None).result()
    store = service.shared.store
    assert isinstance(store, StagedStore)
    together = threading.Barrier(ASKING + 1)
    for _ in range(ASKING):
        store.staging.threads.submit(together.wait)
    together.wait()


def test_a_request_needs_two_answers_and_no_more(relay: SlowRedis) -> None:
    """The server falls silent behind the second: what it has not said is not waited for."""

    async def talk(service: Service, clock: Clock) -> None:
        settled(service)
        assert offers((await send(service, asked())).body)
        settled(service)
        relay.most = relay.answered + 2
        sent = await send(service, FIRST)
        assert len(texts(sent.body)["c1"]) < 1_000
        assert relay.answered == relay.most

    run(relay.url, talk)


@pytest.mark.parametrize("answers", [0, 1])
def test_what_left_raw_while_it_was_silent_stays_raw(relay: SlowRedis, answers: int) -> None:
    """What had left before is replayed all the while, and what comes after it answers again is shortened."""

    async def talk(service: Service, clock: Clock) -> None:
        await send(service, asked())
        first = texts((await send(service, FIRST)).body)
        settled(service)
        relay.most = relay.answered + answers
        silent = texts((await send(service, SECOND)).body)
        assert silent == {**first, "c2": rows(LARGE, "other ")}
        settled(service)
        relay.most = float("inf")
        clock.now += BACK_OFF_SECONDS
        third = SECOND + result("c3", rows(LARGE, "third "))
        back = texts((await send(service, third)).body)
        assert {call: back[call] for call in silent} == silent
        assert len(back["c3"]) < 1_000

    run(relay.url, talk)


def test_patience_is_less_than_the_deadline(relay: SlowRedis) -> None:
    """A request whose deadline is shorter than the server's time-outs replays what memory knows, and is not cut."""

    async def talk(service: Service, clock: Clock) -> None:
        await send(service, asked())
        first = texts((await send(service, FIRST)).body)
        settled(service)
        relay.most = relay.answered
        assert texts((await send(service, SECOND, seconds=0.6)).body)["c1"] == first["c1"]

    run(relay.url, talk)


def test_a_slow_server_is_waited_for(relay: SlowRedis) -> None:
    relay.delay = 0.05

    async def talk(service: Service, clock: Clock) -> None:
        await send(service, asked())
        assert len(texts((await send(service, FIRST)).body)["c1"]) < 1_000

    run(relay.url, talk)


def test_an_original_that_was_evicted_is_kept_again(own_redis: RedisServer) -> None:
    """Whoever meets a decision whose text is gone has the text in the request. So it can be asked for once more."""
    own_redis.start()
    sent: list[Outcome] = []

    async def talk(service: Service, clock: Clock) -> None:
        await send(service, asked())
        sent.append(await send(service, FIRST))

    async def meet(service: Service, clock: Clock) -> None:
        again = await send(service, FIRST)
        assert texts(again.body) == texts(sent[0].body)
        settled(service)
        (rendering,) = again.originals.values()
        assert service.read(rendering.original) == rows(LARGE)

    run(own_redis.url, talk)
    own_redis.delete("headroom:1:original:*")
    run(own_redis.url, meet)
