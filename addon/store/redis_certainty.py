"""How sure it is that the shared server has what it was told to keep."""

from collections.abc import Iterable

from headroom_mitm.segments import Key
from headroom_mitm.store.redis_doubts import RedisDoubts
from headroom_mitm.store.redis_server import RedisServer

_MOST = 20_000
"""Decisions that are missing. What is beyond is found to be so by whoever asks for it."""


class RedisCertainty:
    """See ``Certainty``."""

    def __init__(self, server: RedisServer, doubts: RedisDoubts) -> None:
        self._server = server
        self._doubts = doubts
        self._missing: set[Key] = set()
        self.insist = server.insist
        self.misses = self._missing.__contains__

    @property
    def is_in_doubt(self) -> bool:
        """See ``Certainty``."""
        return self._doubts.are_raised

    @property
    def returns(self) -> int:
        """See ``Certainty``."""
        return self._server.returns

    def looked(self, asked: Iterable[Key], found: Iterable[Key]) -> None:
        """Note which decisions are there, of those that were asked for."""
        there = set(found)
        self._missing -= there
        if len(self._missing) < _MOST:
            self._missing.update(key for key in asked if key not in there)
