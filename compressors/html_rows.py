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

from headroom_mitm.compressors.html_groups import groups
from headroom_mitm.compressors.html_nodes import Change, Node
from headroom_mitm.compressors.html_records import SEPARATOR, Record, goes_on, margin_at, names_of, record_of

_NOTE = re.compile(r"\[\+\d+ <")
_SHORTEST_RUN = 2  # elements
_MOST_COLUMNS = 12
_LEAST_SAVING = 60  # characters


def rows(text: str, root: Node) -> list[Change]:
    """Return the runs of like elements that are worth it, as changes to the text."""
    return [] if _NOTE.search(text) else sorted(_runs(text, root))


def _runs(text: str, root: Node) -> Iterator[Change]:
    open_nodes = [root]
    while open_nodes:
        node = open_nodes.pop()
        grouped: set[int] = set()
        gone: set[int] = set()
        for group in groups(text, node.children):
            yield group.change
            grouped.update(group.starts)
            gone.update(group.starts[1:])  # the first stays, and what it holds may be rows
        for run in _alike(text, node.children) if len(node.children) >= _SHORTEST_RUN else ():
            starts = {record.node.start for record in run}
            written = _written(text, run) if grouped.isdisjoint(starts) else None
            if written is not None:
                yield written
                gone |= starts
        open_nodes += [child for child in node.children if child.start not in gone and child.children]


def _alike(text: str, children: Sequence[Node]) -> Iterator[list[Record]]:
    """Yield runs of neighbours that differ in values only."""
    for _, group in groupby(children, key=lambda node: node.tag):
        same = list(group)
        if len(same) < _SHORTEST_RUN:
            continue
        run: list[Record] = []
        between = ""
        for record in (record_of(text, node) for node in same):
            gap = text[run[-1].node.end : record.node.start] if record and run else ""
            if record and run and record.literals == run[-1].literals and goes_on(gap, between, len(run)):
                run.append(record)
                between = gap
                continue
            if len(run) >= _SHORTEST_RUN:
                yield run
            run = [record] if record else []
        if len(run) >= _SHORTEST_RUN:
            yield run


def _written(text: str, run: Sequence[Record]) -> Change | None:
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
        names = names_of(run[0].literals, run[0].values)
        head = SEPARATOR.join("=".join(names[at] for at in places) for places in shown.values())
        margin = margin_at(text, run[0].node.start)
        rows = [margin + SEPARATOR.join(row) for row in list(zip(*shown, strict=True))[1:]]
        written = "\n".join([f"[+{len(rows)} <{tag}>: {head}]", *rows, ""])
    if end - start - len(written) < _LEAST_SAVING:
        return None
    return Change(start, end, written, run[0].node.start)
