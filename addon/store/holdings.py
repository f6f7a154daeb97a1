"""Which records belong to which conversation, so that all of one can be removed: several may hold the same record."""

import enum
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from headroom_mitm.segments import Digest


class Kind(enum.Enum):
    """What a conversation holds; the value is a byte in what is kept."""

    RENDERING = b"d"
    ORIGINAL = b"o"
    ROUNDS = b"r"
    OFFER = b"f"
    VISIT = b"v"


class Held(NamedTuple):
    """A record, by kind and key."""

    kind: Kind
    key: bytes

    def packed(self) -> bytes:
        """Return it as bytes."""
        return self.kind.value + self.key

    @classmethod
    def unpacked(cls, raw: bytes) -> "Held":
        """Return what ``packed`` was called on. Raises ``ValueError``."""
        return cls(Kind(raw[:1]), raw[1:])


class HoldingStore(Protocol):
    """Shared by all workers. Every method raises ``StoreUnavailable``."""

    def add(self, held: Mapping[Digest, Iterable[Held]]) -> None:
        """Note which records conversations hold, and that they go on."""
        ...

    def conversations(self, start: str) -> Sequence[Digest]:
        """Return the conversations whose names, in hexadecimal digits, begin so. Slow: for people."""
        ...

    def purge(self, conversation: Digest) -> int:
        """Remove what this conversation holds and no other does, and its figures; return how many records went."""
        ...
