"""What has left raw while the store did not answer, and is still to be kept."""

import threading
from collections.abc import Iterable, Mapping

from headroom_mitm.segments import Key, Rendering
from headroom_mitm.store.aside import Aside
from headroom_mitm.store.base import Decision

MOST = 10_000
"""Decisions. A store that is away for longer has to do without the rest."""


class Owed:
    """Thread-safe. What outlives the process, should it end before, is put aside while the store does not answer."""

    def __init__(self, aside: Aside) -> None:
        self._aside = aside
        self._decisions = {one.key: Decision(one) for one in aside.found()}
        self._inherited = frozenset(self._decisions)
        self._lock = threading.Lock()
        self._is_away = False
        """The store did not answer when it was told last."""

    def is_any(self) -> bool:
        """Say whether there is something to keep."""
        return bool(self._decisions)

    def all(self) -> dict[Key, Decision]:
        """Return all of it as it is now."""
        with self._lock:
            return dict(self._decisions)

    def held(self, keys: Iterable[Key]) -> dict[Key, Rendering]:
        """Return what these texts have left as."""
        if not self._decisions:
            return {}
        with self._lock:
            return {key: self._decisions[key].rendering for key in keys if key in self._decisions}

    def is_inherited(self, keys: Iterable[Key]) -> bool:
        """Say whether a process before has sent one of these, and could not say when."""
        return bool(self._inherited) and not self._inherited.isdisjoint(keys)

    def add(self, decisions: Mapping[Key, Decision], *, is_away: bool = False) -> None:
        """Take what is to be kept; ``is_away``: the store does not answer."""
        with self._lock:
            if len(self._decisions) >= MOST:
                return
            self._decisions |= decisions
            if is_away and not self._is_away:
                decisions = self._decisions
            self._is_away = self._is_away or is_away
            if self._is_away:
                self._aside.put(one.rendering for one in decisions.values())

    def stays(self) -> None:
        """Note that the store was told, and did not answer."""
        self.add({}, is_away=True)

    def paid(self, keys: Iterable[Key]) -> None:
        """Note that it was kept."""
        with self._lock:
            for key in keys:
                self._decisions.pop(key, None)
            self._is_away = False
            if not self._decisions:
                self._aside.clear()
