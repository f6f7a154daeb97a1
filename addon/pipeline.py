"""The whole story of a request: read it, recall what is decided, choose what is new, keep it, splice.

Nothing here knows of flows, sockets or clocks. It runs in two steps, so that a request whose new texts take too long
can still leave with everything that was decided before.
"""

import dataclasses
import functools
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from headroom_mitm import tokens
from headroom_mitm.aligner import Aligner, Plan
from headroom_mitm.caching import Caching, Wishes
from headroom_mitm.choices import Choices, Choosing, one_by_one
from headroom_mitm.compressors import Level
from headroom_mitm.epochs import Cold
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.hindsight import Again, Hindsight, tell
from headroom_mitm.learning import Learner
from headroom_mitm.offers import Offers
from headroom_mitm.recent import Recent
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router, raw
from headroom_mitm.segments import Digest, Edit, Key, Prompt, Rendering, Segment
from headroom_mitm.sending import Sending
from headroom_mitm.store.base import Decision
from headroom_mitm.wire.base import Wire
from headroom_mitm.wire.splices import Splices
from headroom_mitm.wording import TOOL_DESCRIPTION, TOOL_NAME, TOOL_SCHEMA

logger = logging.getLogger(__name__)


NOBODY = Digest(b"")
_MEASURED = 20_000
"""Texts of audits, and of conversations that are held out, of which it is remembered what they would have become."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be done to one request."""

    change: bool = True
    """False: measure, keep it that new texts go out raw, and touch nothing."""
    lossy: bool = True
    """New texts may be shortened so that something is left out, and new conversations may get the retrieve tool."""
    answerable: bool = True
    """Calls of the tool can be answered inside the response to this request."""
    excludes: Callable[[str], bool] = lambda _: False
    """Says whether results of a tool, or texts of a kind, are to be left alone."""
    account: Digest = NOBODY
    """Whose cache it is, as far as that can be told."""
    pins: Mapping[str, Level] = field(default_factory=dict)
    """Levels that the user has set, by tool, program or kind."""
    caching: Wishes = field(default_factory=Wishes)
    holds_out: Callable[[Prompt], bool] = lambda _: False
    """Says whether a conversation is left as it is, to compare the others with."""

    def on(self, prompt: Prompt) -> "Policy":
        """Return what may be done to this request."""
        return dataclasses.replace(self, change=False) if self.change and self.holds_out(prompt) else self


@dataclass(frozen=True, slots=True)
class Outcome:
    """What leaves, and what to say of it."""

    body: bytes
    prompt: Prompt
    offered: bool = False
    """The retrieve tool is declared, so the answer may call it."""
    originals: Mapping[str, Rendering] = field(default_factory=dict)
    """What the model may ask for in this conversation, by id."""
    known: Mapping[Key, Rendering] = field(default_factory=dict)
    """What is decided of its texts."""
    before: int = 0
    """About the tokens of the tool results, whether they are changed or not."""
    after: int = 0
    added: tuple[Edit, ...] = ()
    """What the model reads in it and the client did not send: the tool's declaration, hidden rounds."""
    is_free: bool = True
    """Its texts were free to be changed; otherwise they were only looked at."""

    @property
    def tokens_before(self) -> int:
        """The same counted; what is too short for a decision is estimated. Not for what a request waits for."""
        return sum(one.tokens_before if one else tokens.estimate(s.size) for s, one in self._texts())

    @property
    def tokens_after(self) -> int:
        """What these are where they are sent, see ``tokens_before``."""
        return sum(one.tokens_after if one else tokens.estimate(s.size) for s, one in self._texts())

    def _texts(self) -> Iterator[tuple[Segment, Rendering | None]]:
        return ((segment, self.known.get(segment.key)) for segment in self.prompt.segments)

    @property
    def changed(self) -> bool:
        """The body is not the one that came."""
        return self.body is not self.prompt.body


class Ticket:
    """Decides who settles a request, the worker that keeps its decisions or the deadline: whoever asks first."""

    def __init__(self) -> None:
        self._free = threading.Lock()

    def take(self) -> bool:
        """Return True to the first caller, and to no other."""
        return self._free.acquire(blocking=False)


