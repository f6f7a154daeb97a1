"""Reading the same bytes once: a conversation sends its past again with every request."""

from collections.abc import Callable
from typing import Generic, TypeVar

from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest

T = TypeVar("T")

ENTRIES = 4_096  # a few long conversations; an entry has digests and spans, no texts: a kilobyte or two


class Memo(Generic[T]):
    """What a pure function made of some bytes, by their digest, see ``Recent``. Thread-safe.

    A function that may return None is asked again each time.
    """

    def __init__(self, read: Callable[[bytes], T], entries: int = ENTRIES) -> None:
        self._read = read
        self._known: Recent[Digest, T] = Recent(entries, fades=True)

    def __len__(self) -> int:
        """Return how many values are kept."""
        return len(self._known)

    def get(self, key: Digest, raw: bytes) -> T:
        """Return what the function makes of ``raw``, whose digest is ``key``. What it raises is not remembered."""
        known = self._known.get(key)
        if known is None:  # two threads may both read, and both get the same
            known = self._read(raw)
            self._known.put(key, known)
        return known
