"""How many lines earlier texts of a conversation have in common with a new one, counted line by line of the new one.

So what it takes does not grow with the conversation: what is counted goes on from request to request. That the texts
are the same, and what is decided of them, is looked at.
"""

from collections import Counter
from collections.abc import Callable, Mapping

from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest, Key, Prompt, Rendering, Segment

LINES = 100_000
"""That are kept at hand, of all conversations together: some 10 MB."""
FEWEST = 24
"""Texts. Fewer are looked at one by one as fast."""
_ENTRY = 100  # what a conversation counts besides, in lines

Decided = Mapping[Key, Rendering]
LinesOf = Callable[[Segment], frozenset[int] | None]
"""Returns the lines of an earlier text, which follow from what is decided of it; None where it is not to be counted."""


class Overlaps:
    """Remembers which texts have a line. Thread-safe: what one thread works with is not there for another."""

    def __init__(self, lines: int = LINES) -> None:
        self._kept: Recent[tuple[Digest, Key], _Index] = Recent(lines, lambda index: index.weight, fades=True)

    def shared(
        self, prompt: Prompt, near: range, lines: frozenset[int], known: Decided, lines_of: LinesOf
    ) -> tuple[int, Mapping[int, int]]:
        """Return how many lines texts share with these, by their places, and from which place on they are not counted.

        ``near`` are the places of the texts that matter.
        """
        earlier = prompt.known
        end = earlier.segments if earlier is not None else 0
        if earlier is None or end > near.stop or end - near.start < FEWEST:
            return near.start, {}
        name = prompt.head, prompt.segments[0].key
        index = self._kept.take(name)
        if index is None or index.end > end or not index.is_of(prompt, near.start, known):
            index = _Index(near.start)
        index.add(prompt.segments[index.end : end], known, lines_of)
        found = index.found(lines, near.start)
        self._kept.put(name, index)
        return end, found


class _Index:
    """The texts at some places in a row, by their lines."""

    def __init__(self, start: int) -> None:
        self.weight = _ENTRY
        self._start = start
        self._segments: list[Segment] = []
        self._keys: list[Key] = []
        self._renderings: list[Rendering | None] = []
        self._places: dict[int, int | list[int]] = {}

    @property
    def end(self) -> int:
        return self._start + len(self._segments)

    def is_of(self, prompt: Prompt, start: int, known: Decided) -> bool:
        """Say whether the texts are those of a prompt from ``start`` on, and the same is decided of them."""
        if not self._start <= start <= self.end:
            return False
        is_same = self._segments == list(prompt.segments[self._start : self.end])
        return is_same and self._renderings == list(map(known.get, self._keys))

    def add(self, segments: tuple[Segment, ...], known: Decided, lines_of: LinesOf) -> None:
        for place, segment in enumerate(segments, self.end):
            self._segments.append(segment)
            self._keys.append(segment.key)
            self._renderings.append(known.get(segment.key))
            lines = lines_of(segment) or frozenset()
            self.weight += 1 + len(lines)
            for line in lines:
                held = self._places.setdefault(line, place)
                if isinstance(held, list):
                    held.append(place)
                elif held != place:
                    self._places[line] = [held, place]

    def found(self, lines: frozenset[int], start: int) -> Counter[int]:
        places: list[int] = []
        for line in self._places.keys() & lines:  # a few of many
            held = self._places[line]
            places += held if isinstance(held, list) else (held,)
        return Counter(places if start == self._start else [at for at in places if at >= start])
