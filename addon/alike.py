"""Which results of a conversation come from calls that ask for the same, or that read the same file.

What is known of them goes on from request to request, so that finding them takes no longer in a long conversation. That
the texts are the same is looked at.
"""

import threading
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from weakref import WeakKeyDictionary

from headroom_mitm.file_reads import path_of
from headroom_mitm.segments import Call, Prompt, Reading, Segment

K = TypeVar("K")
_Place = int
"""A text's number in its prompt."""


class Alike:
    """Finds them. Thread-safe; what it remembers goes with the readings that it belongs to."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Reading, _Index] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def results(self, prompt: Prompt, call: Call, above: Segment, part: int) -> list[Segment]:
        """Return the texts with this number in their results that stand above another, in their order."""
        end = bisect_left(prompt.segments, above.span.start, key=lambda other: other.span.start)
        with self._lock:
            index = self._taken(prompt)
            index.add(prompt.segments[len(index.segments) : end], prompt.calls)
            self._kept[prompt.reading] = index
            places = index.places(call)
        found = (prompt.segments[place] for place in places if place < end)
        return [other for other in found if other.part == part]

    def _taken(self, prompt: Prompt) -> "_Index":
        """Take what is known of this request, or of the one that it goes on from."""
        index = self._kept.get(prompt.reading)
        if index is None and prompt.known is not None:
            index = self._kept.pop(prompt.known.of, None)
            if index is not None:
                index.cut(prompt.known.segments)
        is_same = index is not None and tuple(index.segments) == prompt.segments[: len(index.segments)]
        return index if index is not None and is_same else _Index()


@dataclass(slots=True, eq=False)
class _Index:
    """The first texts of a prompt, by what was asked for. Ascending places."""

    segments: list[Segment] = field(default_factory=list)
    _asked: list[tuple[tuple[str, str], str] | None] = field(default_factory=list)
    """One item for each: tool and subject of its call, and the file that it reads."""
    _by_call: dict[tuple[str, str], list[_Place]] = field(default_factory=lambda: defaultdict(list))
    _by_path: dict[str, list[_Place]] = field(default_factory=lambda: defaultdict(list))

    def add(self, segments: Sequence[Segment], calls: Mapping[str, Call]) -> None:
        """Take further texts."""
        for place, segment in enumerate(segments, len(self.segments)):
            call = calls.get(segment.call_id)
            asked = _asked_for(call) if call is not None else None
            self.segments.append(segment)
            self._asked.append(asked)
            if asked is not None:
                self._by_call[asked[0]].append(place)
                if asked[1]:
                    self._by_path[asked[1]].append(place)

    def cut(self, count: int) -> None:
        """Keep the first texts only."""
        for asked in self._asked[count:]:
            if asked is not None:
                _pop(self._by_call, asked[0])
                if asked[1]:
                    _pop(self._by_path, asked[1])
        del self.segments[count:], self._asked[count:]

    def places(self, call: Call) -> list[_Place]:
        """Return those of calls that ask for the same."""
        asked, path = _asked_for(call)
        alike = self._by_call.get(asked, [])
        files = self._by_path.get(path, []) if path else []
        return sorted({*alike, *files}) if files else [*alike]


def _pop(places: dict[K, list[_Place]], key: K) -> None:
    """Forget the last place."""
    places[key].pop()
    if not places[key]:
        del places[key]


def _asked_for(call: Call) -> tuple[tuple[str, str], str]:
    path = path_of(call)
    return (call.name, call.subject), path if path in call.subject else ""
