"""A distant store, asked once before a request leaves and told once: all that can wait is done behind it.

Waiting can what was used, when a prefix was sent, and what levels have shown. A prefix that nobody has sent before is
told with the decisions that are kept next, so that no worker knows the decisions and not that they were sent.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TypeVar

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.recent import AGES, Recent
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.store.aside import Aside, NoAside
from headroom_mitm.store.base import Decision, Kept, Offer, TallyStore, Visit, VisitStore, Wanted
from headroom_mitm.store.redis import RedisStore
from headroom_mitm.store.staging import NotAtOnce

_LOG = logging.getLogger("headroom_mitm.store")

T = TypeVar("T")

ANSWER_SECONDS = 1.0
"""No request waits longer for one answer. On a Cluster, time-outs of several servers and tries would add up."""
ASKING = 8
"""Questions at once."""
_REMEMBERED = 50_000
_MOST_WAITING = 20_000
"""Keys of a kind. What comes beyond is not told."""
_AT_ONCE = 500


@dataclass(slots=True)
class _Ahead:
    """What one request has looked up. None: it is not there."""

    of: "RedisStaging"
    patience: float
    """Seconds."""
    renderings: dict[Key, Rendering | None] = field(default_factory=dict)
    offers: dict[Digest, bool | None] = field(default_factory=dict)
    rounds: dict[Digest, bytes | None] = field(default_factory=dict)
    visits: dict[Digest, Visit | None] = field(default_factory=dict)


_AHEAD: ContextVar[_Ahead | None] = ContextVar("headroom_ahead", default=None)


class RedisStaging(NotAtOnce):
    """See ``Staging``."""

    is_on = True

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self.lacks = store.uses.lacks
        self.certainty = store.certainty
        self.threads = ThreadPoolExecutor(ASKING, thread_name_prefix="headroom-store")
        self._sent: dict[Digest, Visit] = {}
        self._begun: set[Digest] = set()
        self._used: dict[Key, None] = {}
        self._names: dict[str, None] = {}
        # Visits that requests know of are asked for here once a minute, so these are the last to be forgotten.
        self.visits: Recent[Digest, Visit] = Recent(_REMEMBERED, fades=True, ages=2 * AGES)
        """As the server has them, as far as is known."""
        self.sums: Recent[str, Mapping[str, float]] = Recent(_REMEMBERED)

    @property
    def ahead(self) -> _Ahead | None:
        """What the request has looked up that is being worked on; None outside of one."""
        found = _AHEAD.get()
        return found if found is not None and found.of is self else None

    @property
    def owes(self) -> bool:
        """See ``Staging``."""
        is_doubtful = self._store.batches.doubts.of_offers
        return bool(self._sent or self._used or self._names or self._store.uses.are_noted or is_doubtful)

    @contextlib.contextmanager
    def begun(self, patience: float) -> Iterator[None]:
        """See ``Staging``."""
        token = _AHEAD.set(_Ahead(self, patience))
        try:
            yield
        finally:
            _AHEAD.reset(token)

    def look_up(self, wanted: Wanted) -> None:
        """See ``Staging``."""
        ahead = self.ahead
        if ahead is None or not (wanted.renderings or wanted.offers or wanted.rounds or wanted.visits):
            return
        try:
            found = self._answered(lambda: self._store.batches.read(wanted))
        except StoreUnavailable as error:
            _LOG.debug("nothing was looked up ahead: %s", error)
            return
        ahead.renderings.update((key, found.renderings.get(key)) for key in wanted.renderings)
        ahead.offers.update((key, found.offers.get(key)) for key in wanted.offers)
        ahead.rounds.update((key, found.rounds.get(key)) for key in wanted.rounds)
        ahead.visits.update((key, found.visits.get(key)) for key in wanted.visits)
        for key, visit in found.visits.items():
            self.visits.put(key, visit)

    def use(self, keys: Sequence[Key]) -> None:
        """See ``Staging``."""
        with self._lock:
            self._used.update(dict.fromkeys(keys[: _MOST_WAITING - len(self._used)]))

    def sent(self, key: Digest, visit: Visit, *, is_first: bool) -> None:
        """Have it told that a prefix was sent; ``is_first``: the server knew of none."""
        with self._lock:
            if key in self._sent or len(self._sent) < _MOST_WAITING:
                self._sent[key] = visit
                self._begun |= {key} if is_first else set()
        self.visits.put(key, visit)

    def refresh(self, names: Sequence[str]) -> None:
        """Have sums read again."""
        with self._lock:
            self._names.update(dict.fromkeys(names[: _MOST_WAITING - len(self._names)]))

    def write(self, decisions: Sequence[Decision], offer: Offer | None = None) -> Kept:
        """Keep decisions, an offer, and what was begun."""
        with self._lock:
            begun = {key: self._sent[key] for key in self._begun}
        batches = self._store.batches
        told, withdrawn = batches.sealed(decisions, offer, begun), batches.doubts.of_offers
        try:
            held = self._answered(lambda: batches.write(told))
        except StoreUnavailable:
            batches.unsettled(told)
            raise
        batches.settled(told, withdrawn)
        self.certainty.looked((), held.renderings)
        with self._lock:
            self._begun.difference_update(begun)  # what somebody else has begun is told as what goes on
            for key in held.begun:
                if self._sent.get(key) is begun[key]:
                    del self._sent[key]
        return held

    def warm(self, start: str) -> None:
        """See ``Staging``."""
        names = self._store.tallies.names(start)
        for at in range(0, len(names), _AT_ONCE):
            _read(self._store.tallies, names[at : at + _AT_ONCE], self.sums)

    def flush(self) -> None:
        """See ``Staging``."""
        with self._lock:
            sent, self._sent, self._begun = self._sent, {}, set()
            used, self._used = list(self._used), {}
            names, self._names = list(self._names), {}
        try:
            for key, visit in self._store.visits.touch_all(sent).items():
                self.visits.put(key, visit)
                sent.pop(key, None)
        finally:
            with self._lock:
                self._sent = {**sent, **self._sent}
        if self._store.batches.doubts.of_offers:
            self._store.batches.keep(())
        for at in range(0, len(used), _AT_ONCE):
            asked = used[at : at + _AT_ONCE]
            found = self._store.batches.read(Wanted(renderings=asked)).renderings
            self.certainty.looked(asked, found)
        self._store.uses.tell()
        _read(self._store.tallies, names, self.sums)

    def _answered(self, question: Callable[[], T]) -> T:
        """Return what a store says to a request that has so much patience, whatever time-outs add up to below."""
        ahead = self.ahead
        if ahead is None:
            return question()
        try:
            return self.threads.submit(question).result(min(ahead.patience, ANSWER_SECONDS))
        except TimeoutError:
            self._store.silent()
            raise StoreUnavailable("it takes too long") from None


class StagedStore:
    """See ``Store``. Outside of a request, it is the store below."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self.staging = RedisStaging(store)
        self.visits: VisitStore = StagedVisits(store.visits, self.staging)
        self.tallies: TallyStore = StagedTallies(store.tallies, self.staging)
        self.records = store.records
        self.holdings = store.holdings
        self.aside: Aside = NoAside()
        self.upkeep = store.upkeep
        self.original = store.original
        self.keep_rounds = store.keep_rounds
        self.sweep = store.sweep

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        """See ``Store``."""
        known = ahead.renderings if (ahead := self.staging.ahead) is not None else {}
        rest = [key for key in keys if key not in known]
        found = {key: one for key in keys if (one := known.get(key)) is not None}
        return found | self._store.recall(rest) if rest else found

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """See ``Store``."""
        return self.staging.write(decisions).renderings if decisions else {}

    def settle(self, offer: Offer, decisions: Sequence[Decision]) -> Kept:
        """See ``Store``."""
        return self.staging.write(decisions, offer)

    def offered(self, head: Digest) -> bool | None:
        """See ``Store``."""
        known = ahead.offers if (ahead := self.staging.ahead) is not None else {}
        return known[head] if head in known else self._store.offered(head)

    def offer(self, head: Digest, offered: bool) -> bool:  # noqa: FBT001  # the decision itself is the value
        """See ``Store``."""
        return self.staging.write((), Offer(head, offered)).offered

    def rounds(self, keys: Sequence[Digest]) -> dict[Digest, bytes]:
        """See ``Store``."""
        known = ahead.rounds if (ahead := self.staging.ahead) is not None else {}
        rest = [key for key in keys if key not in known]
        found = {key: one for key in keys if (one := known.get(key)) is not None}
        return found | self._store.rounds(rest) if rest else found

    def close(self) -> None:
        """See ``Store``."""
        with contextlib.suppress(StoreUnavailable):
            self.staging.flush()
        self.staging.threads.shutdown(wait=False, cancel_futures=True)
        self._store.close()


