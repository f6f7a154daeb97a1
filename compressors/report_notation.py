"""The notation for lines that differ in a name only: ``x3 tests/a.py::{test_b test_c[{1 2}]} PASSED``."""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

_BORDERS = ("::", "/", "[", "__", " > ", ".")
_CUT = "\0"
_DEEPEST = 4  # braces in braces
_LEAST_PREFIX = 4  # characters that a common beginning saves, for braces to be worth it
_WIDEST = 1_400  # characters of a line; a reader, and a search, has to find his way in it
_FEWEST_OF_FILE = 3  # rows, on average
_MARKED = re.compile(r"x\d+ |\(?#\d+(?:[| ]|$)")
VALUE = re.compile(r"[\w./]*\d(?:%|m?s|m)?|\(cached\)")
_MARKER = re.compile(r"(?:\d(?:%|m?s|m)?|\(cached\)):(?=[ \]]|$)")
"""What changes from row to row, such as a percentage or a duration."""
SLOT = "…"


class Row(NamedTuple):
    """One or more lines of the original, written as one: ``head name mid value end``, without spaces between."""

    head: str
    name: str
    mid: str
    value: str = ""
    end: str = ""
    lines: tuple[str, ...] = ()
    """The original."""
    passed: bool = True

    @property
    def shape(self) -> tuple[str, str, str, bool, bool]:
        """Return what rows have in common that stand together."""
        return self.head, self.mid, self.end, bool(self.value), self.passed

    @property
    def text(self) -> str:
        """Return the one line that it is written as."""
        return f"{self.head}{self.name}{self.mid}{self.value}{self.end}"

    @property
    def file(self) -> str:
        """Return the name up to the first ``::``: rows of a file are written together."""
        return self.name.partition("::")[0] if "::" in self.name else ""

    @property
    def is_plain(self) -> bool:
        """Say whether nothing in it could be taken for notation."""
        name, text = self.name, self.text
        odd = "{" in text or "}" in text or "|" in name or _CUT in name
        if odd or not name or name != name.strip(" ") or (":" in name and _MARKER.search(name)):
            return False
        if not self.value:
            return True
        return VALUE.fullmatch(self.value) is not None and SLOT not in f"{self.head}{self.mid}{self.end}"


def verbatim(line: str) -> str:
    """Return the line, marked if it looks like notation."""
    return f"x1 {line}" if _MARKED.match(line) else line


def bundles(rows: Sequence[Row]) -> list[Sequence[Row]]:
    """Cut rows of one shape into those that are written as one line each: by file, and none too long."""
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row.file)]
    if take_turns(len(groups), len(rows)):
        groups = [list(rows)]
    found: list[Sequence[Row]] = []
    for of_file in groups:
        start, width = 0, 0
        for at, row in enumerate(of_file):
            width += len(row.name.removeprefix(row.file)) + 1
            if width > _WIDEST:
                found.append(of_file[start : at + 1])
                start, width = at + 1, 0
        if start < len(of_file):
            found.append(of_file[start:])
    return found


def take_turns(files: int, rows: int) -> bool:
    """Say whether files come and go, as where workers share the tests: rows are not written by file then."""
    return files * _FEWEST_OF_FILE > rows


def bundled(rows: Sequence[Row], *, values: bool = True) -> str:
    """Write two or more rows of one shape as one line; ``SLOT`` stands for what changes, if not ``values`` for good."""
    first = rows[0]
    changes = len({row.value for row in rows}) > 1
    items, last = [], ""
    for row in rows:
        marker = f"{row.value}: " if changes and values and row.value != last else ""
        last = row.value
        items.append((marker, _pieces(row.name)))
    value = SLOT if changes else first.value
    return f"x{len(rows)} {first.head}{_expression(items)}{first.mid}{value}{first.end}"


_Item = tuple[str, tuple[str, ...]]


def _pieces(name: str) -> tuple[str, ...]:
    if " " in name:
        word, _, rest = name.partition(" ")
        if word.isalpha() and word.islower():  # should; a name of a thing stays with what is said of it
            return word + " ", rest
    for border in _BORDERS:
        name = name.replace(border, border + _CUT)
    return tuple(piece for piece in name.split(_CUT) if piece)


def _expression(items: Sequence[_Item]) -> str:
    texts, spaced = _list(items, 0)
    return texts[0] if len(texts) == 1 else f"{{{_joined(texts, spaced=spaced)}}}"


def _joined(texts: Sequence[str], *, spaced: bool) -> str:
    return (" | " if spaced else " ").join(texts)


def _list(items: Sequence[_Item], depth: int) -> tuple[list[str], bool]:
    """Return the items, and whether some have spaces; those that begin alike become one: ``a{b c}``."""
    texts: list[str] = []
    spaced = False
    at = 0
    while at < len(items):
        marker, pieces = items[at]
        end = _run(items, at) if depth < _DEEPEST else at
        prefix, suffix, inner = _group(items[at:end]) if end - at > 1 else ("", "", [])
        if len(prefix) * (end - at - 1) >= _LEAST_PREFIX:
            below, parted = _list(inner, depth + 1)
            texts.append(f"{prefix}{{{_joined(below, spaced=parted)}}}{suffix}")
            spaced |= " " in prefix
            at = end
        else:
            texts.append(marker + "".join(pieces))
            spaced |= " " in "".join(pieces)
            at += 1
    return texts, spaced


def _group(items: Sequence[_Item]) -> tuple[str, str, list[_Item]]:
    """Return what all items begin and end with, and the rest of each."""
    shared = _shared(items) if len(items) > 1 else 0
    prefix = "".join(items[0][1][:shared]) if shared else ""
    inner = [(mark, rest[shared:]) for mark, rest in items]
    if prefix[-1:] != "[" or not all(rest[-1][-1] == "]" and rest != ("]",) for _, rest in inner):
        return prefix, "", inner
    return prefix, "]", [(mark, _without_last(rest)) for mark, rest in inner]


def _without_last(pieces: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(piece for piece in (*pieces[:-1], pieces[-1][:-1]) if piece)


def _run(items: Sequence[_Item], start: int) -> int:
    """Return the end of the run of items that begin alike, and go on behind it."""
    first = items[start][1]
    end = start
    while end < len(items) and len(items[end][1]) > 1 and items[end][1][0] == first[0]:
        end += 1
    return end


def _shared(items: Sequence[_Item]) -> int:
    """Count the pieces that all begin with; each keeps at least one of its own."""
    most = min(len(pieces) for _, pieces in items) - 1
    first = items[0][1]
    count = 0
    while count < most and all(pieces[count] == first[count] for _, pieces in items):
        count += 1
    return count
