"""A model's ratio is the provider's count over ours, and none is believed before there is enough."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headroom_mitm.calibration import (
    ASSUMED,
    LEAST_REQUESTS,
    LEAST_TOKENS,
    REFRESHED,
    Calibration,
    amounts,
    name_of,
    read,
)
from headroom_mitm.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(str(tmp_path / "store.db"))
    yield store
    store.close()


def add(store: Store, requests: int, estimated: int, reported: int) -> None:
    for _ in range(requests):
        store.tallies.add({name_of("claude"): amounts(estimated, reported)})


def test_the_ratio_is_of_all_tokens(store: Store) -> None:
    add(store, LEAST_REQUESTS, 10_000, 12_000)
    add(store, 1, 50_000, 70_000)
    found = read(store.tallies, ["claude", "gpt"])
    assert set(found) == {"claude"}
    assert found["claude"].is_known
    assert found["claude"].ratio == pytest.approx(130 / 100)


@pytest.mark.parametrize(("requests", "reported"), [(LEAST_REQUESTS - 1, LEAST_TOKENS), (LEAST_REQUESTS, 100)])
def test_too_little_is_not_believed(store: Store, requests: int, reported: int) -> None:
    add(store, requests, reported, reported * 2)
    found = read(store.tallies, ["claude"])["claude"]
    assert (found.ratio, found.is_known) == (1.0, False)
    assert found.reported == requests * reported * 2


@pytest.mark.parametrize(("estimated", "reported"), [(0, 100), (100, 0), (100, 1_000), (1_000, 100)])
def test_what_we_cannot_count_tells_nothing(estimated: int, reported: int) -> None:
    """Such as a prompt of pictures."""
    assert amounts(estimated, reported) == {}


def test_the_store_is_asked_now_and_then(store: Store) -> None:
    now = [0.0]
    calibration = Calibration(store.tallies, lambda: now[0])
    assert calibration.of("claude") == ASSUMED
    add(store, LEAST_REQUESTS, 10_000, 12_000)
    assert calibration.of("claude") == ASSUMED
    now[0] = REFRESHED
    assert calibration.of("claude").ratio == pytest.approx(1.2)


def test_without_a_store_what_was_known_holds(tmp_path: Path) -> None:
    store, now = open_store(str(tmp_path / "store.db")), [0.0]
    add(store, LEAST_REQUESTS, 10_000, 12_000)
    calibration = Calibration(store.tallies, lambda: now[0])
    calibration.of("claude")
    store.close()
    (tmp_path / "store.db").unlink()
    (tmp_path / "store.db").mkdir()
    now[0] = 2 * REFRESHED
    assert calibration.of("claude").ratio == pytest.approx(1.2)
    assert calibration.of("gpt") == ASSUMED
