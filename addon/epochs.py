"""When a provider can have nothing of a conversation in its cache any more, and what has held since then.

A wrong "cold" has the provider write what it could have read, so only proof counts: nothing was sent for longer than
anything is kept, or never to this model with these tools. A miss that a provider reports is no proof, since it has just
filled the cache again. Another key is none either: an account may have several.
"""

import contextlib
import functools
import json
import logging
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from headroom_mitm import cache_terms
from headroom_mitm.breakpoints import lifetimes
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.segments import DIGEST_SIZE, Digest, Key, Prompt, Segment, digest
from headroom_mitm.store.base import CHANGED_ENTRY, Visit
from headroom_mitm.visits import WRITTEN_EVERY, Recalled, Visits
from headroom_mitm.wire.history import without_markers

logger = logging.getLogger(__name__)

MARGIN = 300.0
"""Seconds beyond a lifetime for which something may be kept nevertheless: clocks differ, and nothing ends on time."""
_BEGINNING = b"begun"
_NUMBER = struct.Struct(">H")
_ENTRY = CHANGED_ENTRY


@dataclass(frozen=True, slots=True)
class Cold:
    """Nothing of a conversation is in the cache, and what has to follow from it is still to be decided."""

    key: Digest
    """Of the conversation with its model and its tools."""
    before: Recalled
    lifetime: float
    proof: str

    @property
    def number(self) -> int:
        """Of the epoch that begins."""
        return self.before.visit.epoch + 1 if self.before.visit is not None else 1

    @property
    def epoch(self) -> bytes:
        """Name of the epoch that begins."""
        return named(self.key, self.number)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands to the cache."""

    key: Digest
    lifetime: float
    visit: Visit | None
    """What was known of the conversation with this model and these tools before."""
    cold: Cold | None = None
    unanswered: bool = False
    """The store was asked, and did not answer."""
    is_unknown: bool = False
    """It was never sent to this model with these tools by us; elsewhere, perhaps."""

    @property
    def offers(self) -> bool:
        """The tool is declared since an epoch has begun."""
        return self.visit is not None and self.visit.offers

    def applied(self, prompt: Prompt) -> Prompt:
        """Return the prompt with those decisions that count now."""
        if self.visit is None or not self.visit.changed:
            return prompt
        numbers = unpacked(self.visit.changed)
        names = {number: named(self.key, number) for number in set(numbers.values())}
        found = tuple(_in_epoch(segment, numbers, names) for segment in prompt.segments)
        return replace(prompt, segments=found)


class Epochs:
    """Knows when conversations were sent last. One for all requests; thread-safe."""

    def __init__(self, visits: Visits, clock: Callable[[], float]) -> None:
        self._visits = visits
        self._clock = clock

    def standing(self, prompt: Prompt, *, may_choose_long: bool) -> Standing:
        """Say how a request stands; what is hot, or may be, is noted as sent now. Asks the store where it must."""
        key, lifetime, now = lineage(prompt), longest_lifetime(prompt, may_choose_long=may_choose_long), self._clock()
        if not prompt.answered:
            beginning = begun(prompt)
            with contextlib.suppress(StoreUnavailable):
                # The beginning comes last: who knows it takes a model for new to the conversation.
                if self._visits.put_off((key, beginning), lifetime):
                    return Standing(key, lifetime, None)
            if not self._visits.touch(beginning, lifetime):
                return self._noted(Standing(key, lifetime, self._visits.remembered(key)))
        known = self._visits.remembered(key)
        if known is not None and now - known.seen <= known.lifetime + MARGIN:
            return self.sent(Standing(key, lifetime, known))
        try:
            before = self._visits.recalled(key)
        except StoreUnavailable:
            return self._noted(Standing(key, lifetime, known))
        known = before.visit
        if known is None:
            unknown = Standing(key, lifetime, None, is_unknown=prompt.answered)
            return unknown if unknown.is_unknown else self.sent(unknown)
        idle = now - known.seen
        slept = self._visits.idle(key)
        if slept is not None:
            idle = min(idle, slept)  # a clock that was set is no proof
        if prompt.answered and idle > known.lifetime + MARGIN + WRITTEN_EVERY:
            proof = f"nothing was sent for {idle:,.0f} s, and it is kept for {known.lifetime:,.0f} s"
            return Standing(key, lifetime, known, Cold(key, before, lifetime, proof))
        return self.sent(Standing(key, lifetime, known))

    def foreseen(self, prompt: Prompt) -> tuple[Sequence[Prompt], Sequence[Digest]]:
        """Return how the prompt's texts may stand, and which visits ``standing`` will ask the store for.

        Where nothing is known of the conversation here, another worker may have begun an epoch: the first is likelier
        than all others.
        """
        key = lineage(prompt)
        known = self._visits.remembered(key)
        if known is not None:
            is_hot = self._clock() - known.seen <= known.lifetime + MARGIN
            return [Standing(key, 0, known).applied(prompt)], [] if is_hot else [key]
        if not prompt.answered:
            return [prompt], [key, begun(prompt)]
        names = {1: named(key, 1)}
        later = tuple(replace(plain(segment), epoch=names[1]) for segment in prompt.segments)
        return [prompt, replace(prompt, segments=later)], [key, begun(prompt)]

    def followed(self, standing: Standing, prompt: Prompt) -> Standing:
        """Say of a conversation that has begun with us that it is cold for a model, or with tools, not seen yet."""
        try:
            known = self._visits.recalled(begun(prompt)).visit
        except StoreUnavailable:
            known = None
        if known is None:
            return self.sent(standing)
        proof = "it was never sent to this model with these tools"
        return replace(standing, cold=Cold(standing.key, Recalled(None, None), standing.lifetime, proof))

    def sent(self, standing: Standing) -> Standing:
        """Note that a request leaves as the cache may have it."""
        answered = self._visits.touch(standing.key, standing.lifetime)
        return standing if answered else replace(standing, unanswered=True)

    def _noted(self, standing: Standing) -> Standing:
        self._visits.note(standing.key, standing.lifetime)
        return replace(standing, unanswered=True)

    def sent_again(self, prompt: Prompt) -> None:
        """Note that a leg of an answer goes out: the cache is read once more. May ask the store."""
        self._visits.touch(lineage(prompt), longest_lifetime(prompt, may_choose_long=False))

    def stays(self, cold: Cold) -> None:
        """Note that a request leaves as if the cache had it. Quick; the store is told with the next ``settle``."""
        self._visits.note(cold.key, cold.lifetime)

    def settle(self) -> None:
        """Tell the store what was only noted. Raises ``StoreUnavailable``."""
        self._visits.settle()

    def begin(self, cold: Cold, keys: Iterable[Key], *, offers: bool) -> bool:
        """Have an epoch begin, in which the texts with these keys are decided anew; say whether it has.

        It has not if somebody has sent something meanwhile. Raises ``StoreUnavailable``.
        """
        before = cold.before.visit
        numbers = unpacked(before.changed) if before is not None else {}
        numbers = {**numbers, **dict.fromkeys(keys, cold.number)}
        after = Visit(
            seen=self._clock(),
            lifetime=cold.lifetime,
            epoch=cold.number,
            offers=offers or (before is not None and before.offers),
            changed=b"".join(key + _NUMBER.pack(number) for key, number in numbers.items()),
        )
        return self._visits.begin(cold.key, cold.before, after)


def lineage(prompt: Prompt) -> Digest:
    """Return what a cache knows a conversation by: its beginning, the model, and the tools in front of all.

    The system prompt is left out: some clients put something into it that changes with each request, and that the cache
    leaves out as well. Tools count in any order, and those that are declared for later not at all: in doubt it is the
    same.
    """
    span = prompt.members.get("tools")
    tools = prompt.body[span.start : span.end] if span is not None else b""
    return digest(b"lineage", prompt.head, prompt.model.encode("utf-8", "surrogatepass"), _declared(tools))


def longest_lifetime(prompt: Prompt, *, may_choose_long: bool) -> float:
    """Return for how many seconds the provider may keep what a request has it write; infinite where nobody says.

    ``may_choose_long``: markers of ours may last an hour.
    """
    is_marked = prompt.blocks is not None
    if cache_terms.smallest_prefix(prompt.model) is not None and (is_marked or prompt.model):
        if not is_marked or may_choose_long:
            return cache_terms.LIFETIMES[cache_terms.LONG]
        asked = [cache_terms.LIFETIMES.get(name, cache_terms.LIFETIMES[cache_terms.LONG]) for name in lifetimes(prompt)]
        return max([cache_terms.LIFETIMES[cache_terms.USUAL], *asked])
    retention = prompt.members.get("prompt_cache_retention")
    asked_for = prompt.body[retention.start : retention.end].decode("ascii", "replace") if retention else ""
    return cache_terms.longest_kept(prompt.model, "" if asked_for == "null" else asked_for.strip('"'))


def unpacked(changed: bytes) -> Mapping[Key, int]:
    """Return in which epoch texts were decided anew."""
    return {
        Key(changed[at : at + DIGEST_SIZE]): _NUMBER.unpack_from(changed, at + DIGEST_SIZE)[0]
        for at in range(0, len(changed) - _ENTRY + 1, _ENTRY)
    }


def named(key: Digest, number: int) -> bytes:
    """Return the name of an epoch, which no other conversation has."""
    return digest(b"epoch", key, b"%d" % number)[:8]


def plain(segment: Segment) -> Segment:
    """Return a text as it is before any epoch, whatever was decided anew."""
    return replace(segment, variant=0, epoch=b"") if segment.variant or segment.epoch else segment


def _in_epoch(segment: Segment, numbers: Mapping[Key, int], names: Mapping[int, bytes]) -> Segment:
    bare = plain(segment)
    number = numbers.get(bare.key)
    return replace(bare, epoch=names[number]) if number is not None else bare


def begun(prompt: Prompt) -> Digest:
    """Return what a conversation's beginning is known by, whatever the model and the tools."""
    return digest(_BEGINNING, prompt.head)


@functools.lru_cache(maxsize=256)
def _declared(raw: bytes) -> bytes:
    """Return a digest of what is declared."""
    try:
        found = json.loads(raw) if raw else []
        shown = [tool for tool in found if not (isinstance(tool, dict) and tool.get("defer_loading"))]
        written = sorted(json.dumps(without_markers(tool), sort_keys=True) for tool in shown)
    except (TypeError, ValueError, RecursionError):  # it is no list, or nested without end
        return digest(raw)
    return digest(*(text.encode("utf-8", "surrogatepass") for text in written))
