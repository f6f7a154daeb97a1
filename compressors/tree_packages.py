"""Trees of packages, as of npm ls, cargo tree, gradle and mvn: depth is told by spaces, leaves share a line."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.tree_drawing import Stems

_FEWEST = 8
_HEAD_LINES = 100  # in which the first branch stands
_LEAST_SHARE = 0.7  # of the lines
_WIDTH = 160  # characters of a line of leaves
_BETWEEN = "; "
_COMPLAINS = re.compile(r"invalid|UNMET|extraneous|missing|deprecated|FAILED|conflict|omitted for|error", re.IGNORECASE)
_OURS = re.compile(r"\[\d+ entries of a tree, drawn as by ")
_MARKS = ((" deduped", "*"), (" (*)", "*"), (" FAILED", "!"))
"""Ends of names that come again and again, and what stands for them."""


@dataclass(frozen=True, slots=True)
class Style:
    """What stands in front of names: a line down or nothing for each level, then a branch."""

    said: str
    down: str
    blank: str
    branches: tuple[str, str, str, str]
    """With nothing below it, the last so; with something below it, the last so."""


STYLES = (
    Style("npm ls", "│ ", "  ", ("├── ", "└── ", "├─┬ ", "└─┬ ")),
    Style("cargo tree", "│   ", "    ", ("├── ", "└── ", "├── ", "└── ")),
    Style("gradle", "|    ", "     ", ("+--- ", "\\--- ", "+--- ", "\\--- ")),
    Style("mvn", "|  ", "   ", ("+- ", "\\- ", "+- ", "\\- ")),
    Style("tree in ASCII", "|   ", "    ", ("|-- ", "`-- ", "|-- ", "`-- ")),
)


_BRANCHES = tuple({branch for style in STYLES for branch in style.branches})


@dataclass(frozen=True, slots=True)
class Node:
    """A package, how deep it stands, and the line it stands in."""

    depth: int
    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Packages:
    """A tree and what stands around it."""

    lines: tuple[str, ...]
    style: Style
    nodes: tuple[Node, ...]
    open: tuple[int, ...] = ()
    """Levels that would go on if the text were not cut behind the tree."""

    @property
    def start(self) -> int:
        """The first line of the tree."""
        return self.nodes[0].line

    @property
    def stop(self) -> int:
        """The line behind its last."""
        return self.nodes[-1].line + 1


def read(lines: Sequence[str]) -> Packages | None:
    """Take a tree apart; None where there is none, or where it would not be drawn again in the same way."""
    head = [line for line in lines[:_HEAD_LINES] if line.startswith(_BRANCHES)]
    for style in STYLES:
        if not any(line.startswith(style.branches) for line in head):
            continue
        pattern = _pattern(style)
        matches = [pattern.fullmatch(line) for line in lines]
        start = next((at for at, match in enumerate(matches) if match is not None), None)
        if start is None:
            continue
        end = next((at for at in range(start, len(lines)) if matches[at] is None), len(lines))
        if end - start < max(_FEWEST, _LEAST_SHARE * len(lines)):
            continue
        nodes = tuple(
            Node(len(match[1]) // len(style.down), match[2], start + at)
            for at, match in enumerate(matches[start:end])
            if match is not None
        )
        goes_on = _open_levels(lines[end - 1], nodes[-1].depth, style)
        if drawn([(node.depth, node.name) for node in nodes], style, goes_on) == list(lines[start:end]):
            return Packages(tuple(lines), style, nodes, goes_on)
    return None


def _open_levels(line: str, depth: int, style: Style) -> tuple[int, ...]:
    """Return the levels at which the last line of a drawing says that another follows."""
    size = len(style.down)
    found = [level for level in range(depth) if line.startswith(style.down, level * size)]
    if line.startswith((style.branches[0], style.branches[2]), depth * size):
        found.append(depth)
    return tuple(found)


def drawn(nodes: Sequence[tuple[int, str]], style: Style, goes_on: Sequence[int] = ()) -> list[str]:
    """Draw names at their depths; some levels may go on behind the last."""
    lines = []
    stems = Stems(style.down, style.blank, goes_on)
    below = 0  # depth of the line below
    for depth, name in reversed(nodes):
        stem, is_last = stems.above(depth)
        branch = style.branches[(2 if below > depth else 0) + is_last]
        lines.append(f"{stem}{branch}{name}")
        below = depth
    return lines[::-1]


def written(packages: Packages, gaps: Sequence[range] = ()) -> str | None:
    """Return the tree with spaces for its lines, and a note in place of each gap of lines; None if it cannot be."""
    names = [node.name for node in packages.nodes]
    if any(_OURS.match(line) for line in packages.lines[: packages.start]):
        return None
    if any(_BETWEEN in name or name[:1] in " [" or name.endswith(";") for name in names):
        return None
    marks = [
        (end, mark)
        for end, mark in _MARKS
        if sum(name.endswith(end) for name in names) > 1 and not any(name.endswith(mark) for name in names)
    ]
    said = (
        f"[{len(names)} entries of a tree, drawn as by {packages.style.said}: a space more in front is a level deeper,"
    )
    said += f' "{_BETWEEN}" is between neighbours.'
    said += "".join(f' "{mark}" stands for "{end}".' for end, mark in marks)
    said += f" Cut where levels {', '.join(map(str, packages.open))} go on." if packages.open else ""
    said += f" {sum(map(len, gaps))} lines are left out." if gaps else ""
    rows = _rows(packages, marks, {gap.start: gap for gap in gaps})
    before, behind = packages.lines[: packages.start], packages.lines[packages.stop :]
    # Rows are never empty, so an empty line ends them.
    return "\n".join([*before, said + "]", *rows, *([""] if behind else []), *behind])


def _rows(packages: Packages, marks: Sequence[tuple[str, str]], gaps: dict[int, range]) -> Iterator[str]:
    nodes = packages.nodes
    row, depth = "", -1
    hidden = 0
    for at, node in enumerate(nodes):
        if node.line in gaps:
            yield from [row] if row else []
            row, hidden = "", gaps[node.line].stop
            yield f"{' ' * node.depth}[lines {node.line + 1}-{hidden} left out: {len(gaps[node.line])} entries]"
        if node.line < hidden:
            continue
        is_leaf = at + 1 == len(nodes) or nodes[at + 1].depth <= node.depth
        name = node.name
        for end, mark in marks:
            name = name.removesuffix(end) + mark if name.endswith(end) else name
        if row and is_leaf and node.depth == depth and len(row) + len(name) < _WIDTH:
            row += _BETWEEN + name
            continue
        yield from [row] if row else []
        row, depth = " " * node.depth + name, node.depth
        if not is_leaf:
            yield row
            row = ""
    yield from [row] if row else []


def gaps_at(packages: Packages, deepest: int) -> list[range]:
    """Return the lines of packages that stand deeper than this, in runs, except for those with a complaint."""
    found: list[range] = []
    for node in packages.nodes:
        if node.depth <= deepest or _COMPLAINS.search(node.name):
            continue
        if found and found[-1].stop == node.line:
            found[-1] = range(found[-1].start, node.line + 1)
        else:
            found.append(range(node.line, node.line + 1))
    return [gap for gap in found if len(gap) > 1]


def _pattern(style: Style) -> re.Pattern[str]:
    stem = f"(?:{re.escape(style.down)}|{re.escape(style.blank)})*"
    branch = "|".join(re.escape(one) for one in style.branches)
    return re.compile(rf"({stem})(?:{branch})(.+)")
