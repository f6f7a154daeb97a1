"""Which lines of a source file are the inside of something: of functions first, of long literals and comments later.

What stays tells what a file offers: imports, constants, types, signatures and how each body begins. A body that the
parser is not sure of stays as well.
"""

import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tree_sitter import Node, Tree

from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.source_languages import BODIES, COMMENTS, FUNCTIONS, LITERALS


@dataclass(frozen=True, slots=True)
class _Rule:
    """How much of each stays at a level; all in lines."""

    shortest: int
    """A shorter stretch is not left out."""
    begins: int
    """First lines of a body that stay: a docstring's first one, or the first statement."""
    nested: bool
    """A function goes as a whole, though it holds others that are long enough to go by themselves."""
    comment: int
    """A longer comment keeps its first line, or two."""
    literal: int
    """A longer list or mapping keeps its first lines and its last one."""


_NEVER = 10**9
_RULES = {
    Level.LIGHT: _Rule(shortest=10, begins=2, nested=False, comment=_NEVER, literal=_NEVER),
    Level.MEDIUM: _Rule(shortest=5, begins=1, nested=False, comment=8, literal=30),
    Level.HARD: _Rule(shortest=2, begins=1, nested=True, comment=3, literal=8),
}
_CLOSERS = ("}", ")", "]", "end", "fi", "done", "esac", "*/", "'''", '"""')


def gaps(tree: Tree, lines: Sequence[str], level: Level) -> list[range]:
    """Return the lines that a level leaves out, as ranges from 0, in order, none touching another."""
    rule = _RULES[level]
    found = [gap for gap in _inner(tree.root_node, lines, rule) if len(gap) >= rule.shortest]
    joined: list[range] = []
    for gap in sorted(found, key=lambda gap: gap.start):
        if joined and gap.start <= joined[-1].stop:
            joined[-1] = range(joined[-1].start, max(joined[-1].stop, gap.stop))
        else:
            joined.append(gap)
    return joined


def _inner(root: Node, lines: Sequence[str], rule: _Rule) -> Iterator[range]:
    functions, literals, comments = _long_nodes(root, rule)
    long_ones = sorted(node.start_byte for node in functions if len(_rows(node)) > rule.shortest + rule.begins + 1)
    done = -1
    for node in sorted(functions, key=lambda node: node.start_byte):
        if node.start_byte < done or node.has_error:
            continue
        inside = bisect.bisect_right(long_ones, node.start_byte)
        if not rule.nested and inside < len(long_ones) and long_ones[inside] < node.end_byte:
            continue  # leaving out the functions inside is enough: a test suite, a module in a function, a component
        gap = _body(node, lines, rule)
        if len(gap) >= rule.shortest:
            done = node.end_byte
            yield gap
    yield from (range(rows.start + 3, rows.stop - 1) for rows in map(_rows, literals) if len(rows) > rule.literal)
    yield from _long_comments([_rows(node) for node in comments], lines, rule)


def _long_nodes(root: Node, rule: _Rule) -> tuple[list[Node], list[Node], list[Node]]:
    """Return functions, literals and comments. What is too short to hold a gap is not looked into."""
    functions: list[Node] = []
    literals: list[Node] = []
    comments: list[Node] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in COMMENTS:
            comments.append(node)
        elif node.end_point.row - node.start_point.row >= rule.shortest:
            if node.type in FUNCTIONS:
                functions.append(node)
            elif node.type in LITERALS:
                literals.append(node)
            waiting.extend(node.children)
    return functions, literals, comments


def _rows(node: Node) -> range:
    # Some grammars let a node end at the beginning of the next line.
    end = node.end_point.row + (node.end_point.column > 0)
    return range(node.start_point.row, max(end, node.start_point.row + 1))


def _body_of(function: Node) -> Node | None:
    named = function.child_by_field_name("body")
    return named or next((child for child in function.children if child.type in BODIES), None)


def _body(function: Node, lines: Sequence[str], rule: _Rule) -> range:
    """Return the lines of a function's body that go: not the opening one, not how it begins, not the closing one."""
    body = _body_of(function)
    if body is None:
        return range(0)
    rows = _rows(body)
    same_line = rows.start == function.start_point.row or lines[rows.start].strip()[:1] == "{"
    opens = body.start_point.column > 0 and bool(lines[rows.start][: body.start_point.column].strip())
    start = rows.start + (same_line or opens) + rule.begins
    stop = _rows(function).stop
    stop -= lines[stop - 1].strip().startswith(_CLOSERS)
    return range(start, max(start, stop))


def _long_comments(comments: list[range], lines: Sequence[str], rule: _Rule) -> Iterator[range]:
    """Yield what goes of long comments; comments on lines that follow each other are one."""
    comments.sort(key=lambda rows: rows.start)
    start = comments[0].start if comments else 0
    for rows, follower in pairwise([*comments, range(_NEVER, _NEVER)]):
        if follower.start <= rows.stop:
            continue
        run = range(start, rows.stop)
        start = follower.start
        if len(run) > rule.comment:
            first = run.start + (2 if lines[run.start].strip() in ("/*", "/**", "/*!", "//", "#") else 1)
            yield range(first, run.stop - lines[run.stop - 1].strip().startswith(_CLOSERS))
