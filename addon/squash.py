"""How hard to press: the level of a new text, learnt from how often the model had to ask for what was left out.

Levels are the arms of a bandit, one for each group of texts (tool or command, kind, size). What an arm costs is what it
leaves to be written and read, and, as often as the model asks, an answer and one more round over the prefix. How often
that is, is a Beta distribution: its prior is what the kind has shown elsewhere, and that of a kind a table. Evidence is
counted in blocks and older blocks count less, so that a change of habits is noticed.

Everything here is a pure function of counts: the same counts and the same seed give the same level, on any worker.
"""

import hashlib
import math
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from headroom_mitm.break_even import PAGE
from headroom_mitm.cache_terms import Price
from headroom_mitm.compressors import Level

BLOCK = 16
"""Outcomes that are counted together."""
BLOCKS = 5
"""The newest blocks that count; older ones are forgotten."""
FADING = 0.7
"""How much less a block counts than the one after it."""
KIND_WEIGHT, GROUP_WEIGHT = 8.0, 5.0
"""In outcomes: how much the table counts against what a kind has shown, and the kind against a group's own."""
SHARE_WEIGHT = 3.0
"""The same for how short a form becomes."""
EARNED_BY, EARNED_SHARE = 6.0, 0.2
"""A harder level is open once so many outcomes of the lighter one have at most this share of misses."""
EXPLORED = 0.1
"""Share of the decisions that may try what is not the best so far, as long as it may be better."""
UNTRIED = 0.15
"""How much larger that share is where a level has never been tried with a kind."""
BUDGET = 0.01
"""What a kind may lose to levels that turned out dearer than lossless, as a share of what lossless would have cost."""

LEVELS = tuple(Level)
_SURELY, _LEAST = 0.95, 1e-3  # bounds of a chance, and of a parameter
_ASKED = {Level.LOSSLESS: 0.0, Level.LIGHT: 0.04, Level.MEDIUM: 0.1, Level.HARD: 0.2}
_ASKED_OF_KIND = {"source_code": {Level.LOSSLESS: 0.0, Level.LIGHT: 0.35, Level.MEDIUM: 0.5, Level.HARD: 0.6}}
"""How often the model asks for what a level leaves out, before anything is known: of outlines far more often, since who
reads code goes on to change it."""
_LEFT = (0.6, 0.4, 0.32, 0.25)
_LEFT_OF_KIND = {
    "build_output": (0.5, 0.4, 0.3, 0.25),
    "diff_hunks": (0.84, 0.7, 0.62, 0.47),
    "file_tree": (0.52, 0.52, 0.31, 0.12),
    "html_dom": (0.85, 0.22, 0.19, 0.16),
    "json_records": (0.38, 0.28, 0.13, 0.09),
    "log_lines": (0.35, 0.2, 0.15, 0.1),
    "search_hits": (0.56, 0.55, 0.29, 0.16),
    "source_code": (0.95, 0.71, 0.56, 0.45),
    "stack_traces": (0.5, 0.45, 0.36, 0.32),
    "table_rows": (0.6, 0.58, 0.27, 0.1),
    "test_report": (0.45, 0.3, 0.19, 0.17),
    "yaml_records": (0.5, 0.4, 0.4, 0.4),
}
"""Shares of the tokens that the levels leave, before anything is known: those of public tool results of these kinds."""


class Arm(NamedTuple):
    """What is counted: a group of texts, or a kind, at one level."""

    group: str
    level: Level


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an arm has shown; outcomes fade, so none of these are whole numbers."""

    outcomes: float = 0.0
    misses: float = 0.0
    """Outcomes in which the model had to ask, or went round us."""
    asked: float = 0.0
    """Tokens that these brought back."""
    before: float = 0.0
    after: float = 0.0
    """Tokens of the texts, and of their forms."""
    errors: float = 0.0
    """Outcomes behind which something failed in the very next turn."""

    def __add__(self, other: "Evidence") -> "Evidence":
        """Add up."""
        return Evidence(*(one + two for one, two in zip(self.values(), other.values(), strict=True)))

    def faded(self, by: float) -> "Evidence":
        """Return what is left of it."""
        return Evidence(*(by * value for value in self.values()))

    def values(self) -> tuple[float, ...]:
        """Return the counts in their order."""
        return (self.outcomes, self.misses, self.asked, self.before, self.after, self.errors)


NOTHING_SEEN = Evidence()


@dataclass(frozen=True, slots=True)
class Balance:
    """What the texts of a kind have cost so far, in tokens at full price, and what they would have cost lossless."""

    spent: float = 0.0
    lossless: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """A text whose level is to be chosen, and what a token costs in its conversation."""

    group: str
    kind: str
    size: int
    """Tokens."""
    prefix: int
    """Tokens of the whole request: one more round has them read again."""
    price: Price
    turns: int
    """Further requests that will carry the text."""
    seed: bytes
    """What makes this decision another one than the next: the text's key."""

    @property
    def worth(self) -> float:
        """What a token of the text costs from now on, in tokens at full price."""
        return self.price.write + self.price.read * self.turns


class Shown(NamedTuple):
    """All that is known when a level is chosen."""

    group: Mapping[Level, Evidence]
    kind: Mapping[Level, Evidence]
    balance: Balance = Balance()


def group_of(tool: str, kind: str, size: int) -> str:
    """Return the group of a text: ``tool`` names the client's tool or the command's first word."""
    classes = ((2_000, "small"), (8_000, "middle"), (32_000, "large"))
    return f"{tool}|{kind}|{next((name for most, name in classes if size < most), 'huge')}"


