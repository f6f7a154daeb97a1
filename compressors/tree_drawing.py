"""Drawings of ``tree``: taken apart into paths, and drawn again."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_BRANCH = re.compile(r"((?:│[ \u00a0]{2} |    )*)(├── |└── )(.+)")
_INDENT = 4  # characters of a level
WIDE = "\u00a0\u00a0"  # spaces that do not break
_LINK = " -> "  # what a link leads to may have slashes


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing and what stands around it."""

    before: tuple[str, ...]
    paths: tuple[str, ...]
    """Of what has nothing below it, in order."""
    places: tuple[int, ...]
    """The lines in which those stand."""
    after: tuple[str, ...]
    open: tuple[int, ...]
    """Levels that would go on if the text were not cut behind the drawing."""
    spaces: str
    """Between a line down and the next: two spaces, or two that do not break."""


class Stems:
    """What a tree has in front of its branches, told from its last line up. Equal stems are made once."""

    def __init__(self, down: str, blank: str, goes_on: Sequence[int] = ()) -> None:
        self._down, self._blank = down, blank
        self._followed = sum(1 << level for level in set(goes_on))
        """The levels at which a sibling follows, as bits: a set would have to be copied for each line."""
        self._made: dict[tuple[int, int], str] = {}

    def above(self, depth: int) -> tuple[str, bool]:
        """Return the stem of the line above, which stands at this depth, and whether no sibling follows it."""
        levels = self._followed & ((1 << depth) - 1)
        is_last = not self._followed >> depth & 1
        stem = self._made.get((depth, levels))
        if stem is None:
            stem = "".join([self._down if levels >> level & 1 else self._blank for level in range(depth)])
            self._made[depth, levels] = stem
        self._followed = levels | 1 << depth
        return stem, is_last


def read(lines: Sequence[str]) -> Drawing | None:
    """Take a text apart; None if it has no drawing, or if it would not be drawn again in the same way."""
    matches = [_BRANCH.fullmatch(line) for line in lines]
    start = next((at for at, match in enumerate(matches) if match is not None), None)
    if start is None:
        return None
    end = next((at for at in range(start, len(lines)) if matches[at] is None), len(lines))
    nodes = [(len(match[1]) // _INDENT, match[3]) for match in matches[start:end] if match is not None]
    if any('"' in name or "/" in name.partition(_LINK)[0] for _, name in nodes):
        return None
    spaces = WIDE if any(WIDE in match[1] for match in matches[start:end] if match is not None) else "  "
    leaves = dict(_leaves(nodes))
    places = tuple(start + at for at in leaves)
    last = matches[end - 1]
    goes_on = _open_levels(last) if last is not None else ()
    drawing = Drawing(tuple(lines[:start]), tuple(leaves.values()), places, tuple(lines[end:]), goes_on, spaces)
    return drawing if drawn(drawing.paths, spaces, goes_on) == list(lines[start:end]) else None


def _open_levels(last: re.Match[str]) -> tuple[int, ...]:
    """Return the levels at which the last line of a drawing says that another follows."""
    depth = len(last[1]) // _INDENT
    found = [level for level in range(depth) if last[1][level * _INDENT] == "│"]
    return (*found, depth) if last[2].startswith("├") else tuple(found)


def parts(path: str) -> list[str]:
    """Return the names along a path; what a link leads to belongs to its name."""
    plain, arrow, target = path.partition(_LINK)
    names = plain.split("/")
    names[-1] += arrow + target
    return names


def _leaves(nodes: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield the number and the path of each that has nothing below it."""
    above: list[str] = []
    for at, (depth, name) in enumerate(nodes):
        above[depth:] = [name]
        if at + 1 == len(nodes) or nodes[at + 1][0] <= depth:
            yield at, "/".join(above)


def drawn(paths: Sequence[str], spaces: str, goes_on: Sequence[int] = ()) -> list[str]:
    """Draw paths: a directory stands above what is in it, and a line leads down to each further sibling."""
    nodes: list[tuple[int, str]] = []
    above: list[str] = []
    for path in paths:
        names = parts(path)
        shared = 0
        while shared < min(len(names), len(above)) - 1 and names[shared] == above[shared]:
            shared += 1
        nodes += enumerate(names[shared:], shared)
        above = names
    lines = []
    stems = Stems(f"│{spaces} ", "    ", goes_on)
    for depth, name in reversed(nodes):
        stem, is_last = stems.above(depth)
        lines.append(f"{stem}{'└' if is_last else '├'}── {name}")
    return lines[::-1]
