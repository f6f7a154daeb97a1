"""What was recalled for an earlier request of a conversation, so that it need not be asked for text by text again.

Decisions hold for ever, so they are those of the same texts now; that they are the same texts is looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from headroom_mitm.router import SHORTEST
from headroom_mitm.segments import Key, Prompt, Reading, Rendering, Segment


@dataclass(slots=True)
class Past:
    """The first texts of a request, all of them decided that may be changed. Held by one request at a time."""

    forgets: bool = False
    all: list[Segment] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)
    """Those that may be changed."""
    known: dict[Key, Rendering] = field(default_factory=dict)
    """The decisions."""

    def cut(self, count: int) -> None:
        """Keep the first of all texts only."""
        gone = self.all[count:]
        del self.all[count:]
        changeable = sum(map(may_change, gone))
        if not changeable:
            return
        is_any_twice = len(self.known) < len(self.segments)
        gone, self.segments[-changeable:] = self.segments[-changeable:], []
        if is_any_twice:
            self.known = {segment.key: self.known[segment.key] for segment in self.segments}
            return
        for segment in gone:
            del self.known[segment.key]


class Pasts:
    """Remembers it. Thread-safe; it goes with the readings that it belongs to."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Reading, Past] = WeakKeyDictionary()

    def of(self, prompt: Prompt) -> Past:
        """Take what is known of the first of a prompt's texts; nothing where anything about them is not as it was.

        Another request with the same past knows nothing of it: mostly there is one that goes on.
        """
        past = self._kept.pop(prompt.known.of, None) if prompt.known is not None else None
        if prompt.known is None or past is None or past.forgets != prompt.forgets:
            return Past(prompt.forgets)
        past.cut(prompt.known.segments)
        return past if tuple(past.all) == prompt.segments[: len(past.all)] else Past(prompt.forgets)

    def keep(self, prompt: Prompt, past: Past, known: Mapping[Key, Rendering]) -> None:
        """Remember what was recalled, up to the first text of which nothing was."""
        for segment in prompt.segments[len(past.all) :]:
            if may_change(segment):
                rendering = known.get(segment.key)
                if rendering is None:
                    break
                past.segments.append(segment)
                past.known[segment.key] = rendering
            past.all.append(segment)
        self._kept[prompt.reading] = past


def may_change(segment: Segment) -> bool:
    """Say whether a text is worth a decision."""
    return segment.size >= SHORTEST and not segment.protected
