"""What has left raw while the store did not answer, and is still to be kept."""

import threading
from collections.abc import Iterable, Mapping

from headroom_mitm.segments import Key
from headroom_mitm.store.base import Decision

MOST = 10_000
"""Decisions. A store that is away for longer has to do without the rest."""


class Owed:
    """Thread-safe."""

    def __init__(self) -> None:
        self._decisions: dict[Key, Decision] = {}
        self._lock = threading.Lock()

    def is_any(self) -> bool:
        """Say whether there is something to keep."""
        return bool(self._decisions)

    def all(self) -> dict[Key, Decision]:
        """Return all of it as it is now."""
        with self._lock:
            return dict(self._decisions)

    def add(self, decisions: Mapping[Key, Decision]) -> None:
        """Take what is to be kept."""
        with self._lock:
            if len(self._decisions) < MOST:
                self._decisions |= decisions

    def paid(self, keys: Iterable[Key]) -> None:
        """Note that it was kept."""
        with self._lock:
            for key in keys:
                self._decisions.pop(key, None)
