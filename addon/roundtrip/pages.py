"""A part of an original, a page at a time: by lines, by a search, by a JSON path, or from the beginning.

Every page begins with a line in brackets that says what it is, and how to go on if there is more.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from headroom_mitm import tokens
from headroom_mitm.roundtrip.json_path import NotFound, value_at

PAGE_TOKENS = 4_000
CONTEXT_TOKENS = 1_500
"""What few hits of a search may have with the lines around them: who finds a name wants what stands beside it."""
CONTEXTS = (12, 5, 2)
"""Lines on each side of a hit: as many as fit."""
_PAGE_CHARS = 40_000  # no page of 4,000 tokens has more; only so much is ever counted
_LINES = re.compile(r"([0-9]{1,9})(?:@([0-9]{1,9}))? *(?:(?:-|\.\.|:|to|,) *([0-9]{1,9})?)?")
_LONGEST_RANGE = 60
_LONGEST_SEARCH = 200
# A hit always fits a page: a character has at most four tokens, and pieces overlap by what is searched for.
_LONGEST_HIT = 900
_PIECE = 400
_WORD = re.compile(r"\w+(?:[.-]\w+)*")
_MOST_WORDS = 8


@dataclass(frozen=True, slots=True)
class Query:
    """What the model wants to see. Empty: from the beginning. A path selects a text; lines and search look into it."""

    lines: str = ""
    search: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page, or why there is none."""

    text: str
    is_error: bool = False


class Part(NamedTuple):
    """Lines of a text, the first is 1; of the first one only what stands from a column on, also counted from 1."""

    first: int
    column: int
    last: int


@dataclass(frozen=True, slots=True)
class Text:
    """What is looked into."""

    lines: list[str]
    trail: str = ""
    """The path it stands at; empty for the original itself."""

    def name(self, part: Part) -> str:
        """Return how a part is named in notes."""
        column = f"@{part.column}" if part.column > 1 else ""
        place = f"lines {part.first}{column}-{part.last} of {len(self.lines)}"
        return f"{self.trail}: {place}" if self.trail else place

    def go_on(self, part: Part, *, searching: bool = False) -> str:
        """Return what to ask for next. The end is named only where it is not the end of the text."""
        same = [name for name, given in (("path", self.trail), ("search", searching)) if given]
        column = f"@{part.column}" if part.column > 1 else ""
        end = f"-{part.last}" if part.last < len(self.lines) else ""
        kept = f"the same {' and '.join(same)}, " if same else ""
        return f"go on with {kept}lines={part.first}{column}{end}"


def page(original: str, query: Query) -> Page:
    """Return the part of a text that is asked for: about ``PAGE_TOKENS`` tokens at most, and a line on what it is."""
    text = Text(original.split("\n"))
    if query.path:
        found = value_at(original, query.path)
        if isinstance(found, NotFound):
            return Page(found.reason, is_error=True)
        text = Text(found.text.split("\n"), found.trail)
    part = _part(text, query.lines)
    if isinstance(part, Page):
        return part
    return _by_search(text, query.search, part) if query.search else _by_lines(text, part)


def _part(text: Text, wanted: str) -> Part | Page:
    total = len(text.lines)
    if not wanted.strip():
        return Part(1, 1, total)
    match = _LINES.fullmatch(wanted.strip()) if len(wanted) <= _LONGEST_RANGE else None
    if match is None or int(match[1]) < 1:
        return Page(
            f"lines={wanted[:_LONGEST_RANGE]!r} is no range; write lines=120-180, or lines=120 to go on from there.",
            is_error=True,
        )
    part = Part(int(match[1]), max(1, int(match[2] or 1)), min(total, int(match[3] or total)))
    if part.first > total or part.last < part.first:
        return Page(
            f"There are no lines {wanted.strip()}: {text.trail or 'the text'} has {total} lines.", is_error=True
        )
    return part


def _by_lines(text: Text, part: Part) -> Page:
    shown: list[str] = []
    room = PAGE_TOKENS
    for number in range(part.first, part.last + 1):
        line = _from(text, part, number)
        room -= tokens.count(line[:_PAGE_CHARS]) + 1
        if room >= 0 and len(line) <= _PAGE_CHARS:
            shown.append(line)
            continue
        if shown:
            more = text.go_on(Part(number, 1, part.last))
            return _noted(f"{text.name(part._replace(last=number - 1))}; {more}", shown)
        piece = _beginning(line, PAGE_TOKENS - 1)
        more = text.go_on(part._replace(column=part.column + len(piece)))
        return _noted(f"{text.name(part._replace(last=number))}; the line is longer: {more}", [piece])
    return _noted(text.name(part), shown)


