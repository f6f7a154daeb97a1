"""Which records belong to which conversation, on the shared server: a set for each conversation."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from headroom_mitm.segments import Digest
from headroom_mitm.store.holdings import Held, Kind
from headroom_mitm.store.redis_server import RedisServer
from headroom_mitm.store.redis_values import PREFIX, named

_KIND = b"holding"
_NAMES = {
    Kind.RENDERING: b"rendering",
    Kind.ORIGINAL: b"original",
    Kind.ROUNDS: b"rounds",
    Kind.OFFER: b"offer",
    Kind.VISIT: b"visit",
}
_AT_ONCE = 200


class RedisHoldings:
    """See ``HoldingStore``."""

    def __init__(self, server: RedisServer, ttl: int) -> None:
        self._server = server
        self._ttl = ttl

    def add(self, held: Mapping[Digest, Iterable[Held]]) -> None:
        """See ``HoldingStore``."""
        with self._server.lent() as client:
            pipe = self._server.batch(client)
            for conversation, ones in held.items():
                name, members = named(_KIND, conversation), [one.packed() for one in ones]
                for at in range(0, len(members), _AT_ONCE):
                    pipe.sadd(name, *members[at : at + _AT_ONCE])
                pipe.expire(name, self._ttl)
            pipe.execute()

    def conversations(self, start: str) -> Sequence[Digest]:
        """See ``HoldingStore``."""
        with self._server.lent() as client:
            kept = list(client.zrange(named(b"record", b"") + b"newest", 0, -1))
        found = {name[len(named(_KIND, b"")) :].decode() for names in self._sets() for name in names}
        found |= {bytes(key).hex() for key in kept}
        return [Digest(bytes.fromhex(one)) for one in sorted(found) if one.startswith(start.lower())]

    def purge(self, conversation: Digest) -> int:
        """See ``HoldingStore``."""
        mine = named(_KIND, conversation)
        with self._server.lent() as client:
            own: set[bytes] = set(client.smembers(mine))
        for names in self._sets():
            with self._server.lent() as client:
                pipe: Any = self._server.batch(client)
                for name in names:
                    if name != mine:
                        pipe.smembers(name)
                own = own.difference(*pipe.execute())
        gone = [named(_NAMES[one.kind], one.key) for one in map(Held.unpacked, own)]
        record = named(b"record", conversation)
        with self._server.lent() as client:
            pipe = self._server.batch(client)
            for name in (*gone, record, record + b":requests"):
                pipe.unlink(name)
            removed = sum(map(int, pipe.execute()))
            client.zrem(named(b"record", b"") + b"newest", conversation)
            client.unlink(mine)
        return removed

    def _sets(self) -> Iterator[list[bytes]]:
        """Yield the names of all conversations' sets, a few at a time: the server has others to answer."""
        with self._server.lent() as client:
            names: list[bytes] = []
            for name in client.scan_iter(match=PREFIX + _KIND + b":*", count=_AT_ONCE):
                names.append(bytes(name))
                if len(names) == _AT_ONCE:
                    yield names
                    names = []
        yield names
