"""One tenant's part of a store: what a tenant keeps, no other can name.

Keys are digests; a tenant's are turned into others by a mask of its own. Two tenants' keys would have to differ by
exactly the difference of their masks to meet, which nobody can bring about.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from headroom_mitm.segments import DIGEST_SIZE, Digest, Key, Rendering
from headroom_mitm.store.base import (
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
from headroom_mitm.store.holdings import Held, HoldingStore


class TenantStore:
    """See ``Store``. Records of the ledger hold no texts, and are those of all; upkeep is for the whole store."""

    def __init__(self, whole: Store, tenant: str) -> None:
        self._whole = whole
        self._mask = Mask(tenant)
        self.visits: VisitStore = TenantVisits(whole.visits, self._mask)
        self.tallies: TallyStore = TenantTallies(whole.tallies, self._mask)
        self.records: RecordStore = whole.records
        self.upkeep: Upkeep = whole.upkeep
        self.holdings: HoldingStore = TenantHoldings(whole.holdings, self._mask)
        self.staging: Staging = TenantStaging(whole.staging, self._mask)

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        """See ``Store``."""
        return self._mask.renderings(self._whole.recall(self._mask.keys(keys)))

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """See ``Store``."""
        masked = [replace(decision, rendering=self._mask.rendering(decision.rendering)) for decision in decisions]
        return self._mask.renderings(self._whole.freeze(masked))

    def settle(self, offer: Offer, decisions: Sequence[Decision]) -> Kept:
        """See ``Store``."""
        masked = [replace(decision, rendering=self._mask.rendering(decision.rendering)) for decision in decisions]
        held = self._whole.settle(Offer(self._mask(offer.head), offer.offered), masked)
        return Kept(self._mask.renderings(held.renderings), held.offered, [self._mask(key) for key in held.begun])

    def original(self, digest: Digest) -> str:
        """See ``Store``."""
        return self._whole.original(self._mask(digest))

    def offered(self, head: Digest) -> bool | None:
        """See ``Store``."""
        return self._whole.offered(self._mask(head))

    def offer(self, head: Digest, offered: bool) -> bool:  # noqa: FBT001  # the decision itself is the value
        """See ``Store``."""
        return self._whole.offer(self._mask(head), offered)

    def rounds(self, keys: Sequence[Digest]) -> dict[Digest, bytes]:
        """See ``Store``."""
        found = self._whole.rounds([self._mask(key) for key in keys])
        return {self._mask(key): packed for key, packed in found.items()}

    def keep_rounds(self, key: Digest, packed: bytes) -> bytes:
        """See ``Store``."""
        return self._whole.keep_rounds(self._mask(key), packed)

    def sweep(self) -> int:
        """Nothing to do: the whole is swept."""
        return 0

    def close(self) -> None:
        """Nothing to give back: the whole is closed by who opened it."""


class Mask:
    """Turns digests into a tenant's, and back: the same step does both."""

    def __init__(self, tenant: str) -> None:
        name = tenant.encode("utf-8", "surrogatepass")
        bits = hashlib.blake2b(name, digest_size=DIGEST_SIZE, person=b"headroom tenant").digest()
        self._bits = int.from_bytes(bits, "big")
        self.name = bits.hex()

    def __call__(self, digest: bytes) -> Digest:
        """Return the other digest."""
        if len(digest) != DIGEST_SIZE:
            raise ValueError("not a digest")
        return Digest((int.from_bytes(digest, "big") ^ self._bits).to_bytes(DIGEST_SIZE, "big"))

    def rendering(self, rendering: Rendering) -> Rendering:
        """Return a decision with all that it names turned."""
        base = None if rendering.base is None else Key(self(rendering.base))
        return replace(rendering, key=Key(self(rendering.key)), original=self(rendering.original), base=base)

    def renderings(self, found: Mapping[Key, Rendering]) -> dict[Key, Rendering]:
        """Return decisions under their other keys."""
        return {Key(self(key)): self.rendering(rendering) for key, rendering in found.items()}

    def keys(self, keys: Sequence[Key]) -> list[Key]:
        """Return the other keys."""
        return [Key(self(key)) for key in keys]

    def all(self, digests: Sequence[Digest]) -> list[Digest]:
        """Return the other digests."""
        return [self(digest) for digest in digests]


class TenantStaging:
    """See ``Staging``."""

    def __init__(self, whole: Staging, mask: Mask) -> None:
        self._whole = whole
        self._mask = mask
        self.is_on = whole.is_on
        self.begun = whole.begun
        self.flush = whole.flush

    @property
    def owes(self) -> bool:
        """See ``Staging``."""
        return self._whole.owes

    def look_up(self, wanted: Wanted) -> None:
        """See ``Staging``."""
        turn = self._mask
        renderings, offers = turn.keys(wanted.renderings), turn.all(wanted.offers)
        self._whole.look_up(Wanted(renderings, offers, turn.all(wanted.rounds), turn.all(wanted.visits)))

    def use(self, keys: Sequence[Key]) -> None:
        """See ``Staging``."""
        self._whole.use(self._mask.keys(keys))

    def warm(self, start: str) -> None:
        """See ``Staging``."""
        self._whole.warm(prefix_of(self._mask) + start)

    def lacks(self, original: Digest) -> bool:
        """See ``Staging``."""
        return self._whole.lacks(self._mask(original))


def prefix_of(mask: Mask) -> str:
    """Return what names of a tenant's sums begin with."""
    return f"tenant|{mask.name}|"


class TenantHoldings:
    """See ``HoldingStore``. Conversations keep their names, so that those who look after the store find them."""

    def __init__(self, whole: HoldingStore, mask: Mask) -> None:
        self._whole = whole
        self._mask = mask
        self.conversations = whole.conversations
        self.purge = whole.purge

    def add(self, conversation: Digest, held: Iterable[Held]) -> None:
        """See ``HoldingStore``."""
        self._whole.add(conversation, [Held(one.kind, self._mask(one.key)) for one in held])


class TenantVisits:
    """See ``VisitStore``."""

    def __init__(self, whole: VisitStore, mask: Mask) -> None:
        self._whole = whole
        self._mask = mask

    def get(self, key: Digest) -> Visit | None:
        """See ``VisitStore``."""
        return self._whole.get(self._mask(key))

    def touch(self, key: Digest, seen: float, lifetime: float) -> Visit:
        """See ``VisitStore``."""
        return self._whole.touch(self._mask(key), seen, lifetime)

    def begin(self, key: Digest, before: Visit | None, after: Visit) -> Visit:
        """See ``VisitStore``."""
        return self._whole.begin(self._mask(key), before, after)


class TenantTallies:
    """See ``TallyStore``."""

    def __init__(self, whole: TallyStore, mask: Mask) -> None:
        self._whole = whole
        self._prefix = prefix_of(mask)

    def add(self, amounts: Mapping[str, Mapping[str, float]]) -> None:
        """See ``TallyStore``."""
        self._whole.add({self._prefix + name: fields for name, fields in amounts.items()})

    def read(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """See ``TallyStore``."""
        found = self._whole.read([self._prefix + name for name in names])
        return {name.removeprefix(self._prefix): fields for name, fields in found.items()}

    def names(self, start: str) -> list[str]:
        """See ``TallyStore``."""
        return [name.removeprefix(self._prefix) for name in self._whole.names(self._prefix + start)]

    def forget(self, names: Sequence[str]) -> None:
        """See ``TallyStore``."""
        self._whole.forget([self._prefix + name for name in names])
