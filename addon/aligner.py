"""CacheAligner: what was sent before is sent again byte for byte, whatever we think of it now.

A provider's cache is keyed by the bytes of a prompt's beginning, so a text that was once sent raw stays raw, and one
that was once rendered is replayed. Free to choose are only texts that no earlier request has carried: those behind the
model's last answer. A decision is kept in the store before the request that carries it leaves.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.recent import Recent
from headroom_mitm.router import SHORTEST, raw
from headroom_mitm.segments import Digest, Key, Prompt, Rendering, Segment
from headroom_mitm.store.base import Decision, Store
from headroom_mitm.wording import TOOL_NAME

logger = logging.getLogger(__name__)

REMEMBERED = 64_000_000
"""Characters of renderings that are kept in memory, so that most requests need not ask the store."""
_ENTRY = 200  # what a decision without text counts, in characters
REMEMBERED_OFFERS = 50_000
TOUCH_SECONDS = 3_600
"""The store counts idle time, so even what memory knows is asked for again after this long."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is decided about a request's texts, and what is not."""

    known: dict[Key, Rendering]
    """Decisions that must be replayed."""
    fresh: tuple[Segment, ...]
    """Texts that were never sent: what they become may be chosen now."""
    offered: bool
    """The retrieve tool is declared in this conversation."""
    undecided_offer: bool
    """``offered`` was chosen just now and is not in the store yet."""


class Aligner:
    """Decides once and replays. Shared by all requests; thread-safe."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._touched: Recent[Digest, float] = Recent(REMEMBERED_OFFERS)
        self._decided: Recent[Key, Rendering] = Recent(REMEMBERED, lambda rendering: _ENTRY + len(rendering.text or ""))
        self._offers: Recent[Digest, bool] = Recent(REMEMBERED_OFFERS)

    def recall(self, prompt: Prompt, *, may_offer: bool) -> Plan:
        """Look up what is decided. A store that does not answer makes unknown texts raw, never newly chosen.

        ``may_offer`` says whether a conversation that begins here may get the retrieve tool.
        """
        segments = [segment for segment in prompt.segments if segment.size >= SHORTEST and not segment.protected]
        keys = [segment.key for segment in segments]
        known = self._decided.get_all(keys)
        missing = keys if self._is_idle(prompt.head) else [key for key in keys if key not in known]
        unanswered = False
        if missing:
            try:
                known |= self._remembered(self._store.recall(missing))
            except StoreUnavailable as error:
                logger.warning("store unavailable, new texts go out raw: %s", error)
                unanswered = True
        unknown = [segment for segment in segments if segment.key not in known]
        fresh = () if unanswered else tuple(segment for segment in unknown if _is_new(segment, prompt))
        past = [segment for segment in unknown if unanswered or not _is_new(segment, prompt)]
        if past:
            known |= self.freeze_raw(past, "store unavailable" if unanswered else "sent before")
        offered, undecided = self._offer(prompt, known, may_offer=may_offer and not unanswered)
        return Plan(known, fresh, offered, undecided)

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """Keep decisions and return what holds, which may be an earlier one. Raises ``StoreUnavailable``."""
        return self._remembered(self._store.freeze(decisions)) if decisions else {}

    def freeze_raw(self, segments: Iterable[Segment], reason: str) -> dict[Key, Rendering]:
        """Keep it that texts go out as they are: in the store if it answers, and in any case for this process."""
        decisions = [Decision(raw(segment, reason)) for segment in segments]
        try:
            return self.freeze(decisions)
        except StoreUnavailable as error:
            logger.warning("store unavailable, kept in memory that %d texts stay raw: %s", len(decisions), error)
            return self._remembered({decision.rendering.key: decision.rendering for decision in decisions})

    def freeze_offer(self, prompt: Prompt, *, offered: bool) -> bool:
        """Keep whether this conversation has the tool; return what holds. Raises ``StoreUnavailable``."""
        holds = self._store.offer(prompt.head, offered)
        self._offers.put(prompt.head, holds)
        return holds

    def _offer(self, prompt: Prompt, known: dict[Key, Rendering], *, may_offer: bool) -> tuple[bool, bool]:
        """Return whether the tool is offered, and whether that is still to be kept."""
        if prompt.tool_slot is None or TOOL_NAME in prompt.tool_names:
            return False, False
        decided = self._decided_offer(prompt.head)
        if decided is not None:
            return decided, False
        if not prompt.answered:
            return may_offer and not prompt.forced_tool, True
        # Met in the middle. With a lossy text of ours in it, it is one of ours whose beginning was cut off.
        return any(not rendering.lossless for rendering in known.values()), True

    def _decided_offer(self, head: Digest) -> bool | None:
        remembered = self._offers.get(head)
        if remembered is not None:
            return remembered
        try:
            stored = self._store.offered(head)
        except StoreUnavailable as error:
            logger.warning("store unavailable, the tool is not offered: %s", error)
            return False
        if stored is not None:
            self._offers.put(head, stored)
        return stored

    def _is_idle(self, head: Digest) -> bool:
        now, last = self._clock(), self._touched.get(head)
        if last is not None and now - last < TOUCH_SECONDS:
            return False
        self._touched.put(head, now)
        return True

    def _remembered(self, renderings: dict[Key, Rendering]) -> dict[Key, Rendering]:
        for key, rendering in renderings.items():
            self._decided.put(key, rendering)
        return renderings


def _is_new(segment: Segment, prompt: Prompt) -> bool:
    return segment.newest or not prompt.answered
