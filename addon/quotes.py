"""A text told by passages of an earlier one: lines are the same whatever numbers stand in front of them.

What stays of a numbered text is written as ``numbered_lines`` writes it, and a note counts the lines that it stands
for, so every number can be told.
"""

from collections.abc import Sequence

from headroom_mitm import passages
from headroom_mitm.compressors import numbered_lines
from headroom_mitm.compressors.numbered_lines import Numbered


def told(old: Sequence[str], new: str, where: str) -> str | None:
    """Return ``new`` with notes for passages of ``old``, which are lines without numbers; None if it has none."""
    lines = new.split("\n")
    found = _taken_apart(lines)
    if found is None or any(line.startswith(passages.NOTE) for line in found.tail):
        plain = passages.told(old, lines, where)
        return None if plain is None else "\n".join(plain)
    is_long = len(found.lines) >= numbered_lines.SHORTEST

    def shown(at: int, *, always: bool) -> str:
        return numbered_lines.shown(found, at, always=always or not is_long)

    quoted = passages.told(old, found.lines, where, shown)
    note = [numbered_lines.note(found)] if is_long else []
    return None if quoted is None else "\n".join([*found.head, *note, *quoted, *found.tail])


def _taken_apart(lines: Sequence[str]) -> Numbered | None:
    """Take a text apart whose lines are numbered, if enough of them are for a passage."""
    found = numbered_lines.read(lines)
    return found if found is not None and len(found.lines) >= max(passages.SHORTEST, len(found.tail)) else None


def bare(text: str) -> Sequence[str]:
    """Return the lines of a text without their numbers."""
    lines = text.split("\n")
    found = _taken_apart(lines)
    return lines if found is None else found.lines


def left(original: str, text: str) -> Sequence[str]:
    """Return the lines that a reader finds in what ``told`` has made of ``original``, without their numbers."""
    lines = text.split("\n")
    found = _taken_apart(original.split("\n"))
    return lines if found is None else [numbered_lines.without_number(found, line) for line in lines]
