"""A text told by passages of an earlier one: lines are the same whatever numbers stand in front of them.

What stays of a numbered text is written as ``numbered_lines`` writes it, and a note counts the lines that it stands
for, so every number can be told.
"""

from collections.abc import Sequence
from typing import NamedTuple

from headroom_mitm import passages
from headroom_mitm.compressors import numbered_lines
from headroom_mitm.compressors.numbered_lines import Numbered

Lines = Sequence[str]


class Readings(NamedTuple):
    """The lines of an earlier text, as a reader may take them."""

    bare: Lines
    """Without their numbers."""
    whole: Lines | None = None
    """With them; None where there are none, or not all can be seen."""


def told(old: Readings, new: str, where: str) -> str | None:
    """Return ``new`` with notes for passages of ``old``; None if it has none."""
    lines = new.split("\n")
    found = _taken_apart(new)
    if found is None or any(line.startswith(passages.NOTE) for line in found.tail):
        # An editor may show numbered lines within what it says.
        forms = [passages.told(reading, lines, where) for reading in old if reading is not None]
        return min(("\n".join(form) for form in forms if form is not None), key=len, default=None)
    common = passages.find(old.bare, found.lines)
    if not common:
        return None
    is_long = len(found.lines) >= numbered_lines.SHORTEST

    def shown(at: int, *, always: bool) -> str:
        return numbered_lines.shown(found, at, always=always or not is_long)

    folded = numbered_lines.folding(found, [range(one.start, one.start + one.length) for one in common])
    quoted = passages.written(common, len(found.lines), where, shown, folded if is_long else None)
    return "\n".join([*found.head, *([numbered_lines.note(found)] if is_long else ()), *quoted, *found.tail])


def _taken_apart(text: str) -> Numbered | None:
    """Take a text apart whose lines are numbered, if enough of them are for a passage."""
    found = numbered_lines.of_text(text)
    return found if found is not None and len(found.lines) >= max(passages.SHORTEST, len(found.tail)) else None


def readings(text: str) -> Readings:
    """Return the lines of a text that stands whole; its line numbers may be left to the reader."""
    lines = text.split("\n")
    found = _taken_apart(text)
    return Readings(lines) if found is None else Readings(found.lines, lines)


def left(original: str, text: str) -> Readings:
    """Return the lines that a reader finds in what ``told`` has made of ``original``."""
    lines = text.split("\n")
    found = _taken_apart(original)
    return Readings(lines if found is None else [numbered_lines.without_number(found, line) for line in lines])
