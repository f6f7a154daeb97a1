"""CacheAligner: what was sent before is sent again byte for byte, whatever we think of it now.

A provider's cache is keyed by the bytes of a prompt's beginning, so a text that was once sent raw stays raw, and one
that was once rendered is replayed. Free to choose are only texts that no earlier request has carried: those behind the
model's last answer. A decision is kept in the store before the request that carries it leaves.

Where it could not be kept, as on a disk that is read-only, texts left raw, and a client asks again what a restart has
cut. A process that does not know the turn before, in a conversation of which it knows the rest, comes after such a one:
what else it does not know may have left raw, too.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom_mitm import deltas
from headroom_mitm.conversation import branch
from headroom_mitm.epochs import Cold, Epochs, Standing
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.foresight import Foresight
from headroom_mitm.fronts import Fronts
from headroom_mitm.offered import Offered
from headroom_mitm.owed import Owed
from headroom_mitm.pasts import Past, Pasts, may_change
from headroom_mitm.recent import Recent
from headroom_mitm.router import raw
from headroom_mitm.segments import Digest, Edit, Key, Prompt, Rendering, Segment
from headroom_mitm.store.base import Decision, Offer, Store
from headroom_mitm.visits import Visits
from headroom_mitm.wording import TOOL_NAME

logger = logging.getLogger(__name__)

REMEMBERED = 40_000_000
"""Characters of renderings that are kept in memory, so that most requests need not ask the store."""
_ENTRY = 400  # what a decision counts besides its text, in characters
REMEMBERED_OFFERS = 50_000
_SENT_BEFORE = "sent before"
_AWAY = "store unavailable"
TOUCH_SECONDS = 3_600
"""The store counts idle time, so even what memory knows is asked for again after this long."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided about a request's texts, and what is not."""

    prompt: Prompt
    """The request; a text whose decision rested on one that is gone has another variant now."""
    known: dict[Key, Rendering]
    """Decisions that must be replayed."""
    fresh: tuple[Segment, ...]
    """Texts that were never sent: what they become may be chosen now."""
    offered: bool
    """The retrieve tool is declared in this conversation."""
    undecided_offer: bool
    """``offered`` was chosen just now and is not in the store yet."""
    retold: tuple[Edit, ...] = ()
    """Where the tool is offered: what puts back what clients have not seen of earlier answers."""
    cold: Cold | None = None
    """Nothing of the conversation is cached: its past may be looked at again."""
    may_offer: bool = False
    """The tool may be declared, if it is not yet."""
    is_weighed: bool = False
    """It is to be seen whether the tool pays: the conversation was met in the middle."""
    past: tuple[Segment, ...] = ()
    """Where that is to be seen: texts that were sent before, and stay raw if it does not pay."""
    is_torn: bool = False
    """What somebody has sent last was not kept: when that was is not known either."""

    @property
    def is_settled(self) -> bool:
        """There is nothing to choose any more."""
        return not (self.fresh or self.undecided_offer or self.cold)

    @property
    def has_texts(self) -> bool:
        """What is still to be chosen is not only whether the tool is offered, but what texts become."""
        return bool(self.fresh or self.past or self.cold)


