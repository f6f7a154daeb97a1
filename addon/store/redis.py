"""The shared store: a Redis server that several proxies use.

How much is kept is the server's business: ``Limits.max_bytes`` means nothing here. It bounds memory by its own
``maxmemory`` and, with an eviction policy such as ``volatile-lru``, lets go of the longest unused first; how durable a
write is, its ``appendonly`` says. This store gives every key an idle time.

Each value stands under a key of its own, so a Cluster may spread them as it likes: nothing there needs two keys to be
on one server. What concerns several keys is one transaction on a server, and one batch for each node of a Cluster, the
originals first: no decision is ever seen without its original.
"""

import contextlib
import math
from collections.abc import Sequence
from typing import Any

import msgspec
import redis

from headroom_mitm.errors import MissingOriginal, StoreUnavailable, UnreadableRecord
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.store import packing
from headroom_mitm.store.base import REFRESH_SECONDS, Clock, Decision, Limits
from headroom_mitm.store.redis_place import Place
from headroom_mitm.store.redis_records import RedisRecords
from headroom_mitm.store.redis_server import RedisServer
from headroom_mitm.store.redis_tallies import RedisTallies
from headroom_mitm.store.redis_upkeep import RedisUpkeep
from headroom_mitm.store.redis_visits import RedisVisits
from headroom_mitm.store.sealing import Sealer
from headroom_mitm.store.unreadable import UNREADABLE, unreadable

PREFIX = b"headroom:1:"
"""The number is that of the layout of values: with another layout, two versions can still share a server."""
_NEVER = -math.inf
_USES_REMEMBERED = 20_000


class _Record(msgspec.Struct, array_like=True, frozen=True):
    """A rendering without its key. New fields go to the end and have defaults."""

    text: bytes | None
    original: bytes
    compressor: str
    level: int
    lossless: bool
    tokens_before: int
    tokens_after: int
    base: bytes | None = None


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Record)


