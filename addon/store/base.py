"""What a store is: originals, the decisions that must be replayed for ever, and rounds that a client has not seen."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from headroom_mitm.segments import DIGEST_SIZE, Digest, Key, Rendering
from headroom_mitm.store.aside import Aside
from headroom_mitm.store.certainty import Certainty
from headroom_mitm.store.holdings import HoldingStore

Clock = Callable[[], float]
"""Seconds since the epoch."""

CHANGED_ENTRY = DIGEST_SIZE + 2
"""Bytes of an entry in ``Visit.changed``, which begins with a key."""
REFRESH_SECONDS = 3600
"""A use is written down no more often, so that reads stay reads; what goes by idle time may stay so much longer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how much a store keeps."""

    idle_seconds: float = 30 * 86_400
    """What nobody has used for so long may go. Idle time, not age: a conversation that goes on keeps its originals."""
    max_bytes: int = 2 * 2**30
    """Beyond this the longest unused goes first, but nothing that was used within the last hour."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A rendering on its way into the store, with the text it stands for if that must be kept."""

    rendering: Rendering
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """Whether conversations with one beginning are offered the retrieve tool."""

    head: Digest
    offered: bool


@dataclass(frozen=True, slots=True)
class Visit:
    """When a prefix that a provider may keep in its cache was sent last, and what is decided about it."""

    seen: float
    """Seconds since the epoch. Written down now and then only: it may have been sent since."""
    lifetime: float
    """The longest in seconds that was ever asked for; infinite where no bound is known."""
    epoch: int = 0
    """How often the past was looked at again since nothing of it was in the cache any more."""
    offers: bool = False
    """The retrieve tool is declared since then, whatever was decided before."""
    changed: bytes = b""
    """What became of the past then: entries of ``CHANGED_ENTRY`` bytes."""

    def is_same(self, other: "Visit") -> bool:
        """Say whether nobody has sent the prefix, or decided about it, between these two."""
        return (self.seen, self.epoch) == (other.seen, other.epoch)

    def touched(self, seen: float, lifetime: float) -> "Visit":
        """Return the visit as it is when the prefix was sent once more."""
        if seen <= self.seen and lifetime <= self.lifetime:
            return self
        seen, lifetime = max(self.seen, seen), max(self.lifetime, lifetime)
        return Visit(seen, lifetime, self.epoch, self.offers, self.changed)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for at once, by key."""

    renderings: Sequence[Key] = ()
    offers: Sequence[Digest] = ()
    rounds: Sequence[Digest] = ()
    visits: Sequence[Digest] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What is there of it."""

    renderings: dict[Key, Rendering]
    offers: dict[Digest, bool]
    rounds: dict[Digest, bytes]
    visits: dict[Digest, Visit]


@dataclass(frozen=True, slots=True)
class Kept:
    """What holds after something was kept."""

    renderings: dict[Key, Rendering]
    offered: bool
    begun: Sequence[Digest] = ()
    """Prefixes that nobody had sent before."""


class VisitStore(Protocol):
    """Visits by key, shared by all workers. Every method raises ``StoreUnavailable``."""

    def get(self, key: Digest) -> Visit | None:
        """Return what is known."""
        ...

    def touch(self, key: Digest, seen: float, lifetime: float) -> Visit:
        """Note that a prefix was sent; the later time and the longer lifetime hold. Return what is known now."""
        ...

    def begin(self, key: Digest, before: Visit | None, after: Visit) -> Visit:
        """Put ``after`` in the place of ``before``, if that is still what is known; return what holds."""
        ...


