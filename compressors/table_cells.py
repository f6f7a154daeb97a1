"""A table, however it was written: names of columns, and rows of cells."""

import re
import unicodedata
from dataclasses import dataclass

NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?%?")


@dataclass(frozen=True, slots=True)
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
        return list(zip(*self.rows, strict=True)) if self.rows else [() for _ in self.names]


def is_numeric(cells: tuple[str, ...]) -> bool:
    """Say whether cells are numbers, as far as they are filled, and at least one is."""
    filled = [cell for cell in cells if cell not in ("", "NULL")]
    return bool(filled) and all(NUMBER.fullmatch(cell) for cell in filled)


def width(text: str) -> int:
    """Return the columns of a terminal that a text takes."""
    if text.isascii():
        return len(text)
    return sum(
        2 if unicodedata.east_asian_width(one) in "WF" else 0 if unicodedata.combining(one) else 1 for one in text
    )
