"""Diagnostics with their code, as rustc and ruff write them: a title, ``--> path:12:5``, code up to an empty line."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.build_lines import Diagnostic, File, Piece

_ARROW = re.compile(r" *--> (?P<path>[^:]+):(?P<line>\d+):(?P<column>\d+)")
_PART = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|\d+")
_ERROR = re.compile(r"error\b|E9\d\d |invalid-syntax", re.IGNORECASE)
_LONGEST = 60  # lines of a frame
FEWEST = 3
"""Diagnostics."""
_WHOLE = {Level.LIGHT: 2, Level.MEDIUM: 1, Level.HARD: 1}
"""How many of those that say the same keep their code; errors all do."""


@dataclass(frozen=True, slots=True)
class Framed:
    """Lines that are one diagnostic, with the empty line behind it; ``place`` is None for lines that are none."""

    lines: tuple[str, ...]
    place: re.Match[str] | None = None

    @property
    def short(self) -> Diagnostic:
        """Return title and place."""
        if self.place is None:
            raise TypeError(self.lines)
        return Diagnostic(int(self.place["line"]), int(self.place["column"]), self.lines[0])


def blocks(lines: Sequence[str]) -> list[Framed]:
    """Return the text as diagnostics and single lines."""
    found: list[Framed] = []
    at = 0
    while at < len(lines):
        place = _ARROW.fullmatch(lines[at + 1]) if at + 1 < len(lines) and lines[at][:1].strip() else None
        end = at + 2
        while place is not None and end < len(lines) and lines[end] and end - at <= _LONGEST:
            end += 1
        if place is None or end - at > _LONGEST or (end < len(lines) and lines[end]):
            found.append(Framed((lines[at],)))
            at += 1
        else:
            found.append(Framed(tuple(lines[at : end + 1]), place))
            at = end + 1
    return found


def without_code(read: Sequence[Framed], level: Level) -> Iterator[Piece]:
    """Yield what is shown: of what was said before, only where it is."""
    seen: Counter[str] = Counter()
    for block in read:
        title = block.lines[0]
        kind = _PART.sub("", title)
        seen[kind] += block.place is not None
        if block.place is None or _ERROR.match(title) or seen[kind] <= _WHOLE[level]:
            yield from block.lines
        else:
            path = block.place["path"]
            short = f"{path}:{block.short.place}: {title}"
            yield File(path, (block.short,), (short,))


def together(read: Iterator[Piece]) -> tuple[list[Piece], int]:
    """Put the diagnostics of a file that stand in a row together; return how many are without their code, too."""
    out: list[Piece] = []
    gone = 0
    for piece in read:
        last = out[-1] if out else None
        gone += isinstance(piece, File)
        if isinstance(piece, File) and isinstance(last, File) and last.path == piece.path:
            out[-1] = File(piece.path, (*last.found, *piece.found), (*last.lines, *piece.lines))
        else:
            out.append(piece)
    return out, gone
