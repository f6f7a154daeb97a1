"""Reading the same bytes once: a conversation sends its past again with every request."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from headroom_mitm.segments import Digest

T = TypeVar("T")

ENTRIES = 4_096  # a few long conversations; an entry has digests and spans, no texts: a kilobyte or two


class Memo(Generic[T]):
    """What a pure function made of some bytes, by their digest. The longest unused is forgotten. Thread-safe."""

    def __init__(self, read: Callable[[bytes], T], entries: int = ENTRIES) -> None:
        self._read = read
        self._entries = entries
        self._known: OrderedDict[Digest, T] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many values are kept."""
        return len(self._known)

    def get(self, key: Digest, raw: bytes) -> T:
        """Return what the function makes of ``raw``, whose digest is ``key``. What it raises is not remembered."""
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        # Outside the lock: two threads may both read, and both get the same.
        value = self._read(raw)
        with self._lock:
            self._known[key] = value
            if len(self._known) > self._entries:
                self._known.popitem(last=False)
        return value
