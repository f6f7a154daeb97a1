"""What every store promises of the ledger's records: nothing of what workers add is lost, the newest stay, one salt."""

import threading
from collections.abc import Callable
from pathlib import Path

from headroom_mitm.segments import Digest, digest
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.base import MOST_RECORDS, MOST_REQUESTS, Noted

OpenStore = Callable[..., Store]


def key(number: int) -> Digest:
    return digest(b"%d" % number)


def noted(number: int, at: float, **amounts: float) -> Noted:
    return Noted(key(number), at, b"about %d" % at, amounts, b"request %d" % at)


def test_requests_add_up_to_conversations(opened: OpenStore, url: str) -> None:
    one, other = opened(url).records, opened(url).records
    one.add([noted(1, 10.0, paid=1.5, turns=1), noted(2, 20.0, paid=1)])
    other.add([noted(1, 30.0, paid=0.25, turns=1)])
    first, second = one.newest(10, with_requests=True)
    assert (first.key, first.began, first.seen, first.about) == (key(1), 10.0, 30.0, b"about 30")
    assert first.amounts == {"paid": 1.75, "turns": 2.0}
    assert first.requests == (b"request 10", b"request 30")
    assert (second.key, second.requests) == (key(2), (b"request 20",))


def test_only_what_is_asked_for_is_returned(opened: OpenStore, url: str) -> None:
    records = opened(url).records
    assert records.newest(5) == []
    records.add([noted(number, float(number)) for number in range(1, 6)])
    records.add([])
    assert [one.seen for one in records.newest(2)] == [5.0, 4.0]
    assert [one.requests for one in records.newest(2)] == [(), ()]
    assert records.newest(0) == []


def test_the_newest_stay(opened: OpenStore, url: str) -> None:
    """Of conversations, and of the requests of each."""
    records = opened(url).records
    records.add([noted(0, 1.0 + number, paid=1) for number in range(MOST_REQUESTS + 10)])
    (only,) = records.newest(1, with_requests=True)
    assert len(only.requests) == MOST_REQUESTS
    assert only.requests[-1] == b"request %d" % (MOST_REQUESTS + 10)
    assert only.amounts["paid"] == MOST_REQUESTS + 10
    records.add([noted(number, 1_000.0 + number, paid=1) for number in range(1, MOST_RECORDS + 3)])
    kept = records.newest(MOST_RECORDS + 10)
    assert len(kept) == MOST_RECORDS
    assert key(0) not in {one.key for one in kept}
    records.add([noted(0, 9_999.0, paid=1)])
    assert records.newest(1)[0].amounts == {"paid": 1.0}


def test_nothing_added_at_once_is_lost(opened: OpenStore, url: str) -> None:
    stores = [opened(url).records for _ in range(4)]

    def add(number: int) -> None:
        for _ in range(25):
            stores[number].add([noted(1, 5.0, paid=1)])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (only,) = stores[0].newest(5, with_requests=True)
    assert only.amounts == {"paid": 100.0}
    assert len(only.requests) == 100


def test_all_workers_draw_with_one_salt(opened: OpenStore, url: str, tmp_path: Path) -> None:
    """It stays over restarts, and is another store's by no means."""
    salt = opened(url).records.salt()
    assert len(salt) >= 16
    assert opened(url).records.salt() == salt
    another = open_store(str(tmp_path / "another.db"))
    assert another.records.salt() != salt
    another.close()
