"""Bodies that were read before, found again by what the next body of their conversation has in common with them.

Clients send the past again, mostly in the same bytes. Comparing bytes takes a thirtieth of the time that reading them
takes, so a body is kept with what was read of it, and only what differs is read. Nothing rests on where a body was
found: what is in common is compared byte for byte.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from headroom_mitm.recent import Recent

KEPT = 72_000_000
"""Bytes of bodies that are kept, and of what goes with them, in all formats together."""
PER_MESSAGE = 2_700
"""Bytes that what was read of a message takes, and what is written in place of its texts, about."""
LARGE = 500_000
"""Bytes of a body that is kept as it left, too: to put the next together from that takes half the time."""
_SAMPLES = (65_536, 4_096, 64)
"""A body is filed by the longest of these beginnings of its messages that is sure to come again."""
_STEP = 65_536
"""Bytes that are compared at once."""
_ABREAST = 8
"""Conversations with the same beginning that are kept."""
_REWRITTEN = 4
"""Answers of the model at the end that a next body may lack and still be the same conversation, not one beside it."""


class Stops(Protocol):
    """What was read of a body, as far as it matters here."""

    @property
    def ends(self) -> Sequence[int]:
        """Ascending offsets in the body: up to there it can be used without what follows."""
        ...

    @property
    def count(self) -> int:
        """Of messages."""
        ...


R = TypeVar("R", bound=Stops)


@dataclass(frozen=True, slots=True, eq=False)
class Earlier(Generic[R]):
    """A body, and what was read of it."""

    body: bytes
    start: int
    """Of the first message."""
    read: R


@dataclass(frozen=True, slots=True)
class Shared(Generic[R]):
    """What a body has in common with an earlier one."""

    earlier: Earlier[R]
    start: int
    """Of the first message, if the body is what it seems to be."""
    stops: int
    """How many of the earlier one's ends are within what is the same; at least 1."""

    @property
    def size(self) -> int:
        """Bytes that are the same, from the first message on."""
        return self.earlier.read.ends[self.stops - 1] - self.earlier.start


class Bodies(Generic[R]):
    """The bodies of a format. Thread-safe: the longest unused go first; what is lost is only read again."""

    def __init__(self, name: bytes, filed: "Filed[R] | None" = None) -> None:
        """Take the name of the member that holds the messages, and where bodies are kept: with those of all formats."""
        self._list = re.compile(rb'"%s"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*' % name)
        self._filed: Filed[R] = _ALL if filed is None else filed

    def shared(self, body: bytes) -> Shared[R] | None:
        """Return the earlier body that has most in common with this one; None where there is none."""
        begin = self._list.search(body)
        start = begin.end() if begin else len(body)
        for size in _SAMPLES:
            if len(body) - start < size:
                continue
            filed = self._filed.get((self, _told_apart(body, start, size))) or ()
            found = [Shared(earlier, start, stops) for earlier in filed if (stops := _common(earlier, body, start))]
            if found:
                return max(found, key=lambda shared: shared.size)
        return None

    def keep(self, earlier: Earlier[R], shared: Shared[R] | None) -> None:
        """Keep a body, in place of the one that it has something in common with if it goes on from its end."""
        old = shared.earlier if shared is not None else None
        if old is not None and shared is not None and shared.stops + _REWRITTEN >= len(old.read.ends):
            self._remove(old)
        key = self._key(earlier)
        if key is not None:
            self._filed.put(key, (earlier, *(self._filed.get(key) or ()))[:_ABREAST])

    def _remove(self, old: Earlier[R]) -> None:
        key = self._key(old)
        if key is not None and (filed := self._filed.get(key)):
            self._filed.put(key, tuple(other for other in filed if other is not old))

    def _key(self, earlier: Earlier[R]) -> "tuple[Bodies[R], int] | None":
        known = earlier.read.ends[-1] - earlier.start if earlier.read.ends else 0
        size = next((size for size in _SAMPLES if size <= known), None)
        return (self, _told_apart(earlier.body, earlier.start, size)) if size is not None else None


def _told_apart(body: bytes, start: int, size: int) -> int:
    """Return a number that tells beginnings apart, nearly always: of a long one some bytes in all its parts do."""
    return hash(body[start : start + size : max(1, size // _SAMPLES[1])])


def _common(earlier: Earlier[R], body: bytes, start: int) -> int:
    """Return how many of an earlier body's ends this body has in common with it."""
    ends, view, by = earlier.read.ends, memoryview(earlier.body), start - earlier.start
    same, last, step = earlier.start, ends[-1], _STEP
    while same < last and step:
        piece = view[same : min(same + step, last)]
        if body.startswith(piece, same + by):
            same += len(piece)
        else:
            step = len(piece) // 2  # the difference is in there
    return bisect_right(ends, same)


def _weight(filed: tuple[Earlier[R], ...]) -> int:
    bodies = sum(len(earlier.body) * (2 if len(earlier.body) >= LARGE else 1) for earlier in filed)
    return PER_MESSAGE + bodies + sum(PER_MESSAGE * earlier.read.count for earlier in filed)


Filed = Recent[tuple[Bodies[R], int], tuple[Earlier[R], ...]]
"""By the format's bodies and a number that tells beginnings apart."""
_ALL: "Filed[Any]" = Recent(KEPT, _weight, fades=True)
