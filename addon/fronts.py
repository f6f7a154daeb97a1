"""Which tools and system prompts were sent with our tool of late: a provider has them in its cache that way, too.

All conversations of a client share them, but for the blocks that are a session's own. An entry of the cache ends where
a marker is, so that is how far two conversations meet; where there are no markers, at the end of each part.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from headroom_mitm import cache_terms
from headroom_mitm.errors import StoreUnavailable, UnreadableBody
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest, Prompt, Span, digest
from headroom_mitm.store.base import Visit
from headroom_mitm.visits import WRITTEN_EVERY, Visits
from headroom_mitm.wire import document
from headroom_mitm.wire.anthropic_cache import without_markers

REMEMBERED = 20_000
_SLACK = 30.0
"""Seconds before the end of a lifetime from which on an entry is not counted upon."""
_BILLING = b"x-anthropic-billing-header"
"""Begins a system block that is another in every request, and that the cache leaves out."""


class End(NamedTuple):
    """Where an entry of the cache ends in front of a conversation."""

    key: Digest
    size: int
    """Bytes up to there."""
    lifetime: float


class Fronts:
    """Remembers the fronts behind which the tool was declared. Thread-safe."""

    def __init__(self, visits: Visits, clock: Callable[[], float]) -> None:
        self._visits = visits
        self._clock = clock
        self._noted: Recent[Digest, float] = Recent(REMEMBERED, fades=True)

    def declared(self, prompt: Prompt, account: Digest) -> None:
        """Note that the tool is declared in this request."""
        if self._is_noted(prompt):
            return
        self._noted.put(prompt.head, self._clock())
        self._visits.put_off_any(lambda: ((end.key, end.lifetime) for end in ends(prompt, account)))

    def foreseen(self, prompt: Prompt, account: Digest) -> list[Digest]:
        """Return what ``declared`` and ``warm`` may ask the store for."""
        if self._is_noted(prompt):
            return []
        keys = [end.key for end in ends(prompt, account)]
        return [key for key in keys if self._visits.remembered(key) is None]

    def warm(self, prompt: Prompt, account: Digest) -> int:
        """Return how many bytes of a request's front the provider has in its cache with the tool."""
        now = self._clock()
        for end in reversed(list(ends(prompt, account))):
            visit = self._visits.remembered(end.key)
            if visit is None or not _is_warm(visit.seen, now, end.lifetime):
                visit = self._recalled(end.key)
            if visit is not None and _is_warm(visit.seen, now, end.lifetime):
                return end.size
        return 0

    def _is_noted(self, prompt: Prompt) -> bool:
        last = self._noted.get(prompt.head)
        return last is not None and 0 <= self._clock() - last < WRITTEN_EVERY

    def _recalled(self, key: Digest) -> Visit | None:
        try:
            return self._visits.recalled(key).visit
        except StoreUnavailable:
            return None


def ends(prompt: Prompt, account: Digest) -> Iterator[End]:
    """Yield where entries of the cache end in front of a conversation, from the beginning on."""
    key = digest(b"front", account, prompt.model.encode("utf-8", "surrogatepass"))
    size = 0
    marked = _marks(prompt)
    for name, span in prompt.front:
        places = _blocks(prompt.body, name, span)
        for number, place in enumerate(places):
            raw = prompt.body[place.start : place.end]
            size += len(raw)
            if _BILLING not in raw[:200]:
                key = digest(key, without_markers(raw))
            usual = None if marked or number < len(places) - 1 else cache_terms.USUAL
            lifetime = marked.get((span, number), usual)
            if lifetime is not None:
                yield End(key, size, cache_terms.LIFETIMES.get(lifetime, cache_terms.LIFETIMES[cache_terms.USUAL]))


def _marks(prompt: Prompt) -> dict[tuple[Span, int], str]:
    """Return the client's markers in front: span of the part and number of the block -> lifetime."""
    if prompt.blocks is None:
        return {}
    return {(span, number): lifetime for span, layout in prompt.blocks.front for number, lifetime in layout.marks}


def _blocks(body: bytes, name: str, span: Span) -> list[Span]:
    """Return the blocks of a system prompt; tools are one: ours stands behind the last of them."""
    if name == "system" and document.is_list(body, span):
        try:
            return document.items(body, span)
        except UnreadableBody:
            return [span]
    return [span]


def _is_warm(seen: float, now: float, lifetime: float) -> bool:
    return 0 <= now - seen < lifetime - _SLACK
