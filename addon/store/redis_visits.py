"""Visits on the shared server: one value each, changed where nobody else has changed it meanwhile."""

from collections.abc import Callable, Mapping

import msgspec

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.segments import Digest
from headroom_mitm.store.base import Visit
from headroom_mitm.store.redis_doubts import RedisDoubts
from headroom_mitm.store.redis_server import RedisServer

_TRIES = 20
# Puts a value in the place of another, if that is still there; else returns what is. One key, so any node can run it.
_SWAP = """
local held = redis.call('get', KEYS[1])
if (held or '') ~= ARGV[1] then return held or '' end
redis.call('set', KEYS[1], ARGV[2], 'ex', ARGV[3])
return nil
"""


class RedisVisits:
    """See ``VisitStore``. ``name`` turns a key into that of the server."""

    def __init__(self, server: RedisServer, name: Callable[[Digest], bytes], ttl: int, doubts: RedisDoubts) -> None:
        self._server = server
        self._doubts = doubts
        self._name = name
        self._ttl = ttl

    def get(self, key: Digest) -> Visit | None:
        """See ``VisitStore``."""
        with self._server.lent() as client:
            value = self._doubts.stood(self._name(key), client.get(self._name(key)))
        return None if value is None else visit_in(value)

    def touch(self, key: Digest, seen: float, lifetime: float) -> Visit:
        """See ``VisitStore``."""

        def later(held: Visit | None) -> Visit:
            return held.touched(seen, lifetime) if held is not None else Visit(seen, lifetime)

        return self._changed(key, later)

    def touch_all(self, sent: Mapping[Digest, Visit]) -> dict[Digest, Visit]:
        """Note that prefixes were sent, in two round trips; return what is known of them now."""
        if not sent:
            return {}
        with self._server.lent() as client:
            values = self._server.values([self._name(key) for key in sent])
            found: dict[Digest, Visit] = {}
            pipe = self._server.batch(client)
            for (key, visit), value in zip(sent.items(), values, strict=True):
                stood = self._doubts.stood(self._name(key), value)
                held = visit_in(stood) if stood is not None else None
                found[key] = held.touched(visit.seen, visit.lifetime) if held is not None else visit
                new = msgspec.msgpack.encode(found[key])
                pipe.execute_command("EVAL", _SWAP, 1, self._name(key), value or b"", new, self._ttl)
            refused = [key for key, answer in zip(sent, pipe.execute(), strict=True) if answer is not None]
        self._doubts.touched(map(self._name, sent.keys() - set(refused)))
        for key in refused:  # another was faster
            found[key] = self.touch(key, sent[key].seen, sent[key].lifetime)
        return found

    def begin(self, key: Digest, before: Visit | None, after: Visit) -> Visit:
        """See ``VisitStore``."""

        def begun(held: Visit | None) -> Visit:
            return after if held is None or (before is not None and before.is_same(held)) else held

        try:
            return self._changed(key, begun)
        except StoreUnavailable:
            stood = b"" if before is None else msgspec.msgpack.encode(before)
            self._doubts.begun(self._name(key), msgspec.msgpack.encode(after), stood)
            raise

    def _changed(self, key: Digest, change: Callable[[Visit | None], Visit]) -> Visit:
        name = self._name(key)
        with self._server.lent() as client:
            swap = client.register_script(_SWAP)
            value = client.get(name)
            for _ in range(_TRIES):
                stood = self._doubts.stood(name, value)
                found = change(None if stood is None else visit_in(stood))
                held = swap(keys=[name], args=[value or b"", msgspec.msgpack.encode(found), self._ttl])
                if held is None:
                    self._doubts.touched([name])
                    return found
                value = held or None  # another was faster: again, with what it has left
        raise StoreUnavailable("a visit is changed all the time")


def visit_in(value: bytes) -> Visit:
    """Return the visit that a value holds; raise ``StoreUnavailable`` if it is none."""
    try:
        return msgspec.msgpack.decode(value, type=Visit)
    except (msgspec.DecodeError, TypeError) as error:  # the latter: it is no string of bytes
        raise StoreUnavailable(f"a visit cannot be read: {error}") from error
