"""A part of an original, a page at a time: by lines, by a search, by a JSON path, or from the beginning."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from headroom_mitm import tokens

PAGE_TOKENS = 4_000
_PAGE_CHARS = 40_000  # no page of 4,000 tokens has more; only so much is ever counted
_LINES = re.compile(r"\s*(\d{1,9})(?:@(\d{1,9}))?(?:\s*(?:-|\.\.|:|to|,)\s*(\d{1,9})?)?\s*\Z")
_STEP = re.compile(r"""\.?([^.\[\]"']+)|\[(\d+)\]|\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*'([^']*)'\s*\]""")
_MOST_STEPS = 64


@dataclass(frozen=True, slots=True)
class Query:
    """What the model wants to see. Empty: from the beginning."""

    lines: str = ""
    search: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page, or why there is none."""

    text: str
    is_error: bool = False


def page(original: str, query: Query) -> Page:
    """Return the part of a text that is asked for: about ``PAGE_TOKENS`` tokens at most, and a line on what it is."""
    if query.path:
        return _by_path(original, query.path)
    lines = original.split("\n")
    first, column, last = 1, 1, len(lines)
    if query.lines:
        match = _LINES.match(query.lines)
        if match is None or int(match[1]) < 1:
            return Page(
                f"lines={query.lines!r} is no range; write lines=120-180, or lines=120 to go on from there.",
                is_error=True,
            )
        first, column = int(match[1]), int(match[2] or 1)
        last = min(len(lines), int(match[3])) if match[3] else len(lines)
        if first > len(lines) or last < first:
            return Page(f"There are no lines {query.lines}: the text has {len(lines)} lines.", is_error=True)
    if query.search:
        return _by_search(lines, query.search, first, last)
    return _by_lines(lines, first, column, last)


def _by_lines(lines: list[str], first: int, column: int, last: int) -> Page:
    shown: list[str] = []
    room = PAGE_TOKENS
    for number in range(first, last + 1):
        line = lines[number - 1][column - 1 :] if number == first else lines[number - 1]
        size = tokens.count(line[:_PAGE_CHARS]) + 1
        if size > room or len(line) > _PAGE_CHARS:
            if shown:
                return _page(shown, first, number - 1, len(lines), f"go on with lines={number}")
            piece, end = _beginning(line, room), column
            end += len(piece)
            return _page([piece], first, first, len(lines), f"this line is longer: go on with lines={first}@{end}")
        room -= size
        shown.append(line)
    return _page(shown, first, last, len(lines), "")


def _beginning(line: str, room: int) -> str:
    """Return the longest of a few beginnings of a long line that fits."""
    size = min(len(line), _PAGE_CHARS)
    while tokens.count(line[:size]) > room:
        size = size * 3 // 4
    return line[:size]


def _page(shown: list[str], first: int, last: int, total: int, more: str) -> Page:
    note = f"[lines {first}-{last} of {total}{'; ' + more if more else ''}]"
    return Page("\n".join([note, *shown]))


def _by_search(lines: list[str], wanted: str, first: int, last: int) -> Page:
    """Return the lines that contain a text, whatever its case. A plain text, so that no pattern can take forever."""
    needle = wanted.casefold()
    found = [number for number in range(first, last + 1) if needle in lines[number - 1].casefold()]
    searched = f"lines {first}-{last} of {len(lines)}"
    if not found:
        return Page(f"[no line contains {wanted!r}, upper or lower case, in {searched}]")
    shown, more = _within_page(f"{number}: {lines[number - 1]}" for number in found)
    note = f"[{len(found)} lines contain {wanted!r} in {searched}"
    if more:
        note += (
            f"; the first {len(shown)} follow, go on with lines={found[len(shown)]}-{last}"
            if shown
            else "; the first is cut"
        )
    return Page("\n".join([f"{note}]", *(shown or [_beginning(f"{found[0]}: {lines[found[0] - 1]}", PAGE_TOKENS)])]))


def _within_page(lines: Iterator[str]) -> tuple[list[str], bool]:
    """Return the lines that fit on a page, and whether there are more."""
    shown: list[str] = []
    room = PAGE_TOKENS
    for line in lines:
        room -= tokens.count(line[:_PAGE_CHARS]) + 1
        if room < 0 or len(line) > _PAGE_CHARS:
            return shown, True
        shown.append(line)
    return shown, False


def _by_path(original: str, path: str) -> Page:
    value = _document(original)
    if value is None:
        return Page("This text holds no JSON document; ask by lines or search.", is_error=True)
    trail = ""
    for step in _steps(path):
        below = _below(value.inner, step)
        if below is None:
            return Page(
                f"There is no {path!r}: {trail or 'the document'} has {_described(value.inner)}.", is_error=True
            )
        value = below
        trail += f"[{step}]" if isinstance(step, int) else f".{step}"
    text = json.dumps(value.inner, ensure_ascii=False, indent=1)
    lines = text.split("\n")
    shown, more = _within_page(iter(lines))
    if not shown:
        shown = [_beginning(lines[0], PAGE_TOKENS)]
    note = f"[{trail or 'the whole document'}{f': the first {len(shown)} of {len(lines)} lines; ask for a part below' if more else ''}]"
    return Page("\n".join([note, *shown]))


@dataclass(frozen=True, slots=True)
class _Value:
    inner: Any


def _document(original: str) -> _Value | None:
    """Return the first JSON object or list in a text: a client may have put a line or two before it."""
    starts = sorted(at for at in (original.find("{"), original.find("[")) if at >= 0)
    for at in starts:
        try:
            return _Value(json.JSONDecoder().raw_decode(original, at)[0])
        except (ValueError, RecursionError):
            continue
    return None


def _steps(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for name, number, double, single in _STEP.findall(path.strip().removeprefix("$"))[:_MOST_STEPS]:
        steps.append(int(number) if number else name or double or single)
    return steps


def _below(value: Any, step: str | int) -> _Value | None:
    if isinstance(value, dict) and str(step) in value:
        return _Value(value[str(step)])
    if isinstance(value, list) and str(step).isdigit() and int(step) < len(value):
        return _Value(value[int(step)])
    return None


def _described(value: Any) -> str:
    if isinstance(value, dict):
        names = list(value)
        return "the members " + ", ".join(names[:40]) + (f" and {len(names) - 40} more" if len(names) > 40 else "")
    return f"{len(value)} items" if isinstance(value, list) else f"the value {value!r}"[:200]