class StagedVisits:
    """See ``VisitStore``."""

    def __init__(self, visits: VisitStore, staging: RedisStaging) -> None:
        self._visits = visits
        self._staging = staging

    def get(self, key: Digest) -> Visit | None:
        """See ``VisitStore``."""
        ahead = self._staging.ahead
        if ahead is not None and key in ahead.visits:
            return ahead.visits[key]
        return self._visits.get(key)

    def touch(self, key: Digest, seen: float, lifetime: float) -> Visit:
        """See ``VisitStore``. In a request, what is returned is what was known, and may be a minute old."""
        ahead = self._staging.ahead
        is_asked = ahead is not None and key in ahead.visits
        before = ahead.visits[key] if ahead is not None and is_asked else self._staging.visits.get(key)
        if ahead is None or (before is None and not is_asked):
            held = self._visits.touch(key, seen, lifetime)
            self._staging.visits.put(key, held)
            return held
        after = before.touched(seen, lifetime) if before is not None else Visit(seen, lifetime)
        ahead.visits[key] = after
        self._staging.sent(key, after, is_first=before is None)
        return after

    def begin(self, key: Digest, before: Visit | None, after: Visit) -> Visit:
        """See ``VisitStore``."""
        held = self._visits.begin(key, before, after)
        self._staging.visits.put(key, held)
        return held


class StagedTallies:
    """See ``TallyStore``. What a request reads is what was known, and is read again behind it."""

    def __init__(self, tallies: TallyStore, staging: RedisStaging) -> None:
        self._tallies = tallies
        self._staging = staging
        self.names = tallies.names

    def add(self, amounts: Mapping[str, Mapping[str, float]]) -> None:
        """See ``TallyStore``."""
        self._tallies.add(amounts)
        for name, fields in amounts.items():
            held = self._staging.sums.get(name)
            if held is not None:
                self._staging.sums.put(name, {**held, **{f: held.get(f, 0.0) + a for f, a in fields.items()}})

    def read(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """See ``TallyStore``."""
        if self._staging.ahead is None:
            return self._tallies.read(names)
        self._staging.refresh(names)
        return {name: dict(held) for name in names if (held := self._staging.sums.get(name))}

    def forget(self, names: Sequence[str]) -> None:
        """See ``TallyStore``."""
        self._tallies.forget(names)
        for name in names:
            self._staging.sums.put(name, {})


def _read(tallies: TallyStore, names: Sequence[str], into: Recent[str, Mapping[str, float]]) -> None:
    found = tallies.read(names)
    for name in names:
        into.put(name, found.get(name, {}))
