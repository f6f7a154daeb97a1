"""Conversations that are left as they are, to compare the others with: which they are, and what the comparison tells.

Whether a conversation is held out follows from its beginning, whose account it is, and a number that the store keeps:
the same over restarts and for all workers. So it is beginnings that are drawn, and all that begins alike is in one arm
and counts as one draw, of several sessions.
"""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.ledger_figures import Comparison, Interval
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest, Prompt, digest
from headroom_mitm.wire.continued import goes_on, previous

LEAST = 30
"""Draws in each arm. Costs of sessions are skewed, and below this the interval would promise too much."""
DRAWS = 400
"""Times that the sample is drawn anew."""
CONFIDENCE = 0.95
SEED = 20_261_122
REMEMBERED = 20_000
"""Conversations of which the draw is remembered, so that most requests need no digest and none waits twice."""
_RANGE = 2**64


def is_held(beginning: Digest, account: Digest, salt: bytes, share: float) -> bool:
    """Say whether a conversation belongs to the holdout; ``share`` is that of all conversations, 0 to 0.5."""
    number = int.from_bytes(digest(b"holdout", salt, account, beginning)[:8], "big")
    return number < share * _RANGE


class Holdout:
    """Draws. Thread-safe; ``holds`` may block the first time it is asked about a conversation."""

    def __init__(self, salt: Callable[[], bytes]) -> None:
        """Take what returns the store's number, and may raise ``StoreUnavailable``."""
        self._read = salt
        self._salt = b""
        self._drawn: Recent[Digest, bool] = Recent(REMEMBERED)
        self._behind: Recent[str, bool] = Recent(REMEMBERED)

    def holds(self, prompt: Prompt, account: Digest, share: float) -> bool:
        """Say whether a request's conversation is held out. Where its beginning is not known, it is not."""
        if share <= 0:
            return False
        if goes_on(prompt):
            return bool(self._behind.get(previous(prompt)))
        key = digest(account, prompt.head, b"%g" % share)
        drawn = self._drawn.get(key)
        if drawn is None:
            try:
                self._salt = self._salt or self._read()
                drawn = is_held(prompt.head, account, self._salt, share)
            except StoreUnavailable:
                drawn = False
            drawn = self._drawn.put_first(key, drawn)
        return drawn

    def answered(self, answer_id: str, *, held: bool) -> None:
        """Note what was done to the conversation that may go on from an answer that its provider keeps."""
        self._behind.put(answer_id, held)


@dataclass(frozen=True, slots=True)
class Observed:
    """One draw: what all sessions with one beginning have cost."""

    held: bool
    cost: float
    """Dollars."""
    turns: int
    sessions: int = 1


def compared(found: Sequence[Observed]) -> Comparison:
    """Return what the arms differ by. The same for the same draws: it is a function of them."""
    free = [one for one in found if not one.held]
    held = [one for one in found if one.held]
    sizes = _sessions(free), _sessions(held)
    lacking = [
        f"{len(arm)} of {LEAST} {name}" for arm, name in ((free, "free"), (held, "held out")) if len(arm) < LEAST
    ]
    if not held:
        return Comparison(*sizes, why="no conversation was held out: set headroom_holdout")
    if lacking:
        return Comparison(*sizes, why=f"not enough data: {' and '.join(lacking)} conversations")
    turns = _estimated([(one.cost, one.turns) for one in free], [(one.cost, one.turns) for one in held])
    sessions = _estimated([(one.cost, one.sessions) for one in free], [(one.cost, one.sessions) for one in held])
    if turns is None or sessions is None:
        return Comparison(*sizes, why="not enough data: nothing that was held out has cost anything")
    return Comparison(*sizes, turns.share, sessions.share, turns.dollars, sessions.dollars)


def _sessions(arm: Iterable[Observed]) -> int:
    return sum(one.sessions for one in arm)


_Pair = tuple[float, float]
"""Cost, and what it is divided by."""


@dataclass(frozen=True, slots=True)
class _Estimate:
    share: Interval
    dollars: Interval


@dataclass(frozen=True, slots=True)
class _Arms:
    """Logarithm of the ratio of the arms' mean costs, and their difference, with their standard errors."""

    log: float
    log_error: float
    difference: float
    error: float


def _estimated(free: Sequence[_Pair], held: Sequence[_Pair]) -> _Estimate | None:
    """Return the interval by the studentized bootstrap: of the simple ones it alone allows for skewed costs."""
    arms = _arms(free, held)
    if arms is None:
        return None
    chance = random.Random(SEED)  # noqa: S311  # draws, no secrets
    logs: list[float] = []
    differences: list[float] = []
    for _ in range(DRAWS):
        drawn = _arms(chance.choices(free, k=len(free)), chance.choices(held, k=len(held)))
        if drawn is None:
            continue
        logs.append((drawn.log - arms.log) / drawn.log_error)
        differences.append((drawn.difference - arms.difference) / drawn.error)
    if len(logs) < DRAWS / 2:
        return None
    low, high = _between(arms.log, arms.log_error, logs)
    share = Interval(1 - math.exp(high), 1 - math.exp(arms.log), 1 - math.exp(low))
    low, high = _between(arms.difference, arms.error, differences)
    return _Estimate(share, Interval(low, arms.difference, high))


def _between(value: float, error: float, drawn: list[float]) -> tuple[float, float]:
    ordered, tail = sorted(drawn), (1 - CONFIDENCE) / 2
    last = len(ordered) - 1
    return value - ordered[round((1 - tail) * last)] * error, value - ordered[round(tail * last)] * error


def _arms(free: Sequence[_Pair], held: Sequence[_Pair]) -> _Arms | None:
    one, other = _mean(free), _mean(held)
    if one is None or other is None:
        return None
    log_error = math.hypot(one[1] / one[0], other[1] / other[0])
    error = math.hypot(one[1], other[1])
    if not log_error or not error:
        return None
    return _Arms(math.log(one[0] / other[0]), log_error, other[0] - one[0], error)


def _mean(pairs: Sequence[_Pair]) -> tuple[float, float] | None:
    """Return the cost for one and its standard error, where draws are of different size."""
    cost, size = sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)
    if cost <= 0 or size <= 0:
        return None
    mean, count = cost / size, len(pairs)
    squares = sum((pair[0] - mean * pair[1]) ** 2 for pair in pairs)
    return mean, math.sqrt(squares * count / max(1, count - 1)) / size
