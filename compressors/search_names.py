"""A text that is found in many files gets a short name: the signature or the import that was looked for.

Only whole texts do: a reader is to see a line of code in one piece, here or above.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from headroom_mitm.compressors.search_gaps import Note

_MARKS = "$@&~"
_ROW = re.compile(r"((?:[^\s:]{0,300}:)?[\d,]*:[ \t]*)(.+)", re.DOTALL)  # file, number, indentation; text
_LONGEST = 300  # characters
_SHORTEST = 16  # characters
_FEWEST = 4  # rows
_LEAST_SAVING = 120  # characters
_NAME = 5  # characters that a name costs
_MOST = 12
_LEAST_SHARE = 0.04  # of the characters: for less no names are given


class Named(NamedTuple):
    """Rows in which names stand, and what each name stands for."""

    rows: list[list[str]]
    names: Mapping[str, str]


def named(rows_of_sections: Sequence[Sequence[str]], beside: str) -> Named | None:
    """Give names to what repeats; None where that saves too little, or where no sign is free for them.

    ``beside``: what else is shown, in which no name may seem to stand either.
    """
    text = "\n".join(row for rows in rows_of_sections for row in rows)
    mark = next((mark for mark in _MARKS if not re.search(rf"\{mark}\d", f"{text}\n{beside}")), None)
    if mark is None:
        return None
    texts = _frequent(row for rows in rows_of_sections for row in rows if not isinstance(row, Note))
    if not texts:
        return None
    names = {what: f"{mark}{number}" for number, what in enumerate(texts, 1)}
    found = [[_short(row, names) for row in rows] for rows in rows_of_sections]
    size = sum(len(row) + 1 for rows in found for row in rows) + sum(len(what) + _NAME + 3 for what in texts)
    if size > (1 - _LEAST_SHARE) * len(text):
        return None
    return Named(found, {name: what for what, name in names.items()})


def _short(row: str, names: Mapping[str, str]) -> str:
    match = _ROW.fullmatch(row) if not isinstance(row, Note) else None
    return match[1] + names[match[2]] if match is not None and match[2] in names else row


def _frequent(rows: Iterator[str]) -> list[str]:
    """Return the texts that take most, without file, number and indentation."""
    counts = Counter(match[2] for row in rows if (match := _ROW.fullmatch(row)) is not None)
    savings = {
        text: (count - 1) * (len(text) - _NAME)
        for text, count in counts.items()
        if count >= _FEWEST and _SHORTEST <= len(text) <= _LONGEST
    }
    most = sorted(savings, key=lambda text: (-savings[text], text))[:_MOST]
    return [text for text in most if savings[text] >= _LEAST_SAVING]
