"""Hits in very long lines, as of minified files: what stands around the match is shown, the rest is counted."""

import re
from collections.abc import Sequence

from headroom_mitm.compressors.search_lines import Piece

_LONGEST = 800  # characters of a line that is shown in full
_AROUND = 150  # characters that stay on each side of the match
_SOUGHT = re.compile(r"""["']([^"']{3,200})["']|(?<=\s)([^\s"'-][^\s"']{2,200})""")
_WORD = re.compile(r"\w{3,}")
_LISTED = 4


def sought(subject: str) -> str:
    """Return the longest word of what a command looks for; empty where that cannot be told."""
    match = _SOUGHT.search(subject)
    return max(_WORD.findall(match[1] or match[2]), key=len, default="").lower() if match is not None else ""


def trimmed(pieces: Sequence[Piece], word: str) -> tuple[list[Piece], list[int]]:
    """Return the pieces with long ones trimmed, and the numbers of those, from 1."""
    out: list[Piece] = []
    numbers = []
    for number, piece in enumerate(pieces, 1):
        text = piece[1] if isinstance(piece, tuple) else ""
        if len(text) > _LONGEST:
            numbers.append(number)
            out.append((piece[0], _around(text, word)))
        else:
            out.append(piece)
    return out, numbers


def in_words(numbers: Sequence[int]) -> str:
    """Say which lines are not whole."""
    listed = ", ".join(map(str, numbers[:_LISTED]))
    more = f" and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else ""
    return f"parts of {len(numbers)} long line{'' if len(numbers) == 1 else 's'} ({listed}{more})"


def _around(text: str, word: str) -> str:
    """Return the beginning of a text and what stands around a word, or twice as much of the beginning."""
    at = text.lower().find(word) if word else -1
    if at <= 2 * _AROUND:
        stop = max(2 * _AROUND, at + len(word) + _AROUND)
        return f"{text[:stop]}{_gone(len(text) - stop)}"
    start, stop = at - _AROUND, at + len(word) + _AROUND
    end = _gone(len(text) - stop) if stop < len(text) else ""
    return f"{text[:_AROUND]}{_gone(start - _AROUND)}{text[start:stop]}{end}"


def _gone(count: int) -> str:
    return f" [… {count} characters left out] "
