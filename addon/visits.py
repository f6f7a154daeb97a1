"""When prefixes were sent last: known from memory, shared through the store, written down once a minute at most."""

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from headroom_mitm.errors import StoreReadOnly, StoreUnavailable
from headroom_mitm.recent import HOUR, Recent
from headroom_mitm.segments import Digest
from headroom_mitm.store.base import Visit, VisitStore

logger = logging.getLogger(__name__)

WRITTEN_EVERY = 60.0
"""Seconds. What the store knows may be so old, for workers that others have sent something past."""
REMEMBERED = 50_000
_HOUR = 3_600.0
_SENT_AGES = HOUR + 10
"""Minutes: an hour, and what may be kept beyond it."""


Prefixes = Callable[[], Iterable[tuple[Digest, float]]]
"""Returns some, each with how long it is kept at the longest."""


class Recalled(NamedTuple):
    """What is known of a prefix at one moment."""

    visit: Visit | None
    held: Visit | None
    """The same as the store has it, which may be a little behind."""


def steady_seconds() -> float:
    """Return seconds that go on while the machine sleeps, and that nobody sets."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.clock_gettime(time.CLOCK_MONOTONIC) if hasattr(time, "clock_gettime") else time.monotonic()


class _Sent:
    """When this process has sent prefixes, by a clock that nobody sets: for as long as they may be kept still."""

    def __init__(self) -> None:
        self._for_an_hour: Recent[Digest, float] = Recent(REMEMBERED, fades=True, ages=_SENT_AGES)
        self._for_longer: Recent[Digest, float] = Recent(REMEMBERED)

    def put(self, key: Digest, at: float, lifetime: float) -> None:
        """Note it. What is kept without a bound nobody asks about."""
        if lifetime < math.inf:
            (self._for_an_hour if lifetime <= _HOUR else self._for_longer).put(key, at)

    def get(self, key: Digest) -> float | None:
        """Return the last time."""
        found = [at for held in (self._for_an_hour, self._for_longer) if (at := held.get(key)) is not None]
        return max(found, default=None)


class Visits:
    """One for all requests; thread-safe. A store that does not answer knows nothing."""

    def __init__(
        self, store: VisitStore, clock: Callable[[], float], steady: Callable[[], float] | None = None
    ) -> None:
        """``steady`` counts seconds and is never set, as ``clock`` may be; None: the system's, where clock is, too."""
        self._store = store
        self._clock = clock
        self._steady = steady or (steady_seconds if clock is time.time else clock)
        self._sent = _Sent()
        self._known: Recent[Digest, Visit] = Recent(REMEMBERED, fades=True)
        self._written: Recent[Digest, Visit] = Recent(REMEMBERED, fades=True)
        self._owed: dict[Digest, None] = {}
        self._later: deque[Prefixes] = deque()
        self._lock = threading.Lock()
        self._is_due = False
        self.puts_off = False
        """Somebody has what is owed settled soon."""

    def remembered(self, key: Digest) -> Visit | None:
        """Return what this process knows."""
        return self._known.get(key)

    def recalled(self, key: Digest) -> Recalled:
        """Return what all workers know, as far as it was written down. Raises ``StoreUnavailable``."""
        for sent, lifetime in _taken(self._later):
            self.note(sent, lifetime)
        held = self._store.get(key)
        return Recalled(self._merged(key, held) if held is not None else self._known.get(key), held)

    def idle(self, key: Digest) -> float | None:
        """Return the seconds since this process has sent a prefix, whatever was done to the clock; None if it has not.

        Other workers may have sent it since.
        """
        sent = self._sent.get(key)
        return None if sent is None else self._steady() - sent

    def touch(self, key: Digest, lifetime: float) -> bool:
        """Note that a prefix is sent now, and how long it is kept at the longest.

        False: the store did not answer. One that cannot write does, as far as what it holds is concerned.
        """
        now = self._clock()
        self._sent.put(key, self._steady(), lifetime)
        known = self._known.get(key)
        visit = known.touched(now, lifetime) if known is not None else Visit(now, lifetime)
        self._known.put(key, visit)
        if _is_fresh(self._written.get(key), now, visit.lifetime):
            return True
        try:
            self._merged(key, self._store.touch(key, now, lifetime))
        except StoreUnavailable as error:
            logger.warning("store unavailable, other workers do not know what was sent: %s", error)
            return isinstance(error, StoreReadOnly)
        return True

    def note(self, key: Digest, lifetime: float) -> None:
        """Note the same without asking the store; ``settle`` tells it."""
        self._sent.put(key, self._steady(), lifetime)
        known, now = self._known.get(key), self._clock()
        self._known.put(key, known.touched(now, lifetime) if known is not None else Visit(now, lifetime))
        with self._lock:
            self._owed[key] = None

    def put_off(self, keys: Sequence[Digest], lifetime: float) -> bool:
        """Note prefixes that are sent now and that nobody has sent before; False: somebody has, and nothing is noted.

        Only such can wait to be told of, in this order, and be lost with a process that is killed: what a worker does
        not know it does not take for cold. Raises ``StoreUnavailable``.
        """
        if not self.puts_off or any(self._known.get(key) is not None for key in keys):
            return False
        if any(self._store.get(key) is not None for key in keys):
            return False
        for key in keys:
            self.note(key, lifetime)
        return True

    def put_off_any(self, prefixes: Prefixes) -> None:
        """Have it noted that prefixes are sent now, of which nobody has to know soon."""
        if self.puts_off:
            self._later.append(prefixes)
            return
        for key, lifetime in prefixes():
            self.touch(key, lifetime)

    def falls_due(self) -> bool:
        """Say whether something is to be settled, and nobody was told so since it was done last."""
        if self._is_due or not (self._owed or self._later):
            return False
        self._is_due = True
        return True

    def settle(self) -> None:
        """Tell the store what was only noted. Raises ``StoreUnavailable``."""
        self._is_due = False
        for key, lifetime in _taken(self._later):
            if _is_fresh(self._written.get(key), self._clock(), lifetime):
                self.touch(key, lifetime)
            else:
                self.note(key, lifetime)
        with self._lock:
            owed = list(self._owed)
        for key in owed:
            if (visit := self._known.get(key)) is not None:
                self._merged(key, self._store.touch(key, visit.seen, visit.lifetime))
            with self._lock:
                self._owed.pop(key, None)

    def begin(self, key: Digest, before: Recalled, after: Visit) -> bool:
        """Put a visit in the place of another, if nobody came between. Raises ``StoreUnavailable``."""
        known = self._known.get(key)
        if known is not None and (before.visit is None or not before.visit.is_same(known)):
            return False  # this process has sent something meanwhile, and may not have told the store yet
        held = self._store.begin(key, before.held, after)
        self._sent.put(key, self._steady(), after.lifetime)
        self._known.put(key, held)
        self._written.put(key, held)
        return held == after

    def _merged(self, key: Digest, held: Visit) -> Visit:
        """Remember what the store knows; what memory knows of times may be newer."""
        self._written.put(key, held)
        known = self._known.get(key)
        merged = held.touched(known.seen, known.lifetime) if known is not None else held
        self._known.put(key, merged)
        return merged


def _taken(later: deque[Prefixes]) -> Iterator[tuple[Digest, float]]:
    """Take all that waits, and yield what it is. Threads may do so at once."""
    while later:
        try:
            prefixes = later.popleft()
        except IndexError:
            return
        yield from prefixes()


def _is_fresh(written: Visit | None, now: float, lifetime: float) -> bool:
    """Say whether others need not be told that a prefix is sent now."""
    return written is not None and now - written.seen < WRITTEN_EVERY and lifetime <= written.lifetime
