"""A client for the shared store that does not ask a dead server again and again."""

import contextlib
import math
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakSet

import redis

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.store.base import Clock
from headroom_mitm.store.redis_place import Place

BACK_OFF_SECONDS = 2.0
"""So long after a silence the server is not asked again."""
_NEVER = -math.inf
_NO_ANSWERS = (AttributeError, LookupError, TypeError, ValueError)
"""What redis-py raises where a server does not speak its language, and we, where a value is of another type."""


class RedisServer:
    """A place and when it last failed: a dead server costs one time-out in a while, not one a request."""

    def __init__(self, place: Place, clock: Clock) -> None:
        self.place = place
        self._clock = clock
        self._client: Any = None
        self._connecting = threading.Lock()
        self._failed_at = _NEVER
        self._serving: object = None
        self._known: WeakSet[Any] = WeakSet()
        self._lock = threading.Lock()
        self.returns = 0
        """See ``Certainty``."""

    @contextlib.contextmanager
    def lent(self) -> Iterator[Any]:
        """Lend a client. What goes wrong is ``StoreUnavailable``, and so is all for a while after a silence."""
        now = self._clock()
        if 0 <= now - self._failed_at < BACK_OFF_SECONDS:
            raise StoreUnavailable(f"{self} did not answer a moment ago")
        if self._failed_at != _NEVER:
            self._failed_at = now  # one caller tries, the others do not wait for it
        try:
            client = self._connected()
            yield client
        except (redis.ConnectionError, redis.TimeoutError, redis.RedisClusterException) as error:
            self._failed_at = self._clock()
            raise StoreUnavailable(f"{self}: {error}") from error
        except redis.RedisError as error:
            raise StoreUnavailable(f"{self}: {error}") from error
        except _NO_ANSWERS as error:
            self._failed_at = self._clock()
            raise StoreUnavailable(f"{self} has answered something else than was asked: {error}") from error
        self._answered(client)

    def silent(self) -> None:
        """Take note that an answer did not come in time for who had asked."""
        self._failed_at = self._clock()

    def insist(self) -> None:
        """Have the next question asked, whatever was not answered a moment ago."""
        self._failed_at = _NEVER

    def batch(self, client: Any, *, whole: bool = False) -> Any:
        """Return what sends several commands at once; ``whole``: all or none of them, where one server has them all."""
        return client.pipeline(transaction=whole and not self.place.is_cluster)

    def decided(self, name: bytes, value: bytes, ttl: int) -> bytes:
        """Write a value unless there is one; return the one that holds."""
        with self.lent() as client:
            pipe = self.batch(client, whole=True)
            pipe.set(name, value, nx=True)
            pipe.expire(name, ttl)
            pipe.get(name)
            [held] = _strings(pipe.execute()[-1:], 1)
            return held or value

    def values(self, names: Sequence[bytes]) -> list[bytes | None]:
        """Return the values of several names."""
        with self.lent() as client:
            if not self.place.is_cluster:
                return _strings(client.mget(names), len(names))
            pipe = self.batch(client)
            for name in names:
                pipe.get(name)
            return _strings(pipe.execute(), len(names))

    def close(self) -> None:
        """Give back connections."""
        if self._client is not None:
            self._client.close()

    def _answered(self, client: Any) -> None:
        """Note that it has, and whether it is another: a replica may lack what was told last."""
        before, self._serving = self._serving, self.place.serving(client)
        if before is not None and before != self._serving:
            with self._lock:
                self.returns += 1
        self._failed_at = _NEVER

    def _made(self, connection: Any) -> None:
        """Note a connection that is made again: it was lost, and so may be what was told last."""
        with self._lock:
            self.returns += connection in self._known
            self._known.add(connection)

    def _connected(self) -> Any:
        with self._connecting:
            if self._client is None:
                self._client = self.place.connect(self._made)
            return self._client

    def __str__(self) -> str:
        return self.place.name


def _strings(found: list[Any], count: int) -> list[bytes | None]:
    """Return the values that a server has told, which must be so many; raise ``TypeError`` for anything else."""
    if len(found) != count or not all(value is None or isinstance(value, bytes) for value in found):
        raise TypeError(f"{len(found)} values of some kind for {count} strings")
    return list(found)
