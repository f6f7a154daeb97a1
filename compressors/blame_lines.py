"""git blame: each commit with its author and date once, in front, and the lines with the commit's number."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from headroom_mitm.compressors.base import Compressed, Content, Level

SHORTEST = 8  # lines
_LINE = re.compile(
    r"(\^?[0-9a-f]{6,40}) (?:(\S+) +)?\((.+?) +(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d{4}) +(\d+)\) (.*)\Z", re.DOTALL
)
_SAMPLE = 12
_SURE = 0.98
LEGEND = "[git blame of {count} lines: a C number stands for the commit, file, author and time given first{padding}]"
_PADDING = "; columns were {0}, {1} and {2} wide"  # said where the lines alone do not tell: they are part of a file


class _Line(NamedTuple):
    commit: str
    path: str
    author: str
    time: str
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class BlameLines:
    """Lossless at every level: ``C3 41) text`` for a line, and ``C3 = commit file (author time)`` once."""

    name: str = "blame_lines"
    version: int = 1
    lossy: bool = False
    exact: bool = True

    def score(self, content: Content) -> float:
        """Say which share of the first lines are git blame's."""
        sample = content.lines[:_SAMPLE]
        share = sum(_LINE.match(line) is not None for line in sample) / len(sample)
        return _SURE * share if share > _SURE / 2 else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:  # noqa: ARG002  # the same at every level
        """Return the shorter form, or None where a line is not git blame's or not padded as git does."""
        lines = content.lines[:-1] if content.lines[-1] == "" else content.lines
        if len(lines) < SHORTEST:
            return None
        found = [_read(line) for line in lines]
        read = [line for line in found if line is not None]
        widths = _widths(lines[0]) if len(read) == len(found) else None
        if widths is None or _written(read, widths) != lines:
            return None
        names: dict[tuple[str, ...], str] = {}
        rows = [f"{names.setdefault(line[:4], f'C{len(names) + 1}')} {line.number}) {line.text}" for line in read]
        commits = [
            f"{name} = {commit} {path}{' ' if path else ''}({author} {time})"
            for (commit, path, author, time), name in names.items()
        ]
        padding = "" if widths == _longest(read) else _PADDING.format(*widths)
        text = "\n".join(
            [LEGEND.format(count=len(rows), padding=padding), *commits, *rows, *content.lines[len(lines) :]]
        )
        return Compressed(text, lossless=True) if content.outweighs(text) else None


def _read(line: str) -> _Line | None:
    match = _LINE.match(line)
    if match is None:
        return None
    commit, path, author, time, number, text = match.groups(default="")
    return _Line(commit, path, author, time, int(number), text)


class _Widths(NamedTuple):
    path: int
    author: int
    number: int


def _widths(line: str) -> _Widths | None:
    """Return to how many characters git has padded the columns of a line."""
    match = _LINE.match(line)
    if match is None:
        return None
    opening = match.start(3) - 1
    path = opening - 1 - match.end(1) - 1 if match[2] else 0
    return _Widths(path, match.start(4) - 1 - match.start(3), match.end(5) - 1 - match.end(4))


def _longest(lines: Sequence[_Line]) -> _Widths:
    return _Widths(
        max(len(line.path) for line in lines),
        max(len(line.author) for line in lines),
        max(len(str(line.number)) for line in lines),
    )


def _written(lines: Sequence[_Line], widths: _Widths) -> list[str]:
    return [
        f"{line.commit} {line.path:<{widths.path}}{' ' if line.path else ''}"
        f"({line.author:<{widths.author}} {line.time} {line.number:>{widths.number}}) {line.text}"
        for line in lines
    ]
