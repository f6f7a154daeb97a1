"""Whether rows take fewer tokens with spaces between their cells or with commas.

What stands around a separator decides that. Where that is letters and digits on both sides, a word behind it makes the
difference, the same wherever it stands: the most usual words are known, so no row has to be counted.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from headroom_mitm import tokens

WIDTH = 400  # characters of a row that are counted
_KEPT = 5_000  # words
_EDGE = "\x1f"  # stands between cells here; it is in none of them

# A tokenizer takes a separator and the word behind it together, one and a number apart. What follows the word must be
# no part of it: no letter, no mark on one, nothing like "'s".
_LETTERS = "A-Za-zÀ-ÖØ-öø-ɏ"
_WORD = re.compile(rf"{_EDGE}([{_LETTERS}]+)")
_UNCLEAR = re.compile(rf"[^A-Za-z0-9]{_EDGE}|{_EDGE}(?!\d|[{_LETTERS}]++(?![^\x00-\x26\x28-\x7f]))", re.ASCII)

_known: dict[str, int] = {}
"""How many tokens a word has more behind a space than behind a comma."""


def spaces_are_shorter(
    spaced: Sequence[Sequence[str]], parted: Sequence[Sequence[str]], count: Callable[[str], int]
) -> bool:
    """Say whether rows take fewer tokens with spaces; each is given as the columns that would stand in it."""
    if count is tokens.count and spaced == parted:
        more = _more(_rows(_EDGE, spaced))
        if more is not None:
            return more < 0
    with_spaces, with_commas = _rows(" ", spaced), _rows(",", parted)
    return _counted(with_spaces, count) < _counted(with_commas, count)


def _rows(separator: str, columns: Sequence[Sequence[str]]) -> list[str]:
    return list(map(separator.join, zip(*columns, strict=True)))


def _counted(rows: Iterable[str], count: Callable[[str], int]) -> int:
    return count("\n".join([row[:WIDTH] for row in rows]))


def _more(rows: Sequence[str]) -> int | None:
    """Return how many tokens rows have more with spaces than with commas; None if that is to be counted."""
    text = "\n".join(rows)
    if max(map(len, rows)) > WIDTH or _UNCLEAR.search(text):
        return None
    words = Counter(_WORD.findall(text))
    if any(times == 1 and word not in _known for word, times in words.items()):
        return None  # a name, most likely, that nobody will ask for again
    return sum([times * _more_of(word) for word, times in words.items()])


def _more_of(word: str) -> int:
    more = _known.get(word)
    if more is None:
        more = tokens.count(f" {word}") - tokens.count(f",{word}")
        if len(_known) >= _KEPT:
            _known.clear()
        _known[word] = more
    return more
