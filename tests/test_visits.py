"""What was sent when is known at once here, and within a minute by all workers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_conversations import FailingStore, Hour

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.recent import HOUR, fade
from headroom_mitm.segments import Digest, digest
from headroom_mitm.store import open_store
from headroom_mitm.store.base import Visit
from headroom_mitm.visits import WRITTEN_EVERY, Visits

KEY = digest(b"a prefix")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FailingStore]:
    opened = FailingStore(open_store(str(tmp_path / "store.sqlite")))
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Hour:
    return Hour()


@pytest.fixture
def visits(store: FailingStore, clock: Hour) -> Visits:
    return Visits(store.visits, clock)


def test_it_is_written_down_once_a_minute(visits: Visits, store: FailingStore, clock: Hour) -> None:
    for passed, writes in ((0, 1), (WRITTEN_EVERY - 1, 0), (1, 1), (1, 0)):
        clock.now += passed
        store.asked = 0
        visits.touch(KEY, 300)
        assert store.asked == writes
        assert visits.remembered(KEY) == Visit(clock.now, 300)


def test_a_longer_lifetime_is_written_down_at_once(visits: Visits, store: FailingStore, clock: Hour) -> None:
    visits.touch(KEY, 300)
    visits.touch(KEY, 3600)
    visits.touch(KEY, 300)
    assert Visits(store.visits, clock).recalled(KEY).visit == Visit(clock.now, 3600)


@pytest.mark.parametrize(("away", "answers"), [("down", False), ("mute", False), ("read_only", True)])
def test_a_store_that_can_only_be_read_answers(visits: Visits, store: FailingStore, away: str, answers: bool) -> None:
    """What it holds is to be asked for; to one that does not answer at all, each question is a time-out."""
    setattr(store, away, True)
    assert visits.touch(KEY, 300) is answers
    assert visits.remembered(KEY) is not None


def test_what_others_have_sent_since_is_known_when_asked_for(visits: Visits, store: FailingStore, clock: Hour) -> None:
    visits.touch(KEY, 300)
    clock.now += 1000
    Visits(store.visits, clock).touch(KEY, 3600)
    assert visits.remembered(KEY) == Visit(clock.now - 1000, 300)
    assert visits.recalled(KEY).visit == Visit(clock.now, 3600)


def test_memory_knows_better_than_a_store_that_is_a_minute_late(visits: Visits, clock: Hour) -> None:
    visits.touch(KEY, 300)
    clock.now += 30
    visits.touch(KEY, 300)
    assert visits.recalled(KEY) == (Visit(clock.now, 300), Visit(clock.now - 30, 300))


def test_one_of_two_begins_an_epoch(visits: Visits, store: FailingStore, clock: Hour) -> None:
    visits.touch(KEY, 300)
    other = Visits(store.visits, clock)
    before, same = other.recalled(KEY), visits.recalled(KEY)
    mine, others = Visit(clock.now + 900, 300, 1, False, b"mine"), Visit(clock.now + 900, 300, 1, False, b"other's")
    assert visits.begin(KEY, same, mine)
    assert not other.begin(KEY, before, others)
    assert other.remembered(KEY) == visits.remembered(KEY) == mine


def test_without_the_store_this_process_still_knows(visits: Visits, store: FailingStore, clock: Hour) -> None:
    store.down = True
    visits.touch(KEY, 300)
    assert visits.remembered(KEY) == Visit(clock.now, 300)
    with pytest.raises(StoreUnavailable):
        visits.recalled(KEY)


OTHER = digest(b"its beginning")


@pytest.fixture
def patient(visits: Visits) -> Visits:
    visits.puts_off = True
    return visits


def test_what_nobody_has_sent_before_is_told_of_later(patient: Visits, store: FailingStore, clock: Hour) -> None:
    """In its order, and asked for once."""
    other, before = Visits(store.visits, clock), Visit(clock.now, 300)
    assert patient.put_off((KEY, OTHER), 300)
    assert patient.remembered(KEY) == before
    assert other.recalled(KEY).visit is None
    assert [patient.falls_due(), patient.falls_due()] == [True, False]
    store.down = True
    with pytest.raises(StoreUnavailable):
        patient.settle()
    store.down = False
    assert patient.falls_due()
    clock.now += 30
    patient.settle()
    assert [other.recalled(key).visit for key in (KEY, OTHER)] == [before, before]
    assert not patient.falls_due()


@pytest.mark.parametrize("known", [KEY, OTHER])
@pytest.mark.parametrize("here", [True, False], ids=["here", "elsewhere"])
def test_what_is_known_does_not_wait(
    patient: Visits, store: FailingStore, clock: Hour, known: Digest, here: bool
) -> None:
    (patient if here else Visits(store.visits, clock)).touch(known, 300)
    assert not patient.put_off((KEY, OTHER), 300)
    assert not patient.falls_due()


def test_nothing_waits_where_nobody_settles(visits: Visits, store: FailingStore, clock: Hour) -> None:
    assert not visits.put_off((KEY, OTHER), 300)
    visits.put_off_any(lambda: [(KEY, 300)])
    assert Visits(store.visits, clock).recalled(KEY).visit == Visit(clock.now, 300)


def test_what_many_send_is_told_of_once_a_minute(patient: Visits, store: FailingStore, clock: Hour) -> None:
    for passed, is_told in ((0, True), (WRITTEN_EVERY - 1, False), (1, True)):
        clock.now += passed
        patient.put_off_any(lambda: [(KEY, 300)])
        assert [patient.falls_due(), patient.falls_due()] == [True, False]
        store.down = not is_told
        patient.settle()
        assert patient.remembered(KEY) == Visit(clock.now, 300)
    assert Visits(store.visits, clock).recalled(KEY).visit == Visit(clock.now, 300)


def test_what_waits_is_known_to_who_asks_for_it(patient: Visits, store: FailingStore, clock: Hour) -> None:
    """Whether a front is warm is asked of the next conversation, which may come at once; the store is told later."""
    patient.put_off_any(lambda: [(KEY, 300), (OTHER, 300)])
    assert patient.recalled(OTHER).visit == patient.recalled(KEY).visit == Visit(clock.now, 300)
    assert Visits(store.visits, clock).recalled(KEY).visit is None
    patient.settle()
    assert Visits(store.visits, clock).recalled(KEY).visit == Visit(clock.now, 300)


@pytest.mark.parametrize(
    ("lifetime", "ages", "is_known"),
    [(300, HOUR, True), (3600, HOUR, True), (3600, 2 * HOUR, False), (86_400, 2 * HOUR, True)],
)
def test_when_it_was_sent_is_known_while_it_may_be_kept(
    visits: Visits, clock: Hour, lifetime: float, ages: int, is_known: bool
) -> None:
    """By a clock that nobody sets; the other may say that more time has passed."""
    visits.touch(KEY, lifetime)
    for _ in range(ages):
        fade()
    clock.now += 100
    assert visits.idle(KEY) == (100 if is_known else None)
