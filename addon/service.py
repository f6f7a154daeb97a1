"""Runs the pipeline off the event loop and within a deadline: what is not ready in time goes out as it came."""

import asyncio
import logging
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

from headroom_mitm import tokens
from headroom_mitm.aligner import REMEMBERED, Aligner, Plan
from headroom_mitm.errors import StoreUnavailable, UnreadableBody
from headroom_mitm.holdout import Holdout
from headroom_mitm.learning import Learner
from headroom_mitm.ledger import Ledger
from headroom_mitm.ledger_writer import LedgerWriter
from headroom_mitm.pipeline import Outcome, Pipeline, Policy, Ticket
from headroom_mitm.roundtrip import rounds
from headroom_mitm.roundtrip.links import Link, Links
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.segments import Digest, Prompt
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.sealing import Keys
from headroom_mitm.store.tenant import TenantStore
from headroom_mitm.wire.base import Chaining, Wire

logger = logging.getLogger(__name__)

SWEEP_SECONDS = 900
_WORKERS = 4  # of each kind
_KEEPING_SECONDS = 5.0
"""How long a store that is just being written may take beyond the deadline: its own time-outs are shorter."""

TENANTS_SHARE = 16
"""Of the memory for what was decided, a tenant's service has this part of what a service has that is for all."""
_TURN_SECONDS = 0.001
"""For so long the event loop waits at most while a thread of ours computes. Python's 5 ms are felt where many streams
begin at once: each has the loop wait several times."""
_SENT_SECONDS = 0.05
"""After these a request has left: what can wait does not take the time of what cannot."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shared:
    """What all tenants have in common."""

    store: Store
    # Two kinds, so that texts on which compressors hang do not keep other conversations' past from being replayed.
    quick: ThreadPoolExecutor
    slow: ThreadPoolExecutor
    writer: LedgerWriter
    holdout: Holdout


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
        self._sent: deque[Outcome] = deque()
        self._links = Links(self._store)
        share = TENANTS_SHARE if self._is_part else 1
        self.retold = Retold(self._store, clock, rounds.REMEMBERED // share)
        self.tallies = self._store.tallies
        self.ledger = Ledger(self.shared.store, clock)  # of all tenants: there is no text in it
        self._learner = Learner(self.tallies, clock)
        aligner = Aligner(self._store, clock, REMEMBERED // share)
        self._epochs = aligner.epochs
        self._pipeline = Pipeline(aligner, router or Router(), self.retold, clock, self._learner)
        self._slow.submit(tokens.encoding)  # 0.2 s that the first request need not wait for

    async def rewrite(self, wire: Wire, body: bytes, policy: Policy, seconds: float) -> Outcome | None:
        """Return what leaves instead of a body; None: the body itself. Takes at most about ``seconds``."""
        outcome = await self._rewritten(wire, body, policy, seconds)
        if outcome is not None and outcome.offered:
            self._sent.append(outcome)
            asyncio.get_running_loop().call_later(_SENT_SECONDS, self._learn)
        return outcome

    def asked(self, outcome: Outcome, text_id: str, brought: int) -> None:
        """Note that the model asked for a text of this request, and got so many tokens of it. May block."""
        self._epochs.sent_again(outcome.prompt)
        self._learner.asked(outcome.prompt, outcome.originals, text_id, brought)

    async def _rewritten(self, wire: Wire, body: bytes, policy: Policy, seconds: float) -> Outcome | None:
        errand = _Errand(wire, body, policy)
        work = asyncio.ensure_future(_followed(self._quick.submit(self._first_step, errand)))
        await asyncio.wait({work}, timeout=seconds)
        if not work.done() and not errand.ticket.take():
            # The worker is keeping its decisions this very moment: they hold, so they must be sent.
            await asyncio.wait({work}, timeout=_KEEPING_SECONDS)
        if work.done():
            try:
                return work.result()
            except UnreadableBody as error:
                logger.info("headroom: a body that is not %s passes untouched: %s", wire.name, error)
                return None
        planned = errand.left()
        if planned is None:
            work.add_done_callback(_forgotten)  # not cancelled: what leaves raw now has to be noted
            logger.warning(
                "headroom: a body of %d bytes was not read within %g s, it passes untouched", len(body), seconds
            )
            return None
        work.cancel()
        prompt, plan = planned
        logger.warning("headroom: %d new texts were not ready in time and go out raw", len(plan.fresh))
        self._give_up(prompt, plan)
        return self._pipeline.settled(wire, plan, policy)

    def _first_step(self, errand: "_Errand") -> "Outcome | Future[Outcome | None] | None":
        """Read a body and recall what is decided; return what leaves, or what is being done to know it."""
        wire, policy = errand.wire, errand.policy
        prompt, plan = self._pipeline.plan(wire, errand.body, policy)
        if not errand.planned(prompt, plan):
            self._give_up(prompt, plan)
            return None
        if plan.is_settled:
            return self._pipeline.settled(wire, plan, policy)
        if plan.has_texts:
            return self._slow.submit(self._pipeline.complete, wire, prompt, plan, policy, errand.ticket)
        return self._pipeline.complete(wire, prompt, plan, policy, errand.ticket)

    async def linked(self, wire: Wire, body: bytes, seconds: float) -> tuple[Wire, bytes]:
        """Return a request as it goes on from an answer that we have watched; see ``Links``. Else the same."""
        if not isinstance(wire, Chaining) or not wire.may_go_on(body):
            return wire, body
        work = asyncio.ensure_future(_run(self._quick, lambda: self._links.linked(wire, body)))
        await asyncio.wait({work}, timeout=seconds)
        return work.result() if work.done() else (wire, body)

    def link(self, link: Link) -> None:
        """Remember what the request needs that goes on from an answer. Quick; the store is told in the background."""
        self._links.note(link)
        self._quick.submit(self._links.keep, link)

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
        if self._is_part:
            self._learn()
            self._quick.submit(self._pipeline.keep)
            return
        self._slow.shutdown(wait=True, cancel_futures=True)
        self._learn()
        self._quick.shutdown(wait=True)
        self._pipeline.keep()
        self.shared.writer.close()
        self._store.close()

    def _learn(self) -> None:
        """Look at what became of the texts of requests that have left."""
        while self._sent:
            outcome = self._sent.popleft()
            self._quick.submit(self._learner.lived, outcome.prompt, outcome.known)

    def _give_up(self, prompt: Prompt, plan: Plan) -> None:
        """Note that new texts leave raw before they do, and keep it as soon as a thread is free."""
        self._pipeline.give_up(prompt, plan, "deadline")
        self._quick.submit(self._pipeline.keep)


class _Errand:
    """A request on its way through the threads, and who waits for it."""

    def __init__(self, wire: Wire, body: bytes, policy: Policy) -> None:
        self.wire = wire
        self.body = body
        self.policy = policy
        self.ticket = Ticket()
        self._plan: tuple[Prompt, Plan] | None = None
        self._is_left = False
        self._lock = threading.Lock()

    def planned(self, prompt: Prompt, plan: Plan) -> bool:
        """Note what is decided; False: the body has left untouched meanwhile."""
        with self._lock:
            self._plan = prompt, plan
            return not self._is_left

    def left(self) -> tuple[Prompt, Plan] | None:
        """Note that nobody waits any more; return what is decided, if that is known."""
        with self._lock:
            self._is_left = True
            return self._plan


def drawn(policy: Policy, service: Service, share: float) -> Policy:
    """Return a policy under which this share of all conversations is held out."""
    if not (share and policy.change):
        return policy
    holdout, account = service.shared.holdout, policy.account
    return replace(policy, holds_out=lambda prompt: holdout.holds(prompt, account, share))


def _opened(store: Store, clock: Callable[[], float]) -> Shared:
    sys.setswitchinterval(min(sys.getswitchinterval(), _TURN_SECONDS))
    writer, holdout = LedgerWriter(store, clock), Holdout(store.records.salt)
    return Shared(store, _threads("quick"), _threads("slow"), writer, holdout)


def _threads(name: str) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix=f"headroom-{name}")


async def _followed(step: "Future[T | Future[T]]") -> T:
    """Return what a step returns in the end, which may be done by another thread."""
    found = await asyncio.wrap_future(step)
    return await asyncio.wrap_future(found) if isinstance(found, Future) else found


def _forgotten(work: "asyncio.Future[Outcome | None]") -> None:
    """Take the error that nobody waits for."""
    if not work.cancelled():
        work.exception()


async def _run(pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(pool, work)
