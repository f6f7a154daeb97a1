"""Elements that hold rows of like elements, as a report of tests does: rows, and below each its own rows.

<suite name="Pump" tests="2"><case name="starts" class="Pump"/><case name="stops" class="Pump"/></suite>
[+2 <suite>: name=case.class | tests; its <case>: name]
 Valve | 1
  opens
 Crane | 2
  lifts
  turns
"""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from headroom_mitm.compressors.html_nodes import Change, Node
from headroom_mitm.compressors.html_records import SEPARATOR, Record, goes_on, margin_at, names_of, record_of, split

GROUP_MARK = "; its <"
_LEAST_SAVING = 120  # characters
_LONGEST_START = 2_000  # characters of a start tag
_MOST_COLUMNS = 12


class Group(NamedTuple):
    """A change to a text, and where the elements begin that it is about: the first stays as it is."""

    change: Change
    starts: tuple[int, ...]


class _Holder(NamedTuple):
    """An element taken apart: its start tag, what it holds, and what stands between and behind that."""

    node: Node
    literals: tuple[str, ...]
    values: tuple[str, ...]
    held: tuple[Record, ...]
    gap: str | None
    """None where it holds one element only."""
    end: str


def groups(text: str, children: Sequence[Node]) -> Iterator[Group]:
    """Yield runs of neighbours of the same shape that hold any number of elements of one shape.

    The first of a run stays as it is; it shows what the others are like, so no other holds more than it shows.
    """
    for _, same in groupby(children, key=lambda node: node.tag):
        nodes = list(same)
        run: list[_Holder] = []
        between = ""
        for holder in (_holder(text, node) for node in nodes) if len(nodes) > 1 else ():
            gap = text[run[-1].node.end : holder.node.start] if holder and run else ""
            if holder and run and _alike(run[0], holder) and goes_on(gap, between, len(run)):
                run.append(holder)
                between = gap
                continue
            yield from _written(text, run)
            run = [holder] if holder else []
        yield from _written(text, run)


def _holder(text: str, node: Node) -> _Holder | None:
    if not node.children or node.end < 0:
        return None
    first, last = node.children[0], node.children[-1]
    end = text[last.end : node.end]
    if first.start - node.start > _LONGEST_START or not end.lstrip().startswith(f"</{node.tag}"):
        return None
    gaps = {text[before.end : after.start] for before, after in pairwise(node.children)}
    records = [record for child in node.children if (record := record_of(text, child)) is not None]
    if len(gaps) > 1 or len(records) < len(node.children) or len({record.literals for record in records}) > 1:
        return None
    literals, values = split(text[node.start : first.start])
    return _Holder(node, literals, values, tuple(records), next(iter(gaps), None), end)


def _alike(first: _Holder, other: _Holder) -> bool:
    return (
        first.literals == other.literals
        and first.end == other.end
        and first.held[0].literals == other.held[0].literals
        and other.gap in (None, first.gap)
    )


def _written(text: str, run: Sequence[_Holder]) -> Iterator[Group]:
    if len(run) < 2 or all(holder.gap is None for holder in run):
        return
    outer = list(zip(*(holder.values for holder in run), strict=True))
    own = [at for at, column in enumerate(outer) if len(set(column)) > 1]
    inner = list(zip(*(record.values for holder in run for record in holder.held), strict=True))
    spread = {at: [value for holder, value in zip(run, outer[at], strict=True) for _ in holder.held] for at in own}
    same = {at: next((to for to in own if list(column) == spread[to]), None) for at, column in enumerate(inner)}
    shown = [at for at, column in enumerate(inner) if len(set(column)) > 1 and same[at] is None]
    if not own or not shown or max(len(own), len(shown)) > _MOST_COLUMNS:
        return
    start, end = run[1].node.start, run[-1].node.end
    head = _head(run[0], own, {at: to for at, to in same.items() if to is not None}, shown)
    margin = margin_at(text, run[0].node.start)
    lines = [f"[+{len(run) - 1} {head}]"]
    for holder in run[1:]:
        lines.append(margin + SEPARATOR.join(holder.values[at] for at in own))
        lines += [f"{margin} {SEPARATOR.join(record.values[at] for at in shown)}" for record in holder.held]
    written = "\n".join([*lines, f"{margin}end of <{run[0].node.tag}>", ""])
    if end - start - len(written) >= _LEAST_SAVING:
        change = Change(start, end, written, run[0].node.start)
        yield Group(change, tuple(holder.node.start for holder in run))


def _head(first: _Holder, own: Sequence[int], same: dict[int, int], shown: Sequence[int]) -> str:
    """Say what the columns are."""
    outer = names_of(first.literals, first.values)
    inner = names_of(first.held[0].literals, first.held[0].values)
    tag, held = first.node.tag, first.held[0].node.tag
    columns = [
        "=".join([outer[at], *(f"{held}.{inner[to]}" for to, place in same.items() if place == at)]) for at in own
    ]
    return f"<{tag}>: {SEPARATOR.join(columns)}{GROUP_MARK}{held}>: {SEPARATOR.join(inner[at] for at in shown)}"
