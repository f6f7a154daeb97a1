"""What a request lacks for the provider's prompt cache, and what its client should know of it."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from headroom_mitm import cache_terms
from headroom_mitm.breakpoints import Breakpoint, breakpoints, lifetimes
from headroom_mitm.conversation import Conversation
from headroom_mitm.lifetimes import Course, Lifetimes
from headroom_mitm.segments import Edit, Prompt
from headroom_mitm.volatile import Finding, Volatile
from headroom_mitm.wire import anthropic_cache, openai_cache, tool_order

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What may be done for the cache besides setting markers."""

    takes_key: bool = False
    """The host takes a key that names the conversation."""
    chooses_lifetime: bool = False
    """Markers of ours may last an hour."""
    orders_tools: bool = False
    """Tools leave in one order, whatever order they come in."""


class _Left(NamedTuple):
    """A request that has left, and what its conversation and its front are to be compared by."""

    prompt: Prompt
    at: float
    own: frozenset[str]
    """Lifetimes of the client's markers."""
    added: list[Breakpoint]


class Caching:
    """Looks after the provider's cache. One for all requests; thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lifetimes = Lifetimes()
        self._volatile = Volatile()
        self._left: deque[_Left] = deque()
        self._lock = threading.Lock()
        self._is_due = False
        self.puts_off = False
        """Somebody calls ``look`` soon."""

    def edits(self, prompt: Prompt, wishes: Wishes, *, change: bool) -> list[Edit]:
        """Return the edits that make a request cheaper without changing what the model reads; none but if ``change``.

        What makes it dearer, and only its client can mend, is logged once.
        """
        now, own = self._clock(), lifetimes(prompt)
        if prompt.blocks is None or own or prompt.first_answer is None:
            added = breakpoints(prompt) if change else []
            self._left.append(_Left(prompt, now, own, added))
            if not self.puts_off:
                self.look()
        else:
            self.look()
            conversation = Conversation.of(prompt)
            course = self._lifetimes.observe(prompt, conversation, now)
            added = self._breakpoints(prompt, course, wishes) if change else []
            self._told(_Left(prompt, now, own, added), conversation, course)
        keyed = _keyed(prompt) if change and wishes.takes_key else []
        ordered = _ordered(prompt, added) if change and wishes.orders_tools else []
        if ordered:
            added = [point for point in added if not _is_on_tool(prompt, point)]
        return [
            *(edit for slot, lifetime in added for edit in anthropic_cache.marked(slot, lifetime)),
            *keyed,
            *ordered,
        ]

    def falls_due(self) -> bool:
        """Say whether requests have left that nobody has looked at, nor was told to since somebody did."""
        if self._is_due or not self._left:
            return False
        self._is_due = True
        return True

    def look(self) -> None:
        """Look at the course of what has left."""
        self._is_due = False
        if not self._left:
            return
        with self._lock:
            while self._left:
                left = self._left.popleft()
                conversation = Conversation.of(left.prompt)
                self._told(left, conversation, self._lifetimes.observe(left.prompt, conversation, left.at))

    def _told(self, left: _Left, conversation: Conversation, course: Course) -> None:
        """Tell of what makes a request dearer."""
        prompt, now, own, added = left
        if added or own or prompt.blocks is None:
            for finding in self._volatile.observe(prompt, conversation, now):
                logger.warning("headroom: %s", _said(finding, prompt))
        if own == {cache_terms.USUAL} or (added and added[0].lifetime == cache_terms.USUAL and not own):
            self._advise(course, conversation)

    def _breakpoints(self, prompt: Prompt, course: Course, wishes: Wishes) -> list[Breakpoint]:
        """Return the markers that a conversation lacks whose client sets none, by the pauses that it has made."""
        if wishes.chooses_lifetime and course.wants_long:
            return breakpoints(prompt, cache_terms.LONG)
        found = breakpoints(prompt)
        return [] if course.is_in_vain else found

    def _advise(self, course: Course, conversation: Conversation) -> None:
        if course.wants_long and self._lifetimes.tell(conversation):
            logger.warning(
                "headroom: %d pauses of more than 5 minutes in a conversation: with a lifetime of 1 hour its input "
                'would have cost about %d %% less so far. Let the client ask for ttl "1h"; where it sets no markers, '
                "headroom_ttl=auto does.",
                course.pauses,
                100 * course.saves,
            )


def _said(finding: Finding, prompt: Prompt) -> str:
    change = finding.change
    cost = (
        f"written to the cache again, at {cache_terms.WRITE[cache_terms.USUAL]} times the price of input instead of "
        f"{cache_terms.READ}"
        if prompt.blocks is not None
        else "not found in the cache"
    )
    return (
        f"{change.kind} changed in front of a conversation, {change.place} (near byte {change.at}): {change.before!r} "
        f"became {change.after!r}. About {finding.tokens:,} tokens behind it were {cost}. To avoid it: {change.advice}."
    )


def _ordered(prompt: Prompt, added: list[Breakpoint]) -> list[Edit]:
    """Return the edits that put tools in order; a marker of ours goes on the one that is the last then."""
    on_tool = next((point for point in added if _is_on_tool(prompt, point)), None)
    return tool_order.ordered(prompt, anthropic_cache.marker(on_tool.lifetime) if on_tool else b"")


def _is_on_tool(prompt: Prompt, point: Breakpoint) -> bool:
    place = prompt.members.get("tools")
    return place is not None and place.start <= point.slot.span.start < place.end


def _keyed(prompt: Prompt) -> list[Edit]:
    """Return the edit that names an agent's conversation, from its first request on.

    Questions without tools get no name: many of them share a beginning that each finds in the cache of all, and a name
    that comes only with the second request would part it from what the first has left.
    """
    if not prompt.tool_names or prompt.forced_tool:
        return []
    edit = openai_cache.keyed(prompt, prompt.head.hex())
    return [edit] if edit else []
