"""Columns of strings that say the same in each row but for a part, or follow from another column."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

_BORDER = re.compile(r"[/?=#&]|(?<=\D):|^\d{4}-\d\d-\d\dT")
_END_BORDER = re.compile(r"[/?&#.@]|[+-]\d\d:?\d\d$|Z$")
_LITERAL = re.compile(r"""(?:[^\s"{}\[\],;*$#\\\x00-\x1f\x7f-\x9f\ud800-\udfff]|\{[\w/?&+.,-]*\}|\[[\w.-]*\])*\Z""")
_LETTER = re.compile(r"[^\W\d_]")
SHORTEST = 24  # characters hoisted from a column; fewer are not worth tearing the values apart
MANY = 20  # rows from which even the date of moments is hoisted
SHORTEST_OF_MANY = 11
MOST_NAMES = 3


@dataclass(frozen=True, slots=True)
class Template:
    """How each string is made: its parts, where ``*`` stands for the cell and ``$name`` for another column's value."""

    parts: tuple[str, ...]
    refers_to: tuple[str, ...]
    cells: tuple[str, ...] | None
    """What stands for ``*``; None if nothing is left to say."""


def derived(cells: Sequence[str], others: Mapping[str, Sequence[str]]) -> Template | None:
    """Return the template of a column, or None if there is none worth it."""
    tail: list[str] = []
    names: list[str] = []
    rest = cells
    while len(names) < MOST_NAMES and (found := _ending(rest, others)) is not None:
        name, post = found
        texts = others[name]
        rest = [cell[: len(cell) - len(text) - len(post)] for cell, text in zip(rest, texts, strict=True)]
        tail[:0] = [f"${name}", post]
        names.append(name)
        if len(set(rest)) == 1:
            return _template([rest[0], *tail], names, None)
    pre = _up_to_border(_common(rest))
    shortest = SHORTEST_OF_MANY if len(rest) >= MANY and pre.endswith("T") else SHORTEST
    if not names and min(map(len, rest)) < shortest:
        return None  # whatever they end with
    rest = [cell[len(pre) :] for cell in rest]
    post = _from_border(_common([cell[::-1] for cell in rest])[::-1])
    rest = [cell[: len(cell) - len(post)] for cell in rest]
    if len(pre) + len(post) < shortest and not names:
        return None
    return _template([pre, "*", post, *tail], names, tuple(rest))


def _common(texts: Sequence[str]) -> str:
    """Return the longest common beginning."""
    low, high = min(texts), max(texts)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
    return low[:same]


def _up_to_border(text: str) -> str:
    """Cut a common beginning behind a separator, so that no word, number or moment is torn."""
    end = max((match.end() for match in _BORDER.finditer(text)), default=0)
    return text[:end] if _LETTER.search(text, 0, end) else ""


def _from_border(text: str) -> str:
    match = _END_BORDER.search(text)
    end = text[match.start() :] if match else ""
    return end if _LETTER.search(end) or end[:1] in ("+", "-") else ""


def _template(parts: list[str], names: list[str], cells: tuple[str, ...] | None) -> Template | None:
    literal = [part for part in parts if part and not (part == "*" or part[0] == "$")]
    if not all(map(_LITERAL.match, literal)):
        return None
    return Template(tuple(parts), tuple(names), cells)


def _ending(cells: Sequence[str], others: Mapping[str, Sequence[str]]) -> tuple[str, str] | None:
    """Return the column whose values stand last in all cells, and the text that follows there in all of them."""
    first, last = cells[0], cells[-1]
    best: tuple[int, str, str] | None = None
    for name, texts in others.items():
        at = first.rfind(texts[0]) if texts[0] else -1
        if at < 0:
            continue
        post = first[at + len(texts[0]) :]
        if not last.endswith(texts[-1] + post) or (post and (post[0].isalnum() or post[0] == "_")):
            continue
        if best is not None and len(texts[0]) <= best[0]:
            continue
        if all(cell.endswith(text + post) for cell, text in zip(cells, texts, strict=True)):
            best = (len(texts[0]), name, post)
    return best[1:] if best is not None else None
