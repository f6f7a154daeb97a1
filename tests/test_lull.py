"""What nobody waits for is done when no request comes, in its order, and never later than it may be."""

import asyncio
import functools
import gc
from collections.abc import Awaitable, Callable

import pytest

from headroom_mitm import lull as module
from headroom_mitm.lull import MOST, Lull

QUIET = 0.02


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUIET_SECONDS", QUIET)


def run(talk: Callable[[Lull, list[int]], Awaitable[None]]) -> list[int]:
    """Return what was done by the end of a talk."""
    lull, done = Lull(), list[int]()

    async def inside() -> None:
        await talk(lull, done)

    asyncio.run(inside())
    return done


async def put_off(lull: Lull, done: list[int], count: int = 3) -> None:
    for number in range(count):
        lull.put_off(functools.partial(done.append, number))


def test_it_is_done_in_its_order_when_it_is_quiet() -> None:
    async def talk(lull: Lull, done: list[int]) -> None:
        await put_off(lull, done)
        is_over = asyncio.Event()
        lull.put_off(is_over.set)
        assert not done
        await is_over.wait()

    assert run(talk) == [0, 1, 2]


def test_who_waits_has_it_wait() -> None:
    """But not for longer than it may."""

    async def talk(lull: Lull, done: list[int]) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await put_off(lull, done, 1)
        while not done:
            lull.stir()
            await asyncio.sleep(0)
        assert loop.time() - began >= module.LONGEST_SECONDS

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "LONGEST_SECONDS", 4 * QUIET)
        assert run(talk) == [0]


def test_it_is_done_at_once_where_it_is_much() -> None:
    assert len(run(lambda lull, done: put_off(lull, done, MOST))) == MOST


def test_all_is_done_at_the_end() -> None:
    """Once: nothing comes when it would have been quiet."""

    async def talk(lull: Lull, done: list[int]) -> None:
        await put_off(lull, done)
        lull.end()
        await asyncio.sleep(2 * QUIET)

    assert run(talk) == [0, 1, 2]


def test_any_number_of_light_things_waits() -> None:
    async def talk(lull: Lull, done: list[int]) -> None:
        for number in range(2 * MOST):
            lull.put_off(functools.partial(done.append, number), is_light=True)
        assert not done
        await put_off(lull, done, MOST - 1)
        assert not done
        lull.end()

    assert len(run(talk)) == 3 * MOST - 1


def test_what_follows_from_it_is_put_off_again() -> None:
    async def talk(lull: Lull, done: list[int]) -> None:
        lull.put_off(lambda: lull.put_off(lambda: done.append(1)))
        lull.end()
        assert not done
        lull.end()

    assert run(talk) == [1]


def test_garbage_waits_for_so_long() -> None:
    """And never longer: a lull that is over leaves the collector as it was."""
    before = gc.get_threshold()

    async def talk(lull: Lull, done: list[int]) -> None:
        lull.stir()
        assert gc.get_threshold() > before
        is_over = asyncio.Event()
        lull.put_off(is_over.set)
        await is_over.wait()
        done.append(gc.get_threshold() == before)

    assert run(talk) == [True]
