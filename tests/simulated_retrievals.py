"""A model whose habits are known: how often it asks for what each level of each kind leaves out."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from headroom_mitm.cache_terms import Price
from headroom_mitm.compressors import Level
from headroom_mitm.squash import BLOCK, Balance, Case, Evidence, Shown, choose, group_of, miss, recent

PRICE = Price(1.25, 0.1)


@dataclass(frozen=True)
class Habit:
    """How a model treats one kind, from LOSSLESS to HARD."""

    asked: tuple[float, float, float, float]
    left: tuple[float, float, float, float]
    """Share of the tokens that each level leaves."""


@dataclass
class Counts:
    """Evidence in blocks of outcomes, newest last: what a store keeps."""

    blocks: dict[Level, list[Evidence]] = field(default_factory=lambda: defaultdict(list))

    def add(self, level: Level, outcome: Evidence) -> None:
        blocks = self.blocks[level]
        if not blocks or blocks[-1].outcomes >= BLOCK:
            blocks.append(Evidence())
        blocks[-1] += outcome

    def shown(self) -> Mapping[Level, Evidence]:
        return {level: recent(reversed(blocks)) for level, blocks in self.blocks.items()}


@dataclass
class Run:
    """What a policy has cost, kind by kind, text by text, in tokens at full price."""

    spent: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    levels: dict[str, list[Level]] = field(default_factory=lambda: defaultdict(list))

    def total(self, kind: str, begin: int = 0, end: int | None = None) -> float:
        return sum(self.spent[kind][begin:end])


def cases(kinds: Sequence[str], count: int, seed: int) -> list[Case]:
    """Return texts of all kinds in turn, of sizes and at prefixes as sessions have them."""
    source = random.Random(seed)
    found = []
    for number in range(count):
        for kind in kinds:
            size = int(source.lognormvariate(8.5, 0.6)) + 2_000
            name = f"{seed}/{number}/{kind}".encode()
            prefix = source.randrange(20_000, 90_000)
            found.append(Case(group_of("Bash", kind, 10_000), kind, size, prefix, PRICE, source.randrange(3, 20), name))
    return found


def outcome(case: Case, level: Level, habit: Habit) -> tuple[float, Evidence]:
    """Return what a text costs at a level, and what is seen. The model's whims depend on the text alone."""
    source = random.Random(b"whim" + case.seed)
    whim, part = source.random(), source.uniform(0.1, 0.6)
    after = habit.left[level] * case.size
    missed = whim < habit.asked[level]
    brought = min(4_000, part * case.size) if missed else 0.0
    cost = after * case.worth + (miss(case, brought) if missed else 0.0)
    return cost, Evidence(1, float(missed), brought, case.size, after)


def learnt(found: Sequence[Case], habits: Sequence[Mapping[str, Habit]]) -> Run:
    """Let the learner choose, one text after the other; ``habits`` hold for equal stretches of them."""
    run = Run()
    groups: dict[str, Counts] = defaultdict(Counts)
    kinds: dict[str, Counts] = defaultdict(Counts)
    balances: dict[str, Balance] = defaultdict(Balance)
    for number, case in enumerate(found):
        habit = habits[number * len(habits) // len(found)][case.kind]
        shown = Shown(groups[case.group].shown(), kinds[case.kind].shown(), balances[case.kind])
        level = choose(case, shown)
        cost, seen = outcome(case, level, habit)
        plain, _ = outcome(case, Level.LOSSLESS, habit)
        groups[case.group].add(level, seen)
        kinds[case.kind].add(level, seen)
        balance = balances[case.kind]
        balances[case.kind] = Balance(balance.spent + cost, balance.lossless + plain)
        run.spent[case.kind].append(cost)
        run.levels[case.kind].append(level)
    return run


def fixed(found: Sequence[Case], habits: Sequence[Mapping[str, Habit]], levels: Mapping[str, Level]) -> Run:
    """Use one level for each kind, whatever happens."""
    run = Run()
    for number, case in enumerate(found):
        habit = habits[number * len(habits) // len(found)][case.kind]
        cost, _ = outcome(case, levels[case.kind], habit)
        run.spent[case.kind].append(cost)
    return run
