"""Listings in columns under names in capitals, as of kubectl and docker: each as wide as its widest cell."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from operator import eq

from headroom_mitm.compressors.table_cells import Table, reach, widest, width

_NAMES = re.compile(
    r"[A-Z][A-Z0-9_./()%-]*(?: [A-Z0-9_./()%-]+)*(?: {2,}[A-Z][A-Z0-9_./()%-]*(?: [A-Z0-9_./()%-]+)*)+ *"
)
PERHAPS_NAMED = re.compile(r"\n(?=[A-Z][A-Z0-9_./()%-]*(?: [A-Z0-9_./()%-]+)*  )")
"""Finds lines that may look like names of columns; without any there is no listing."""
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
        return list(self.lines(table))

    def lines(self, table: Table) -> Iterator[str]:
        """Yield the lines of a table."""
        columns = zip(table.names, table.columns(), strict=True)
        widths = [max(width(name), widest(cells)) + self.gap for name, cells in columns]
        if self.starts:
            widths[:-1] = [end - start for start, end in pairwise(self.starts)]
        if not self.padded:
            widths[-1] = 0
        for row in (table.names, *table.rows):
            yield "".join(map(_padded, row, widths))


def _padded(cell: str, wide: int) -> str:
    return cell.ljust(wide) if cell.isascii() else cell + " " * (wide - width(cell))


def looks_named(line: str) -> bool:
    """Say whether a line looks like the names of columns."""
    return "  " in line and _NAMES.fullmatch(line) is not None


def read(lines: Sequence[str]) -> Iterator[tuple[Columns, Table]]:
    """Yield the listings that would be written again exactly."""
    heads = [at for at, line in enumerate(lines) if "  " in line and looks_named(line[:1000])]
    done, left = 0, len(lines)
    for at in heads:
        if at < done or left < 0:
            continue
        found = _below(lines, at)
        if found is None:
            left -= reach(lines, at)
            continue
        yield found
        done = found[1].stop


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
    for line in islice(lines, at + 1, None):
        cells = _cells(line, starts) if line else None
        if cells is None:
            break
        rows.append(cells)
    if names is None or len(rows) < _FEWEST_ROWS:
        return None
    table = Table(names, tuple(rows), at, at + 1 + len(rows), at + 1)
    free = starts[1] - max(width(names[0]), widest([row[0] for row in rows]))
    styles = (Columns(free, padded=False), Columns(free, padded=True), Columns(0, padded=False, starts=tuple(starts)))
    expected = lines[table.start : table.stop]
    return next(((style, table) for style in styles if all(map(eq, style.lines(table), expected))), None)


def _starts(names: str) -> list[int]:
    return [match.start() for match in _START.finditer(names)]


def _cells(line: str, starts: Sequence[int]) -> tuple[str, ...] | None:
    """Return the cells of a line; None where one reaches into the next column."""
    if len(line) <= starts[-1] or any(line[start - 1] != " " for start in starts[1:]):
        return None
    ends = [*starts[1:], len(line)]
    return tuple(line[start:end].rstrip(" ") for start, end in zip(starts, ends, strict=True))
