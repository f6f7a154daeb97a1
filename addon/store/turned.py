"""A store in which all records have other names: digests are turned on their way in, and back on their way out."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.segments import DIGEST_SIZE, Digest, Key, Rendering
from headroom_mitm.store.aside import Aside
from headroom_mitm.store.base import (
    CHANGED_ENTRY,
    Decision,
    Kept,
    Offer,
    RecordStore,
    Staging,
    Store,
    TallyStore,
    Upkeep,
    Visit,
    VisitStore,
    Wanted,
)
from headroom_mitm.store.certainty import Certainty
from headroom_mitm.store.holdings import Held, HoldingStore


class Turn(ABC):
    """Turns digests into others, and back. No two become one."""

    @abstractmethod
    def __call__(self, digest: bytes) -> Digest:
        """Return the other digest. May raise ``StoreUnavailable``."""

    @abstractmethod
    def back(self, digest: bytes) -> Digest:
        """Return the digest that ``digest`` was made from. May raise ``StoreUnavailable``."""

    def all(self, digests: Sequence[Digest]) -> list[Digest]:
        """Return the other digests."""
        return [self(digest) for digest in digests]

    def keys(self, keys: Sequence[Key]) -> list[Key]:
        """Return the other keys."""
        return [Key(self(key)) for key in keys]

    def decisions(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Return decisions with all that they name turned."""
        return [replace(one, rendering=_named(one.rendering, self)) for one in decisions]

    def renderings(self, found: Mapping[Key, Rendering]) -> dict[Key, Rendering]:
        """Return decisions under their own keys again."""
        turned = (_named(rendering, self.back) for rendering in found.values())
        return {rendering.key: rendering for rendering in turned}

    def visit(self, visit: Visit) -> Visit:
        """Return a visit in which keys are turned."""
        return replace(visit, changed=_changed(visit.changed, self)) if visit.changed else visit

    def visited(self, visit: Visit) -> Visit:
        """Return a visit with its own keys again."""
        return replace(visit, changed=_changed(visit.changed, self.back)) if visit.changed else visit


def _named(rendering: Rendering, turn: Callable[[bytes], Digest]) -> Rendering:
    base = None if rendering.base is None else Key(turn(rendering.base))
    return replace(rendering, key=Key(turn(rendering.key)), original=turn(rendering.original), base=base)


def _changed(changed: bytes, turn: Callable[[bytes], Digest]) -> bytes:
    entries = (changed[at : at + CHANGED_ENTRY] for at in range(0, len(changed), CHANGED_ENTRY))
    return b"".join(
        turn(one[:DIGEST_SIZE]) + one[DIGEST_SIZE:] if len(one) == CHANGED_ENTRY else one for one in entries
    )


class TurnedStore:
    """See ``Store``. Records of the ledger hold no texts, and are those of all; upkeep is for the whole store."""

    def __init__(self, whole: Store, turn: Turn) -> None:
        self._whole = whole
        self._turn = turn
        self.visits: VisitStore = TurnedVisits(whole.visits, turn)
        self.tallies: TallyStore = whole.tallies
        self.records: RecordStore = whole.records
        self.upkeep: Upkeep = whole.upkeep
        self.holdings: HoldingStore = TurnedHoldings(whole.holdings, turn)
        self.staging: Staging = TurnedStaging(whole.staging, turn)
        self.aside: Aside = TurnedAside(whole.aside.another(), turn)

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        """See ``Store``."""
        return self._turn.renderings(self._whole.recall(self._turn.keys(keys)))

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """See ``Store``."""
        return self._turn.renderings(self._whole.freeze(self._turn.decisions(decisions)))

    def settle(self, offer: Offer, decisions: Sequence[Decision]) -> Kept:
        """See ``Store``."""
        held = self._whole.settle(Offer(self._turn(offer.head), offer.offered), self._turn.decisions(decisions))
        begun = [self._turn.back(key) for key in held.begun]
        return Kept(self._turn.renderings(held.renderings), held.offered, begun)

    def original(self, digest: Digest) -> str:
        """See ``Store``."""
        return self._whole.original(self._turn(digest))

    def offered(self, head: Digest) -> bool | None:
        """See ``Store``."""
        return self._whole.offered(self._turn(head))

    def offer(self, head: Digest, offered: bool) -> bool:  # noqa: FBT001  # the decision itself is the value
        """See ``Store``."""
        return self._whole.offer(self._turn(head), offered)

    def rounds(self, keys: Sequence[Digest]) -> dict[Digest, bytes]:
        """See ``Store``."""
        found = self._whole.rounds(self._turn.all(keys))
        return {self._turn.back(key): packed for key, packed in found.items()}

    def keep_rounds(self, key: Digest, packed: bytes) -> bytes:
        """See ``Store``."""
        return self._whole.keep_rounds(self._turn(key), packed)

    def sweep(self) -> int:
        """See ``Store``."""
        return self._whole.sweep()

    def close(self) -> None:
        """See ``Store``."""
        self._whole.close()