class Aligner:
    """Decides once and replays. Shared by all requests; thread-safe."""

    def __init__(self, store: Store, clock: Callable[[], float], remembered: int = REMEMBERED) -> None:
        self._store = store
        self._clock = clock
        self.visits = visits = Visits(store.visits, clock)
        self.epochs = Epochs(visits, clock)
        self.fronts = Fronts(visits, clock)
        self._touched: Recent[Digest, float] = Recent(REMEMBERED_OFFERS, fades=True)
        self._returns = 0
        self._decided: Recent[Key, Rendering] = Recent(
            remembered, lambda rendering: _ENTRY + len(rendering.text or ""), fades=True
        )
        self._offers = Offered(REMEMBERED_OFFERS)
        self._torn: Recent[Digest, int] = Recent(REMEMBERED_OFFERS, fades=True)
        self.foresight = Foresight(store, self._decided, self._offers, self.epochs, self.fronts)
        self._pasts = Pasts()
        self.owed = Owed(store.aside)

    def recall(self, prompt: Prompt, *, may_offer: bool, may_look: bool = True, may_choose_long: bool = False) -> Plan:
        """Look up what is decided. A store that does not answer makes unknown texts raw, never newly chosen.

        ``may_offer`` says whether a conversation that begins here may get the retrieve tool, ``may_look`` whether its
        past may be decided anew where nothing of it is cached, ``may_choose_long`` whether our markers last an hour.
        """
        standing = self.epochs.standing(prompt, may_choose_long=may_choose_long)
        plan = self._recalled(standing.applied(prompt), standing, may_offer=may_offer)
        if standing.is_unknown:
            is_ours = not plan.past and _was_seen_whole(plan)
            standing = self.epochs.followed(standing, prompt) if is_ours else self.epochs.sent(standing)
        # Whoever could keep nothing could not say either when it was sent.
        is_undated = plan.is_torn or self.owed.is_inherited(segment.key for segment in plan.prompt.segments)
        if standing.cold is not None and (not may_look or plan.is_weighed or prompt.forgets or is_undated):
            standing = self.epochs.sent(replace(standing, cold=None))
        has_place = prompt.tool_slot is not None and TOOL_NAME not in prompt.tool_names and not prompt.forced_tool
        return replace(plan, cold=standing.cold, may_offer=may_offer and has_place)

    def begin(self, cold: Cold, decisions: Mapping[Key, Decision], *, offered: bool) -> bool:
        """Have an epoch begin with these decisions, by the texts' own keys; say whether it has.

        What is decided is kept first: an epoch that is known is known with all that belongs to it.
        """
        try:
            held = self.freeze(list(decisions.values()))
            # An earlier attempt may have broken off with the tool, where it is not declared now.
            stands = [key for key, d in decisions.items() if offered or held[d.rendering.key].lossless]
            return self.epochs.begin(cold, stands, offers=offered)
        except StoreUnavailable as error:
            logger.warning("store unavailable, a conversation's past stays as it was: %s", error)
            return False

    def _recalled(self, prompt: Prompt, standing: Standing, *, may_offer: bool) -> Plan:
        is_idle = self._is_idle(prompt.head)
        past = Past(prompt.forgets) if is_idle else self._pasts.of(prompt)
        later = list(filter(may_change, prompt.segments[len(past.all) :]))
        segments = [*past.segments, *later]
        keys = [segment.key for segment in later]
        known = {**past.known, **self.owed.held(keys), **self._decided.get_all(keys)}
        waits = prompt.known is not None and not self.foresight.is_on
        unseen = [s.key for s in later if s.key not in known and not (waits and _has_just_come(s))]
        missing = self.foresight.asked_for(keys, unseen) if is_idle else unseen
        unanswered = standing.unanswered
        if missing and not unanswered:
            try:
                known |= self._remembered(self._store.recall(missing))
            except StoreUnavailable as error:
                logger.warning("store unavailable, new texts go out raw: %s", error)
                unanswered = True
        # What stood on an earlier text in the conversation's previous request stands on it still.
        based = segments if any((r := known.get(key)) is not None and r.base is not None for key in keys) else later
        if baseless := _without_base(based, known, forgets=prompt.forgets, unknown_is_raw=unanswered):
            return self._recalled(_decided_anew(prompt, baseless), standing, may_offer=may_offer)
        self._pasts.keep(prompt, past, known)
        unknown = [segment for segment in later if segment.key not in known]
        fresh = () if unanswered else tuple(segment for segment in unknown if _is_new(segment, prompt))
        sent = [] if unanswered else [segment for segment in unknown if not _is_new(segment, prompt)]
        if unanswered:
            known |= self.leave_raw(unknown, _AWAY)
        try:
            decided = self._decided_offer(prompt, unanswered=unanswered, offers=standing.offers)
        except StoreUnavailable as error:
            logger.warning("store unavailable, the tool is not offered: %s", error)
            self.leave_without_tool(prompt)
            known |= self._freeze_past(sent)
            return Plan(prompt, known, fresh, offered=False, undecided_offer=False)
        if decided is False and (lossy := _without_tool(prompt, segments, known)):
            return self._recalled(_decided_anew(prompt, lossy), standing, may_offer=may_offer)
        is_ours = bool(known or decided)
        if is_torn := bool(is_ours and sent and fresh) and _is_torn(self._torn, prompt, segments, sent):
            fresh, sent = (), [*sent, *fresh]
        if decided is not None:
            known |= self._freeze_past(sent)
            return Plan(prompt, known, fresh, decided, undecided_offer=False, is_torn=is_torn)
        offered = _chosen_offer(prompt, known, may_offer=may_offer)
        plan = Plan(prompt, known, fresh, offered, undecided_offer=True, is_torn=is_torn)
        if may_offer and prompt.answered and not offered and not prompt.forced_tool:
            return replace(plan, past=tuple(sent), is_weighed=True)
        return replace(plan, known=known | self._freeze_past(sent))

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """Keep decisions, and what is owed; return what holds, which may be an earlier one.

        Raises ``StoreUnavailable``.
        """
        known = self._decided.get_all(decision.rendering.key for decision in decisions)
        new = {d.rendering.key: d for d in decisions if d.rendering.key not in known}
        owed = self.owed.all()
        if not (owed or new):
            return known
        try:
            holds = self._store.freeze([*owed.values(), *new.values()])
        except StoreUnavailable:
            self.owed.stays()
            raise
        self.owed.paid(owed)
        if others := {key: holds[key] for key in owed if holds[key].text is not None}:
            # Those who have sent them otherwise replay that, and the provider has it in its cache from before.
            logger.warning(
                "%d texts left here as they are, and otherwise from another worker: now as there", len(others)
            )
            for key, rendering in others.items():
                self._decided.put(key, rendering)
            self._pasts = Pasts()
        return known | self._remembered({key: holds[key] for key in new})

    def leave_raw(self, segments: Iterable[Segment], reason: str) -> dict[Key, Rendering]:
        """Note that texts go out as they are; return what holds. The store is told with the next ``freeze``.

        Does not ask the store, so that it takes no time and holds for this process in any case.
        """
        decisions = {segment.key: Decision(raw(segment, reason)) for segment in segments}
        holds = self._remembered({key: decision.rendering for key, decision in decisions.items()})
        left = {key: d for key, d in decisions.items() if holds[key] is d.rendering}
        self.owed.add(left, is_away=reason == _AWAY)
        return holds

    def freeze_offer(self, prompt: Prompt, *, offered: bool, decisions: Sequence[Decision] = ()) -> bool:
        """Keep whether this conversation has the tool; return what holds. Raises ``StoreUnavailable``.

        If that is ``offered``, so are decisions that follow from it, to spare ``freeze`` the way to the store.
        """
        key = branch(prompt)
        remembered = self._offers.get(key)
        if remembered is not None:
            return remembered
        new = [decision for decision in decisions if self._decided.get(decision.rendering.key) is None]
        held = self._store.settle(Offer(key, offered), new)
        if held.offered is offered:
            self._remembered(held.renderings)
        return self._offers.put_first(key, held.offered)

    def leave_without_tool(self, prompt: Prompt) -> None:
        """Note that a conversation begins without the tool, so that it stays without; only for this process."""
        if not prompt.answered:
            self._offers.leave_out(prompt.head)

    def _freeze_past(self, segments: Sequence[Segment]) -> dict[Key, Rendering]:
        if not segments:
            return {}
        try:
            return self.freeze([Decision(raw(segment, _SENT_BEFORE)) for segment in segments])
        except StoreUnavailable as error:
            logger.warning("store unavailable, kept in memory that %d texts stay raw: %s", len(segments), error)
            return self.leave_raw(segments, _SENT_BEFORE)

    def _decided_offer(self, prompt: Prompt, *, unanswered: bool, offers: bool) -> bool | None:
        """Return whether the tool is offered; None if that is still to be decided. Raises ``StoreUnavailable``."""
        if prompt.tool_slot is None or TOOL_NAME in prompt.tool_names:
            return False
        if offers:
            return True
        key = branch(prompt)
        remembered = self._offers.get(key)
        if remembered is not None:
            return remembered
        # Many conversations may begin alike. What was decided for one as it began holds for those that nothing was
        # decided for as they were met.
        begun = self._offers.get(prompt.head)
        try:
            if unanswered:
                raise StoreUnavailable("it did not answer a moment ago")
            stored = self._store.offered(key)
        except StoreUnavailable:
            if begun is None:
                raise
            stored = None
        stored = begun if stored is None else stored
        stored = self._store.offered(prompt.head) if stored is None and key != prompt.head else stored
        return stored if stored is None else self._offers.put_first(key, stored)

    def _is_idle(self, head: Digest) -> bool:
        returns = self._store.staging.certainty.returns
        if returns != self._returns:  # what it was told last may be gone
            self._returns, self._touched = returns, Recent(REMEMBERED_OFFERS, fades=True)
        now, last = self._clock(), self._touched.get(head)
        if last is not None and now - last < TOUCH_SECONDS:
            return False
        self._touched.put(head, now)
        return True

    def _remembered(self, renderings: dict[Key, Rendering]) -> dict[Key, Rendering]:
        """Remember decisions; return what holds. What memory knows has left from here, whatever the store says."""
        return {key: self._decided.put_first(key, rendering) for key, rendering in renderings.items()}