def recent(blocks: Iterable[Evidence]) -> Evidence:
    """Return what blocks of outcomes, newest first, say together."""
    total = NOTHING_SEEN
    for age, block in zip(range(BLOCKS), blocks, strict=False):
        total += block.faded(FADING**age)
    return total


def choose(case: Case, shown: Shown, allowed: Iterable[Level] = LEVELS) -> Level:
    """Return the level that is expected to cost least; now and then one that may be better than it looks."""
    open_ = {*allowed, Level.LOSSLESS}
    levels = [level for level in LEVELS if level in open_ and _is_earned(level, shown.kind)]
    expected = {level: cost(case, level, shown) for level in levels}
    best = min(levels, key=expected.__getitem__)
    fewest = min(shown.kind.get(level, NOTHING_SEEN).outcomes for level in levels)
    if len(levels) == 1 or _chance(case.seed) >= EXPLORED + UNTRIED / (1 + fewest):
        return best
    source = random.Random(case.seed)  # noqa: S311  # reproducible, not secret
    drawn = {level: cost(case, level, shown, source) for level in levels}
    tried = min(levels, key=drawn.__getitem__)
    excess = expected[tried] - expected[Level.LOSSLESS]
    room = BUDGET * shown.balance.lossless - (shown.balance.spent - shown.balance.lossless)
    return tried if excess <= 0 or 2 * excess <= room else best


def _chance(seed: bytes) -> float:
    """Return a number from 0 to 1 that the seed alone decides. A generator takes ten times as long to be made."""
    return int.from_bytes(hashlib.blake2b(seed, digest_size=7).digest(), "big") / 2**56


def _is_earned(level: Level, kind: Mapping[Level, Evidence]) -> bool:
    """Say whether a level may be used: it has been, or the one before it was hardly ever asked about.

    What a model is not shown it may not know to ask for, so nobody begins with the hardest level.
    """
    if level <= Level.LIGHT or kind.get(level, NOTHING_SEEN).outcomes >= 1:
        return True
    before = kind.get(Level(level - 1), NOTHING_SEEN)
    return before.outcomes >= EARNED_BY and before.misses <= EARNED_SHARE * before.outcomes


def cost(case: Case, level: Level, shown: Shown, source: random.Random | None = None) -> float:
    """Return what a level is expected to cost, in tokens at full price; with ``source``, by a chance that it draws."""
    group, kind = shown.group.get(level, NOTHING_SEEN), shown.kind.get(level, NOTHING_SEEN)
    kept = left(level, shown, case.kind) * case.size * case.worth
    if level is Level.LOSSLESS:
        return kept
    hits, rest = _asked(level, shown, case.kind)
    chance = source.betavariate(hits, rest) if source is not None else hits / (hits + rest)
    misled = further_errors(kind, shown.kind.get(Level.LOSSLESS, NOTHING_SEEN))
    return kept + chance * miss(case, _brought(group, kind, case.size)) + misled * miss(case, 0)


def miss(case: Case, brought: float) -> float:
    """Return what it costs when the model asks: one more round over the prefix, and what that brings to stay."""
    return case.prefix * case.price.read + brought * case.worth


def _asked(level: Level, shown: Shown, name: str) -> tuple[float, float]:
    """Return the parameters of the Beta distribution of how often the model asks.

    A harder level is expected to be asked about more than the one before it, in the proportion of the table.
    """
    table = _ASKED_OF_KIND.get(name, _ASKED)
    expected = table[Level.LIGHT]
    hits = rest = 0.0
    for one in LEVELS[Level.LIGHT : level + 1]:
        expected = min(_SURELY, expected * table[one] / table[LEVELS[max(Level.LIGHT, one - 1)]])
        group, kind = shown.group.get(one, NOTHING_SEEN), shown.kind.get(one, NOTHING_SEEN)
        pooled = (KIND_WEIGHT * expected + kind.misses) / (KIND_WEIGHT + kind.outcomes)
        hits = GROUP_WEIGHT * pooled + group.misses
        rest = GROUP_WEIGHT + group.outcomes - hits
        expected = hits / (hits + rest)
    return max(hits, _LEAST), max(rest, _LEAST)


def left(level: Level, shown: Shown, name: str) -> float:
    """Return the share of the tokens that a level leaves. A harder one is expected to go on from the one before it."""
    table = _LEFT_OF_KIND.get(name, _LEFT)
    expected = table[0]
    for one in LEVELS[: level + 1]:
        expected *= table[one] / table[max(0, one - 1)]
        for seen in filter(None, (shown.kind.get(one), shown.group.get(one))):
            expected = (SHARE_WEIGHT * expected + _share(seen) * seen.outcomes) / (SHARE_WEIGHT + seen.outcomes)
    return expected


def further_errors(shown: Evidence, whole: Evidence) -> float:
    """Return how much more often something fails behind shortened texts than behind whole ones, beyond mere chance.

    Things fail all the time while a program is being mended: only what exceeds the difference by one standard error
    counts, and only where both have been seen.
    """
    if not (shown.outcomes and whole.outcomes):
        return 0.0
    pooled = (shown.errors + whole.errors + 1) / (shown.outcomes + whole.outcomes + 2)
    chance = math.sqrt(pooled * (1 - pooled) * (1 / shown.outcomes + 1 / whole.outcomes))
    return max(0.0, shown.errors / shown.outcomes - whole.errors / whole.outcomes - chance)


def _share(shown: Evidence) -> float:
    return shown.after / shown.before if shown.before else 0.0


def _brought(group: Evidence, kind: Evidence, size: int) -> float:
    """Return how many tokens an answer has: a page at most before anything is known."""
    return (min(PAGE, size) + (group.asked + kind.asked)) / (1 + (group.misses + kind.misses))
