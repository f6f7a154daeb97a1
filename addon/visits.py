"""When prefixes were sent last: known from memory, shared through the store, written down once a minute at most."""

import logging
from collections.abc import Callable

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest
from headroom_mitm.store.base import Visit, VisitStore

logger = logging.getLogger(__name__)

WRITTEN_EVERY = 60.0
"""Seconds. What the store knows may be so old, for workers that others have sent something past."""
REMEMBERED = 50_000


class Visits:
    """One for all requests; thread-safe. A store that does not answer knows nothing."""

    def __init__(self, store: VisitStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._known: Recent[Digest, Visit] = Recent(REMEMBERED)
        self._written: Recent[Digest, Visit] = Recent(REMEMBERED)

    def remembered(self, key: Digest) -> Visit | None:
        """Return what this process knows."""
        return self._known.get(key)

    def recalled(self, key: Digest) -> Visit | None:
        """Return what all workers know, as far as it was written down. Raises ``StoreUnavailable``."""
        held = self._store.get(key)
        return self._merged(key, held) if held is not None else self._known.get(key)

    def touch(self, key: Digest, lifetime: float) -> None:
        """Note that a prefix is sent now, and how long it is kept at the longest."""
        now = self._clock()
        known = self._known.get(key)
        visit = known.touched(now, lifetime) if known is not None else Visit(now, lifetime)
        self._known.put(key, visit)
        written = self._written.get(key)
        if written is not None and now - written.seen < WRITTEN_EVERY and visit.lifetime <= written.lifetime:
            return
        try:
            self._merged(key, self._store.touch(key, now, lifetime))
        except StoreUnavailable as error:
            logger.warning("store unavailable, other workers do not know what was sent: %s", error)

    def begin(self, key: Digest, before: Visit | None, after: Visit) -> bool:
        """Put a visit in the place of another, if nobody came between. Raises ``StoreUnavailable``."""
        held = self._store.begin(key, before, after)
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
