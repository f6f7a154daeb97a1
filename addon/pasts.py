"""What was recalled for an earlier request of a conversation, so that it need not be asked for text by text again.

Decisions hold for ever, so they are those of the same texts now; that they are the same texts is looked at.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from weakref import WeakKeyDictionary

from headroom_mitm.segments import Key, Prompt, Reading, Rendering, Segment


@dataclass(frozen=True, slots=True)
class Past:
    """The first texts of a request that may be changed, all of them decided; one item for each."""

    segments: tuple[Segment, ...] = ()
    known: Mapping[Key, Rendering] = field(default_factory=dict)
    """The decisions."""
    forgets: bool = False

    def first(self, count: int) -> "Past":
        """Return the same of the first texts only."""
        if count >= len(self.segments):
            return self
        segments = self.segments[:count]
        if len(self.known) < len(self.segments):  # one of them stands twice
            return Past(segments, {segment.key: self.known[segment.key] for segment in segments}, self.forgets)
        known = dict(self.known)
        for segment in self.segments[count:]:
            del known[segment.key]
        return Past(segments, known, self.forgets)


NO_PAST = Past()


class Pasts:
    """Remembers it. Thread-safe; it goes with the readings that it belongs to."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Reading, Past] = WeakKeyDictionary()

    def of(self, prompt: Prompt, segments: Sequence[Segment]) -> Past:
        """Return what is known of the first of a prompt's texts; nothing where anything about them is not as it was."""
        kept = self._kept.get(prompt.known.of) if prompt.known is not None else None
        if prompt.known is None or kept is None or kept.forgets != prompt.forgets:
            return NO_PAST
        count = len(segments)
        if prompt.known.segments < len(prompt.segments):
            new = prompt.segments[prompt.known.segments].span.start
            count = bisect_left(segments, new, key=lambda segment: segment.span.start)
        past = kept.first(count)
        return past if past.segments == tuple(segments[: len(past.segments)]) else NO_PAST

    def keep(self, prompt: Prompt, past: Past, later: Sequence[Segment], known: Mapping[Key, Rendering]) -> None:
        """Remember what was recalled, up to the first text of which nothing was."""
        found = list(takewhile(lambda segment: segment.key in known, later))
        new = {segment.key: known[segment.key] for segment in found}
        decided = {**past.known, **new} if found else past.known
        self._kept[prompt.reading] = Past((*past.segments, *found), decided, prompt.forgets)
