"""Large bodies with their edits made, put together from what left for the request before.

A conversation's past leaves again byte for byte, so most of the next body stands in the one before as it has to be.
That it does is not assumed: the client's bytes are the same there, and the edits are compared.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from headroom_mitm.segments import Edit, Prompt, Reading
from headroom_mitm.wire.earlier import LARGE
from headroom_mitm.wire.splice import pieces, span_of, splice


@dataclass(frozen=True, slots=True)
class _Left:
    """A body that left."""

    raw: bytes
    start: int
    """Of the first message, in it."""
    edits: Sequence[Edit]
    """From the first message on, in their order."""
    past: int
    """So many of them are in messages that an earlier body had, too."""
    growth: int
    """Bytes that these have made it longer."""


class Splices:
    """Splices requests. Thread-safe; what it remembers goes with the readings that it belongs to."""

    def __init__(self) -> None:
        self._left: WeakKeyDictionary[Reading, _Left] = WeakKeyDictionary()

    def of(self, prompt: Prompt, edits: Sequence[Edit], further: Sequence[Edit] = ()) -> bytes:
        """Return what ``splice`` does, of the body of a prompt. Raises ``ValueError`` as it does.

        The first edits are in the order of the body.
        """
        body = prompt.body
        if not (edits or further) or len(body) < LARGE or not prompt.messages:
            return splice(body, [*edits, *further])
        start = prompt.messages[0].start
        ordered = list(edits)
        for edit in further:  # there are few
            insort(ordered, edit, key=span_of)
        first = bisect_left(ordered, start, key=_start)
        front, later = ordered[:first], ordered[first:]
        if front and front[-1].span.end > start:
            return splice(body, ordered)
        left, end = self._goes_on_from(prompt, later)
        parts = pieces(body, front, 0, start)
        if left is not None:
            parts.append(memoryview(left.raw)[left.start : left.start + end - start + left.growth])
        parts += pieces(body, later[left.past :] if left is not None else later, end, len(body))
        raw = b"".join(parts)
        past, growth = (left.past, left.growth) if left is not None else (0, 0)
        self._left[prompt.reading] = _Left(raw, start + _growth(front), later, past, growth)
        return raw

    def _goes_on_from(self, prompt: Prompt, edits: Sequence[Edit]) -> tuple[_Left | None, int]:
        """Return what left before, with all that holds again, and where in the body that ends; else where it begins.

        It is forgotten: what goes on from this request is the next.
        """
        start = prompt.messages[0].start
        left = self._left.pop(prompt.known.of, None) if prompt.known is not None else None
        if left is None or prompt.known is None:
            return None, start
        end = prompt.messages[prompt.known.messages - 1].end
        past = bisect_right(edits, end, key=_end)
        if past != bisect_right(left.edits, end, key=_end) or edits[:past] != left.edits[:past]:
            return None, start
        if any(edit.span.start < end for edit in (*edits[past : past + 1], *left.edits[past : past + 1])):
            return None, start  # it goes on beyond what is the same
        growth = left.growth + _growth(edits[left.past : past]) - _growth(left.edits[past : left.past])
        return _Left(left.raw, left.start, left.edits, past, growth), end


def _start(edit: Edit) -> int:
    return edit.span.start


def _end(edit: Edit) -> int:
    return edit.span.end


def _growth(edits: Sequence[Edit]) -> int:
    """Return by how many bytes edits make a body longer."""
    return sum(len(edit.raw) - edit.span.end + edit.span.start for edit in edits)
