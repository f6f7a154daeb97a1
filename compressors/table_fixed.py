"""Listings with cells at fixed places under a line of names, as of ps, top, lsof, ss, df, netstat and dpkg."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from headroom_mitm.compressors.table_cells import Table

_FEWEST_ROWS, _FEWEST_COLUMNS, _MOST_COLUMNS = 5, 3, 30
_MOST_ODD = 0.2  # share of cells that stand elsewhere
_SAMPLE = 60  # rows that tell where columns are
_WIDEST_NAMES = 300  # characters
_WORD = re.compile("[^ ]+")
_NAME = re.compile(
    r"(?:Mounted on|Local Address(?::Port)?|Foreign Address|Peer Address(?::Port)?|PID/Program name|UNIT FILE|\S+)"
)
_NAMES = re.compile(r" {0,40}[A-Z%|][^\s=:,;(){}\"'`.]*(?::\w+)?(?: +[A-Z%][^\s=,;(){}\"'`.!?]*| on| name){2,}")
"""A line of names: each begins with a capital, and none ends like a part of a sentence."""
PERHAPS_NAMED = re.compile(
    r"\n(?= {0,40}+[A-Z%|][^\s=:,;(){}\"'`.]*+(?::\w+)?(?: +[A-Z%][^\s=,;(){}\"'`.!?]*| on| name) )"
)
"""Finds lines that may be one; without any there is no listing."""
Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Cells that end or begin at a place each. One that stands elsewhere has its spaces before it."""

    places: tuple[str, ...] = ()
    """Of each column, in characters: ``12`` where its cells begin, ``-17`` where they end."""

    def said(self) -> str:
        """Return what the note says of it."""
        return f"at fixed places, from character {', '.join(self.places)} (with - up to it)"

    def draw(self, table: Table) -> list[str]:
        """Return the lines of a table."""
        return [self._line(row) for row in (table.names, *table.rows)]

    def _line(self, row: Sequence[str]) -> str:
        line = ""
        for place, cell in zip(self.places, row, strict=True):
            line += self.gap(place, cell, len(line)) + cell
        return line

    @staticmethod
    def gap(place: str, cell: str, size: int) -> str:
        """Return the spaces before a cell, of a line that has a size by now."""
        if not cell or cell[0] == " ":
            return ""
        start = -int(place) - len(cell) if place[0] == "-" else int(place)
        return " " * max(start - size, 1 if size else 0)


def read(lines: Sequence[str]) -> Iterator[tuple[Fixed, Table]]:
    """Yield the listings that would be written again exactly."""
    named = [at for at, line in enumerate(lines) if "  " in line and len(line) <= _WIDEST_NAMES]
    done = 0
    for at in named:
        heads = _names(lines[at]) if at >= done else []
        if not heads:
            continue
        rows = _rows(lines, at, heads)
        found = _table(lines, at, rows)
        if found is not None:
            yield found
        done = at + len(rows)


def rows_in(lines: Sequence[str]) -> int:
    """Return how many of a few lines stand at fixed places below names."""
    start = next((at for at, line in enumerate(lines[:-_FEWEST_ROWS]) if _names(line)), None)
    found = _table(lines, start, _rows(lines, start, _names(lines[start]))) if start is not None else None
    return found[1].stop - found[1].start if found is not None else 0


def _names(line: str) -> list[Span]:
    """Return where names of columns stand in a line, if it has nothing else."""
    if len(line) > _WIDEST_NAMES or "  " not in line or not _NAMES.fullmatch(line):
        return []
    spans = [match.span() for match in _NAME.finditer(line)]
    return spans if _FEWEST_COLUMNS <= len(spans) <= _MOST_COLUMNS else []


def _rows(lines: Sequence[str], at: int, heads: Sequence[Span]) -> list[Sequence[Span]]:
    """Return where cells stand in the names and in the lines below them."""
    rows = [heads]
    for line in islice(lines, at + 1, None):
        spans = _spans(line, heads) if line and line[-1] != " " else None
        if spans is None:
            break
        rows.append(spans)
    return rows


def _table(lines: Sequence[str], at: int, rows: Sequence[Sequence[Span]]) -> tuple[Fixed, Table] | None:
    if len(rows) <= _FEWEST_ROWS:
        return None
    heads = rows[0]
    places = tuple(_place([row[column] for row in rows[:_SAMPLE]]) for column in range(len(heads)))
    cells = [_cells(line, spans, places) for line, spans in zip(lines[at:], rows, strict=False)]
    body = tuple(row for row in cells if row is not None)
    odd = sum(cell[:1] == " " for row in body[1 : _SAMPLE + 1] for cell in row)
    if len(body) < len(cells) or odd > _MOST_ODD * len(heads) * len(body[1 : _SAMPLE + 1]):
        return None
    table = Table(body[0], body[1:], at, at + len(body), at + 1)
    return Fixed(places), table


def _spans(line: str, heads: Sequence[Span]) -> list[Span] | None:
    """Return where the cell of each column stands, empty ones at 0; the last column takes the rest of the line.

    As many words as there are names are the cells in order; fewer go to the names above or below which they stand.
    """
    words = [match.span() for _, match in zip(range(len(heads)), _WORD.finditer(line), strict=False)]
    if len(words) == len(heads):
        return [*words[:-1], (words[-1][0], len(line))]
    found: dict[int, Span] = {}
    column = 0
    for number, (start, end) in enumerate(words):
        while column < len(heads) and heads[column][1] <= start and column + 1 < len(heads):
            column += 1
        if column == len(heads) - 1:
            found[column] = (start, len(line))
            break
        if (heads[column][0] >= end and number) or column in found:
            return None
        found[column] = (start, end)
    else:
        column = 0
    return [found.get(column, (0, 0)) for column in range(len(heads))]


def _place(spans: Sequence[Span]) -> str:
    """Return where most cells of a column begin, or where they end if more end alike."""
    filled = [span for span in spans if span != (0, 0)]
    start, begin_alike = Counter(start for start, _ in filled).most_common(1)[0]
    end, end_alike = Counter(end for _, end in filled).most_common(1)[0]
    return f"-{end}" if end_alike > begin_alike else str(start)


def _cells(line: str, spans: Sequence[Span], places: Sequence[str]) -> tuple[str, ...] | None:
    """Return the cells of a line, those that stand elsewhere with their spaces; None where one has none."""
    cells: list[str] = []
    at = 0
    for (start, end), place in zip(spans, places, strict=True):
        if (start, end) == (0, 0):
            cells.append("")
            continue
        cell = line[start:end]
        usual = len(Fixed.gap(place, cell, at)) == start - at
        if not usual and start == at:
            return None
        cells.append(cell if usual else line[at:end])
        at = end
    return tuple(cells)
