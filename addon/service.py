"""Runs the pipeline off the event loop and within a deadline: what is not ready in time goes out as it came."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from headroom_mitm import tokens
from headroom_mitm.aligner import REMEMBERED, Aligner, Plan
from headroom_mitm.behind import Behind
from headroom_mitm.errand import Errand
from headroom_mitm.errors import StoreUnavailable, UnreadableBody
from headroom_mitm.holdings import Holdings
from headroom_mitm.holdout import Holdout
from headroom_mitm.learning import LEARNT, Learner
from headroom_mitm.ledger import Ledger
from headroom_mitm.ledger_writer import LedgerWriter
from headroom_mitm.lull import Lull
from headroom_mitm.pipeline import Outcome, Pipeline, Policy
from headroom_mitm.roundtrip import rounds
from headroom_mitm.roundtrip.links import Link, Links
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.segments import Digest, Prompt
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.base import Staging
from headroom_mitm.store.sealing import Keys
from headroom_mitm.store.tenant import TenantStore
from headroom_mitm.wire.base import Chaining, Wire
from headroom_mitm.wire.continued import previous

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 900
_WORKERS = 4  # of each kind
_KEEPING_SECONDS = 5.0
"""How long a store that is just being written may take beyond the deadline: its own time-outs are shorter."""
_RECALLING = 4
"""For so many further deadlines a body is waited for that is not read, or whose past is not recalled: to send a past
otherwise than before has the provider read it anew, which costs more than time."""

TENANTS_SHARE = 16
"""Of the memory for what was decided, a tenant's service has this part of what a service has that is for all."""
_TURN_SECONDS = 0.001
"""For so long the event loop waits at most while a thread of ours computes. Python's 5 ms are felt where many streams
begin at once: each has the loop wait several times."""
_SMALL = 32_768
"""Bytes of a body that is read in the event loop's thread, if the store is free: half a millisecond."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all tenants have in common."""

    store: Store
    # Two kinds, so that texts on which compressors hang do not keep other conversations' past from being replayed. What
    # has read a request goes on with its texts all the same, as long as ``room`` says that enough are left to read.
    quick: ThreadPoolExecutor
    slow: ThreadPoolExecutor
    room: threading.Semaphore
    behind: ThreadPoolExecutor
    """One thread, for what a request that has left does not wait for."""
    writer: LedgerWriter
    holdout: Holdout
    lull: Lull


class Leaving(NamedTuple):
    """What leaves."""

    wire: Wire
    """How the body is read."""
    body: bytes
    """What came, but for what a request names that goes on from an answer: see ``Links``."""
    outcome: Outcome | None
    """What leaves instead of the body; None: the body itself."""


