"""Visits on the shared server: one value each, changed where nobody else has changed it meanwhile."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import redis

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.segments import Digest
from headroom_mitm.store.base import Visit


class RedisVisits:
    """See ``VisitStore``. ``name`` turns a key into that of the server."""

    def __init__(
        self, lent: Callable[[], AbstractContextManager[redis.Redis]], name: Callable[[Digest], bytes], ttl: int
    ) -> None:
        self._lent = lent
        self._name = name
        self._ttl = ttl

    def get(self, key: Digest) -> Visit | None:
        """See ``VisitStore``."""
        with self._lent() as client:
            value: Any = client.get(self._name(key))
        return None if value is None else _unpacked(value)

    def touch(self, key: Digest, seen: float, lifetime: float) -> Visit:
        """See ``VisitStore``."""

        def later(held: Visit | None) -> Visit:
            return held.touched(seen, lifetime) if held is not None else Visit(seen, lifetime)

        return self._changed(key, later)

    def begin(self, key: Digest, before: Visit | None, after: Visit) -> Visit:
        """See ``VisitStore``."""

        def begun(held: Visit | None) -> Visit:
            return after if held is None or (before is not None and before.is_same(held)) else held

        return self._changed(key, begun)

    def _changed(self, key: Digest, change: Callable[[Visit | None], Visit]) -> Visit:
        name = self._name(key)

        def work(pipe: Any) -> Visit:
            value = pipe.get(name)
            found = change(None if value is None else _unpacked(value))
            pipe.multi()
            pipe.set(name, msgspec.msgpack.encode(found), ex=self._ttl)
            return found

        with self._lent() as client:
            untyped: Any = client
            held: Visit = untyped.transaction(work, name, value_from_callable=True)  # again where another was faster
            return held


def _unpacked(value: bytes) -> Visit:
    try:
        return msgspec.msgpack.decode(value, type=Visit)
    except msgspec.DecodeError as error:
        raise StoreUnavailable(f"a visit cannot be read: {error}") from error