def _is_new(segment: Segment, prompt: Prompt) -> bool:
    """Say whether no request can have carried this text as it is now."""
    return segment.newest or not prompt.answered or segment.variant > 0


def _has_just_come(segment: Segment) -> bool:
    """Say whether a text has come since the request before.

    If that was read here, hardly anybody can have decided upon it, and it is soon enough to hear so from a near store
    as a decision is kept.
    """
    return segment.newest and not segment.variant


def _is_torn(
    torn: Recent[Digest, int], prompt: Prompt, segments: Sequence[Segment], unknown: Sequence[Segment]
) -> bool:
    """Say whether what was sent last was not kept, of a conversation that is ours.

    Once for each conversation: a client that words its newest results anew with each turn looks the same.
    """
    last = next(segment for segment in reversed(segments) if not _is_new(segment, prompt))
    size = len(prompt.body)  # the same again, if a client or a thread of ours tries again
    return last is unknown[-1] and torn.put_first(branch(prompt), size) == size


def _without_base(
    segments: Sequence[Segment], known: Mapping[Key, Rendering], *, forgets: bool, unknown_is_raw: bool
) -> frozenset[Key]:
    """Return the keys of texts that are told against an earlier one which does not stand verbatim above them any more.

    The client has changed its own prefix there, so nothing behind is in the provider's cache. Where the provider itself
    may forget, nothing stands for sure.
    """
    above: set[Key] = set()
    gone: set[Key] = set()
    for segment in segments:
        rendering = known.get(segment.key)
        if rendering is None:
            above |= {segment.key} if unknown_is_raw else set()
            continue
        if rendering.base is not None and (forgets or rendering.base not in above):
            gone.add(segment.key)
        if deltas.is_verbatim(segment, known):
            above.add(segment.key)
    return frozenset(gone)


def _without_tool(prompt: Prompt, segments: Sequence[Segment], known: Mapping[Key, Rendering]) -> frozenset[Key]:
    """Return the keys of texts with something left out, which another conversation with the tool has decided upon."""
    if prompt.tool_slot is None:
        return frozenset()  # a request without tools, amid others that have them
    return frozenset(s.key for s in segments if (rendering := known.get(s.key)) and not rendering.lossless)


def _was_seen_whole(plan: Plan) -> bool:
    """Say whether we have decided upon all texts of the past as they came."""
    return bool(plan.known) and all(rendering.compressor != _SENT_BEFORE for rendering in plan.known.values())


def _decided_anew(prompt: Prompt, keys: frozenset[Key]) -> Prompt:
    segments = (replace(s, variant=s.variant + 1) if s.key in keys else s for s in prompt.segments)
    return replace(prompt, segments=tuple(segments))


def _chosen_offer(prompt: Prompt, known: dict[Key, Rendering], *, may_offer: bool) -> bool:
    if not prompt.answered:
        return may_offer and not prompt.forced_tool
    # Met in the middle. With a lossy text of ours in it, it is one of ours whose beginning was cut off.
    return any(not rendering.lossless for rendering in known.values())
