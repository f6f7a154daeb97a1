"""Notes what a conversation holds in the store, behind the traffic, so that all of it can be removed at once.

A conversation is known by its beginning and its account, as in the ledger and the journal. What a killed process had
not noted yet, the next request of the conversation notes.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
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
Later = Callable[[Callable[[], None]], None]


@dataclass(frozen=True, slots=True)
class _Noted:
    at: float
    held: frozenset[Held] = frozenset()


class Holdings:
    """One for all requests; thread-safe, but for ``left``, which is the event loop's thread's."""

    def __init__(self, store: HoldingStore, clock: Clock, later: Later, in_a_lull: Later) -> None:
        """Take what does something in another thread, and what has it done when nobody waits."""
        self._store = store
        self._clock = clock
        self._later = later
        self._in_a_lull = in_a_lull
        self._left: list[tuple[Outcome, Digest]] = []
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
        if goes_on(prompt):
            return
        self._left.append((outcome, account))
        if len(self._left) == 1:
            self._in_a_lull(self._hand_over)

    def finished(self, name: Digest, prompt: Prompt, known: Iterable[Rendering], account: Digest) -> None:
        """Note the same of a request that goes on from an answer its provider keeps: only then it has its name."""
        if goes_on(prompt):
            self._later(lambda: self._add({name: _of(prompt, known, account)}))

    def hidden(self, prompt: Prompt, key: Digest) -> None:
        """Note hidden rounds of the answer to a request."""
        name = self._named.get(prompt.reading)
        if name is not None:
            self._later(lambda: self._add({name: [Held(Kind.ROUNDS, key)]}))

    def linked(self, link: Link) -> None:
        """Note a link that leads on from an answer."""
        name = self._heads.get(link.head)
        if name is not None:
            self._later(lambda: self._add({name: [Held(Kind.RENDERING, key_of(link.kept.shown_id))]}))

    def _hand_over(self) -> None:
        left, self._left = self._left, []
        self._later(lambda: self._add_all(left))

    def _add_all(self, left: Iterable[tuple[Outcome, Digest]]) -> None:
        held: dict[Digest, list[Held]] = {}
        for outcome, account in left:
            prompt = outcome.prompt
            held.setdefault(digest(prompt.head, account), []).extend(_of(prompt, outcome.known.values(), account))
        self._add(held)

    def _add(self, held: Mapping[Digest, Iterable[Held]]) -> None:
        """Note what is not noted yet, and now and then that conversations go on. Raises ``StoreUnavailable``."""
        now = self._clock()
        new: dict[Digest, frozenset[Held]] = {}
        due: set[Digest] = set()
        for name, ones in held.items():
            noted = self._noted.get(name)
            found = frozenset(ones) if noted is None else frozenset(ones) - noted.held
            if noted is None or now - noted.at >= REFRESH_SECONDS:
                due.add(name)
            if found or name in due:
                new[name] = found
        if not new:
            return
        self._store.add(new)
        with self._lock:
            for name, found in new.items():
                before = self._noted.get(name) or _Noted(now)
                self._noted.put(name, _Noted(now if name in due else before.at, before.held | found))


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
