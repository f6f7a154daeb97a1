"""The shared store: a Redis server that several proxies use.

How much is kept is the server's business: ``Limits.max_bytes`` means nothing here. It bounds memory by its own
``maxmemory`` and, with an eviction policy such as ``volatile-lru``, lets go of the longest unused first; how durable a
write is, its ``appendonly`` says. This store gives every key an idle time.

Each value stands under a key of its own, so a Cluster may spread them as it likes: nothing there needs two keys to be
on one server. What concerns several keys is one transaction on a server, and one batch for each node of a Cluster, all
of them at once.
"""

import contextlib
import math
from collections.abc import Sequence

import redis

from headroom_mitm.errors import MissingOriginal, StoreUnavailable, UnreadableRecord
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.store import packing
from headroom_mitm.store.base import REFRESH_SECONDS, Clock, Decision, Limits, Offer, Wanted
from headroom_mitm.store.redis_batches import RedisBatches
from headroom_mitm.store.redis_certainty import RedisCertainty
from headroom_mitm.store.redis_doubts import YES
from headroom_mitm.store.redis_holdings import RedisHoldings
from headroom_mitm.store.redis_place import Place
from headroom_mitm.store.redis_records import RedisRecords
from headroom_mitm.store.redis_server import RedisServer
from headroom_mitm.store.redis_tallies import RedisTallies
from headroom_mitm.store.redis_upkeep import RedisUpkeep
from headroom_mitm.store.redis_uses import RedisUses
from headroom_mitm.store.redis_values import PREFIX, named
from headroom_mitm.store.redis_visits import RedisVisits
from headroom_mitm.store.sealing import Sealer


class RedisStore:
    """A string for each rendering, original, offer, rounds and visit, forgotten after the idle time.

    Has what a ``Store`` needs that asks and tells in batches: see ``StagedStore``.
    """

    def __init__(self, place: Place, limits: Limits, clock: Clock, sealer: Sealer) -> None:
        self._server = RedisServer(place, clock)
        self._sealer = sealer
        self._ttl = math.ceil(limits.idle_seconds) + REFRESH_SECONDS
        self.silent = self._server.silent
        self.uses = RedisUses(self._server, sealer, clock, self._ttl)
        self.batches = RedisBatches(self._server, sealer, self._ttl, self.uses)
        self.certainty = RedisCertainty(self._server, self.batches.doubts)
        self.records = RedisRecords(self._server, named(b"record", b""), self._ttl)
        self.holdings = RedisHoldings(self._server, self._ttl)
        self.upkeep = RedisUpkeep(self._server, sealer, PREFIX, clock, self._ttl)
        self.visits = RedisVisits(self._server, lambda key: named(b"visit", key), self._ttl, self.batches.doubts)
        self.tallies = RedisTallies(self._server, named(b"tally", b""), self._ttl)

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        """See ``Store``."""
        found = self.batches.read(Wanted(renderings=keys)).renderings
        self._tell()
        return found

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """See ``Store``."""
        return self.batches.keep(decisions).renderings if decisions else {}

    def original(self, digest: Digest) -> str:
        """See ``Store``."""
        name = named(b"original", digest)
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
        value = self._read(named(b"offer", head))
        return None if value is None else value == YES

    def offer(self, head: Digest, offered: bool) -> bool:  # noqa: FBT001  # the decision itself is the value
        """See ``Store``."""
        return self.batches.keep((), Offer(head, offered)).offered

    def rounds(self, keys: Sequence[Digest]) -> dict[Digest, bytes]:
        """See ``Store``."""
        found = self.batches.read(Wanted(rounds=keys)).rounds
        self._tell()
        return found

    def keep_rounds(self, key: Digest, packed: bytes) -> bytes:
        """See ``Store``. What cannot be opened is not told again, as if nothing had been hidden."""
        held = self._server.decided(named(b"rounds", key), self._sealer.seal(b"rounds", key, packed), self._ttl)
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

    def _tell(self) -> None:
        """Count as used what was read. Not to have counted it is no reason to withhold it."""
        with contextlib.suppress(StoreUnavailable):
            self.uses.tell()
