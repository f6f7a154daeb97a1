"""Elements that differ in some values only: the first stays as it is, of each other one its values, in a line.

    <testcase name="starts" time="0.1" class="Pump"/>
    [+2 <testcase>: name | time]
     stops | 0.2
     leaks | 0.3

All else stays as it was, so the text alone gives the original back to the character.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from headroom_mitm.compressors.html_nodes import ENDS_BY_ITSELF, Change, Node

SEPARATOR = " | "
_NOTE = re.compile(r"\[\+\d+ <")
_VALUE = re.compile(r"""=(?:"([^"<>]*)"|'([^'<>]*)')|(?<=>)\s*([^<>\s](?:[^<>]*[^<>\s])?)(?=\s*(?:<|\Z))""")
_NAME = re.compile(r"([\w:.-]+)\s*=[\"']?\Z|<([\w:.-]+)[^<]*>\s*\Z")
_LONGEST_TAG = 300  # characters: behind a longer tag, a value has no name of its own
_LONGEST = 2_000  # characters of an element
_SHORTEST_RUN = 2  # elements
_MOST_COLUMNS = 12
_LEAST_SAVING = 60  # characters


class _Record(NamedTuple):
    """An element taken apart: ``literals`` has one more than ``values``, in turn they are its text."""

    node: Node
    literals: tuple[str, ...]
    values: tuple[str, ...]


def rows(text: str, root: Node) -> list[Change]:
    """Return the runs of like elements that are worth it, as changes to the text."""
    return [] if _NOTE.search(text) else sorted(_runs(text, root))


def _runs(text: str, root: Node) -> Iterator[Change]:
    open_nodes = [root]
    while open_nodes:
        node = open_nodes.pop()
        taken: set[int] = set()
        for run in _alike(text, node.children) if len(node.children) >= _SHORTEST_RUN else ():
            written = _written(text, run)
            if written is not None:
                yield written
                taken.update(record.node.start for record in run)
        open_nodes += [child for child in node.children if child.start not in taken and child.children]


def _alike(text: str, children: Sequence[Node]) -> Iterator[list[_Record]]:
    """Yield runs of neighbours that differ in values only."""
    for _, group in groupby(children, key=lambda node: node.tag):
        same = list(group)
        if len(same) < _SHORTEST_RUN:
            continue
        run: list[_Record] = []
        between = ""
        for record in (_record(text, node) for node in same):
            gap = text[run[-1].node.end : record.node.start] if record and run else ""
            if record and run and record.literals == run[-1].literals and _goes_on(gap, between, len(run)):
                run.append(record)
                between = gap
                continue
            if len(run) >= _SHORTEST_RUN:
                yield run
            run = [record] if record else []
        if len(run) >= _SHORTEST_RUN:
            yield run


def _goes_on(gap: str, between: str, size: int) -> bool:
    """Say whether what stands between two elements is as between those before them, and nothing."""
    return not gap.strip() and (size == 1 or gap == between)


def _record(text: str, node: Node) -> _Record | None:
    source = text[node.start : node.end] if 0 <= node.end - node.start <= _LONGEST else ""
    # What another element's end tag has ended could not be told from what is in it.
    if not source or (not source.endswith((f"</{node.tag}>", "/>")) and node.tag not in ENDS_BY_ITSELF):
        return None
    literals, values = [], []
    at = 0
    for match in _VALUE.finditer(source):
        group = match.lastindex or 1
        if not _fits_a_cell(match[group]):
            continue
        literals.append(source[at : match.start(group)])
        values.append(match[group])
        at = match.end(group)
    return _Record(node, (*literals, source[at:]), tuple(values))


def _written(text: str, run: Sequence[_Record]) -> Change | None:
    columns = list(zip(*(record.values for record in run), strict=True))
    varying = [at for at, column in enumerate(columns) if len(set(column)) > 1]
    shown: dict[tuple[str, ...], list[int]] = {}
    for at in varying:
        shown.setdefault(columns[at], []).append(at)
    if len(shown) > _MOST_COLUMNS:
        return None
    start, end, tag = run[1].node.start, run[-1].node.end, run[0].node.tag
    written = f"[+{len(run) - 1} <{tag}>, the same]"
    if shown:
        names = _names(run[0])
        head = SEPARATOR.join("=".join(names[at] for at in places) for places in shown.values())
        margin = _margin(text, run[0].node.start)
        rows = [margin + SEPARATOR.join(row) for row in list(zip(*shown, strict=True))[1:]]
        written = "\n".join([f"[+{len(rows)} <{tag}>: {head}]", *rows, ""])
    if end - start - len(written) < _LEAST_SAVING:
        return None
    return Change(start, end, written, run[0].node.start)


def _fits_a_cell(value: str) -> bool:
    return bool(value) and value == value.strip() and "|" not in value and len(value.splitlines()) == 1


def _margin(text: str, at: int) -> str:
    """Return the indentation of rows: one more than that of the line in which the first element begins."""
    start = text.rfind("\n", 0, at) + 1
    line = text[start : start + 80]
    return line[: len(line) - len(line.lstrip(" \t"))] + " "


def _names(record: _Record) -> list[str]:
    """Name each value: by its attribute, or by the element whose text it is; one that comes again is numbered."""
    names: list[str] = []
    before = ""
    for literal, value in zip(record.literals, record.values, strict=False):
        before = (before + literal)[-_LONGEST_TAG:]
        match = _NAME.search(before)
        name = (match[1] or match[2]) if match else "text"
        count = sum(known.rstrip("0123456789") == name for known in names)
        names.append(f"{name}{count + 1}" if count else name)
        before += value
    return names
