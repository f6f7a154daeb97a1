"""What is noted is written down, in one go and by a thread of its own; nothing that goes wrong reaches who notes it."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ledger_samples import HIT, NOON, SONNET, Desk, talk
from sample_conversations import FailingStore

from headroom_mitm.ledger import Ledger
from headroom_mitm.ledger_entry import OTHER, Asked
from headroom_mitm.ledger_figures import AUDIT
from headroom_mitm.ledger_sources import Sources
from headroom_mitm.ledger_writer import MOST_NAMES, MOST_WAITING, Finished, LedgerWriter
from headroom_mitm.store.base import RecordStore
from headroom_mitm.usage import Counted


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


class Failing(FailingStore):
    """Its records are never cut off: what counts here is that no sum is written twice, and none is lost."""

    @property
    def records(self) -> RecordStore:
        return self._store.records


WRITTEN = Counted(fresh=10, write_5m=20_000, output=50)


def finished(asked: Asked, *legs: Counted, **more: Any) -> Finished:
    return Finished(asked, lambda: legs, **({"retrieved": ()} | more))


def test_what_is_noted_can_be_read(desk: Desk) -> None:
    writer, told = LedgerWriter(desk.store, lambda: NOON), []
    for turns in (1, 2, 3):
        writer.note(finished(desk.asked(talk(turns)), HIT, retrieved=("0a1b2c3d",), done=told.append))
    writer.close()
    ledger = Ledger(desk.store, lambda: NOON)
    report, (session,) = ledger.report(), ledger.conversations(5)
    assert (report.totals.requests, report.totals.retrieved, report.totals.read) == (3, 3, 3 * HIT.read)
    assert list(report.by_model) == [SONNET]
    assert list(report.by_client) == ["claude-code"]
    assert list(report.by_day) == ["2026-11-22"]
    assert report.by_tool["Bash"].before > report.by_tool["Bash"].after
    assert session.sums == report.totals
    assert [request.retrieved for request in session.requests] == [1, 1, 1]
    assert report.totals.saved == pytest.approx(sum(request.saved or 0 for request in session.requests))
    assert [one["saved"] for one in told] == [request.saved for request in session.requests]


def test_workers_add_up(desk: Desk) -> None:
    writers = [LedgerWriter(desk.store, lambda: NOON) for _ in range(3)]
    for writer in writers:
        writer.note(finished(desk.asked(talk(1)), HIT))
    for writer in writers:
        writer.close()
    assert Ledger(desk.store, lambda: NOON).report().totals.requests == 3


def test_ratios_are_learnt(desk: Desk) -> None:
    writer, asked = LedgerWriter(desk.store, lambda: NOON), desk.asked(talk(2), AUDIT)
    assert asked.prompt is not None
    size = Sources().of(asked.prompt).total
    for _ in range(6):
        writer.note(finished(asked, Counted(fresh=size + size // 4)))
    writer.close()
    found = Ledger(desk.store, lambda: NOON).report().calibration[SONNET]
    assert found.is_known
    assert found.requests == 6
    assert found.ratio == pytest.approx(1.25, rel=0.001)


def test_an_answer_that_is_kept_leads_to_the_conversation_it_is_of(desk: Desk) -> None:
    writer, asked = LedgerWriter(desk.store, lambda: NOON), desk.asked(talk(1))
    assert asked.prompt is not None
    writer.note(finished(asked, HIT, answer_ids=lambda: ("resp_1",)))
    later = desk.asked(talk(1, question="else").replace(b'"model"', b'"previous_response_id": "resp_1", "model"'))
    assert later.prompt is not None
    goes_on = replace(later, prompt=replace(later.prompt, answered=True, first_answer=None))
    writer.note(finished(goes_on, HIT))
    writer.close()
    (session,) = Ledger(desk.store, lambda: NOON).conversations(5)
    assert session.sums.requests == 2


def test_a_tool_that_comes_later_is_not_paid_by_its_own_miss(desk: Desk) -> None:
    """Declared in the middle of a conversation it makes the cache miss once; that is a cost of ours."""
    writer = LedgerWriter(desk.store, lambda: NOON)
    first, second, third = (desk.asked(talk(turns)) for turns in (1, 2, 3))
    writer.note(finished(replace(first, added=()), WRITTEN))
    writer.note(finished(second, WRITTEN))
    writer.note(finished(third, WRITTEN))
    writer.close()
    (session,) = Ledger(desk.store, lambda: NOON).conversations(5)
    _, turned, missed = session.requests
    assert turned.saved is not None
    assert missed.saved is not None
    assert turned.saved < 0 < missed.saved


def test_a_fault_costs_one_request(desk: Desk) -> None:
    def broken() -> tuple[Counted, ...]:
        raise ValueError("an answer that cannot be read")

    writer = LedgerWriter(desk.store, lambda: NOON)
    writer.note(Finished(desk.asked(talk(1)), broken, ()))
    writer.note(finished(desk.asked(talk(2)), HIT))
    writer.close()
    assert Ledger(desk.store, lambda: NOON).report().totals.requests == 1


def test_a_store_that_comes_back_gets_what_it_missed(desk: Desk) -> None:
    store = Failing(desk.store)
    writer, told = LedgerWriter(store, lambda: NOON), threading.Semaphore(0)
    store.down = True
    writer.note(finished(desk.asked(talk(1)), HIT, done=lambda _: told.release()))
    assert told.acquire(timeout=30)
    store.down = False
    writer.note(finished(desk.asked(talk(2)), HIT))
    writer.close()
    assert Ledger(desk.store, lambda: NOON).report().totals.requests == 2


def test_to_note_never_waits(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """What is too much is left out, and the log says so once."""
    writer, gate = LedgerWriter(desk.store, lambda: NOON), threading.Event()

    def slow() -> tuple[Counted, ...]:
        gate.wait(30)
        return (HIT,)

    asked = desk.asked(talk(1))
    for _ in range(MOST_WAITING + 50):
        writer.note(Finished(asked, slow, ()))
    gate.set()
    writer.close()
    found = Ledger(desk.store, lambda: NOON).report().totals.requests
    assert MOST_WAITING <= found <= MOST_WAITING + 1
    assert len([record for record in caplog.records if "falls behind" in record.getMessage()]) == 1


def test_names_are_bounded(desk: Desk) -> None:
    """A client that makes names up does not fill the store."""
    writer = LedgerWriter(desk.store, lambda: NOON)
    sent, told = talk(1), threading.Semaphore(0)
    for number in range(MOST_NAMES + 20):
        asked = desk.asked(sent.replace(SONNET.encode(), b"model-%d" % number))
        writer.note(finished(asked, HIT, done=lambda _: told.release()))
        assert told.acquire(timeout=30)
    writer.close()
    report = Ledger(desk.store, lambda: NOON).report()
    assert len(report.by_model) == MOST_NAMES + 1
    assert report.by_model[OTHER].requests == 20
    assert report.totals.requests == MOST_NAMES + 20


def test_a_writer_without_work_has_no_thread(desk: Desk) -> None:
    before = threading.active_count()
    writer = LedgerWriter(desk.store)
    assert threading.active_count() == before
    writer.close()
