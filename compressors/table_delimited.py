"""CSV, TSV and their kin: one separator in every line, and quotes where a cell has it inside."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from headroom_mitm.compressors.table_cells import NUMBER, Table

TAB = "\t"
SEPARATORS = (",", TAB, ";", "|")
_FEWEST_ROWS = 5
_FEWEST_COLUMNS = 3
_HEAD_LINES = 20
_MOST_LINES = 0.7  # share of the first lines that must have as many cells
_CELLS = {sep: re.compile(rf'(?:"(?:[^"]|"")*"|[^"{re.escape(sep)}]*)(?={re.escape(sep)}|\Z)') for sep in SEPARATORS}
_SIGNS = re.compile(r"[^!#-&(-~]")  # of which sqlite3 quotes values with one
_QUOTES: dict[str, Callable[[str], bool]] = {
    "where they have a space, a quote or more than ASCII": lambda cell: (
        cell[:1] != '"' and _SIGNS.search(cell) is not None
    ),
    "where they are no numbers": lambda cell: cell[:1] != '"' and NUMBER.fullmatch(cell) is None,
}
_LOOKS_TIME = re.compile(r"\d:\d\d|\d{4}-\d\d")


@dataclass(frozen=True, slots=True)
class Delimited:
    """Cells with a separator between them."""

    sep: str
    quoted: str = ""
    """Which values were in quotes that are left out here: a key of ``_QUOTES``; empty if all quotes stay."""

    def said(self) -> str:
        """Return what the note says of it."""
        between = "a tab" if self.sep == TAB else f'"{self.sep}"'
        return f"lines with {between} between values{f', quoted {self.quoted}' if self.quoted else ''}"

    def draw(self, table: Table) -> list[str]:
        """Return the lines of a table."""
        rows = (table.names, *table.rows)
        if not self.quoted:
            return [self.sep.join(cells) for cells in rows]
        needs = _QUOTES[self.quoted]
        return [self.sep.join(f'"{cell}"' if needs(cell) else cell for cell in cells) for cells in rows]


def _bare(table: Table, lines: Sequence[str], sep: str) -> tuple[Delimited, Table]:
    """Leave out the quotes where a rule tells which values had them."""
    if any('"' in line for line in lines[table.start : table.stop]):
        rows = [tuple(_unquoted(cell, sep) for cell in cells) for cells in (table.names, *table.rows)]
        bare = replace(table, names=rows[0], rows=tuple(rows[1:]))
        for rule in _QUOTES:
            if Delimited(sep, rule).draw(bare) == list(lines[table.start : table.stop]):
                return Delimited(sep, rule), bare
    return Delimited(sep), table


def _unquoted(cell: str, sep: str) -> str:
    inside = cell[1:-1]
    return inside if cell[:1] == '"' and sep not in inside and '"' not in inside else cell


def cells_of(line: str, sep: str) -> tuple[str, ...] | None:
    """Return the cells of a line, quotes included; None where quotes do not match."""
    if '"' not in line:
        return tuple(line.split(sep))
    cells = []
    at = 0
    quoted = _CELLS[sep]
    while match := quoted.match(line, at):
        cells.append(match[0])
        at = match.end() + 1
        if at > len(line):
            return tuple(cells)
    return None


def read(lines: Sequence[str]) -> Iterator[tuple[Delimited, Table]]:
    """Yield runs of lines of as many cells, the first of which names the columns."""
    sep = _separator(lines)
    return (_bare(table, lines, sep) for table in _runs(lines, sep)) if sep is not None else iter(())


def _runs(lines: Sequence[str], sep: str) -> Iterator[Table]:
    rows = [cells_of(line, sep) if sep in line else None for line in lines]
    at = 0
    while at < len(rows):
        names = rows[at]
        stop = at + 1
        if names is not None:
            while stop < len(rows) and (row := rows[stop]) is not None and len(row) == len(names):
                stop += 1
            if stop - at > _FEWEST_ROWS and len(names) >= _FEWEST_COLUMNS and _names_columns(names):
                body = tuple(row for row in rows[at + 1 : stop] if row is not None)
                yield Table(names, body, at, stop, at + 1)
        at = stop


def rows_in(lines: Sequence[str]) -> int:
    """Return how many of a few lines are rows, as far as one can tell from them."""
    sep = _separator(lines)
    return sum(table.stop - table.start for table in _runs(lines, sep)) if sep is not None else 0


def _separator(lines: Sequence[str]) -> str | None:
    """Return the separator of which most of the first lines have as many."""
    head = [line for line in lines[:_HEAD_LINES] if line]
    text = "\n".join(head)
    for sep in SEPARATORS:
        if text.count(sep) < _MOST_LINES * len(head):
            continue
        counts = Counter(len(cells) for line in head if (cells := cells_of(line, sep)) is not None)
        count, often = counts.most_common(1)[0] if counts else (0, 0)
        if count > 1 and often >= _MOST_LINES * len(head):
            return sep
    return None


def _names_columns(names: Sequence[str]) -> bool:
    """Say whether cells look like names: none is a number, and most are filled and short."""
    filled = sum(bool(name.strip()) for name in names)
    is_data = any(NUMBER.fullmatch(name.strip()) or _LOOKS_TIME.search(name) for name in names)
    # Code and prose have a space behind a comma.
    return not is_data and not any(name[:1].isspace() for name in names) and 2 * filled > len(names)