class TurnedVisits:
    """See ``VisitStore``."""

    def __init__(self, whole: VisitStore, turn: Turn) -> None:
        self._whole = whole
        self._turn = turn

    def get(self, key: Digest) -> Visit | None:
        """See ``VisitStore``."""
        found = self._whole.get(self._turn(key))
        return None if found is None else self._turn.visited(found)

    def touch(self, key: Digest, seen: float, lifetime: float) -> Visit:
        """See ``VisitStore``."""
        return self._turn.visited(self._whole.touch(self._turn(key), seen, lifetime))

    def begin(self, key: Digest, before: Visit | None, after: Visit) -> Visit:
        """See ``VisitStore``."""
        turned = self._turn.visit(before) if before is not None else None
        return self._turn.visited(self._whole.begin(self._turn(key), turned, self._turn.visit(after)))


class TurnedHoldings:
    """See ``HoldingStore``. Conversations keep their names, so that those who look after the store find them."""

    def __init__(self, whole: HoldingStore, turn: Turn) -> None:
        self._whole = whole
        self._turn = turn
        self.conversations = whole.conversations
        self.purge = whole.purge

    def add(self, held: Mapping[Digest, Iterable[Held]]) -> None:
        """See ``HoldingStore``."""
        turn = self._turn
        self._whole.add({name: [Held(one.kind, turn(one.key)) for one in ones] for name, ones in held.items()})


class TurnedAside:
    """See ``Aside``."""

    def __init__(self, whole: Aside, turn: Turn) -> None:
        self._whole = whole
        self._turn = turn
        self.clear = whole.clear

    def put(self, renderings: Iterable[Rendering]) -> None:
        """See ``Aside``."""
        with contextlib.suppress(StoreUnavailable):
            self._whole.put([_named(one, self._turn) for one in renderings])

    def found(self) -> list[Rendering]:
        """See ``Aside``."""
        try:
            return [_named(one, self._turn.back) for one in self._whole.found()]
        except StoreUnavailable:
            return []

    def another(self) -> Aside:
        """See ``Aside``."""
        return TurnedAside(self._whole.another(), self._turn)


class TurnedStaging:
    """See ``Staging``."""

    def __init__(self, whole: Staging, turn: Turn) -> None:
        self._whole = whole
        self._turn = turn
        self.is_on = whole.is_on
        self.at_once = whole.at_once
        self.begun = whole.begun
        self.at_once = whole.at_once
        self.flush = whole.flush
        self.warm = whole.warm
        self.certainty: Certainty = TurnedCertainty(whole.certainty, turn)

    @property
    def owes(self) -> bool:
        """See ``Staging``."""
        return self._whole.owes

    def look_up(self, wanted: Wanted) -> None:
        """See ``Staging``."""
        turn = self._turn
        with contextlib.suppress(StoreUnavailable):  # each question finds that out
            renderings, offers = turn.keys(wanted.renderings), turn.all(wanted.offers)
            self._whole.look_up(Wanted(renderings, offers, turn.all(wanted.rounds), turn.all(wanted.visits)))

    def use(self, keys: Sequence[Key]) -> None:
        """See ``Staging``."""
        with contextlib.suppress(StoreUnavailable):
            self._whole.use(self._turn.keys(keys))

    def lacks(self, original: Digest) -> bool:
        """See ``Staging``."""
        return self._whole.lacks(self._turn(original))


class TurnedCertainty:
    """See ``Certainty``."""

    def __init__(self, whole: Certainty, turn: Turn) -> None:
        self._whole = whole
        self._turn = turn
        self.insist = whole.insist

    @property
    def is_in_doubt(self) -> bool:
        """See ``Certainty``."""
        return self._whole.is_in_doubt

    @property
    def returns(self) -> int:
        """See ``Certainty``."""
        return self._whole.returns

    def misses(self, key: Key) -> bool:
        """See ``Certainty``."""
        return self._whole.misses(self._turn.keys([key])[0])
