"""Listings in columns under names in capitals, as of kubectl and docker: each as wide as its widest cell."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from headroom_mitm.compressors.table_cells import Table, width

_NAMES = re.compile(
    r"[A-Z][A-Z0-9_./()%-]*(?: [A-Z0-9_./()%-]+)*(?: {2,}[A-Z][A-Z0-9_./()%-]*(?: [A-Z0-9_./()%-]+)*)+ *"
)
_START = re.compile(r"(?:(?<=  )|^)\S")
_FEWEST_ROWS = 3


@dataclass(frozen=True, slots=True)
class Columns:
    """Cells on the left of their columns."""

    gap: int
    """Spaces between a column and the next."""
    padded: bool
    """Spaces follow the last cell, too."""
    starts: tuple[int, ...] = ()
    """Where columns begin, if they are wider than their cells: a part of a longer listing."""

    def said(self) -> str:
        """Return what the note says of it."""
        if self.starts:
            return f"columns that begin at {', '.join(map(str, self.starts))}"
        return f"columns {self.gap} spaces apart{', the last one padded' if self.padded else ''}"

    def draw(self, table: Table) -> list[str]:
        """Return the lines of a table."""
        whole = (table.names, *table.rows)
        widths = [max(map(width, cells)) + self.gap for cells in zip(*whole, strict=True)]
        if self.starts:
            widths[:-1] = [end - start for start, end in pairwise(self.starts)]
        lines = []
        for row in whole:
            padded = [cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True)]
            lines.append("".join(padded if self.padded else [*padded[:-1], row[-1]]))
        return lines


def looks_named(line: str) -> bool:
    """Say whether a line looks like the names of columns."""
    return "  " in line and _NAMES.fullmatch(line) is not None


def read(lines: Sequence[str]) -> Iterator[tuple[Columns, Table]]:
    """Yield the listings that would be written again exactly."""
    at = 0
    while at < len(lines):
        found = _below(lines, at) if looks_named(lines[at][:1000]) else None
        if found is not None:
            yield found
        at = found[1].stop if found is not None else at + 1


def rows_in(lines: Sequence[str]) -> int:
    """Return how many of a few lines stand in columns below names."""
    start = next((at for at, line in enumerate(lines) if looks_named(line[:1000])), None)
    if start is None:
        return 0
    starts = _starts(lines[start])
    return sum(_cells(line, starts) is not None for line in lines[start:])


def _below(lines: Sequence[str], at: int) -> tuple[Columns, Table] | None:
    starts = _starts(lines[at])
    names = _cells(lines[at], starts)
    rows: list[tuple[str, ...]] = []
    for line in lines[at + 1 :]:
        cells = _cells(line, starts) if line else None
        if cells is None:
            break
        rows.append(cells)
    if names is None or len(rows) < _FEWEST_ROWS:
        return None
    table = Table(names, tuple(rows), at, at + 1 + len(rows), at + 1)
    free = starts[1] - max(width(row[0]) for row in (names, *rows))
    styles = (Columns(free, padded=False), Columns(free, padded=True), Columns(0, padded=False, starts=tuple(starts)))
    expected = list(lines[table.start : table.stop])
    return next(((style, table) for style in styles if style.draw(table) == expected), None)


def _starts(names: str) -> list[int]:
    return [match.start() for match in _START.finditer(names)]


def _cells(line: str, starts: Sequence[int]) -> tuple[str, ...] | None:
    """Return the cells of a line; None where one reaches into the next column."""
    if len(line) <= starts[-1] or any(line[start - 1] != " " for start in starts[1:]):
        return None
    ends = [*starts[1:], len(line)]
    return tuple(line[start:end].rstrip(" ") for start, end in zip(starts, ends, strict=True))
