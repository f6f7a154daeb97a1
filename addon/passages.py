"""Passages that a text has in common with an earlier one: other lines of a file that was read, a listing run again.

The first and the last line of a passage stay, so that a reader finds it above; what is between them is said by a note.
"""

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from typing import NamedTuple, Protocol, TypeVar

from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest

SHORTEST = 4
"""Lines of a passage: two stay, and a note for fewer than two is as long as what it stands for."""
LEAST_COMMON = SHORTEST - 1
"""Lines that texts have in common, for them to be looked at: one may stand twice."""
LEAST_CHARACTERS = 100
"""Between its first and its last line."""
_PLACES = 8
"""A line that stands more often than this in the earlier text begins no passage: it would be sought too long."""
_KEPT = 400_000
"""Lines that are remembered, of all earlier texts together: some 4 MB."""
AT_HAND = 120_000
"""Lines that are at hand besides, as sets: some 12 MB."""
_WORD = re.compile(r"\w")
"""What a line has that says something. One of mere brackets is no place to begin at."""
NOTE = "[The same "
"""How a note begins. A text that has such a line is left alone."""

T = TypeVar("T")


class Passage(NamedTuple):
    """Lines that stand in an earlier text, too."""

    start: int
    """The number of its first line in the new text, from 0."""
    length: int
    """In lines."""


class Shown(Protocol):
    """Writes a line of a text."""

    def __call__(self, at: int, *, always: bool) -> str:
        """Return line ``at``, counted from 0, with its number if ``always``."""


Rest = Callable[[int, int], Iterable[str]]
"""Writes the lines between two passages, counted from 0, the last one not included."""


class Lines:
    """Which lines a text has, remembered by the text's digest: a conversation's past is asked for again and again."""

    def __init__(self) -> None:
        self._at_hand: Recent[Digest, frozenset[int]] = Recent(AT_HAND, lambda lines: 1 + len(lines), fades=True)
        self._known: Recent[Digest, array[int]] = Recent(_KEPT, lambda lines: 1 + len(lines), fades=True)

    def known(self, key: Digest) -> frozenset[int] | None:
        """Return the lines of a text that was added before."""
        lines = self._at_hand.get(key)
        if lines is None and (packed := self._known.get(key)) is not None:
            lines = self._at_hand.put_first(key, frozenset(packed))
        return lines

    def add(self, key: Digest, lines: Iterable[str]) -> frozenset[int]:
        """Remember the lines of a text; those without a word do not count."""
        found = self._at_hand.put_first(key, frozenset(map(hash, filter(_WORD.search, set(lines)))))
        self._known.put(key, array("q", found))
        return found


def told(old: Sequence[str], new: Sequence[str], where: str) -> list[str] | None:
    """Return ``new`` with notes for what it has in common with ``old``, which stands in ``where``; None if too little.

    Each note is such that one place only in ``old`` has its first line, its last line and its count between them.
    """
    passages = find(old, new)
    return list(written(passages, len(new), where, lambda at, *, always: new[at])) if passages else None  # noqa: ARG005


def find(old: Sequence[str], new: Sequence[str]) -> list[Passage]:
    """Return the passages that two texts have in common, in the order of the new one; none where it holds notes."""
    return [] if any(map(str.startswith, new, repeat(NOTE))) else _passages(old, new)


def written(
    passages: Iterable[Passage], count: int, where: str, shown: Shown, rest: Rest | None = None
) -> Iterator[str]:
    """Yield the lines of a new text of ``count`` lines, with notes for passages of the text in ``where``.

    ``shown`` writes a line that stays, by its place, ``always`` with its number where a passage begins or ends;
    ``rest`` the lines between two passages.
    """
    write = rest or (lambda start, stop: [shown(line, always=False) for line in range(start, stop)])
    at = 0
    place = f"in {where}"
    for passage in passages:
        last = passage.start + passage.length - 1
        yield from write(at, passage.start)
        yield shown(passage.start, always=True)
        yield f"{NOTE}{passage.length - 2} lines as between these two {place}.]"
        yield shown(last, always=True)
        at, place = last + 1, "there"
    yield from write(at, count)


def _passages(old: Sequence[str], new: Sequence[str]) -> list[Passage]:
    old, new = list(old), list(new)
    places: dict[str, list[int]] = defaultdict(list)
    for number, line in enumerate(old):
        places[line].append(number)
    found: list[Passage] = []
    done = 0
    for at, line in enumerate(new[: max(0, len(new) - SHORTEST + 1)]):
        starts = places.get(line)
        if starts is None or at < done or len(starts) > _PLACES or not _WORD.search(line):
            continue
        following = new[at + 1 : at + SHORTEST]
        alike = [start for start in starts if old[start + 1 : start + SHORTEST] == following]
        if alike and (count := max(_unique(old, new, at, start, starts) for start in alike)):
            found.append(Passage(at, count))
            done = at + count
    return found


def _unique(old: Sequence[str], new: Sequence[str], at: int, start: int, starts: Iterable[int]) -> int:
    """Return how many lines are the same from two places on, as far as only one place answers to it; 0 if too few."""
    count = 0
    while at + count < len(new) and start + count < len(old) and new[at + count] == old[start + count]:
        count += 1
    if not _is_enough(new, at, count):
        return 0  # as it is with less
    while count >= SHORTEST and (not _WORD.search(new[at + count - 1]) or _is_twofold(old, start, count, starts)):
        count -= 1
    return count if _is_enough(new, at, count) else 0


def _is_enough(new: Sequence[str], at: int, count: int) -> bool:
    return count >= SHORTEST and sum(map(len, new[at + 1 : at + count - 1])) >= LEAST_CHARACTERS


def _is_twofold(old: Sequence[str], start: int, count: int, starts: Iterable[int]) -> bool:
    last = old[start + count - 1]
    return any(other != start and other + count <= len(old) and old[other + count - 1] == last for other in starts)


def nearest(counts: Iterable[tuple[T, int]]) -> T | None:
    """Return what has most lines in common, by their number, the last of equals; None if too few."""
    best, most = None, LEAST_COMMON
    for candidate, common in counts:
        if common >= most:
            best, most = candidate, common
    return best
