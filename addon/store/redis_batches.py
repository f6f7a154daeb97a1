"""Many questions to the shared server in one go, and all that is to be kept of a request in another.

On a Cluster a batch goes to all nodes at once, so nothing there is one transaction: a decision may be kept whose
original is not, where a node fails in between. Whoever meets such a decision has the text in its request, is told by
``RedisUses`` that the original is not there, and keeps it again.
"""

import contextlib
import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from headroom_mitm.errors import StoreUnavailable, UnreadableRecord
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.store import packing
from headroom_mitm.store.base import Decision, Found, Kept, Offer, Visit, Wanted
from headroom_mitm.store.redis_doubts import NO, YES, RedisDoubts
from headroom_mitm.store.redis_server import RedisServer
from headroom_mitm.store.redis_uses import RedisUses
from headroom_mitm.store.redis_values import named, packed, unpacked
from headroom_mitm.store.redis_visits import visit_in
from headroom_mitm.store.sealing import Sealer

K = TypeVar("K", Key, Digest)

_ATTEMPT = 8
"""Random bytes that stand in what one attempt keeps."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be kept in one go."""

    decisions: Sequence[Decision]
    records: Sequence[bytes]
    """The decisions as they are kept. No other attempt writes these bytes."""
    offer: Offer | None = None
    begun: Mapping[Digest, Visit] = field(default_factory=dict)
    """Prefixes that nobody has sent before."""

    @property
    def names(self) -> list[bytes]:
        """Of the decisions."""
        return [named(b"rendering", decision.rendering.key) for decision in self.decisions]


class RedisBatches:
    """Each method is one round trip."""

    def __init__(self, server: RedisServer, sealer: Sealer, ttl: int, uses: RedisUses) -> None:
        self._server = server
        self._sealer = sealer
        self._ttl = ttl
        self._uses = uses
        self.doubts = RedisDoubts()

    def read(self, wanted: Wanted) -> Found:
        """Return what is there of all that is wanted. Does not count it as used: see ``RedisUses.note``."""
        asked = {b"rendering": wanted.renderings, b"offer": wanted.offers, b"rounds": wanted.rounds}
        names = [named(kind, key) for kind, keys in {**asked, b"visit": wanted.visits}.items() for key in keys]
        values = iter(self._server.values(names) if names else ())
        renderings = _there(wanted.renderings, values)
        offers, rounds = _there(wanted.offers, values), _there(wanted.rounds, values)
        stood = (self.doubts.stood(named(b"visit", key), next(values)) for key in wanted.visits)
        visits = _there(wanted.visits, stood)
        known = {key: unpacked(key, value, self._sealer) for key, value in renderings.items()}
        used = [*(named(b"offer", key) for key in offers), *(named(b"rounds", key) for key in rounds)]
        self._uses.note(renderings, known, used)
        told = {key: value == YES and not self.doubts.is_unmade(named(b"offer", key)) for key, value in offers.items()}
        return Found(known, told, self._opened(rounds), {key: visit_in(value) for key, value in visits.items()})

    def sealed(
        self, decisions: Sequence[Decision], offer: Offer | None = None, begun: Mapping[Digest, Visit] | None = None
    ) -> Told:
        """Return what ``write`` takes, without asking anybody."""
        attempt = os.urandom(_ATTEMPT)
        records = [packed(one.rendering, self._sealer, attempt) for one in decisions]
        return Told(decisions, records, offer, begun or {})

    def write(self, told: Told) -> Kept:
        """Keep decisions, an offer and visits; return what holds. To be followed by ``settled`` or ``unsettled``."""
        decisions, offer, names, visits = told.decisions, told.offer, told.names, told.begun
        with self._server.lent() as client:
            pipe = self._server.batch(client, whole=True)
            self.doubts.queue_offers(pipe, self.doubts.of_offers, self._ttl)
            for decision in decisions:
                self._queue_original(pipe, decision)
            for one, record in zip(names, told.records, strict=True):
                self.doubts.queue_record(pipe, one, record)
                pipe.expire(one, self._ttl)
            for key, visit in visits.items():
                pipe.set(named(b"visit", key), msgspec.msgpack.encode(visit), nx=True, ex=self._ttl)
            self._queue_offer(pipe, offer)
            for one in names:
                pipe.get(one)
            answers: list[Any] = pipe.execute()
        values = answers[len(answers) - len(names) :]
        answers = answers[: len(answers) - len(names)]
        holds = offer.offered if offer is not None else False
        if offer is not None:
            holds = answers[-1] == YES
            answers = answers[:-3]
        written = answers[len(answers) - len(visits) :]
        self._uses.kept(decisions)
        return Kept(
            self._held(decisions, values), holds, [key for key, done in zip(visits, written, strict=True) if done]
        )

    def keep(self, decisions: Sequence[Decision], offer: Offer | None = None) -> Kept:
        """Keep decisions and an offer, and wait for the answer however long it takes."""
        told, withdrawn = self.sealed(decisions, offer), self.doubts.of_offers
        try:
            kept = self.write(told)
        except StoreUnavailable:
            self.unsettled(told)
            raise
        self.settled(told, withdrawn)
        return kept

    def settled(self, told: Told, withdrawn: Sequence[bytes]) -> None:
        """Note that the answer has come, and that offers were withdrawn."""
        self.doubts.settled(told.names, withdrawn)

    def unsettled(self, told: Told) -> None:
        """Note that nobody waits for the answer any more."""
        is_offer = told.offer is not None and told.offer.offered
        made = named(b"offer", told.offer.head) if told.offer is not None and is_offer else None
        found = zip(told.decisions, told.names, told.records, strict=True)
        # A text that stays as it is was sent so, whether that is kept or not.
        changed = {name: record for decision, name, record in found if decision.rendering.text is not None}
        self.doubts.raised(changed, made)

    def _opened(self, rounds: Mapping[Digest, bytes]) -> dict[Digest, bytes]:
        found: dict[Digest, bytes] = {}
        for key, value in rounds.items():
            with contextlib.suppress(UnreadableRecord):
                found[key] = self._sealer.open(b"rounds", key, value)
        return found

    def _held(self, decisions: Sequence[Decision], values: Sequence[bytes]) -> dict[Key, Rendering]:
        keys = [decision.rendering.key for decision in decisions]
        return {key: unpacked(key, value, self._sealer) for key, value in zip(keys, values, strict=True)}

    def _queue_original(self, pipe: Any, decision: Decision) -> None:
        if decision.original is not None:
            digest = decision.rendering.original
            # Same digest, same text: to write it again is to prolong it.
            sealed = self._sealer.seal(b"original", digest, packing.pack(decision.original))
            pipe.set(named(b"original", digest), sealed, ex=self._ttl)

    def _queue_offer(self, pipe: Any, offer: Offer | None) -> None:
        if offer is not None:
            one = named(b"offer", offer.head)
            pipe.set(one, YES if offer.offered else NO, nx=True)
            pipe.expire(one, self._ttl)
            pipe.get(one)


def _there(keys: Sequence[K], values: Iterator[bytes | None]) -> dict[K, bytes]:
    """Return the next values by key, but for those that are not there."""
    return {
        key: value for key, value in zip(keys, itertools.islice(values, len(keys)), strict=True) if value is not None
    }
