"""Snapshots of a page's accessibility tree: one element a line, with the reference by which it is clicked.

- button "Save" [ref=e12] [cursor=pointer]        Playwright
[420] combobox 'Search', clickable, visible       BrowserGym
uid=1_7 link "Home" url="https://e.org/"          Chrome
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_LINE = re.compile(
    r"""\s*(?:- (?:'?[\w/-]+(?: "|:| \[|$)|text: ).*|\[\w+\] \w+ '.*|uid=\d+_\d+ \w+.*|StaticText ['"].*)"""
)
_REFERENCE = re.compile(r"\[ref=\w+\]|^\s*\[\w+\] \w+ '|^\s*uid=\d+_\d+ ", re.MULTILINE)
_PERHAPS = re.compile(r"\n(?=[^\S\n]*+(?:\[\w+\] \w+ '|uid=\d))")
_STATE = re.compile(r" \[cursor=pointer\]|(?<=')(?:, (?:clickable|visible))+(?=,|$)", re.MULTILINE)
_TAKEN = re.compile(r"[\]']\*")
_STATIC = re.compile(r"""(\s*)StaticText ["'](.*)["'](?:,.*)?$""")
_NAMED = re.compile(r"""\s*(?:\[\w+\]|uid=\d+_\d+) \w+ (?:'(.*?)'(?:,|$)|"(.*?)"(?: |$))""")
_LOOK = 4_000  # characters
_SHARE = 0.6  # of the lines
_FEWEST = 5  # references
_COMMON = 12  # times


class Snapshot(NamedTuple):
    """A shorter form of a tree; ``gone`` lines are not in it."""

    text: str
    gone: int


def is_tree(text: str) -> bool:
    """Say whether a text is mostly lines of an accessibility tree."""
    head = text[: 3 * _LOOK]
    # Far quicker than the search.
    has_signs = "[ref=" in head or _PERHAPS.search(f"\n{head}") is not None
    at = _REFERENCE.search(head) if has_signs else None
    if at is None:
        return False
    look = text[at.start() : at.start() + _LOOK]
    lines = [line for line in look.split("\n")[:-1] if line.strip()]
    if len(_REFERENCE.findall(look)) < _FEWEST:
        return False
    return sum(_LINE.match(line) is not None for line in lines) >= _SHARE * len(lines)


def shorten(text: str, *, lossy: bool) -> Snapshot | None:
    """Return a tree in which what most elements have is a star; lossy, names are not said again as text below them."""
    lines, gone = _without_echoes(text.split("\n")) if lossy else (text.split("\n"), 0)
    kept = "\n".join(lines)
    state, count = next(iter(Counter(_STATE.findall(text)).most_common(1)), ("", 0))
    if count >= _COMMON and _TAKEN.search(text) is None:
        starred = re.sub(rf"(?<=[\]']){re.escape(state)}(?=[:,]|$| \[)", "*", kept, flags=re.MULTILINE)
        kept = f'[In what follows, * stands for "{state}"]\n{starred}'
    return Snapshot(kept, gone) if kept != text else None


def _without_echoes(lines: Sequence[str]) -> tuple[list[str], int]:
    """Leave out texts that together are the name of the element that they are in."""
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        kept.append(line)
        at += 1
        named = _NAMED.match(line)
        if named is None:
            continue
        margin = len(line) - len(line.lstrip())
        end = at
        while end < len(lines) and (text := _STATIC.match(lines[end])) is not None and len(text[1]) > margin:
            end += 1
        spelled = "".join(text[2] for row in lines[at:end] if (text := _STATIC.match(row)) is not None)
        if spelled and "".join(spelled.split()) == "".join((named[1] or named[2] or "").split()):
            at = end
    return kept, len(lines) - len(kept)
