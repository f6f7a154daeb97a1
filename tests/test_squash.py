"""The level of a text is learnt: what models ask for is left in, what they never ask for goes, and it costs little."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from simulated_retrievals import PRICE, Counts, Habit, cases, fixed, learnt

from headroom_mitm.compressors import Level
from headroom_mitm.squash import (
    BLOCK,
    BLOCKS,
    Balance,
    Case,
    Evidence,
    Shown,
    choose,
    cost,
    group_of,
    recent,
)

HABITS = {
    "log_lines": Habit(asked=(0, 0.02, 0.03, 0.05), left=(0.4, 0.25, 0.18, 0.1)),
    "json_records": Habit(asked=(0, 0.05, 0.1, 0.3), left=(0.45, 0.3, 0.25, 0.2)),
    "source_code": Habit(asked=(0, 0.6, 0.7, 0.8), left=(0.95, 0.7, 0.55, 0.45)),
    "html_dom": Habit(asked=(0, 0.02, 0.25, 0.4), left=(1, 0.25, 0.2, 0.15)),
    "diff_hunks": Habit(asked=(0, 0.5, 0.5, 0.5), left=(0.85, 0.7, 0.6, 0.5)),
    "prose": Habit(asked=(0, 0.7, 0.7, 0.7), left=(1, 0.98, 0.96, 0.94)),
}
CHANGED = {
    **HABITS,
    "log_lines": Habit(asked=(0, 0.6, 0.7, 0.8), left=(0.4, 0.25, 0.18, 0.1)),
    "source_code": Habit(asked=(0, 0.02, 0.03, 0.04), left=(0.95, 0.7, 0.55, 0.45)),
}
TEXTS = 900  # of each kind


def case(*, seed: bytes = b"", size: int = 10_000, prefix: int = 50_000) -> Case:
    return Case("Bash|log_lines|large", "log_lines", size, prefix, PRICE, turns=8, seed=seed)


def seen(level: Level, texts: int, *, asked: int = 0) -> Mapping[Level, Evidence]:
    """Return the evidence of so many texts, of which the last ones were asked for."""
    counts = Counts()
    left = {Level.LOSSLESS: 4_000, Level.LIGHT: 2_500, Level.MEDIUM: 2_000, Level.HARD: 1_500}[level]
    for number in range(texts):
        missed = number >= texts - asked
        counts.add(level, Evidence(1, float(missed), 4_000 * missed, 10_000, left))
    return counts.shown()


def chosen(shown: Mapping[Level, Evidence], draws: int = 200) -> dict[Level, float]:
    """Return how often each level is chosen, over texts that differ in their seed alone."""
    known = Shown(shown, shown, Balance(spent=1e6, lossless=1e6))
    found = [choose(case(seed=b"%d" % number), known) for number in range(draws)]
    return {level: found.count(level) / draws for level in Level}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_is_learnt_costs_no_more_than_the_best_fixed_levels(seed: int) -> None:
    """All kinds together within 5 %, learning included; and no kind is dearer than lossless by more than 2 %."""
    found = cases(list(HABITS), TEXTS, seed)
    run = learnt(found, [HABITS])
    plans = {level: fixed(found, [HABITS], dict.fromkeys(HABITS, level)) for level in Level}
    best = sum(min(plan.total(kind) for plan in plans.values()) for kind in HABITS)
    assert sum(run.total(kind) for kind in HABITS) <= 1.05 * best
    for kind in HABITS:
        assert run.total(kind) <= 1.02 * plans[Level.LOSSLESS].total(kind), kind


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_change_of_habits_is_noticed(seed: int) -> None:
    """In the last quarter, what was right before and is wrong now is left again."""
    found = cases(list(HABITS), TEXTS, seed)
    run = learnt(found, [HABITS, CHANGED])
    plans = {level: fixed(found, [HABITS, CHANGED], dict.fromkeys(HABITS, level)) for level in Level}
    late = -TEXTS // 4
    best = sum(min(plan.total(kind, late) for plan in plans.values()) for kind in HABITS)
    assert sum(run.total(kind, late) for kind in HABITS) <= 1.05 * best
    for kind in HABITS:
        assert run.total(kind) <= 1.02 * plans[Level.LOSSLESS].total(kind), kind


def test_the_same_counts_and_seed_give_the_same_level() -> None:
    shown = Shown(seen(Level.LIGHT, 20, asked=3), {})
    assert {choose(case(seed=b"text"), shown) for _ in range(20)} == {choose(case(seed=b"text"), shown)}


def test_a_handful_of_retrievals_ends_a_level() -> None:
    """Of six texts that were shortened the model asked for five: the next one is left whole, or nearly always."""
    assert chosen({})[Level.LOSSLESS] < 0.1
    assert chosen(seen(Level.LIGHT, 6, asked=5))[Level.LIGHT] < 0.05


def test_what_nobody_asks_for_is_pressed_harder() -> None:
    shown = {**seen(Level.LIGHT, 40), **seen(Level.MEDIUM, 20), **seen(Level.HARD, 12)}
    assert chosen(shown)[Level.HARD] > 0.85


def test_pins_are_kept() -> None:
    """Whatever would be best."""
    found = {choose(case(seed=b"%d" % number), Shown({}, {}), [Level.MEDIUM]) for number in range(100)}
    assert found <= {Level.LOSSLESS, Level.MEDIUM}


def test_nothing_dear_is_tried_when_too_much_was_lost_by_trying() -> None:
    """A kind that has cost more than lossless by its budget gets only what is expected to pay."""
    shown = seen(Level.LIGHT, 60, asked=40)
    lost = Balance(spent=1.011e6, lossless=1e6)
    found = [choose(case(seed=b"%d" % number), Shown(shown, shown, lost)) for number in range(300)]
    expected = {level: cost(case(), level, Shown(shown, shown)) for level in Level}
    assert all(expected[level] <= expected[Level.LOSSLESS] for level in found)


def test_a_longer_conversation_makes_asking_dearer() -> None:
    """One more round has all of the prefix read again."""
    shown = Shown(seen(Level.LIGHT, 40, asked=8), {})
    short, long = (cost(case(prefix=prefix), Level.LIGHT, shown) for prefix in (10_000, 200_000))
    assert long > short
    assert cost(case(prefix=10_000), Level.LOSSLESS, shown) == cost(case(prefix=200_000), Level.LOSSLESS, shown)


@pytest.mark.parametrize(
    ("errors", "errors_whole", "dearer"),
    [(20, 0, True), (20, 20, False), (0, 20, False), (3, 2, False), (20, None, False)],
    ids=["far more", "as many", "fewer", "more by chance", "whole ones never seen"],
)
def test_only_errors_beyond_those_behind_whole_texts_count(errors: int, errors_whole: int | None, dearer: bool) -> None:
    """A test that fails again right after is no fault of a shortened report."""
    texts = {Level.LIGHT: Evidence(40, before=400_000, after=100_000, errors=errors)}
    if errors_whole is not None:
        texts[Level.LOSSLESS] = Evidence(40, before=400_000, after=160_000, errors=errors_whole)
    quiet = {level: replace(evidence, errors=0.0) for level, evidence in texts.items()}
    costs = [cost(case(), Level.LIGHT, Shown({}, shown)) for shown in (texts, quiet)]
    assert (costs[0] > costs[1]) is dearer
    assert costs[0] >= costs[1]


def test_old_outcomes_fade_and_go() -> None:
    blocks = [Evidence(BLOCK, 1.0), *[Evidence(BLOCK, 0.0)] * (BLOCKS - 1), Evidence(BLOCK, float(BLOCK))]
    assert recent(blocks).misses == 1.0
    assert recent(reversed(blocks)).misses > recent(blocks).misses


@pytest.mark.parametrize(
    ("size", "group"), [(500, "Bash|log_lines|small"), (9_000, "Bash|log_lines|large"), (90_000, "Bash|log_lines|huge")]
)
def test_groups_are_by_size(size: int, group: str) -> None:
    assert group_of("Bash", "log_lines", size) == group
