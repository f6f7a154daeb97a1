"""What the embedded store adds to the contract: it forgets by itself, and lives on a disk that may be full."""

import contextlib
import os
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from decision_samples import key, lossless, lossy
from hand_clock import HandClock

from headroom_mitm.errors import MissingOriginal, StoreUnavailable
from headroom_mitm.segments import digest_of_text
from headroom_mitm.store import Decision, Limits, Store
from headroom_mitm.store.sealing import Sealer
from headroom_mitm.store.sqlite import SqliteStore

OpenStore = Callable[..., Store]
HOUR, DAY = 3600, 86_400
HEAD = digest_of_text("the beginning of a conversation")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path, opened: OpenStore, clock: HandClock) -> Store:
    """Thirty idle days, two gigabytes."""
    return opened(str(path), clock=clock)


def big(number: int) -> Decision:
    """A decision of about 100 KB that does not compress."""
    noise = os.urandom(75_000).hex()  # zstd halves it, and leaves the other form as it is
    return lossy(f"call {number}", text=noise[:50_000], original=noise[50_000:])


def known(store: Store, count: int) -> list[int]:
    found = store.recall([key(f"call {number}") for number in range(count)])
    return [number for number in range(count) if key(f"call {number}") in found]


def test_what_is_idle_for_too_long_goes(store: Store, clock: HandClock) -> None:
    """With its original, and not before its time: a second use within the hour is not written down, but counts."""
    store.freeze([lossy("call 1")])
    clock.now += HOUR
    store.recall([key("call 1")])
    clock.now += 30 * DAY
    assert store.sweep() == 0
    clock.now += 1
    assert store.sweep() == 2
    assert store.recall([key("call 1")]) == {}
    with pytest.raises(MissingOriginal):
        store.original(digest_of_text("a long text"))


@pytest.mark.parametrize(
    "use", [lambda store: store.recall([key("call 1")]), lambda store: store.freeze([lossy("call 1")])]
)
def test_idle_time_counts_from_the_last_use(store: Store, clock: HandClock, use: Callable[[Store], object]) -> None:
    """A conversation that goes on keeps its decisions and its originals."""
    store.freeze([lossy("call 1")])
    for _ in range(4):
        clock.now += 20 * DAY
        use(store)
        assert store.sweep() == 0
    assert store.original(digest_of_text("a long text")) == "a long text"


def test_an_original_stays_as_long_as_one_decision_names_it(store: Store, clock: HandClock) -> None:
    store.freeze([lossy("call 1", original="same"), lossy("call 2", original="same")])
    clock.now += 20 * DAY
    store.recall([key("call 2")])
    clock.now += 20 * DAY
    assert store.sweep() == 1
    assert store.original(digest_of_text("same")) == "same"


def test_an_offer_stays_as_long_as_it_is_asked_for(store: Store, clock: HandClock) -> None:
    store.offer(HEAD, True)
    for _ in range(3):
        clock.now += 20 * DAY
        assert store.offered(HEAD) is True
        store.sweep()
    clock.now += 31 * DAY
    store.sweep()
    assert store.offered(HEAD) is None


def test_rounds_stay_as_long_as_they_are_asked_for(store: Store, clock: HandClock) -> None:
    store.keep_rounds(HEAD, b"packed")
    for _ in range(3):
        clock.now += 20 * DAY
        assert store.rounds([HEAD]) == {HEAD: b"packed"}
        store.sweep()
    clock.now += 31 * DAY
    store.sweep()
    assert store.rounds([HEAD]) == {}


def test_beyond_the_size_rounds_go_with_the_renderings_of_their_time(
    path: Path, opened: OpenStore, clock: HandClock
) -> None:
    store = opened(str(path), limits=Limits(max_bytes=1_000_000), clock=clock)
    kept = [digest_of_text(f"answer {number}") for number in range(20)]
    for number in range(20):
        store.freeze([big(number)])
        store.keep_rounds(kept[number], b"packed")
        clock.now += 60
    clock.now += 6 * HOUR
    assert store.sweep() > 0
    assert set(store.rounds(kept)) == {kept[number] for number in known(store, 20)}


def test_a_use_is_written_down_once_an_hour(path: Path, store: Store, clock: HandClock) -> None:
    """``data_version`` changes with every commit of another connection."""
    store.freeze([lossy("call 1")])
    store.offer(HEAD, True)
    store.keep_rounds(HEAD, b"packed")
    with contextlib.closing(sqlite3.connect(path)) as watcher:

        def commits_of_a_use() -> int:
            before = watcher.execute("PRAGMA data_version").fetchone()[0]
            store.recall([key("call 1")])
            store.offered(HEAD)
            store.rounds([HEAD])
            return int(watcher.execute("PRAGMA data_version").fetchone()[0]) - before

        clock.now += HOUR
        assert commits_of_a_use() == 0
        clock.now += 1
        assert commits_of_a_use() > 0
        assert commits_of_a_use() == 0


