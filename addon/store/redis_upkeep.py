"""What people have done to all that is ours on the shared server: new keys for all, and removal."""

from collections.abc import Iterator
from typing import Any

from headroom_mitm.errors import UnreadableRecord
from headroom_mitm.store.base import Clock, Resealed
from headroom_mitm.store.redis_server import RedisServer
from headroom_mitm.store.sealing import Sealer

_AT_ONCE = 200
_STAYING = b"tally:", b"record:salt"
_SEALED = b"rendering", b"original", b"rounds"


class RedisUpkeep:
    """See ``Upkeep``. ``ttl`` is what every key is given when it is used."""

    def __init__(self, server: RedisServer, sealer: Sealer, prefix: bytes, clock: Clock, ttl: int) -> None:
        self._server = server
        self._sealer = sealer
        self._prefix = prefix
        self._clock = clock
        self._ttl = ttl

    def reseal(self) -> Resealed:
        """See ``Upkeep``. Records never change but by this, so nothing newer is overwritten."""
        sealed = lost = 0
        for kind in _SEALED:
            for names in self._batches(b"%b:" % kind):
                anew, refused = self._anew(kind, names)
                self._put(anew)
                sealed += len(anew)
                lost += refused
        return Resealed(sealed, lost)

    def purge(self, idle_since: float | None = None) -> int:
        """See ``Upkeep``."""
        gone = 0
        for names in self._batches():
            unused = names if idle_since is None else self._unused(names, idle_since)
            with self._server.lent() as client:
                pipe = self._server.batch(client)
                for name in unused:
                    pipe.unlink(name)
                gone += sum(map(int, pipe.execute()))
        return gone

    def _batches(self, kind: bytes = b"") -> Iterator[list[bytes]]:
        """Yield the names that are ours, a few at a time: the server has others to answer."""
        with self._server.lent() as client:
            names: list[bytes] = []
            for name in client.scan_iter(match=self._prefix + kind + b"*", count=_AT_ONCE):
                names.append(bytes(name))
                if len(names) == _AT_ONCE:
                    yield names
                    names = []
        yield names

    def _anew(self, kind: bytes, names: list[bytes]) -> tuple[dict[bytes, bytes], int]:
        """Return records as the newest key seals them, where another one has, and how many no key opens."""
        anew: dict[bytes, bytes] = {}
        lost = 0
        for name, record in zip(names, self._server.values(names) if names else (), strict=True):
            if record is None or self._sealer.is_current(record):
                continue
            key = bytes.fromhex(name.rpartition(b":")[2].decode("ascii"))
            try:
                anew[name] = self._sealer.seal(kind, key, self._sealer.open(kind, key, record))
            except UnreadableRecord:
                lost += 1
        return anew, lost

    def _put(self, records: dict[bytes, bytes]) -> None:
        with self._server.lent() as client:
            pipe = self._server.batch(client)
            for name, record in records.items():
                pipe.set(name, record, xx=True, keepttl=True)
            pipe.execute()

    def _unused(self, names: list[bytes], idle_since: float) -> list[bytes]:
        """Return those that were used last before; what is left of a key's idle time tells. Sums have no text."""
        kept = tuple(self._prefix + kind for kind in _STAYING)
        names = [name for name in names if not name.startswith(kept)]
        with self._server.lent() as client:
            pipe: Any = self._server.batch(client)
            for name in names:
                pipe.ttl(name)
            left = pipe.execute()
        now = self._clock()
        return [name for name, ttl in zip(names, left, strict=True) if 0 <= ttl < self._ttl - (now - idle_since)]
