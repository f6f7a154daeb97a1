"""What was read counts as used, which can wait: it is noted first, and told to the server later."""

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.store.base import REFRESH_SECONDS, Clock, Decision
from headroom_mitm.store.redis_server import RedisServer
from headroom_mitm.store.redis_values import named, packed
from headroom_mitm.store.sealing import Sealer
from headroom_mitm.store.unreadable import UNREADABLE

_NEVER = -math.inf
_REMEMBERED = 20_000


class RedisUses:
    """Prolongs what was read, and seals anew what another key has sealed, or none. Thread-safe."""

    def __init__(self, server: RedisServer, sealer: Sealer, clock: Clock, ttl: int) -> None:
        self._server = server
        self._sealer = sealer
        self._clock = clock
        self._ttl = ttl
        self._lock = threading.Lock()
        self._prolonged: dict[Key, float] = {}  # when this process last prolonged a rendering
        self._stale: dict[Key, Rendering] = {}
        self._old: dict[Key, Rendering] = {}
        self._names: dict[bytes, None] = {}
        self._lost: set[Digest] = set()

    @property
    def are_noted(self) -> bool:
        """There is something to tell."""
        return bool(self._stale or self._old or self._names)

    def note(self, values: Mapping[Key, bytes], known: Mapping[Key, Rendering], names: Iterable[bytes] = ()) -> None:
        """Take renderings as they are on the server and as they read, and names of what else was read."""
        now = self._clock()
        with self._lock:
            for key, rendering in known.items():
                if abs(now - self._prolonged.get(key, _NEVER)) > REFRESH_SECONDS:
                    self._stale[key] = rendering
                if rendering.compressor != UNREADABLE and not self._sealer.is_current(values[key]):
                    self._old[key] = rendering
            self._names.update(dict.fromkeys(names))

    def tell(self) -> None:
        """Tell the server what was noted. Raises ``StoreUnavailable``: then it is not counted."""
        with self._lock:
            stale, old, names = self._stale, self._old, self._names
            self._stale, self._old, self._names = {}, {}, {}
        if not (stale or old or names):
            return
        with self._server.lent() as client:
            pipe: Any = self._server.batch(client)
            for key, rendering in stale.items():
                pipe.expire(named(b"original", rendering.original), self._ttl)
                pipe.expire(named(b"rendering", key), self._ttl)
            for key, rendering in old.items():
                pipe.set(named(b"rendering", key), packed(rendering, self._sealer), xx=True, keepttl=True)
            for one in names:
                pipe.expire(one, self._ttl)
            answers: list[Any] = pipe.execute()
        self._told(stale, answers)

    def lacks(self, digest: Digest) -> bool:
        """Say whether a decision rests on an original that is not there."""
        return digest in self._lost

    def kept(self, decisions: Sequence[Decision]) -> None:
        """Note that originals were kept."""
        if self._lost:
            self._lost.difference_update(one.rendering.original for one in decisions if one.original is not None)

    def _told(self, stale: Mapping[Key, Rendering], answers: Sequence[Any]) -> None:
        now = self._clock()
        found = answers[: 2 * len(stale) : 2]
        lost = {one.original for one, there in zip(stale.values(), found, strict=True) if not (there or one.lossless)}
        with self._lock:
            if len(self._prolonged) > _REMEMBERED:
                self._prolonged.clear()  # to prolong once more costs little
            self._prolonged.update(dict.fromkeys(stale, now))
            if len(self._lost) < _REMEMBERED:
                self._lost |= lost