class TallyStore(Protocol):
    """Sums by name and field, added to by all workers at once. Every method raises ``StoreUnavailable``.

    Names and fields are ours: they never hold a user's text.
    """

    def add(self, amounts: Mapping[str, Mapping[str, float]]) -> None:
        """Add to fields of names; what is not there counts as 0."""
        ...

    def read(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """Return the fields of those names that are there."""
        ...

    def names(self, start: str) -> list[str]:
        """Return the names that begin so, in order. Slow where there are many: for people, not for requests."""
        ...

    def forget(self, names: Sequence[str]) -> None:
        """Remove names with all their fields."""
        ...


MOST_RECORDS = 5_000
"""Conversations that the ledger remembers one by one."""
MOST_REQUESTS = 200
"""Requests of each that it remembers one by one."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A request on its way into the ledger's records."""

    key: Digest
    """Of its conversation."""
    at: float
    """Seconds since the epoch."""
    about: bytes
    """What is known of the conversation now, packed; the newest holds."""
    amounts: Mapping[str, float]
    """To be added to the conversation's sums."""
    packed: bytes
    """The request's own figures."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A conversation as the ledger's records have it."""

    key: Digest
    began: float
    seen: float
    about: bytes
    amounts: Mapping[str, float]
    requests: tuple[bytes, ...] = ()
    """Oldest first."""


class RecordStore(Protocol):
    """The newest conversations with their figures, written by all workers. Every method raises ``StoreUnavailable``.

    Nothing in it is a user's text.
    """

    def add(self, noted: Sequence[Noted]) -> None:
        """Add requests to their conversations; what is beyond the newest ones goes."""
        ...

    def newest(self, limit: int, *, with_requests: bool = False) -> list[Recorded]:
        """Return conversations, the one that was seen last first."""
        ...

    def salt(self) -> bytes:
        """Return bytes that were drawn once for this store, and stay."""
        ...


@dataclass(frozen=True, slots=True)
class Resealed:
    """What ``Upkeep.reseal`` has found."""

    sealed: int
    """Records that are sealed with the newest key now and were not before."""
    lost: int
    """Records that no key opens."""


class Upkeep(Protocol):
    """What people have done to a whole store; slow where much is kept. Every method raises ``StoreUnavailable``."""

    def reseal(self) -> Resealed:
        """Seal all records with the newest key."""
        ...

    def purge(self, idle_since: float | None = None) -> int:
        """Remove what nobody has used since then, by seconds since the epoch; None: all there is. Return how much.

        A use is known by the hour: what was used up to ``REFRESH_SECONDS`` later may go as well.
        """
        ...


class Staging(Protocol):
    """What spares a request the way to a distant store: it is asked once, told once, and all else waits.

    A store that is near does without: see ``Unstaged``.
    """

    @property
    def is_on(self) -> bool:
        """The store is a distant one."""
        ...

    @property
    def owes(self) -> bool:
        """There is something to do in ``flush``."""
        ...

    def at_once(self) -> AbstractContextManager[bool]:
        """All that this thread asks and keeps in this context is one transaction, and waits a millisecond at most.

        Yields False where that cannot be: then it is as if there were no context. Raises ``StoreUnavailable`` at its
        end if what was to be kept was not.
        """
        ...

    def begun(self, patience: float) -> AbstractContextManager[None]:
        """Begin a request. In this context, what ``look_up`` has asked for is known, and what can wait does.

        A store that has not answered after so many seconds counts as one that does not.
        """
        ...

    def look_up(self, wanted: Wanted) -> None:
        """Ask for all of it, in one round trip. Where the store does not answer, each question finds that out."""
        ...

    def use(self, keys: Sequence[Key]) -> None:
        """Count decisions as used that need not be read. May wait."""
        ...

    def warm(self, start: str) -> None:
        """Read sums whose names begin so, before a request needs them."""
        ...

    def flush(self) -> None:
        """Do what has waited. Raises ``StoreUnavailable``."""
        ...

    @property
    def certainty(self) -> Certainty:
        """How sure it is that the store has what it was told to keep."""
        ...

    def lacks(self, original: Digest) -> bool:
        """Say whether it has shown that a text is not there, though a decision rests on it."""
        ...


class Stores(Protocol):
    """What is kept beside texts and decisions."""

    @property
    def staging(self) -> Staging:
        """How a request gets by with few round trips."""
        ...

    @property
    def aside(self) -> Aside:
        """What it could not keep."""
        ...

    @property
    def visits(self) -> VisitStore:
        """When prefixes were sent last."""
        ...

    @property
    def tallies(self) -> TallyStore:
        """Sums: what levels have shown, what was saved."""
        ...

    @property
    def upkeep(self) -> Upkeep:
        """For people, not for requests."""
        ...

    @property
    def holdings(self) -> HoldingStore:
        """What belongs to which conversation."""
        ...

    @property
    def records(self) -> RecordStore:
        """The newest conversations with their figures."""
        ...


class Store(Stores, Protocol):
    """Shared by all workers on one URL. Thread-safe.

    Every method raises ``StoreUnavailable`` if the store does not answer.
    """

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        """Return the decisions that are known among these, and count them and their originals as used now."""
        ...

    def settle(self, offer: Offer, decisions: Sequence[Decision]) -> Kept:
        """Decide about the tool as ``offer`` does, and keep decisions that follow from it as ``freeze`` does.

        Where somebody else has decided otherwise about the tool, it may be that no decision was kept.
        """
        ...

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """Keep decisions, durably, before this returns. The first one for a key wins; return what holds, for each key.

        All of them or none are kept. Where a server was asked and did not answer in time, ``StoreUnavailable`` does not
        say which: what the caller keeps instead, as soon as it answers, takes the place of what was kept.
        """
        ...

    def original(self, digest: Digest) -> str:
        """Return a text kept with a decision, exactly.

        Raises ``MissingOriginal`` if it is not here (any more), or damaged.
        """
        ...

    def offered(self, head: Digest) -> bool | None:
        """Say whether conversations with this beginning are offered the retrieve tool; None if that is undecided.

        Counts as use.
        """
        ...

    def offer(self, head: Digest, offered: bool) -> bool:  # noqa: FBT001  # the decision itself is the value
        """Decide it, unless it is decided; return what holds. Counts as use."""
        ...

    def rounds(self, keys: Sequence[Digest]) -> dict[Digest, bytes]:
        """Return what is kept of hidden rounds under these keys, and count it as used now."""
        ...

    def keep_rounds(self, key: Digest, packed: bytes) -> bytes:
        """Keep hidden rounds, durably, before this returns. The first ones for a key win; return what holds."""
        ...

    def sweep(self) -> int:
        """Remove what the limits no longer allow; return how many renderings and originals went.

        Cheap if there is nothing to do; 0 where the server does it by itself.
        """
        ...

    def close(self) -> None:
        """Give back connections and files. Nothing may be called afterwards."""
        ...
