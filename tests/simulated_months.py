"""Months of sessions whose true saving is known: most of them short, few of them dear, as sessions are."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from headroom_mitm.holdout import Observed, compared
from headroom_mitm.ledger_figures import Interval


@dataclass(frozen=True)
class World:
    """How sessions are."""

    spread: float
    """Of the logarithm of what a session costs without us."""
    saved: Callable[[float], float]
    """Share that is saved of a session that costs so many times the usual one."""
    more_turns: float = 0.0
    """Share of further turns that a session takes because of us."""


STEADY = World(1.0, lambda _: 0.15)
LONG_ONES = World(1.2, lambda size: 0.35 * size / (1 + size))
NOTHING = World(1.0, lambda _: 0.0)
DEARER = World(1.0, lambda size: -0.1 if size > 1 else 0.05, more_turns=0.05)
WORLDS = {"steady": STEADY, "long sessions save more": LONG_ONES, "nothing saved": NOTHING, "dearer": DEARER}
_DRAWS = 200_000


def month(world: World, sessions: int, share: float, chance: random.Random) -> list[Observed]:
    """Return what was observed in a month of so many sessions, this share of them held out."""
    return [_session(world, chance, held=chance.random() < share) for _ in range(sessions)]


def truth(world: World) -> tuple[float, float]:
    """Return the share that is saved of the cost of a turn, and of a session."""
    chance = random.Random(7)
    cost, turns = [0.0, 0.0], [0, 0]
    for held in (False, True):
        for _ in range(_DRAWS // 2):
            one = _session(world, chance, held=held)
            cost[held] += one.cost
            turns[held] += one.turns
    # Where it does not depend on the session, it is known better than any number of draws tells.
    if world in (STEADY, NOTHING):
        return world.saved(1.0), world.saved(1.0)
    return 1 - (cost[0] / turns[0]) / (cost[1] / turns[1]), 1 - cost[0] / cost[1]


def covered(world: World, months: int, sessions: int, share: float) -> tuple[int, int, int]:
    """Return in how many of so many months the true saving was in the interval, by turn and session, or unknown."""
    true, chance, hits, unknown = truth(world), random.Random(1), [0, 0], 0
    for _ in range(months):
        found = compared(month(world, sessions, share, chance))
        if found.per_turn is None or found.per_session is None:
            unknown += 1
            continue
        hits[0] += _holds(found.per_turn, true[0])
        hits[1] += _holds(found.per_session, true[1])
    return hits[0], hits[1], unknown


def _holds(interval: Interval, value: float) -> bool:
    return interval.low <= value <= interval.high


def _session(world: World, chance: random.Random, *, held: bool) -> Observed:
    size = math.exp(chance.gauss(0.0, world.spread))
    turns = 1 + int(12 * size**0.7 * chance.uniform(0.6, 1.4))
    if not held and chance.random() < world.more_turns:
        turns += max(1, turns // 10)
    cost = 0.3 * size * chance.uniform(0.8, 1.25) * (1.0 if held else 1 - world.saved(size))
    return Observed(held, cost, turns)
