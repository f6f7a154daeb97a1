"""Sums on the shared server: a hash for each name, every field added to by the server itself."""

from collections.abc import Mapping, Sequence
from typing import Any

from headroom_mitm.store.redis_server import RedisServer

_SCANNED = 1_000  # keys the server looks at in one step


class RedisTallies:
    """See ``TallyStore``. ``prefix`` stands in front of each name on the server."""

    def __init__(self, server: RedisServer, prefix: bytes, ttl: int) -> None:
        self._server = server
        self._prefix = prefix
        self._ttl = ttl

    def add(self, amounts: Mapping[str, Mapping[str, float]]) -> None:
        """See ``TallyStore``."""
        if not any(amounts.values()):
            return
        with self._server.lent() as client:
            pipe = self._server.batch(client, whole=True)
            for name, fields in amounts.items():
                for field, amount in fields.items():
                    pipe.hincrbyfloat(self._key(name), field, amount)
                pipe.expire(self._key(name), self._ttl)
            pipe.execute()

    def read(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """See ``TallyStore``."""
        if not names:
            return {}
        with self._server.lent() as client:
            pipe = self._server.batch(client)
            for name in names:
                pipe.hgetall(self._key(name))
            hashes: list[Any] = pipe.execute()
            return {
                name: {field.decode(): float(amount) for field, amount in found.items()}
                for name, found in zip(names, hashes, strict=True)
                if found
            }

    def names(self, start: str) -> list[str]:
        """See ``TallyStore``."""
        # What stands for itself in a pattern of the server needs no backslash.
        pattern = b"".join(b"\\" + bytes([c]) if c in b"*?[]\\^" else bytes([c]) for c in self._key(start)) + b"*"
        with self._server.lent() as client:
            keys = [bytes(key) for key in client.scan_iter(match=pattern, count=_SCANNED)]
        return sorted({key[len(self._prefix) :].decode() for key in keys})

    def forget(self, names: Sequence[str]) -> None:
        """See ``TallyStore``."""
        with self._server.lent() as client:
            pipe = self._server.batch(client, whole=True)
            for name in names:
                pipe.delete(self._key(name))
            pipe.execute()

    def _key(self, name: str) -> bytes:
        return self._prefix + name.encode()
