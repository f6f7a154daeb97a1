"""Nothing is called cold because of a clock that was set: only time that has passed is proof."""

from collections.abc import Iterator
from dataclasses import replace
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


@pytest.mark.parametrize("model", ["", "another-model"], ids=["as before", "another model"])
def test_what_a_killed_process_had_not_told_is_no_proof(store: Store, model: str) -> None:
    """A conversation begins, and is told of later. Whoever goes on with it before has none, nor has who never knew."""
    clock = Hour()
    visits = Visits(store.visits, clock)
    visits.puts_off = True
    begun = standing(Epochs(visits, clock), 0)
    assert begun.visit is None
    prompt = request(1)
    prompt = replace(prompt, model=model or prompt.model)
    epochs = Epochs(Visits(store.visits, clock), clock)
    found = epochs.standing(prompt, may_choose_long=False)
    assert found.is_unknown
    assert epochs.followed(found, prompt).cold is None


def test_what_is_told_of_later_is_proof_from_then_on(store: Store) -> None:
    clock = Hour()
    visits = Visits(store.visits, clock)
    visits.puts_off = True
    standing(Epochs(visits, clock), 0)
    visits.settle()
    clock.now += DAY
    assert standing(Epochs(Visits(store.visits, clock), clock), 1).cold is not None