class Pipeline:
    """Compresses requests. One for all; thread-safe."""

    def __init__(
        self,
        aligner: Aligner,
        router: Router,
        retold: Retold,
        clock: Callable[[], float] = time.time,
        learner: Learner | None = None,
    ) -> None:
        self._aligner = aligner
        self._offers = Offers(aligner.fronts)
        self._hindsight = Hindsight(aligner.fronts)
        self._choices = Choices(router)
        self._retold = retold
        self._learner = learner
        self.caching = Caching(clock)
        self._sending = Sending()
        self._splices = Splices()
        self._left_out: Recent[Key, Rendering] = Recent(
            _MEASURED, fades=True
        )  # what texts would have become that may not change

    def plan(self, wire: Wire, body: bytes | Prompt, policy: Policy) -> tuple[Prompt, Plan]:
        """First step, quick: read the body, if it is not, and recall what is decided. Raises ``UnreadableBody``."""
        prompt = body if isinstance(body, Prompt) else wire.read(body)
        policy = policy.on(prompt)
        if self._aligner.foresight.is_on:
            may_offer = policy.change and policy.answerable
            rounds = self._retold.foreseen(wire.name, prompt) if may_offer else ()
            self._aligner.foresight.ask(prompt, policy.account, rounds)
        plan = self._recalled(prompt, policy)
        if plan.offered and policy.change and policy.answerable:
            retold = self._retold.edits(wire.name, plan.prompt)
            plan = dataclasses.replace(plan, retold=retold) if retold else plan
            if not plan.undecided_offer:
                self._offers.declared(plan.prompt, policy.account)
        return plan.prompt, plan

    def settled(self, wire: Wire, plan: Plan, policy: Policy) -> Outcome:
        """Return the outcome without a second step: what is decided is replayed, all else stays as it is."""
        offered = plan.offered and not plan.undecided_offer
        return self._outcome(wire, plan, plan.known, policy.on(plan.prompt), offered=offered)

    def complete(self, wire: Wire, prompt: Prompt, plan: Plan, policy: Policy, ticket: Ticket) -> Outcome | None:
        """Second step: choose what new texts become, and keep it. None if the deadline took the ticket meanwhile."""
        policy = policy.on(prompt)
        choosing = self._choosing(policy)
        weighed = self._offers.weighed(plan, policy.account, choosing) if plan.is_weighed else None
        again = self._looked_again(plan, policy, choosing)
        chosen = weighed.without if weighed is not None else self._chosen(again.plan, policy)
        if not ticket.take():
            return None
        if not policy.change:
            self._aligner.leave_raw(plan.fresh, "audit")
            self.keep()
            for decision in chosen:
                self._left_out.put(decision.rendering.key, decision.rendering)
            known = plan.known
            return self._outcome(wire, plan, known, policy, offered=False)
        if plan.cold is not None:
            plan, chosen = self._begun(plan, plan.cold, again, chosen, policy)
        offered = weighed.offered if weighed is not None else plan.offered
        try:
            if plan.undecided_offer:
                assumed = offered
                follows = chosen if weighed is None else weighed.decisions(offered=assumed)
                offered = self._aligner.freeze_offer(prompt, offered=assumed, decisions=_fitting(follows, assumed))
            if weighed is not None:
                chosen = weighed.decisions(offered=offered)
            if plan.undecided_offer and offered:
                self._offers.declared(prompt, policy.account)
            held = self._aligner.freeze(_fitting(chosen, offered))
            known = plan.known | held
            if (plan.undecided_offer and not offered and assumed) or _rests_on_another(chosen, held):
                plan = self._recalled(prompt, policy)  # what another has decided otherwise has another variant now
                late = [Decision(raw(segment, "another was faster")) for segment in plan.fresh]
                known = plan.known | self._aligner.freeze(late)
        except StoreUnavailable as error:
            logger.warning("store unavailable, %d new texts go out raw: %s", len(chosen), error)
            self.give_up(prompt, plan, "store unavailable")
            known = plan.known | self._aligner.leave_raw([*plan.past, *plan.fresh], "store unavailable")
            offered = offered and not plan.undecided_offer
        return self._outcome(wire, plan, known, policy, offered=offered)

    def give_up(self, prompt: Prompt, plan: Plan, reason: str) -> None:
        """Note that a request leaves with its new texts raw, and without the tool if that was undecided. Quick."""
        if plan.cold is not None:
            self._aligner.epochs.stays(plan.cold)
        self._aligner.leave_raw(plan.past, "sent before")
        self._aligner.leave_raw(plan.fresh, reason)
        if plan.undecided_offer:
            self._aligner.leave_without_tool(prompt)

    def keep(self) -> None:
        """Tell the store what was only noted."""
        try:
            self._aligner.freeze(())
            self._aligner.epochs.settle()
        except StoreUnavailable as error:
            logger.warning("store unavailable, what went out raw is kept in memory: %s", error)

    def _outcome(
        self, wire: Wire, plan: Plan, known: Mapping[Key, Rendering], policy: Policy, *, offered: bool
    ) -> Outcome:
        """Splice what is known into the body, and what else it lacks; declare the tool where a conversation has it."""
        prompt = plan.prompt
        if not policy.change:
            known = {**known, **self._left_out.get_all(segment.key for segment in prompt.segments)}
        sent = self._sending.of(prompt, known)
        further = self.caching.edits(prompt, policy.caching, change=policy.change)
        if not policy.change:
            return Outcome(prompt.body, prompt, known=known, before=sent.before, after=sent.after, is_free=False)
        added: tuple[Edit, ...] = ()
        if offered and policy.answerable:
            declared = wire.declare(prompt, TOOL_NAME, TOOL_DESCRIPTION, TOOL_SCHEMA)
            added = (declared, *plan.retold) if declared else ()
        body = self._splices.of(prompt, sent.edits, [*further, *added])
        return Outcome(body, prompt, bool(added), sent.originals, known, sent.before, sent.after, added)

    def _recalled(self, prompt: Prompt, policy: Policy) -> Plan:
        may_offer = policy.change and policy.lossy and policy.answerable
        long = policy.caching.chooses_lifetime
        return self._aligner.recall(prompt, may_offer=may_offer, may_look=policy.change, may_choose_long=long)

    def _choosing(self, policy: Policy) -> Choosing:
        levels = functools.partial(self._learner.level, pins=policy.pins) if self._learner is not None else None
        return self._choices.under(policy.excludes, levels)

    def _chosen(self, plan: Plan, policy: Policy) -> list[Decision]:
        choosing = self._choosing(policy)
        choose = choosing.lossy if policy.lossy and policy.answerable and plan.offered else choosing.whole
        return one_by_one(plan, plan.fresh, choose)

    def _looked_again(self, plan: Plan, policy: Policy, choosing: Choosing) -> Again:
        """Return what the past becomes where nothing of it is cached; else it stays."""
        if plan.cold is None:
            return Again(plan)
        return self._hindsight.look(plan, plan.cold, policy.account, choosing, policy.excludes)

    def _begun(
        self, plan: Plan, cold: Cold, again: Again, chosen: list[Decision], policy: Policy
    ) -> tuple[Plan, list[Decision]]:
        """Have an epoch begin with what was decided anew; return what holds then, and what new texts become."""
        has_begun = self._aligner.begin(cold, again.decided, offered=again.plan.offered)
        # What holds is read as later requests will read it; without the epoch, as it was.
        held = dataclasses.replace(self._recalled(plan.prompt, policy), retold=plan.retold)
        if not has_begun:
            return held, [Decision(raw(segment, "another was faster")) for segment in held.fresh]
        tell(cold, again)
        if held.offered and not plan.offered:
            self._offers.declared(plan.prompt, policy.account)
        return held, chosen


def _fitting(decisions: Sequence[Decision], offered: bool) -> list[Decision]:  # noqa: FBT001  # a value
    """Return decisions as they are to be: a text with something left out and no tool is a promise nobody keeps."""
    return [decision if offered else _without_tool(decision) for decision in decisions]


def _rests_on_another(decisions: Sequence[Decision], held: Mapping[Key, Rendering]) -> bool:
    """Say whether a text is told against one of the same request that another worker has decided otherwise."""
    others = {d.rendering.key for d in decisions if held[d.rendering.key].text != d.rendering.text}
    return any(decision.rendering.base in others for decision in decisions)


def _without_tool(decision: Decision) -> Decision:
    rendering = decision.rendering
    if rendering.lossless:
        return decision
    return Decision(
        dataclasses.replace(
            rendering, text=None, compressor="tool not offered", level=0, lossless=True, after=rendering.before
        )
    )
