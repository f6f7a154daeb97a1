"""Whatever takes too long goes out as it came, and everything that was decided before is replayed nevertheless."""

import asyncio
import contextlib
import logging
import sqlite3
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sample_compressors import LARGE, PHRASE, SMALL, Block, Raise, Shorten, rows
from sample_conversations import (
    ANTHROPIC,
    COMPRESS,
    SHORTENS,
    FailingStore,
    asked,
    body,
    offers,
    result,
    rewritten,
    texts,
)

from headroom_mitm import service as module
from headroom_mitm.aligner import Aligner
from headroom_mitm.compressors import Compressor
from headroom_mitm.errors import MissingOriginal
from headroom_mitm.pipeline import Outcome, Pipeline
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.service import Service
from headroom_mitm.store import Decision, open_store
from headroom_mitm.store.staging import Unstaged

T = TypeVar("T")
SOON = 0.5
"""Seconds until the deadline, where it is to be missed."""
LONG = 60.0
"""Seconds until the deadline, where it must not be missed."""
TEXT = rows(SMALL)
SHORT = TEXT.replace(PHRASE, "WELL")
FIRST = asked() + result("c1", TEXT)
SECOND = FIRST + result("c2", TEXT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def run(path: Path, work: Callable[[Service], Awaitable[T]], compressors: Sequence[Compressor] = SHORTENS) -> T:
    """Run something with a service that is opened for it and closed behind it."""

    async def inside() -> T:
        service = Service(str(path), Router(compressors))
        try:
            return await work(service)
        finally:
            service.close()

    return asyncio.run(inside())


async def send(service: Service, messages: list[Any], seconds: float = LONG) -> bytes:
    """Return what leaves."""
    outcome = await rewritten(service, ANTHROPIC, body(messages), COMPRESS, seconds)
    return outcome.body if outcome is not None else body(messages)


def test_what_left_is_replayed_after_a_restart(path: Path) -> None:
    async def talk(service: Service) -> bytes:
        await send(service, asked())
        return await send(service, FIRST)

    first = run(path, talk)
    assert texts(first)["c1"] == SHORT
    assert run(path, lambda service: send(service, FIRST), (Shorten(version=2, word="fine"),)) == first


@pytest.mark.parametrize("given", [b"", b"{", b'{"messages": 1}', b"\xff\0"])
def test_a_body_that_is_no_prompt_is_left_alone(path: Path, given: bytes) -> None:
    assert run(path, lambda service: rewritten(service, ANTHROPIC, given, COMPRESS, LONG)) is None


def test_a_small_request_leaves_without_a_turn_of_the_event_loop(path: Path) -> None:
    """Where the store is free. What it decides is kept as ever."""

    async def talk(service: Service) -> list[bool]:
        await send(service, asked())
        return [is_done(service, asked("another task")), is_done(service, FIRST)]

    def is_done(service: Service, messages: list[Any]) -> bool:
        sending = service.leaving(ANTHROPIC, body(messages), COMPRESS, LONG)
        try:
            sending.send(None)
        except StopIteration as left:
            return offers(left.value.outcome.body)
        sending.close()
        return False

    assert run(path, talk) == [True, False]  # a text that is to be shortened is a thread's business
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM offer").fetchone() == (2,)


def test_a_late_text_goes_out_raw_and_stays_raw(path: Path) -> None:
    """What was decided before is replayed. The compressor finishes later, and the next text is in time again."""
    block = Block()
    other = rows(SMALL, seed="other ")  # not the text above, which would be referred to
    third = SECOND + result("c3", other)

    async def talk(service: Service) -> list[dict[str, str]]:
        block.go_on.set()
        sent = [await send(service, asked()), await send(service, FIRST)]
        block.go_on.clear()
        sent += [await send(service, SECOND, SOON), await send(service, SECOND, SOON)]
        block.go_on.set()
        sent += [await send(service, SECOND), await send(service, third)]
        assert all(map(offers, sent))
        return [texts(each) for each in sent]

    raw = {"c1": SHORT, "c2": TEXT}
    last = {**raw, "c3": other.replace(PHRASE, "WELL")}
    assert run(path, talk, (block,)) == [{}, {"c1": SHORT}, raw, raw, raw, last]
    assert texts(run(path, lambda service: send(service, third))) == last
    assert texts(run(path, lambda service: send(service, SECOND))) == raw


def test_a_late_beginning_never_gets_the_tool(path: Path) -> None:
    """Not with a retry, not later."""
    block = Block()
    beginning = [result("c0", TEXT)[1], *asked()]

    async def talk(service: Service) -> list[bytes]:
        late = await send(service, beginning, SOON)
        block.go_on.set()
        return [late, await send(service, beginning), await send(service, beginning + result("c1", rows(LARGE)))]

    sent = run(path, talk, (block,))
    assert not any(map(offers, sent))
    assert [texts(each)["c0"] for each in sent] == [TEXT] * 3


def test_texts_that_hang_do_not_keep_others_waiting(path: Path) -> None:
    """However many there are: what another conversation has decided is replayed, within its deadline."""
    block = Block()

    async def talk(service: Service) -> list[bytes]:
        block.go_on.set()
        await send(service, asked())
        await send(service, FIRST)
        block.go_on.clear()
        hanging = [asked(f"{number}") + result(f"h{number}", TEXT) for number in range(12)]
        sent = await asyncio.gather(*(send(service, messages, SOON) for messages in hanging))
        replayed = await send(service, FIRST, SOON)
        block.go_on.set()
        return [*sent, replayed]

    *hung, replayed = run(path, talk, (block,))
    assert [list(texts(each).values()) for each in hung] == [[TEXT]] * 12
    assert texts(replayed)["c1"] == SHORT


class Waiting(FailingStore):
    """A store that answers only after somebody says so."""

    def __init__(self, path: Path) -> None:
        super().__init__(open_store(str(path)))
        self.staging = Unstaged()  # it can do nothing at once
        self.reads, self.writes = threading.Event(), threading.Event()

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        assert self.reads.wait(60)
        return super().recall(keys)

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        assert self.writes.wait(60)
        return super().freeze(decisions)


def on_waiting(service: Service, path: Path) -> Waiting:
    """Let a service work on a store that waits."""
    service._store = store = Waiting(path)
    service._pipeline = Pipeline(Aligner(store, time.time), Router(SHORTENS), Retold(store, time.time))
    return store


def test_a_plan_that_comes_too_late_leaves_its_texts_raw(path: Path) -> None:
    """The body went out untouched. When the store answers at last, that is what it is told."""
    task = asked("a task that nothing was read of before")
    first = task + result("c1", TEXT)

    async def talk(service: Service) -> list[Any]:
        store = on_waiting(service, path)
        store.writes.set()
        await send(service, task)
        late = await rewritten(service, ANTHROPIC, body(first), COMPRESS, SOON)
        (planning,) = asyncio.all_tasks() - {asyncio.current_task()}
        store.reads.set()
        await asyncio.wait({planning})
        return [late, texts(await send(service, first))]

    assert run(path, talk) == [None, {"c1": TEXT}]
    assert texts(run(path, lambda service: send(service, first)))["c1"] == TEXT


def test_a_plan_that_comes_late_is_waited_for(path: Path) -> None:
    """What was sent leaves as it did, for a request's past costs more than its time. New texts are raw by then."""

    async def hurried(service: Service) -> bytes:
        store = on_waiting(service, path)
        store.writes.set()
        asyncio.get_running_loop().call_later(1.2 * SOON, store.reads.set)
        return await send(service, SECOND, SOON)

    async def begun(service: Service) -> bytes:
        await send(service, asked())
        return await send(service, FIRST)

    assert texts(run(path, begun)) == {"c1": SHORT}
    assert texts(run(path, hurried)) == {"c1": SHORT, "c2": TEXT}
    assert texts(run(path, lambda service: send(service, SECOND))) == {"c1": SHORT, "c2": TEXT}


def test_what_is_being_kept_at_the_deadline_is_waited_for(path: Path) -> None:
    """It may hold from now on, so it must be what leaves."""

    async def talk(service: Service) -> Outcome | None:
        store = on_waiting(service, path)
        store.reads.set()
        await send(service, asked())
        task = asyncio.ensure_future(rewritten(service, ANTHROPIC, body(FIRST), COMPRESS, SOON))
        done, _ = await asyncio.wait({task}, timeout=3 * SOON)
        assert not done
        store.writes.set()
        return await task

    outcome = run(path, talk)
    assert outcome is not None
    assert texts(outcome.body)["c1"] == SHORT


def test_what_is_no_text_waits_for_no_compressor(path: Path) -> None:
    """A conversation that begins gets its tool while all threads that may hang do."""
    block = Block()

    async def talk(service: Service) -> bytes:
        await send(service, asked())
        hanging = [asked(f"{number}") + result(f"h{number}", TEXT) for number in range(12)]
        sent = asyncio.gather(*(send(service, messages, LONG) for messages in hanging))
        begun = await send(service, asked("Something else"))
        block.go_on.set()
        await sent
        return begun

    assert offers(run(path, talk, (block,)))


def test_the_event_loop_gets_its_turn_soon(path: Path) -> None:
    """Where a thread of ours computes, the streams of all other conversations wait for it."""

    async def interval(_: Service) -> float:
        return sys.getswitchinterval()

    assert run(path, interval) <= 0.001


def test_requests_at_the_same_time_agree(path: Path) -> None:
    """Of one process and of two, though they would choose otherwise: the first decision holds for all."""

    async def talk(service: Service) -> list[bytes]:
        other = Service(str(path), Router((Shorten(version=2, word="fine"),)))
        try:
            await send(service, asked())
            return await asyncio.gather(*(send(each, FIRST) for each in (service, other) * 8))
        finally:
            other.close()

    assert len(set(run(path, talk))) == 1


def test_a_store_that_cannot_be_opened_lets_everything_through(tmp_path: Path) -> None:
    """As the very object, and with no decision that would have to be kept."""
    (tmp_path / "file").write_text("no folder")
    bodies = [body(messages) for messages in (asked(), FIRST, SECOND)]

    async def talk(service: Service) -> list[Outcome | None]:
        return [await rewritten(service, ANTHROPIC, given, COMPRESS, LONG) for given in bodies]

    outcomes = run(tmp_path / "file" / "store.sqlite", talk)
    assert all(outcome is None or outcome.body is given for outcome, given in zip(outcomes, bodies, strict=True))


def test_a_broken_compressor_leaves_texts_to_the_next(path: Path) -> None:
    sent = run(path, lambda service: send(service, FIRST), (Raise(), Shorten()))
    assert texts(sent)["c1"] == SHORT


def test_a_fault_of_ours_is_raised_to_the_hook(path: Path) -> None:
    """It alone decides that the original leaves."""

    def broken(_: str) -> bool:
        raise RuntimeError("a broken option")

    async def talk(service: Service) -> None:
        policy = type(COMPRESS)(excludes=broken)
        with pytest.raises(RuntimeError, match="a broken option"):
            await rewritten(service, ANTHROPIC, body(FIRST), policy, LONG)

    run(path, talk)


def test_originals_are_read_back(path: Path) -> None:
    async def talk(service: Service) -> list[str]:
        await send(service, asked())
        outcome = await rewritten(service, ANTHROPIC, body(asked() + result("c1", rows(LARGE))), COMPRESS, LONG)
        assert outcome is not None
        with pytest.raises(MissingOriginal):
            service.read(Digest(bytes(16)))
        return [service.read(rendering.original) for rendering in outcome.originals.values()]

    assert run(path, talk) == [rows(LARGE)]


class Told(logging.Handler):
    """Counts what is logged in the event loop's thread."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times, self.last, self.enough = times, "", asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.times, self.last = self.times - 1, record.getMessage()
        if not self.times:
            self.enough.set()


def test_sweeping_goes_on_though_the_store_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setattr(module, "SWEEP_SECONDS", 0)

    async def talk(service: Service) -> None:
        twice = Told(2)
        module.logger.addHandler(twice)
        task = asyncio.ensure_future(service.sweep_for_ever())
        async with asyncio.timeout(LONG):
            await twice.enough.wait()
        assert not task.done()
        task.cancel()
        module.logger.removeHandler(twice)
        assert "nothing was removed" in twice.last

    run(tmp_path / "file" / "store.sqlite", talk)


def test_no_thread_begins_while_somebody_waits(path: Path) -> None:
    """They have all begun before: hours later each would look like one that is leaked."""

    async def threads(service: Service) -> list[set[threading.Thread]]:
        before = set(threading.enumerate())
        await asyncio.gather(*(send(service, [*FIRST, *result(f"n{number}", TEXT)]) for number in range(8)))
        return [before, set(threading.enumerate())]

    before, after = run(path, threads)
    assert after <= before