def test_a_clock_that_was_ahead_does_not_keep_things_for_ever(store: Store, clock: HandClock) -> None:
    clock.now += 1_000 * DAY
    store.freeze([lossy("call 1")])
    clock.now -= 1_000 * DAY
    store.recall([key("call 1")])
    clock.now += 31 * DAY
    assert store.sweep() == 2


def test_beyond_the_size_the_longest_unused_goes_first(path: Path, opened: OpenStore, clock: HandClock) -> None:
    """As little as must go: twenty of 100 KB, a limit of 1 MB, the first five used again last."""
    store = opened(str(path), limits=Limits(max_bytes=1_000_000), clock=clock)
    for number in range(20):
        store.freeze([big(number)])
        clock.now += 60
    clock.now += 3 * HOUR
    known(store, 5)
    clock.now += 3 * HOUR
    store.sweep()
    left = known(store, 20)
    assert left == [0, 1, 2, 3, 4, *range(left[5], 20)]
    assert 8 <= len(left) <= 10
    assert store.sweep() == 0


def test_what_is_removed_is_given_back_to_the_disk(path: Path, opened: OpenStore, clock: HandClock) -> None:
    store = opened(str(path), limits=Limits(max_bytes=500_000), clock=clock)
    store.freeze([big(number) for number in range(40)])
    clock.now += 3 * HOUR
    store.sweep()
    store.close()
    assert sum(found.stat().st_size for found in path.parent.iterdir()) <= 500_000


@pytest.mark.parametrize("since_written", [0, HOUR], ids=["just frozen", "a use that was not written down"])
def test_what_was_used_within_the_hour_stays(
    path: Path, opened: OpenStore, clock: HandClock, since_written: int
) -> None:
    """However far beyond the size: the conversations that are going on need it."""
    store = opened(str(path), limits=Limits(max_bytes=1), clock=clock)
    store.freeze([big(number) for number in range(5)])
    clock.now += since_written
    assert known(store, 5) == [0, 1, 2, 3, 4]
    clock.now += HOUR
    assert store.sweep() == 0
    clock.now += HOUR + 1
    assert store.sweep() == 10


def test_lossless_decisions_are_swept_as_well(store: Store, clock: HandClock) -> None:
    store.freeze([lossless(f"call {number}") for number in range(1_000)])
    clock.now += 31 * DAY
    assert store.sweep() == 1_000


def test_a_statement_takes_no_more_variables_than_old_versions_allow(path: Path, clock: HandClock) -> None:
    with contextlib.closing(SqliteStore(path, Limits(), clock, Sealer())) as store:
        store._file.connection().setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 999)
        store.freeze([lossless(f"call {number}") for number in range(2_000)])
        assert len(known(store, 2_000)) == 2_000


def test_others_work_while_a_store_is_swept(path: Path, opened: OpenStore, clock: HandClock) -> None:
    """Sweeping goes in small steps, each of which lets others write."""
    sweeper, other = opened(str(path), clock=clock), opened(str(path), clock=clock)
    sweeper.freeze([lossy(f"old {number}", original=f"old {number}") for number in range(3_000)])
    clock.now += 31 * DAY
    thread = threading.Thread(target=sweeper.sweep)
    thread.start()
    for number in range(50):
        other.freeze([lossy(f"call {number}", original=f"new {number}")])
    thread.join()
    assert known(other, 50) == list(range(50))
    assert other.recall([key(f"old {number}") for number in range(3_000)]) == {}


@contextlib.contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """What a full disk looks like to a program: writing beyond fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_nothing_that_was_decided(store: Store) -> None:
    """What does not fit is refused as a whole; the rest goes on, and all goes on once there is room."""
    store.freeze([lossy("call 0")])
    with files_no_larger_than(300_000):
        with pytest.raises(StoreUnavailable, match=r"store\.db"):
            store.freeze([big(number) for number in range(1, 6)])
        assert known(store, 6) == [0]
    store.freeze([big(number) for number in range(1, 6)])
    assert known(store, 6) == [0, 1, 2, 3, 4, 5]


def test_a_damaged_original_is_missing(path: Path, store: Store) -> None:
    store.freeze([lossy("call 1")])
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE original SET packed = zeroblob(length(packed))")
    with pytest.raises(MissingOriginal, match="damaged"):
        store.original(digest_of_text("a long text"))
