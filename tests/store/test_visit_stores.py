"""What every store promises of visits: the later time holds, and a new epoch begins only where nobody came between."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from headroom_mitm.segments import digest_of_text
from headroom_mitm.store import Limits, Store, open_store
from headroom_mitm.store.base import REFRESH_SECONDS, Visit

OpenStore = Callable[..., Store]
KEY, OTHER = digest_of_text("a prefix"), digest_of_text("another prefix")


def test_the_later_time_and_the_longer_lifetime_hold(opened: OpenStore, url: str) -> None:
    one, other = opened(url), opened(url)
    assert one.visits.get(KEY) is None
    assert one.visits.touch(KEY, 100.5, 3600) == Visit(100.5, 3600)
    assert other.visits.touch(KEY, 90, 300) == Visit(100.5, 3600)
    assert other.visits.touch(KEY, 200, math.inf) == Visit(200, math.inf)
    assert one.visits.get(KEY) == Visit(200, math.inf)
    assert one.visits.get(OTHER) is None


def test_an_epoch_begins_once(opened: OpenStore, url: str) -> None:
    """Of two workers that saw the same the first one wins, and the second is told what holds."""
    one, other = opened(url), opened(url)
    before = one.visits.touch(KEY, 100, 300)
    first, second = Visit(900, 300, 1, True, b"\0first\xff"), Visit(900, 300, 1, False, b"second")
    assert one.visits.begin(KEY, before, first) == first
    assert other.visits.begin(KEY, before, second) == first
    assert other.visits.get(KEY) == first
    assert other.visits.touch(KEY, 950, 300) == Visit(950, 300, 1, True, b"\0first\xff")


def test_no_epoch_begins_where_somebody_came_between(opened: OpenStore, url: str) -> None:
    one, other = opened(url), opened(url)
    before = one.visits.touch(KEY, 100, 300)
    now = other.visits.touch(KEY, 900, 300)
    assert one.visits.begin(KEY, before, Visit(901, 300, 1)) == now


@pytest.mark.parametrize("is_known", [False, True])
def test_a_prefix_that_was_never_sent_may_begin_with_an_epoch(opened: OpenStore, url: str, is_known: bool) -> None:
    store, begun = opened(url), Visit(10, 300, 1)
    known = store.visits.touch(KEY, 5, 300) if is_known else begun
    assert store.visits.begin(KEY, None, begun) == known


def test_what_was_not_sent_for_long_is_forgotten(tmp_path: Path) -> None:
    now = 1_800_000_000.0
    store = open_store(str(tmp_path / "store.db"), Limits(idle_seconds=1000), lambda: now)
    store.visits.touch(KEY, now - 1001 - REFRESH_SECONDS, 300)
    store.visits.touch(OTHER, now - 999 - REFRESH_SECONDS, 300)
    store.sweep()
    assert (store.visits.get(KEY), store.visits.get(OTHER)) == (None, Visit(now - 999 - REFRESH_SECONDS, 300))
    store.close()