class RedisStore:
    """A string for each rendering, original, offer, rounds and visit, forgotten after the idle time."""

    def __init__(self, place: Place, limits: Limits, clock: Clock, sealer: Sealer) -> None:
        self._server = RedisServer(place, clock)
        self._sealer = sealer
        self._ttl = math.ceil(limits.idle_seconds) + REFRESH_SECONDS
        self._clock = clock
        self._used: dict[Key, float] = {}  # when this process last prolonged a rendering
        self.records = RedisRecords(self._server, _name(b"record", b""), self._ttl)
        self.upkeep = RedisUpkeep(self._server, sealer, PREFIX, clock, self._ttl)
        self.visits = RedisVisits(self._server, lambda key: _name(b"visit", key), self._ttl)
        self.tallies = RedisTallies(self._server, _name(b"tally", b""), self._ttl)

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        """See ``Store``."""
        if not keys:
            return {}
        values = self._server.values([_name(b"rendering", key) for key in keys])
        found = {key: value for key, value in zip(keys, values, strict=True) if value is not None}
        known = {key: _rendering(key, value, self._sealer) for key, value in found.items()}
        old = [key for key, value in found.items() if not self._sealer.is_current(value)]
        self._look_after(known, [key for key in old if known[key].compressor != UNREADABLE])
        return known

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """See ``Store``."""
        if not decisions:
            return {}
        records = [_packed(decision.rendering, self._sealer) for decision in decisions]
        with self._server.lent() as client:
            pipe = self._server.batch(client, whole=True)
            for decision in decisions:
                _queue_original(pipe, decision, self._sealer, self._ttl)
            if self._server.place.is_cluster:
                pipe.execute()
                pipe = self._server.batch(client)
            names = [_name(b"rendering", decision.rendering.key) for decision in decisions]
            for name, record in zip(names, records, strict=True):
                pipe.set(name, record, nx=True)
                pipe.expire(name, self._ttl)
            for name in names:
                pipe.get(name)
            values = pipe.execute()[-len(decisions) :]
        keys = [decision.rendering.key for decision in decisions]
        return {key: _rendering(key, value, self._sealer) for key, value in zip(keys, values, strict=True)}

    def original(self, digest: Digest) -> str:
        """See ``Store``."""
        name = _name(b"original", digest)
        value = self._read(name)
        if value is None:
            raise MissingOriginal(f"no original {digest.hex()}")
        try:
            packed = self._sealer.open(b"original", digest, value)
        except UnreadableRecord as error:
            raise MissingOriginal(f"original {digest.hex()}: {error}") from error
        if not self._sealer.is_current(value):
            with contextlib.suppress(StoreUnavailable), self._server.lent() as client:
                client.set(name, self._sealer.seal(b"original", digest, packed), xx=True, ex=self._ttl)
        return packing.unpack(packed, digest)

    def offered(self, head: Digest) -> bool | None:
        """See ``Store``."""
        value = self._read(_name(b"offer", head))
        return None if value is None else value == b"1"

    def offer(self, head: Digest, offered: bool) -> bool:  # noqa: FBT001  # the decision itself is the value
        """See ``Store``."""
        return self._server.decided(_name(b"offer", head), b"1" if offered else b"0", self._ttl) == b"1"

    def rounds(self, keys: Sequence[Digest]) -> dict[Digest, bytes]:
        """See ``Store``."""
        if not keys:
            return {}
        values = self._server.values([_name(b"rounds", key) for key in keys])
        found: dict[Digest, bytes] = {}
        for key, value in zip(keys, values, strict=True):
            if value is not None:
                with contextlib.suppress(UnreadableRecord):
                    found[key] = self._sealer.open(b"rounds", key, value)
        if found:
            # Not to have prolonged them is no reason to withhold what was read.
            with contextlib.suppress(StoreUnavailable), self._server.lent() as client:
                pipe = self._server.batch(client)
                for key in found:
                    pipe.expire(_name(b"rounds", key), self._ttl)
                pipe.execute()
        return found

    def keep_rounds(self, key: Digest, packed: bytes) -> bytes:
        """See ``Store``. What cannot be opened is not told again, as if nothing had been hidden."""
        held = self._server.decided(_name(b"rounds", key), self._sealer.seal(b"rounds", key, packed), self._ttl)
        try:
            return self._sealer.open(b"rounds", key, held)
        except UnreadableRecord:
            return b""

    def sweep(self) -> int:
        """Nothing to do: the server forgets by itself."""
        return 0

    def close(self) -> None:
        """See ``Store``."""
        self._server.close()

    def _read(self, name: bytes) -> bytes | None:
        with self._server.lent() as client:
            pipe = self._server.batch(client)
            pipe.get(name)
            pipe.expire(name, self._ttl)
            value = pipe.execute(raise_on_error=False)[0]  # a server that cannot write now can still be read
            if isinstance(value, redis.RedisError):
                raise value
        return None if value is None else bytes(value)

    def _look_after(self, known: dict[Key, Rendering], old: Sequence[Key]) -> None:
        """Count renderings and their originals as used, and seal those anew that another key has sealed, or none."""
        now = self._clock()
        stale = [key for key in known if abs(now - self._used.get(key, _NEVER)) > REFRESH_SECONDS]
        if not (stale or old):
            return
        # Not to have prolonged them is no reason to withhold what was read.
        with contextlib.suppress(StoreUnavailable), self._server.lent() as client:
            pipe = self._server.batch(client)
            for key in old:
                pipe.set(_name(b"rendering", key), _packed(known[key], self._sealer), xx=True, keepttl=True)
            for key in stale:
                pipe.expire(_name(b"rendering", key), self._ttl)
                pipe.expire(_name(b"original", known[key].original), self._ttl)
            pipe.execute()
            if len(self._used) > _USES_REMEMBERED:
                self._used.clear()  # to prolong once more costs little
            self._used.update(dict.fromkeys(stale, now))


def _queue_original(pipe: Any, decision: Decision, sealer: Sealer, ttl: int) -> None:
    if decision.original is not None:
        digest = decision.rendering.original
        # Same digest, same text: to write it again is to prolong it.
        sealed = sealer.seal(b"original", digest, packing.pack(decision.original))
        pipe.set(_name(b"original", digest), sealed, ex=ttl)


def _name(kind: bytes, of: bytes) -> bytes:
    return b"%b%b:%b" % (PREFIX, kind, of.hex().encode())


def _packed(rendering: Rendering, sealer: Sealer) -> bytes:
    record = _ENCODER.encode(
        _Record(
            text=None if rendering.text is None else packing.to_bytes(rendering.text),
            original=rendering.original,
            compressor=rendering.compressor,
            level=rendering.level,
            lossless=rendering.lossless,
            tokens_before=rendering.tokens_before,
            tokens_after=rendering.tokens_after,
            base=rendering.base,
        )
    )
    return sealer.seal(b"rendering", rendering.key, record)


def _rendering(key: Key, value: bytes | None, sealer: Sealer) -> Rendering:
    """Return the rendering that a value holds. A value that is gone again, or not ours, is the server's fault.

    One that cannot be opened was decided upon, and nobody knows how: its text goes out raw.
    """
    try:
        record = _DECODER.decode(sealer.open(b"rendering", key, value or b""))
        return Rendering(
            key=key,
            text=None if record.text is None else packing.to_text(record.text),
            original=Digest(record.original),
            compressor=record.compressor,
            level=record.level,
            lossless=record.lossless,
            tokens_before=record.tokens_before,
            tokens_after=record.tokens_after,
            base=None if record.base is None else Key(record.base),
        )
    except UnreadableRecord:
        return unreadable(key)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"{_name(b'rendering', key).decode()} cannot be read: {error}") from error
