"""Data in a text that nobody reads: long base64, in one line or in many, also in data: addresses; long hexadecimal."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from headroom_mitm import tokens

_BLOB = re.compile(
    r"(?P<address>data:[\w.+/-]{0,80}(?:;[\w=.-]{1,40}){0,4};base64,)[A-Za-z0-9+/_-]{300,}={0,2}"
    r"|(?P<lines>(?:^[A-Za-z0-9+/]{60,130}\r?\n){8,}(?:[A-Za-z0-9+/]{1,130}={0,2}$)?)"
    r"|(?<![A-Za-z0-9+/_.%-])[A-Za-z0-9+/_-]{600,}={0,2}(?![\w%.])",
    re.MULTILINE,
)
_SHORTEST_LINE = tokens.LONG_WORD  # of each of the above, without white space
_KEPT = 24  # characters: they tell the kind of data
_DIGITS = "0123456789"


class Blob(NamedTuple):
    """A piece of data: where it is, and the note that stands there instead."""

    start: int
    end: int
    note: str


def blobs(text: str) -> list[Blob]:
    """Return the pieces of data in a text. The beginning of each is not part of it and stays."""
    if not tokens.has_long_words(text) or max(map(len, text.split()), default=0) < _SHORTEST_LINE:
        return []  # to look for them takes ten times as long
    found = []
    for match in _BLOB.finditer(text):
        data = match[0][len(match["address"] or "") :]
        kind = _kind(data)
        start = match.start() + len(match["address"] or "") + _KEPT
        end = match.end() - (1 if data.endswith("\n") else 0)
        if kind:
            found.append(Blob(start, end, f"…[{end - start:,} more characters of {kind}]"))
    return found


def _kind(data: str) -> str:
    """Tell data from words: letters of both cases and digits are mixed in it, or there are hexadecimal digits only."""
    sample = data[:2_000]
    letters = sum(map(str.isalpha, sample))
    upper = sum(map(str.isupper, sample))
    digits = sum(map(_DIGITS.count, sample))
    if not set(sample.lower()) - set("0123456789abcdef\r\n"):
        return "hexadecimal" if digits > 0.3 * len(sample) and letters > 0.1 * len(sample) else ""
    mixed = digits > 0.04 * len(sample) and 0.2 * letters < upper < 0.8 * letters
    # A blob of equal bytes, such as an empty picture's, is one letter again and again.
    return "base64" if mixed or len(set(sample)) < 4 else ""


def without(text: str, found: Sequence[Blob]) -> str:
    """Return the text with a note in place of each piece of data."""
    if not found:
        return text
    pieces: list[str] = []
    at = 0
    for blob in found:
        pieces += (text[at : blob.start], blob.note)
        at = blob.end
    return "".join([*pieces, text[at:]])


def in_words(text: str, found: Sequence[Blob], numbers: Sequence[int]) -> str:
    """Say exactly what is left out, and in which lines; ``numbers`` has the number of each line of the text."""
    size = sum(blob.end - blob.start for blob in found)
    places = []
    line = at = 0
    for blob in found:
        line += text.count("\n", at, blob.start)
        last = line + text.count("\n", blob.start, blob.end)
        places.append(f"{numbers[line]}-{numbers[last]}" if last > line else f"{numbers[line]}")
        line, at = last, blob.end
    named = ", ".join(places[:3]) + (f" and {len(places) - 3} more places" if len(places) > 3 else "")
    pieces = f"{len(found)} pieces, lines" if len(found) > 1 else f"1 piece, line{'s' if '-' in named else ''}"
    return f"{size:,} characters of data in {pieces} {named}"
