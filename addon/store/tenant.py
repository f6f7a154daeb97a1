"""One tenant's part of a store: what a tenant keeps, no other can name.

Keys are digests; a tenant's are turned into others by a mask of its own. Two tenants' keys would have to differ by
exactly the difference of their masks to meet, which nobody can bring about.
"""

import hashlib
from collections.abc import Mapping, Sequence

from headroom_mitm.segments import DIGEST_SIZE, Digest
from headroom_mitm.store.base import Staging, Store, TallyStore
from headroom_mitm.store.turned import Turn, TurnedStaging, TurnedStore


class TenantStore(TurnedStore):
    """See ``Store``. Sums are a tenant's own as well."""

    def __init__(self, whole: Store, tenant: str) -> None:
        mask = Mask(tenant)
        super().__init__(whole, mask)
        self.tallies = TenantTallies(whole.tallies, mask)
        self.staging = TenantStaging(whole.staging, mask)

    def sweep(self) -> int:
        """Nothing to do: the whole is swept."""
        return 0

    def close(self) -> None:
        """Nothing to give back: the whole is closed by who opened it."""


class Mask(Turn):
    """Turns digests into a tenant's, and back: the same step does both."""

    def __init__(self, tenant: str) -> None:
        name = tenant.encode("utf-8", "surrogatepass")
        bits = hashlib.blake2b(name, digest_size=DIGEST_SIZE, person=b"headroom tenant").digest()
        self._bits = int.from_bytes(bits, "big")
        self.name = bits.hex()

    def __call__(self, digest: bytes) -> Digest:
        """See ``Turn``."""
        if len(digest) != DIGEST_SIZE:
            raise ValueError("not a digest")
        return Digest((int.from_bytes(digest, "big") ^ self._bits).to_bytes(DIGEST_SIZE, "big"))

    def back(self, digest: bytes) -> Digest:
        """See ``Turn``."""
        return self(digest)


class TenantStaging(TurnedStaging):
    """See ``Staging``."""

    def __init__(self, whole: Staging, mask: Mask) -> None:
        super().__init__(whole, mask)
        self.warm = lambda start: whole.warm(_prefix(mask) + start)


class TenantTallies:
    """See ``TallyStore``."""

    def __init__(self, whole: TallyStore, mask: Mask) -> None:
        self._whole = whole
        self._prefix = _prefix(mask)

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


def _prefix(mask: Mask) -> str:
    return f"tenant|{mask.name}|"