def _by_search(text: Text, wanted: str, part: Part) -> Page:
    """Return the lines that contain a text, whatever its case. A plain text, so that no pattern can take forever."""
    if "\n" in wanted or len(wanted) > _LONGEST_SEARCH:
        return Page(
            f"search is one text of up to {_LONGEST_SEARCH} characters, without line breaks: "
            "each line is looked at by itself.",
            is_error=True,
        )
    needle = wanted.casefold()
    numbers = range(part.first, part.last + 1)
    found = [number for number in numbers if needle in _from(text, part, number).casefold()]
    what = f"contain {wanted!r} (plain text, upper or lower case)"
    if not found:
        return _by_words(text, needle, part, f"no lines {what} in {text.name(part)}")
    whole = part == Part(1, 1, len(text.lines))
    if whole and (around := _with_context(text, part, found)):
        return _noted(f"{len(found)} lines {what} in {text.name(part)}, with the lines around them", around)
    shown: list[str] = []
    room, more = PAGE_TOKENS, ""
    for hit in _hits(text, needle, part, found):
        line = _numbered(text, hit)
        room -= tokens.count(line) + 1
        if room < 0:
            more = f"; {text.go_on(hit._replace(last=part.last), searching=True)}"
            break
        shown.append(line)
    return _noted(f"{len(found)} lines {what} in {text.name(part)}{more}", shown)


def _by_words(text: Text, needle: str, part: Part, nothing: str) -> Page:
    """Return the places with the most of the words, if it is more than half of them.

    Who looks for a row as it stands in a shorter form, spelled otherwise, finds what it was made from.
    """
    words = list(dict.fromkeys(_WORD.findall(needle)))[:_MOST_WORDS]
    find = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)")
    counted = [(len(set(find.findall(_shown(text, place).casefold()))), place) for place in _places(text, part)]
    most = max(count for count, _ in counted)
    if not words or 2 * most <= len(words):
        return _noted(nothing, [])
    nearest = [place for count, place in counted if count == most]
    shown: list[str] = []
    room = CONTEXT_TOKENS
    for place in nearest:
        line = _numbered(text, place)
        room -= tokens.count(line) + 1
        if room < 0:
            break
        shown.append(line)
    first = f", here are the first {len(shown)}" if len(shown) < len(nearest) else ""
    return _noted(f"{nothing}; {len(nearest)} have {most} of its {len(words)} words{first}", shown)


def _with_context(text: Text, part: Part, found: list[int]) -> list[str]:
    """Return hits as ``12: line`` among what stands around them as ``11- line``; nothing if that is too much."""
    for context in CONTEXTS:
        around = {
            number
            for hit in found[: CONTEXT_TOKENS // (context + 1)]
            for number in range(max(part.first, hit - context), min(part.last, hit + context) + 1)
        }
        lines = [(number, _from(text, part, number)) for number in sorted(around)]
        if not found[-1] - context <= lines[-1][0] or sum(len(line) for _, line in lines) > CONTEXT_TOKENS * 6:
            continue
        hits = set(found)
        shown: list[str] = []
        for place, (number, line) in enumerate(lines):
            if place and number > lines[place - 1][0] + 1:
                shown.append("--")
            shown.append(f"{number}{':' if number in hits else '-'} {line}")
        if tokens.count("\n".join(shown)) <= CONTEXT_TOKENS:
            return shown
    return []


def _hits(text: Text, needle: str, part: Part, found: list[int]) -> Iterator[Part]:
    """Yield what is to be shown; ``last`` is a number of characters. Long lines are looked at in pieces."""
    for number in found:
        for place in _places(text, part._replace(first=number, last=number, column=_column(part, number)), len(needle)):
            if needle in _shown(text, place).casefold():
                yield place


def _places(text: Text, part: Part, overlap: int = _LONGEST_SEARCH) -> Iterator[Part]:
    """Yield each line of a part, or the pieces of a long one; ``last`` is a number of characters."""
    for number in range(part.first, part.last + 1):
        column = _column(part, number)
        length = len(text.lines[number - 1]) - column + 1
        if length <= _LONGEST_HIT:
            yield Part(number, column, length)
        else:
            yield from (Part(number, column + at, _PIECE + overlap) for at in range(0, length, _PIECE))


def _column(part: Part, number: int) -> int:
    return part.column if number == part.first else 1


def _numbered(text: Text, place: Part) -> str:
    return f"{place.first}{f'@{place.column}' if place.column > 1 else ''}: {_shown(text, place)}"


def _shown(text: Text, place: Part) -> str:
    return text.lines[place.first - 1][place.column - 1 : place.column - 1 + place.last]


def _from(text: Text, part: Part, number: int) -> str:
    """Return a line, or what is left of the part's first line."""
    line = text.lines[number - 1]
    return line[part.column - 1 :] if number == part.first and part.column > 1 else line


def _beginning(line: str, room: int) -> str:
    """Return the longest of a few beginnings of a long line that fits."""
    size = min(len(line), _PAGE_CHARS)
    while tokens.count(line[:size]) > room:
        size = size * 3 // 4
    return line[:size]


def _noted(note: str, shown: list[str]) -> Page:
    return Page("\n".join([f"[{note}]", *shown]))
