"""The shared store: a Redis or Valkey server that several proxies use.

How much is kept is the server's business: ``Limits.max_bytes`` means nothing here. It bounds memory by its own
``maxmemory`` and, with an eviction policy such as ``volatile-lru``, lets go of the longest unused first; how durable a
write is, its ``appendonly`` says. This store gives every key an idle time.

Each value stands under a key of its own and there are no scripts. On a cluster, ``MGET`` and the ``MULTI`` of
``freeze`` are all that would have to be split by slot.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from headroom_mitm.errors import MissingOriginal, StoreUnavailable
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.store import packing
from headroom_mitm.store.base import REFRESH_SECONDS, Clock, Decision, Limits
from headroom_mitm.store.redis_records import RedisRecords
from headroom_mitm.store.redis_tallies import RedisTallies
from headroom_mitm.store.redis_visits import RedisVisits

PREFIX = b"headroom:1:"
"""The number is that of the layout of values: with another layout, two versions can still share a server."""
CONNECT_SECONDS = 0.5
READ_SECONDS = 1.0
BACK_OFF_SECONDS = 2.0
"""So long after a silence the server is not asked again."""
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


def connect(url: str) -> redis.Redis:
    """Return a client for a URL that ``open_store`` has accepted. It connects on first use."""
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=READ_SECONDS,
        socket_keepalive=True,
        # A repeated time-out would be longer than a request can wait; what is undecided goes out raw instead.
        retry=Retry(NoBackoff(), 0),
        protocol=2,  # no handshake that old servers refuse, and dead connections in the pool are found before use
    )


class _Server:
    """A client and when it last failed: a dead server costs one time-out in a while, not one a request."""

    def __init__(self, client: redis.Redis, clock: Clock) -> None:
        self.client = client
        self._clock = clock
        self._failed_at = _NEVER

    @contextlib.contextmanager
    def lent(self) -> Iterator[redis.Redis]:
        """Lend the client. What goes wrong is ``StoreUnavailable``, and so is all for a while after a silence."""
        now = self._clock()
        if 0 <= now - self._failed_at < BACK_OFF_SECONDS:
            raise StoreUnavailable(f"{self} did not answer a moment ago")
        if self._failed_at != _NEVER:
            self._failed_at = now  # one caller tries, the others do not wait for it
        try:
            yield self.client
        except (redis.ConnectionError, redis.TimeoutError) as error:
            self._failed_at = self._clock()
            raise StoreUnavailable(f"{self}: {error}") from error
        except redis.RedisError as error:
            raise StoreUnavailable(f"{self}: {error}") from error
        self._failed_at = _NEVER

    def decided(self, name: bytes, value: bytes, ttl: int) -> bytes:
        """Write a value unless there is one; return the one that holds."""
        with self.lent() as client:
            pipe = client.pipeline(transaction=True)
            pipe.set(name, value, nx=True)
            pipe.expire(name, ttl)
            pipe.get(name)
            return bytes(pipe.execute()[-1] or value)

    def __str__(self) -> str:
        options = self.client.connection_pool.connection_kwargs
        return f"Redis at {options.get('host')}:{options.get('port', 6379)}"


class RedisStore:
    """A string for each rendering, original, offer, rounds and visit, forgotten after the idle time."""

    def __init__(self, client: redis.Redis, limits: Limits, clock: Clock) -> None:
        self._server = _Server(client, clock)
        self._ttl = math.ceil(limits.idle_seconds) + REFRESH_SECONDS
        self._clock = clock
        self._used: dict[Key, float] = {}  # when this process last prolonged a rendering
        self.visits = RedisVisits(self._server.lent, lambda key: _name(b"visit", key), self._ttl)
        self.tallies = RedisTallies(self._server.lent, _name(b"tally", b""), self._ttl)
        self.records = RedisRecords(self._server.lent, _name(b"record", b""), self._ttl)

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        """See ``Store``."""
        if not keys:
            return {}
        with self._server.lent() as client:
            values: Any = client.mget([_name(b"rendering", key) for key in keys])
        known = {key: _rendering(key, value) for key, value in zip(keys, values, strict=True) if value is not None}
        self._count_as_used(known)
        return known

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """See ``Store``."""
        if not decisions:
            return {}
        with self._server.lent() as client:
            pipe = client.pipeline(transaction=True)
            for decision in decisions:
                _queue(pipe, decision, self._ttl)
            for decision in decisions:
                pipe.get(_name(b"rendering", decision.rendering.key))
            values = pipe.execute()[-len(decisions) :]
        keys = [decision.rendering.key for decision in decisions]
        return {key: _rendering(key, value) for key, value in zip(keys, values, strict=True)}

    def original(self, digest: Digest) -> str:
        """See ``Store``."""
        value = self._read(_name(b"original", digest))
        if value is None:
            raise MissingOriginal(f"no original {digest.hex()}")
        return packing.unpack(value, digest)

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
        with self._server.lent() as client:
            values: Any = client.mget([_name(b"rounds", key) for key in keys])
        found = {key: bytes(value) for key, value in zip(keys, values, strict=True) if value is not None}
        if found:
            # Not to have prolonged them is no reason to withhold what was read.
            with contextlib.suppress(StoreUnavailable), self._server.lent() as client:
                pipe = client.pipeline(transaction=False)
                for key in found:
                    pipe.expire(_name(b"rounds", key), self._ttl)
                pipe.execute()
        return found

    def keep_rounds(self, key: Digest, packed: bytes) -> bytes:
        """See ``Store``."""
        return self._server.decided(_name(b"rounds", key), packed, self._ttl)

    def sweep(self) -> int:
        """Nothing to do: the server forgets by itself."""
        return 0

    def close(self) -> None:
        """See ``Store``."""
        self._server.client.close()

    def _read(self, name: bytes) -> bytes | None:
        with self._server.lent() as client:
            pipe = client.pipeline(transaction=False)
            pipe.get(name)
            pipe.expire(name, self._ttl)
            value = pipe.execute(raise_on_error=False)[0]  # a server that cannot write now can still be read
            if isinstance(value, redis.RedisError):
                raise value
        return None if value is None else bytes(value)

    def _count_as_used(self, known: dict[Key, Rendering]) -> None:
        now = self._clock()
        stale = [key for key in known if abs(now - self._used.get(key, _NEVER)) > REFRESH_SECONDS]
        if not stale:
            return
        # Not to have prolonged them is no reason to withhold what was read.
        with contextlib.suppress(StoreUnavailable), self._server.lent() as client:
            pipe = client.pipeline(transaction=False)
            for key in stale:
                pipe.expire(_name(b"rendering", key), self._ttl)
                pipe.expire(_name(b"original", known[key].original), self._ttl)
            pipe.execute()
            if len(self._used) > _USES_REMEMBERED:
                self._used.clear()  # to prolong once more costs little
            self._used.update(dict.fromkeys(stale, now))


def _queue(pipe: Any, decision: Decision, ttl: int) -> None:
    """Write the original, then the rendering if it is the first: none is ever seen without its original."""
    rendering = decision.rendering
    name = _name(b"rendering", rendering.key)
    if decision.original is not None:
        # Same digest, same text: to write it again is to prolong it.
        pipe.set(_name(b"original", rendering.original), packing.pack(decision.original), ex=ttl)
    pipe.set(name, _packed(rendering), nx=True)
    pipe.expire(name, ttl)


def _name(kind: bytes, of: bytes) -> bytes:
    return b"%b%b:%b" % (PREFIX, kind, of.hex().encode())


def _packed(rendering: Rendering) -> bytes:
    return _ENCODER.encode(
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


def _rendering(key: Key, value: bytes | None) -> Rendering:
    """Return the rendering that a value holds. A value that is gone again, or not ours, is the server's fault."""
    try:
        record = _DECODER.decode(value or b"")
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
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"{_name(b'rendering', key).decode()} cannot be read: {error}") from error
