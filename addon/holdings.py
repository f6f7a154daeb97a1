"""Notes what a conversation holds in the store, behind the traffic, so that all of it can be removed at once.

A conversation is known by its beginning and its account, as in the ledger and the journal. What a killed process had
not noted yet, the next request of the conversation notes.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from headroom_mitm.conversation import branch
from headroom_mitm.epochs import begun, lineage
from headroom_mitm.fronts import ends
from headroom_mitm.pipeline import Outcome
from headroom_mitm.recent import Recent
from headroom_mitm.roundtrip.links import Link, key_of
from headroom_mitm.segments import Digest, Prompt, Reading, Rendering, digest
from headroom_mitm.store.base import REFRESH_SECONDS, Clock
from headroom_mitm.store.holdings import Held, HoldingStore, Kind
from headroom_mitm.wire.continued import goes_on

_REMEMBERED = 100_000
"""Records that are known to be noted."""
_HEADS = 50_000


@dataclass(frozen=True, slots=True)
class _Noted:
    at: float
    held: frozenset[Held] = frozenset()


class Holdings:
    """One for all requests; thread-safe. ``later`` does what it is given in another thread."""

    def __init__(self, store: HoldingStore, clock: Clock, later: Callable[[Callable[[], None]], None]) -> None:
        self._store = store
        self._clock = clock
        self._later = later
        self._noted: Recent[Digest, _Noted] = Recent(_REMEMBERED, lambda noted: 1 + len(noted.held), fades=True)
        self._named: WeakKeyDictionary[Reading, Digest] = WeakKeyDictionary()
        self._heads: Recent[Digest, Digest] = Recent(_HEADS, fades=True)
        self._lock = threading.Lock()

    def left(self, outcome: Outcome, account: Digest) -> None:
        """Note what a request that leaves rests on."""
        prompt = outcome.prompt
        name = digest(prompt.head, account)
        self._named[prompt.reading] = name
        self._heads.put(prompt.head, name)
        if not goes_on(prompt):
            self._later(lambda: self._add(name, _of(prompt, outcome.known.values(), account)))

    def finished(self, name: Digest, prompt: Prompt, known: Iterable[Rendering], account: Digest) -> None:
        """Note the same of a request that goes on from an answer its provider keeps: only then it has its name."""
        if goes_on(prompt):
            self._later(lambda: self._add(name, _of(prompt, known, account)))

    def hidden(self, prompt: Prompt, key: Digest) -> None:
        """Note hidden rounds of the answer to a request."""
        name = self._named.get(prompt.reading)
        if name is not None:
            self._later(lambda: self._add(name, [Held(Kind.ROUNDS, key)]))

    def linked(self, link: Link) -> None:
        """Note a link that leads on from an answer."""
        name = self._heads.get(link.head)
        if name is not None:
            self._later(lambda: self._add(name, [Held(Kind.RENDERING, key_of(link.kept.shown_id))]))

    def _add(self, name: Digest, held: Iterable[Held]) -> None:
        """Note what is not noted yet, and now and then that the conversation goes on. Raises ``StoreUnavailable``."""
        noted, now = self._noted.get(name), self._clock()
        new = frozenset(held) if noted is None else frozenset(held) - noted.held
        is_due = noted is None or now - noted.at >= REFRESH_SECONDS
        if not (new or is_due):
            return
        self._store.add(name, new)
        with self._lock:
            before = self._noted.get(name) or _Noted(now)
            self._noted.put(name, _Noted(now if is_due else before.at, before.held | new))


def _of(prompt: Prompt, known: Iterable[Rendering], account: Digest) -> Iterator[Held]:
    for rendering in known:
        yield Held(Kind.RENDERING, rendering.key)
        if not rendering.lossless:
            yield Held(Kind.ORIGINAL, rendering.original)
    for head in (branch(prompt), prompt.head):
        yield Held(Kind.OFFER, head)
    for key in (lineage(prompt), begun(prompt)):
        yield Held(Kind.VISIT, key)
    for end in ends(prompt, account):
        yield Held(Kind.VISIT, end.key)
