"""Elements that stand in a text more than once, such as the drawing of an icon: the first gets a number.

    [#1]<svg ...>...</svg> Save
    [#1 again, 812 characters] Save as

The text alone gives the original back: a repeat stands for as many characters from its number on.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from headroom_mitm.compressors.html_nodes import Change, Node

_NOTE = re.compile(r"\[#\d+(?: again|\])")
_SIZES = range(100, 8_000)  # characters of an element
_LEAST_SAVING = 60  # characters, of all repeats of an element together


class _Repeat(NamedTuple):
    first: int
    size: int
    places: list[int]


def repeats(text: str, root: Node, taken: Sequence[Change]) -> list[Change]:
    """Return what is to change for elements that come again, outside of what is changed already."""
    if _NOTE.search(text):
        return []
    changes: list[Change] = []
    found = [repeat for repeat in _repeats(text, root, taken).values() if _saves(repeat)]
    for number, repeat in enumerate(sorted(found), 1):
        changes.append(Change(repeat.first, repeat.first, f"[#{number}]", repeat.first))
        note = f"[#{number} again, {repeat.size} characters]"
        changes += (Change(place, place + repeat.size, note, place) for place in repeat.places)
    return sorted(changes)


def _saves(repeat: _Repeat) -> bool:
    return (repeat.size - len("[#10 again, 1000 characters]")) * len(repeat.places) >= _LEAST_SAVING


def _repeats(text: str, root: Node, taken: Sequence[Change]) -> dict[str, _Repeat]:
    """Find equal elements. Inside of one that comes again, nothing is looked for."""
    found: dict[str, _Repeat] = {}
    for node in _in_order(root, taken):
        size = node.end - node.start
        if size not in _SIZES:
            continue
        source = text[node.start : node.end]
        known = found.get(source)
        if known is None:
            found[source] = _Repeat(node.start, size, [])
        elif node.start >= known.first + size:
            known.places.append(node.start)
            node.children = []
    return found


def _in_order(root: Node, taken: Sequence[Change]) -> Iterator[Node]:
    """Yield elements from the beginning to the end that do not touch what is changed already."""
    at = 0
    waiting = [root]
    while waiting:
        node = waiting.pop()
        while at < len(taken) and taken[at].end <= node.start:
            at += 1
        touched = node.end < 0 or (at < len(taken) and taken[at].first < node.end)
        if not touched:
            yield node
        inside = touched and node is not root and at < len(taken) and taken[at].first <= node.start
        if not inside or node.end > taken[at].end:
            waiting += reversed(node.children)
