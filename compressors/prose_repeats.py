"""Blocks of lines that stand in a text already: each but the first becomes a reference to it.

    [again, lines 12-31: Licensed under the Apache License, Version 2.0]

The lines are those of the original text, counted from 1, and what they refer to is always shown as it is.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

_NOTE = re.compile(r"^\[again, lines? (\d+)(?:-(\d+))?: ", re.MULTILINE)
_FENCE = ("```", "~~~")
_SHORTEST = 240  # characters of a block
_SHORTEST_ANCHOR = 24  # characters of a line by which a block is found
_MOST_PLACES = 4  # where a line stood before; further ones are not looked at
_SHOWN = 60  # characters of its first line


def fold(text: str) -> str | None:
    """Return the text with references, or None where no block comes again."""
    lines = text.split("\n")
    anchors = [line for line in lines if len(line) >= _SHORTEST_ANCHOR]
    if len(set(anchors)) == len(anchors) or _NOTE.search(text):
        return None
    found = _Folding(lines).run()
    return "\n".join(found) if len(found) < len(lines) or found != lines else None


def original_lines(folded: str) -> list[int]:
    """Return for each line of a folded text which line of the original it is, or the first of those it stands for."""
    numbers = []
    number = 1
    for line in folded.split("\n"):
        numbers.append(number)
        note = _NOTE.match(line)
        number += int(note[2] or note[1]) - int(note[1]) + 1 if note else 1
    return numbers


class _Folding:
    """One pass over the lines of a text."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._shown = bytearray(len(lines))  # 1: the line is shown as it is, so it can be referred to
        self._places: dict[str, list[int]] = {}
        self._fenced = _fenced(lines)

    def run(self) -> list[str]:
        """Return the lines that are sent."""
        found = []
        at = 0
        while at < len(self._lines):
            start, size = self._repeat(at)
            if size:
                found.append(self._note(start, size))
                at += size
            else:
                found.append(self._lines[at])
                self._show(at)
                at += 1
        return found

    def _show(self, at: int) -> None:
        self._shown[at] = 1
        line = self._lines[at]
        if len(line) >= _SHORTEST_ANCHOR:
            places = self._places.setdefault(line, [])
            if len(places) < _MOST_PLACES:
                places.append(at)

    def _repeat(self, at: int) -> tuple[int, int]:
        """Return where the longest block that begins here stood before, and its lines; (0, 0) for none worth it."""
        best, longest = 0, 0
        for start in self._places.get(self._lines[at], ()):
            size = self._common(start, at)
            if size > longest:
                best, longest = start, size
        while longest and not self._lines[at + longest - 1].strip():
            longest -= 1
        worth = sum(map(len, self._lines[at : at + longest])) + longest
        return (best, longest) if worth >= _SHORTEST else (0, 0)

    def _common(self, start: int, at: int) -> int:
        size = 0
        lines, shown = self._lines, self._shown
        while start + size < at and at + size < len(lines) and shown[start + size]:
            if lines[start + size] != lines[at + size] or self._fenced[at + size]:
                break
            size += 1
        return size

    def _note(self, start: int, size: int) -> str:
        line = " ".join(self._lines[start].split())
        line = line if len(line) <= _SHOWN else f"{line[:_SHOWN].rpartition(' ')[0] or line[:_SHOWN]} …"
        which = f"line {start + 1}" if size == 1 else f"lines {start + 1}-{start + size}"
        return f"[again, {which}: {line}]"


def _fenced(lines: Sequence[str]) -> bytearray:
    """Return which lines are code between fences: it stays as it is."""
    inside = bytearray(len(lines))
    marks = [at for at, line in enumerate(lines) if line.lstrip().startswith(_FENCE)]
    for first, last in list(pairwise(marks))[::2]:
        inside[first : last + 1] = b"\x01" * (last + 1 - first)
    return inside
