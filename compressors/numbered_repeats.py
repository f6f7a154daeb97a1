"""Blocks of lines that stand in the same numbered text already: each but the first is named by its numbers.

    [287-333: same as 240-286]

What a block is named after is always shown, line by line.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

SHORTEST = 3
"""Lines of a block."""
LEAST_CHARACTERS = 100
"""Of a block without its indentation: less is not worth looking up."""
_ANCHOR = 8
"""Characters, without indentation, of a line by which a block is found."""
_MOST_PLACES = 6
"""Where such a line stood before; further ones are not looked at."""
SIGN = ": same as "
"""What a text has in it that has a note, and hardly another."""
NOTE = re.compile(r"\[(\d+)-(\d+): same as (\d+)-(\d+)\]")


class Block(NamedTuple):
    """Lines that stand above as well; places count from 0."""

    start: int
    length: int
    above: int
    """Where the same lines begin above."""


def blocks(lines: Sequence[str], hidden: Iterable[range] = ()) -> Iterator[Block]:
    """Yield the blocks that come again, in order; none touches what another is named after. Linear.

    Lines that are ``hidden`` are told otherwise already.
    """
    places: dict[str, list[int]] = {}
    shown = bytearray(len(lines))
    gone = bytearray(len(lines))
    for hide in hidden:
        gone[hide.start : hide.stop] = b"\x01" * len(hide)
    at = 0
    while at < len(lines):
        if gone[at]:
            at += 1
            continue
        line = lines[at]
        known = places.get(line)
        block = _longest(lines, shown, gone, at, known) if known else None
        if block is not None:
            yield block
            at += block.length
            continue
        shown[at] = 1
        if known is None:
            if len(line.strip()) >= _ANCHOR:
                places[line] = [at]
        elif len(known) < _MOST_PLACES:
            known.append(at)
        at += 1


def note(block: Block, first: int) -> str:
    """Return the line that stands for a block; the text's first line has the number ``first``."""
    start, above, more = first + block.start, first + block.above, block.length - 1
    return f"[{start}-{start + more}{SIGN}{above}-{above + more}]"


def _longest(lines: Sequence[str], shown: bytearray, gone: bytearray, at: int, places: Sequence[int]) -> Block | None:
    end = gone.find(1, at)
    stop = end if end >= 0 else len(lines)
    above, length = max(((place, _common(lines, shown, place, range(at, stop))) for place in places), key=_size)
    while length >= SHORTEST and not lines[at + length - 1].strip():
        length -= 1
    if length < SHORTEST or sum(len(line.strip()) for line in lines[at : at + length]) < LEAST_CHARACTERS:
        return None
    return Block(at, length, above)


def _size(found: tuple[int, int]) -> int:
    return found[1]


def _common(lines: Sequence[str], shown: bytearray, above: int, places: range) -> int:
    """Return how many lines from ``above`` on are those at ``places``."""
    for size, at in enumerate(places):
        if above + size >= places.start or not shown[above + size] or lines[above + size] != lines[at]:
            return size
    return len(places)
