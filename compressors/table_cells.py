"""A table, however it was written: names of columns, and rows of cells."""

import functools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

_FIRST_LOOK = 20  # cells
NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?")


@dataclass(frozen=True)
class Table:
    """Cells as they stand in the text, without padding; quotes stay."""

    names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    start: int
    """The first of its lines; the first of all is 0."""
    stop: int
    """The line behind its last."""
    first_row: int
    """The line of its first row."""
    height: int = 1
    """Lines of a row."""
    right: tuple[int, ...] | None = None
    """Columns that are aligned to the right, where those are not the columns of numbers."""

    def lines_of(self, first: int, last: int) -> range:
        """Return the lines of rows, which count from 0."""
        return range(self.first_row + first * self.height, self.first_row + (last + 1) * self.height)

    def columns(self) -> list[tuple[str, ...]]:
        """Return the cells by column."""
        return self._columns

    @functools.cached_property
    def _columns(self) -> list[tuple[str, ...]]:
        return columns_of(self.rows, len(self.names))


def columns_of(rows: Sequence[tuple[str, ...]], count: int) -> list[tuple[str, ...]]:
    """Return the cells of rows by column, of which there are so many."""
    # Of many short rows, zip would make an iterator each.
    return [tuple(map(itemgetter(at), rows)) for at in range(count)]


def widest(cells: Sequence[str]) -> int:
    """Return the columns of a terminal that the widest of some cells takes; 0 for none."""
    if len(cells) == 1:
        return width(cells[0])
    return max(map(len if "".join(cells).isascii() else width, cells), default=0)


def reach(lines: Sequence[str], at: int) -> int:
    """Return how many lines there are from one up to the next empty one: a table does not go on behind that.

    A reader that has looked in vain at more lines than there are looks no further: the rest stays as it is.
    """
    end = at + 1
    while end < len(lines) and lines[end]:
        end += 1
    return end - at


def is_numeric(cells: tuple[str, ...]) -> bool:
    """Say whether cells are numbers, as far as they are filled, and at least one is."""
    # Most columns of words are told by their first cells.
    for some in (cells[:_FIRST_LOOK], cells) if len(cells) > _FIRST_LOOK else (cells,):
        filled = set(some).difference(("", "NULL"))
        if not all(map(NUMBER.fullmatch, filled)):
            return False
    return bool(filled)


def width(text: str) -> int:
    """Return the columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        2 if unicodedata.east_asian_width(one) in "WF" else 0 if unicodedata.combining(one) else 1 for one in text
    )
