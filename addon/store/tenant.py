"""One tenant's part of a store: what a tenant keeps, no other can name.

Keys are digests; a tenant's are turned into others by a mask of its own. Two tenants' keys would have to differ by
exactly the difference of their masks to meet, which nobody can bring about.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from headroom_mitm.segments import DIGEST_SIZE, Digest, Key, Rendering
from headroom_mitm.store.base import Decision, RecordStore, Store, TallyStore, Upkeep, Visit, VisitStore


class TenantStore:
    """See ``Store``. Records of the ledger hold no texts, and are those of all; upkeep is for the whole store."""

    def __init__(self, whole: Store, tenant: str) -> None:
        self._whole = whole
        self._mask = Mask(tenant)
        self.visits: VisitStore = TenantVisits(whole.visits, self._mask)
        self.tallies: TallyStore = TenantTallies(whole.tallies, self._mask)
        self.records: RecordStore = whole.records
        self.upkeep: Upkeep = whole.upkeep

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        """See ``Store``."""
        found = self._whole.recall([Key(self._mask(key)) for key in keys])
        return {Key(self._mask(key)): self._mask.rendering(rendering) for key, rendering in found.items()}

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """See ``Store``."""
        masked = [replace(decision, rendering=self._mask.rendering(decision.rendering)) for decision in decisions]
        found = self._whole.freeze(masked)
        return {Key(self._mask(key)): self._mask.rendering(rendering) for key, rendering in found.items()}

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
        self._prefix = f"tenant|{mask.name}|"

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
