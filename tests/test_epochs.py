"""Nothing is called cold because of a clock that was set: only time that has passed is proof."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sample_conversations import ANTHROPIC, Hour, asked, body, result

from headroom_mitm.epochs import MARGIN, Epochs, Standing
from headroom_mitm.segments import Prompt
from headroom_mitm.store import Store, open_store
from headroom_mitm.visits import WRITTEN_EVERY, Visits, steady_seconds

LIFETIME = 300.0
DAY = 86_400.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "store.sqlite"))
    yield opened
    opened.close()


def request(turns: int) -> Prompt:
    messages = [*asked(), *(message for turn in range(turns) for message in result(f"c{turn}", "text"))]
    return ANTHROPIC.read(body(messages))


def standing(epochs: Epochs, turns: int) -> Standing:
    return epochs.standing(request(turns), may_choose_long=False)


@pytest.mark.parametrize(
    ("set_by", "passed", "cold"),
    [
        (DAY, 10.0, False),
        (-DAY, 10.0, False),
        (0.0, 10.0, False),
        (0.0, LIFETIME + MARGIN + WRITTEN_EVERY + 1, True),
        (DAY, LIFETIME + MARGIN + WRITTEN_EVERY + 1, True),
    ],
    ids=["set ahead", "set back", "left alone", "a long pause", "a long pause and set ahead"],
)
def test_only_time_that_has_passed_makes_cold(store: Store, set_by: float, passed: float, cold: bool) -> None:
    clock, steady = Hour(), Hour()
    epochs = Epochs(Visits(store.visits, clock, steady), clock)
    for turns in (0, 1):
        standing(epochs, turns)
    clock.now += set_by + passed
    steady.now += passed
    assert (standing(epochs, 2).cold is not None) is cold


def test_after_a_restart_the_clock_is_all_there_is(store: Store) -> None:
    clock = Hour()
    before = Epochs(Visits(store.visits, clock), clock)
    for turns in (0, 1):
        standing(before, turns)
    clock.now += DAY
    assert standing(Epochs(Visits(store.visits, clock), clock), 2).cold is not None


def test_steady_seconds_go_on() -> None:
    first = steady_seconds()
    assert steady_seconds() >= first
