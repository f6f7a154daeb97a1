"""The ledger's newest conversations on the shared server: a hash and a list for each, and a set in order of time."""

import os
from collections.abc import Sequence
from typing import Any

from headroom_mitm.segments import Digest
from headroom_mitm.store.base import MOST_RECORDS, MOST_REQUESTS, Noted, Recorded
from headroom_mitm.store.redis_server import RedisServer

_SALT_BYTES = 16
_SUM = b"+"  # in front of the fields that are sums
_NEWEST, _SALT = b"newest", b"salt"


class RedisRecords:
    """See ``RecordStore``. ``prefix`` stands in front of each name on the server."""

    def __init__(self, server: RedisServer, prefix: bytes, ttl: int) -> None:
        self._server = server
        self._prefix = prefix
        self._ttl = ttl

    def add(self, noted: Sequence[Noted]) -> None:
        """See ``RecordStore``."""
        if not noted:
            return
        newest = self._prefix + _NEWEST
        with self._server.lent() as client:
            pipe: Any = self._server.batch(client, whole=True)
            for one in noted:
                self._queue(pipe, one)
                pipe.zadd(newest, {one.key: one.at}, gt=True)
            pipe.expire(newest, self._ttl)
            pipe.zrange(newest, 0, -MOST_RECORDS - 1)
            gone = [Digest(bytes(key)) for key in pipe.execute()[-1]]
            if gone:
                pipe = self._server.batch(client)
                for key in gone:  # one name at a time: the two may be on different nodes of a Cluster
                    pipe.delete(self._name(key))
                    pipe.delete(self._name(key, b":requests"))
                pipe.zrem(newest, *gone)
                pipe.execute()

    def newest(self, limit: int, *, with_requests: bool = False) -> list[Recorded]:
        """See ``RecordStore``."""
        with self._server.lent() as client:
            keys: Any = client.zrevrange(self._prefix + _NEWEST, 0, limit - 1, withscores=True) if limit > 0 else []
            pipe: Any = self._server.batch(client)
            for key, _ in keys:
                pipe.hgetall(self._name(key))
                if with_requests:
                    pipe.lrange(self._name(key, b":requests"), 0, -1)
            answers = pipe.execute()
            step = 2 if with_requests else 1
            found: list[Recorded] = []
            for number, (key, seen) in enumerate(keys):
                fields = answers[number * step]
                if fields:
                    requests = tuple(map(bytes, answers[number * step + 1])) if with_requests else ()
                    found.append(_recorded(Digest(bytes(key)), seen, fields, requests))
            return found

    def salt(self) -> bytes:
        """See ``RecordStore``."""
        name = self._prefix + _SALT
        with self._server.lent() as client:
            pipe: Any = self._server.batch(client, whole=True)
            pipe.set(name, os.urandom(_SALT_BYTES), nx=True)
            pipe.get(name)
            return bytes(pipe.execute()[-1] or b"")

    def _queue(self, pipe: Any, one: Noted) -> None:
        name, lines = self._name(one.key), self._name(one.key, b":requests")
        pipe.hsetnx(name, "began", repr(one.at))
        pipe.hset(name, "about", one.about)
        for field, amount in one.amounts.items():
            pipe.hincrbyfloat(name, _SUM + field.encode(), amount)
        pipe.rpush(lines, one.packed)
        pipe.ltrim(lines, -MOST_REQUESTS, -1)
        pipe.expire(name, self._ttl)
        pipe.expire(lines, self._ttl)

    def _name(self, key: bytes, part: bytes = b"") -> bytes:
        return self._prefix + bytes(key).hex().encode() + part


def _recorded(key: Digest, seen: float, fields: dict[bytes, bytes], requests: tuple[bytes, ...]) -> Recorded:
    amounts = {name[1:].decode(): float(value) for name, value in fields.items() if name.startswith(_SUM)}
    return Recorded(key, float(fields.get(b"began", seen)), seen, bytes(fields.get(b"about", b"")), amounts, requests)
