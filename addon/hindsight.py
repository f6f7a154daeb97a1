"""A second look at a conversation's past, where nothing of it is cached: it has to be written again in any case.

What was decided stays where it stands. Decided anew is what once left raw for want of time or knowledge, what was told
against a text that changes now, and, where the tool is declared, what the conversation has left behind.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from headroom_mitm import break_even, cache_terms, deltas, old_results
from headroom_mitm.aligner import Plan
from headroom_mitm.break_even import Rewrite
from headroom_mitm.choices import Choosing
from headroom_mitm.epochs import Cold, plain
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.fronts import Fronts
from headroom_mitm.old_results import Behind
from headroom_mitm.segments import Digest, Key, Prompt, Rendering, Segment
from headroom_mitm.store.base import Decision
from headroom_mitm.wire import document

logger = logging.getLogger(__name__)

LOOKED_AT = 1_000_000
"""Characters of texts that are rendered anew, at most: the request has to leave."""
_BY_CHANCE = frozenset({"sent before", "deadline", "store unavailable", "audit"})
"""Why a text has left raw that nobody has looked at."""
_FOR_WANT_OF_THE_TOOL = frozenset({"tool not offered", "no gain"})


@dataclass(frozen=True, slots=True)
class Again:
    """What a conversation's past becomes."""

    plan: Plan
    """As it is then."""
    decided: Mapping[Key, Decision] = field(default_factory=dict)
    """What is new, by the texts' own keys; the decisions' keys are of the epoch that begins."""
    saved: int = 0
    """Tokens."""


class Hindsight:
    """Looks again. Keeps no state but the fronts."""

    def __init__(self, fronts: Fronts) -> None:
        self._fronts = fronts

    def look(
        self, plan: Plan, cold: Cold, account: Digest, choosing: Choosing, excludes: Callable[[str], bool]
    ) -> Again:
        """Return what the past becomes. With the tool, where it is declared or pays now; else nothing is left out."""
        if plan.offered and plan.may_offer:
            return _Look(plan, cold, choosing, excludes, lossy=True).again()
        without = _Look(plan, cold, choosing, excludes, lossy=False).again()
        if not plan.may_offer:
            return without
        again = _Look(plan, cold, choosing, excludes, lossy=True).again()
        return again if self._pays(plan, again, again.saved - without.saved, account) else without

    def _pays(self, plan: Plan, again: Again, saved: int, account: Digest) -> bool:
        """Say whether the tool pays: other conversations may keep the front in the cache, without it."""
        prompt = plan.prompt
        lossy = sum(not decision.rendering.lossless for decision in again.decided.values())
        front = sum(end - start for _, (start, end) in prompt.front)
        rewrite = Rewrite(
            rewritten=break_even.cached(front, self._fronts.warm(prompt, account), prompt.model),
            prefix=break_even.tokens_of(len(prompt.body)),
            saved=saved,
            texts=lossy,
            calls=len(prompt.calls),
        )
        return lossy > 0 and break_even.balance(rewrite, cache_terms.price(prompt.model)) > 0


class _Look:
    """One look, text by text: what becomes of one depends on those above it."""

    def __init__(
        self, plan: Plan, cold: Cold, choosing: Choosing, excludes: Callable[[str], bool], *, lossy: bool
    ) -> None:
        self._plan = plan
        self._cold = cold
        self._choose = choosing.lossy if lossy else choosing.whole
        self._press = choosing.old
        self._excludes = excludes
        self._lossy = lossy
        self._segments = list(plan.prompt.segments)
        self._known = dict(plan.known)
        self._found: list[tuple[Segment, Decision]] = []
        self._left = LOOKED_AT
        self._saved = 0

    def again(self) -> Again:
        prompt = self._plan.prompt
        behind = old_results.left_behind(prompt, self._known) if self._lossy else Behind()
        verbatim: set[Key] = set()
        for number, segment in enumerate(prompt.segments):
            rendering = self._known.get(segment.key)
            if rendering is None:
                continue
            decision = self._anew(number, rendering, verbatim, behind)
            if decision is not None:
                self._put(number, decision)
                before = decision.rendering.tokens_before if rendering.is_raw else rendering.tokens_after
                self._saved += before - decision.rendering.tokens_after
            if deltas.is_verbatim(self._segments[number], self._known):
                verbatim.add(self._segments[number].key)
        plan = replace(self._plan, prompt=self._prompt(), known=self._known, offered=self._plan.offered or self._lossy)
        return Again(plan, {plain(segment).key: decision for segment, decision in self._found}, self._saved)

    def _anew(self, number: int, rendering: Rendering, verbatim: set[Key], behind: Behind) -> Decision | None:
        """Return another decision on a text, or None where the one that there is stands."""
        segment = replace(plain(self._segments[number]), epoch=self._cold.epoch)
        gone = rendering.base is not None and rendering.base not in verbatim
        if not gone and number in behind.gone and (stub := self._stub(number, segment)) is not None:
            return stub
        if not gone and number in behind.old and (pressed := self._pressed(segment, rendering)) is not None:
            return pressed
        by_chance = rendering.compressor in _BY_CHANCE
        wanting = self._lossy and not self._plan.offered and rendering.compressor in _FOR_WANT_OF_THE_TOOL
        if not gone and (not (by_chance or wanting) or segment.size > self._left):
            return None
        self._left -= segment.size
        decision = self._choose(replace(self._plan, prompt=self._prompt(), known=self._known), segment)
        return decision if gone or not decision.rendering.is_raw else None

    def _pressed(self, segment: Segment, rendering: Rendering) -> Decision | None:
        """Return a form of an old text from which more is left out, where that pays even if the model asks for it."""
        if segment.size > self._left:
            return None
        self._left -= segment.size
        prompt = self._plan.prompt
        decision = self._press(replace(self._plan, prompt=self._prompt(), known=self._known), segment)
        now = decision.rendering
        saved = (now.tokens_before if rendering.is_raw else rendering.tokens_after) - now.tokens_after
        rewrite = Rewrite(0, break_even.tokens_of(len(prompt.body)), saved, 1, len(prompt.calls))
        pays = break_even.balance(rewrite, cache_terms.price(prompt.model)) > 0
        return decision if pays and not now.lossless else None

    def _stub(self, number: int, segment: Segment) -> Decision | None:
        prompt = self._plan.prompt
        call = prompt.calls.get(segment.call_id)
        if self._excludes(old_results.NAME) or (call is not None and self._excludes(call.name)):
            return None
        try:
            text = document.string(prompt.body, segment.span)
        except UnreadableBody:
            return None
        rendering = old_results.rendered(segment, text, of_file=old_results.is_file(prompt, number))
        return Decision(rendering, text) if rendering is not None else None

    def _put(self, number: int, decision: Decision) -> None:
        segment = replace(plain(self._segments[number]), epoch=self._cold.epoch)
        self._segments[number] = segment
        self._known[segment.key] = decision.rendering
        self._found.append((segment, decision))

    def _prompt(self) -> Prompt:
        return replace(self._plan.prompt, segments=tuple(self._segments))


def tell(cold: Cold, again: Again) -> None:
    """Log what a second look has brought, and why it could be taken."""
    logger.info(
        "headroom: nothing of a conversation is cached (%s): %d texts of its past were decided anew, %d tokens less",
        cold.proof,
        len(again.decided),
        again.saved,
    )
