"""What the server was told to keep, and has not confirmed: it may be kept, be kept a moment later, or be lost.

Whoever told it did without, so nothing of it has left. What did leave takes its place on the server as soon as that
answers, unless somebody else's stands there: what they have kept, they have sent.
"""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from typing import Any

MOST = 20_000
"""Names. What comes beyond stays as the server has it."""

YES, NO = b"1", b"0"
"""Values of offers."""

# Puts a value where there is none, or where the one stands whose SHA-1 is told. One key, so any node can run it. In
# either order with a write that comes late, which puts its own only where there is none, this one holds.
_REPLACE = """
local held = redis.call('get', KEYS[1])
if held and redis.sha1hex(held) ~= ARGV[1] then return 0 end
redis.call('set', KEYS[1], ARGV[2])
return 1
"""


class RedisDoubts:
    """By the names of values. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._records: dict[bytes, bytes] = {}
        self._offers: dict[bytes, None] = {}
        self._begun: dict[bytes, tuple[bytes, bytes]] = {}

    @property
    def are_raised(self) -> bool:
        """Something that may be kept was never sent."""
        return bool(self._records or self._offers)

    @property
    def of_offers(self) -> list[bytes]:
        """Names of offers that may have been kept, and were not made."""
        return list(self._offers)

    def raised(self, records: Mapping[bytes, bytes], offer: bytes | None = None) -> None:
        """Note that these values may be kept, and so may be that an offer is made."""
        hashed = {name: _hash(value) for name, value in records.items()}
        with self._lock:
            if len(self._records) + len(hashed) <= MOST:
                self._records |= hashed
            if offer is not None and len(self._offers) < MOST:
                self._offers[offer] = None

    def settled(self, names: Iterable[bytes], offers: Iterable[bytes]) -> None:
        """Note that what stands under these names is known now."""
        with self._lock:
            for name in names:
                self._records.pop(name, None)
            for name in offers:
                self._offers.pop(name, None)

    def is_unmade(self, offer: bytes) -> bool:
        """Say whether an offer counts as not made, whatever the server says."""
        return offer in self._offers

    def begun(self, name: bytes, after: bytes, before: bytes) -> None:
        """Note that a visit may stand in the place of another, and that nothing was sent by it."""
        with self._lock:
            if len(self._begun) < MOST:
                self._begun[name] = after, before

    def stood(self, name: bytes, value: bytes | None) -> bytes | None:
        """Return a visit as it stands for us: as it was, where this one was never begun."""
        after, before = self._begun.get(name, (b"", b""))
        return (before or None) if value is not None and value == after else value

    def touched(self, names: Iterable[bytes]) -> None:
        """Note that visits were written down as they stand for us."""
        with self._lock:
            for name in names:
                self._begun.pop(name, None)

    def queue_record(self, pipe: Any, name: bytes, value: bytes) -> None:
        """Have a value kept: where there is none, or instead of one that was never sent."""
        doubtful = self._records.get(name)
        if doubtful is None:
            pipe.set(name, value, nx=True)
        else:
            pipe.execute_command("EVAL", _REPLACE, 1, name, doubtful, value)

    def queue_offers(self, pipe: Any, names: Iterable[bytes], ttl: int) -> None:
        """Have offers withdrawn that were never made."""
        for name in names:
            pipe.execute_command("EVAL", _REPLACE, 1, name, _hash(YES), NO)
            pipe.expire(name, ttl)


def _hash(value: bytes) -> bytes:
    return hashlib.sha1(value, usedforsecurity=False).hexdigest().encode()