class Service:
    """One store and the threads that work for it. Made in the event loop's thread; closed once."""

    def __init__(
        self,
        store: "str | Service",
        router: Router | None = None,
        clock: Callable[[], float] = time.time,
        keys: Callable[[], Keys] | None = None,
        tenant: str = "",
    ) -> None:
        """Open what a URL names; or work for one tenant, on the store and the threads of another service."""
        self._is_part = isinstance(store, Service)
        self.shared: Shared = (
            store.shared if isinstance(store, Service) else _opened(open_store(store, clock=clock, keys=keys), clock)
        )
        self._quick, self._slow = self.shared.quick, self.shared.slow
        self._store: Store = TenantStore(self.shared.store, tenant) if self._is_part else self.shared.store
        self.read: Callable[[Digest], str] = self._store.original
        """See ``Store.original``."""
        self.clock = clock
        self._left: list[tuple[Outcome | None, Digest]] = []
        self._sent: list[Outcome] = []
        self.links = Links(self._store)
        share = TENANTS_SHARE if self._is_part else 1
        self.retold = Retold(self._store, clock, rounds.REMEMBERED // share)
        self.tallies = self._store.tallies
        self.ledger = Ledger(self.shared.store, clock)  # of all tenants: there is no text in it
        self._learner = Learner(self.tallies, clock)
        aligner = Aligner(self._store, clock, REMEMBERED // share)
        self._epochs, self._owed, self._visits = aligner.epochs, aligner.owed, aligner.visits
        self._visits.puts_off = not self._store.staging.is_on
        self._behind = Behind(self._store.staging, aligner.foresight, self.shared.behind)
        self._behind.warm(LEARNT)
        self.holdings = Holdings(self._store.holdings, clock, self._behind.later, self.shared.lull.put_off)
        self.retold.on_kept = self.holdings.hidden
        self._pipeline = Pipeline(aligner, router or Router(), self.retold, clock, self._learner)
        self._pipeline.caching.puts_off = True
        self._slow.submit(tokens.encoding)  # 0.2 s that the first request need not wait for

    async def leaving(self, wire: Wire, body: bytes, policy: Policy, seconds: float) -> Leaving:
        """Return what leaves, as it goes on from an answer that we have watched.

        Takes at most about ``seconds``; where by then it is not known what was sent before, five times as long.
        """
        self.shared.lull.stir()
        errand = Errand(wire, body, policy)
        outcome = await self._rewritten(errand, seconds)
        self._left.append((outcome, errand.policy.account))
        # The request is sent before all that the loop is to do soon.
        asyncio.get_running_loop().call_soon(self._see_to_left)
        return Leaving(errand.wire, errand.body, outcome)

    def asked(self, outcome: Outcome, text_id: str, brought: int) -> None:
        """Note that the model asked for a text of this request, and got so many tokens of it. May block."""

        def note() -> None:
            self._epochs.sent_again(outcome.prompt)
            self._learner.asked(outcome.prompt, outcome.originals, text_id, brought)

        self._behind.do(note)

    def _see_to_left(self) -> None:
        """Do what requests that have left did not wait for, or have it done."""
        left, self._left = self._left, []
        if not left:
            return
        for outcome, account in left:
            self._behind.left(outcome)
            if outcome is not None:
                self.holdings.left(outcome, account)
            if outcome is not None and outcome.offered and outcome.known:
                self._sent.append(outcome)
                if len(self._sent) == 1:
                    self.shared.lull.put_off(self._learn)
        self._behind.press(self._pipeline.keep, self._owed.is_any)
        if self._visits.falls_due():
            self.shared.lull.put_off(lambda: self._behind.later(self._visits.settle))
        if self._pipeline.caching.falls_due():
            self.shared.lull.put_off(lambda: self._behind.later(self._pipeline.caching.look))

    async def _rewritten(self, errand: Errand, seconds: float) -> Outcome | None:
        if not (len(errand.body) <= _SMALL and _is_begun_here(self._store.staging, errand, self._first_step)):
            work = self._quick.submit(self._behind.within, self._first_step, errand, seconds / 2)
            work.add_done_callback(errand.followed)
        if not await errand.is_done(seconds):
            if errand.ticket.take():
                await errand.recalled(seconds * _RECALLING)
            else:
                # The worker is keeping its decisions this very moment: they hold, so they must be sent.
                await errand.is_done(_KEEPING_SECONDS)
        try:
            found = errand.done.result() if errand.done.done() else None
        except UnreadableBody as error:
            logger.info("headroom: a body that is not %s passes untouched: %s", errand.wire.name, error)
            return None
        if found is not None:
            return found
        planned = errand.left()
        if planned is None:
            logger.warning("headroom: a body of %d bytes was not read in time, it passes untouched", len(errand.body))
            return None
        prompt, plan = planned
        logger.warning("headroom: %d new texts were not ready in time and go out raw", len(plan.fresh))
        self._give_up(prompt, plan)
        return self._pipeline.settled(errand.wire, plan, errand.policy)

    def _first_step(self, errand: Errand, *, is_here: bool = False) -> "Outcome | Future[Outcome | None] | None":
        """Read a body and recall what is decided; return what leaves, or what is being done to know it."""
        prompt = errand.wire.read(errand.body)
        if previous(prompt) and isinstance(errand.wire, Chaining):
            errand.wire, errand.body = self.links.linked(errand.wire, errand.body)
            prompt = errand.wire.read(errand.body)
        prompt, plan = self._pipeline.plan(errand.wire, prompt, errand.policy)
        if not errand.planned(prompt, plan):
            self._give_up(prompt, plan)
            return None
        if plan.is_settled:
            return self._pipeline.settled(errand.wire, plan, errand.policy)
        if not plan.has_texts:
            return _second_step(self._pipeline, errand, prompt, plan)
        if is_here or not self.shared.room.acquire(blocking=False):
            within = copy_context().run  # what was looked up for the request is known to its second step as well
            return self._slow.submit(within, _second_step, self._pipeline, errand, prompt, plan)
        try:
            return _second_step(self._pipeline, errand, prompt, plan)
        finally:
            self.shared.room.release()

    def link(self, link: Link) -> None:
        """Remember what the request needs that goes on from an answer. Quick; the store is told in the background."""
        self.links.note(link)
        self.holdings.linked(link)
        (self.shared.behind if self._store.staging.is_on else self._quick).submit(self.links.keep, link)

    async def advance(self, step: Callable[[], T]) -> T:
        """Do what an exchange has to do at the end of a leg, and what may block."""
        return await _run(self._quick, step)

    async def sweep_for_ever(self) -> None:
        """Remove what the store's limits no longer allow, now and then."""
        while True:
            try:
                await _run(self._slow, self._store.sweep)
            except StoreUnavailable as error:
                logger.warning("headroom: store unavailable, nothing was removed: %s", error)
            await asyncio.sleep(SWEEP_SECONDS)

    def close(self) -> None:
        """Finish what is being kept, and give back threads and files, unless they are another's: tenants go first."""
        self._see_to_left()
        self.shared.lull.end()
        if self._is_part:
            self._quick.submit(self._pipeline.keep)
            return
        self._slow.shutdown(wait=True, cancel_futures=True)
        self._quick.shutdown(wait=True)
        self._store.staging.certainty.insist()
        self._pipeline.keep()
        self.shared.writer.close()
        self.shared.behind.shutdown(wait=True)
        self._store.close()

    def _learn(self) -> None:
        """Look at what became of the texts of requests that have left."""
        sent, self._sent = self._sent, []
        self._quick.submit(_looked_at, self._learner, sent)

    def _give_up(self, prompt: Prompt, plan: Plan) -> None:
        """Note that new texts leave raw before they do, and keep it as soon as a thread is free."""
        self._pipeline.give_up(prompt, plan, "deadline")
        self._quick.submit(self._pipeline.keep)


def _is_begun_here(staging: Staging, errand: Errand, first_step: Callable[..., Any]) -> bool:
    """Say whether the first step could be done in the event loop's thread, since the store would not have it wait.

    To hand it over and take it back costs turns of the loop, and each turn is long where many streams begin at once.
    """
    try:
        with staging.at_once() as is_free:
            if not is_free:
                return False
            found = first_step(errand, is_here=True)
    except StoreUnavailable:
        return False  # a thread finds out what is wrong, and does what can be done about it
    except UnreadableBody as error:
        errand.done.set_exception(error)
        return True
    if isinstance(found, Future):
        found.add_done_callback(errand.followed)
    else:
        errand.done.set_result(found)
    return True


def _second_step(pipeline: Pipeline, errand: Errand, prompt: Prompt, plan: Plan) -> Outcome | None:
    """Choose what new texts become, unless nobody waits for it any more."""
    return None if errand.is_left else pipeline.complete(errand.wire, prompt, plan, errand.policy, errand.ticket)


def _looked_at(learner: Learner, sent: Iterable[Outcome]) -> None:
    for outcome in sent:
        learner.lived(outcome.prompt, outcome.known)


def drawn(policy: Policy, service: Service, share: float) -> Policy:
    """Return a policy under which this share of all conversations is held out."""
    if not (share and policy.change):
        return policy
    holdout, account = service.shared.holdout, policy.account
    return replace(policy, holds_out=lambda prompt: holdout.holds(prompt, account, share))


def _opened(store: Store, clock: Callable[[], float]) -> Shared:
    sys.setswitchinterval(min(sys.getswitchinterval(), _TURN_SECONDS))
    writer, holdout = LedgerWriter(store, clock), Holdout(store.records.salt)
    quick, slow = _threads("quick", 2 * _WORKERS), _threads("slow", _WORKERS)
    return Shared(store, quick, slow, threading.Semaphore(_WORKERS), _threads("behind", 1), writer, holdout, Lull())


def _threads(name: str, count: int) -> ThreadPoolExecutor:
    """Return threads that have all begun: to begin one takes time that a request would wait for, hours later."""
    threads = ThreadPoolExecutor(count, thread_name_prefix=f"headroom-{name}")
    have_begun = threading.Event()
    for _ in range(count):
        threads.submit(have_begun.wait)
    have_begun.set()
    return threads


async def _run(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
