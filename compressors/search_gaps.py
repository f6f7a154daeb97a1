"""Which lines of a search result may be left out, and how that is said.

Never: lines without a path, the first line of each file as long as there are not too many files, declarations.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.search_lines import Hits, Piece

_FEWEST_LINES = 40
_LEAST_GAP = 2
_LEAST_GONE = 0.3  # share of the lines: for less nothing is left out
_NAMED_FILES = 6  # that a note names
_HIT = re.compile(r":(?:\d+:)?")
_COUNT = re.compile(r":\d+")
_DECLARES = re.compile(
    r":(?:\d+:)?\s*"
    r"(?:(?:export|default|public|private|protected|static|pub|async|abstract|final|unsafe)\b(?:\([^)]*\))? ?)*"
    r"(?:def|class|func|fn|function|interface|struct|enum|trait|impl|type|const|module|namespace|#define)\b"
)


@dataclass(frozen=True, slots=True)
class _Rules:
    hits: int
    """Of a file that stay, declarations before others."""
    files: int
    """That are shown, those with most hits before others."""


_RULES = {Level.MEDIUM: _Rules(hits=4, files=60), Level.HARD: _Rules(hits=1, files=30)}


def gaps(hits: Hits, level: Level) -> list[range]:
    """Return the lines that may go, in runs; the first line is 0. None may where that is not worth it."""
    pieces = hits.pieces
    if len(pieces) < _FEWEST_LINES:
        return []
    stay = _staying(pieces, _RULES[level])
    runs = []
    for is_gone, run in groupby(range(len(pieces)), key=lambda at: at not in stay):
        lines = list(run)
        if is_gone and len(lines) >= _LEAST_GAP:
            runs.append(range(lines[0], lines[-1] + 1))
    return runs if stay and sum(map(len, runs)) >= _LEAST_GONE * len(pieces) else []


class Note(str):
    """A line of ours among those of the result. It stands below the file before it."""

    __slots__ = ()


def note(pieces: Sequence[Piece], gap: range) -> Note:
    """Say what is not shown: lines of the result, from 1, and of which files."""
    gone = [piece for at in gap if isinstance(piece := pieces[at], tuple) and _is_hit(piece)]
    lines = f"lines {gap.start + 1}-{gap.stop} left out"
    if gone and all(_COUNT.fullmatch(rest) for _, rest in gone):
        counted = sorted(int(rest[1:]) for _, rest in gone)
        span = f"{counted[0]} to {counted[-1]}" if counted[0] < counted[-1] else f"{counted[0]} each"
        return Note(f"[{lines}: {len(gone)} files with {span}]")
    above = pieces[gap.start - 1] if gap.start else ""
    here = above[0] if isinstance(above, tuple) else ""
    counts = Counter(path for path, _ in gone)
    said = [f"{counts.pop(here)} more here"] if here in counts else []
    said += [f"{path} {count}" for path, count in counts.most_common(_NAMED_FILES)]
    others = sum(counts.values()) - sum(count for _, count in counts.most_common(_NAMED_FILES))
    said += [f"{others} in {len(counts) - _NAMED_FILES} more files"] if others else []
    return Note(f"[{lines}: {', '.join(said) or 'no match'}]")


def _is_hit(piece: tuple[str, str]) -> bool:
    return piece[1].startswith(":")


def _staying(pieces: Sequence[Piece], rules: _Rules) -> set[int]:
    """Return the lines that stay."""
    by_file: dict[str, list[int]] = {}
    stay = set()
    for at, piece in enumerate(pieces):
        if isinstance(piece, str):
            if piece not in ("", "--"):
                stay.add(at)
        elif _is_hit(piece):
            by_file.setdefault(piece[0], []).append(at)
    if all(_COUNT.fullmatch(pieces[at][1]) for lines in by_file.values() for at in lines):
        return stay | set(_highest(pieces, by_file, rules))
    # Of many files those stay that have most; between equals, the first.
    most = sorted(by_file, key=lambda path: -len(by_file[path]))[: rules.files]
    for path in most:
        lines = by_file[path]
        declared = [at for at in lines[1:] if _DECLARES.match(pieces[at][1])]
        stay |= {lines[0], *declared[: rules.hits - 1]}
        stay |= set(lines[1 : max(1, rules.hits - len(declared))])
    return stay


def _highest(pieces: Sequence[Piece], by_file: dict[str, list[int]], rules: _Rules) -> Iterator[int]:
    """Yield the lines of the highest counts, as of grep -c; a count of nothing never."""
    lines = [at for lines in by_file.values() for at in lines if pieces[at][1] != ":0"]
    yield from sorted(lines, key=lambda at: -int(pieces[at][1][1:]))[: rules.files]
