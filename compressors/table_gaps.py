"""Which rows of a large table may be left out, and what is said of them.

Never: the first and last rows, the smallest and largest number of each column, rows that speak of errors, rare values,
empty cells where nearly all are filled, and keys that stand twice.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress, groupby

from headroom_mitm.compressors.base import Compressed, Level
from headroom_mitm.compressors.line_ranges import in_words
from headroom_mitm.compressors.log_alarms import alarms_in
from headroom_mitm.compressors.table_cells import Table, is_numeric
from headroom_mitm.compressors.table_document import Document
from headroom_mitm.compressors.table_form import Shown
from headroom_mitm.compressors.table_plan import plan_of

_FEWEST_ROWS = 24
_FEW_VALUES = 20  # a column with no more is one of kinds
_RARE = 0.01  # share of the rows
_RARELY_EMPTY = 0.02
_NEARLY_ALL = 0.97  # share of values that differ in a column of keys
_MOST_SHOWN = 4  # rows that stay for one reason, such as an empty cell
_LEAST_GAP = 2
_LISTED_VALUES = 4
_LONG = 40  # characters of a value in a summary


@dataclass(frozen=True, slots=True)
class _Rules:
    edge: int
    """First and last rows that stay."""
    share: float
    """Of the rows: more do not stay, except for errors, extremes and the edges."""
    every: int
    """One of so many rows stays in a table of measured values, for their course to be seen."""


_RULES = {Level.MEDIUM: _Rules(edge=10, share=0.4, every=20), Level.HARD: _Rules(edge=3, share=0.12, every=50)}
_FEWEST_MEASURED = 200  # rows
_MEASURED = 3  # columns of numbers that hardly repeat


def shortened(document: Document, level: Level) -> Compressed | None:
    """Return a form in which each large table has gaps; None where none is large."""
    rules = _RULES[level]
    body: list[str] = []
    gaps: list[range] = []
    gone = at = 0
    for shown in document.tables:
        table = shown.table
        body += document.around(at, table.start)
        at = table.stop
        missing = _missing(table, rules) if len(table.rows) >= _FEWEST_ROWS else []
        body += _with_notes(shown, missing) if missing else shown.lines()
        gaps += [table.lines_of(gap.start, gap.stop - 1) for gap in missing]
        gone += sum(map(len, missing))
    if not gaps:
        return None
    body += document.around(at, len(document.lines))
    said = f"{gone} rows left out where a note says so"
    return Compressed(document.written(body, said), lossless=False, left_out=in_words(gaps, document.size))


def _with_notes(shown: Shown, missing: Sequence[range]) -> Iterator[str]:
    """Yield the lines of a table with a note in place of each gap, and a summary of all above the rows."""
    table = shown.table
    if shown.plan.blank:
        shown = replace(shown, plan=plan_of(table, shown.sep, may_blank=False))
    gone = [row for gap in missing for row in gap]
    kept = sorted(set(range(len(table.rows))) - set(gone))
    yield from shown.head(kept)
    yield f"> {len(gone)} rows left out below: {'; '.join(_summaries(table, gone))}"
    for gap in [*missing, None]:
        upto = gap.start if gap is not None else len(table.rows)
        while kept and kept[0] < upto:
            run = [row for row in kept if row < upto]
            yield from shown.rows(run)
            kept = kept[len(run) :]
        if gap is not None:
            lines = table.lines_of(gap.start, gap.stop - 1)
            yield f"[{len(gap)} rows left out: lines {lines.start + 1}-{lines.stop}]"


def _summaries(table: Table, rows: Sequence[int]) -> Iterator[str]:
    """Yield for each column what the cells of some rows are like."""
    for name, cells in zip(table.names, table.columns(), strict=True):
        counts = Counter(map(cells.__getitem__, rows))
        filled = tuple(cell for cell in counts if cell not in ("", "NULL"))
        if len(counts) == 1:
            continue  # said for all rows, or below
        if len(counts) <= _LISTED_VALUES:
            yield f"{name} {', '.join(f'{_cut(value)} {count}' for value, count in counts.most_common())}"
        elif is_numeric(filled):
            numbers = sorted(filled, key=_number)
            yield f"{name} {numbers[0]} to {numbers[-1]}{_middle(numbers)}"
        else:
            often = [f"{_cut(value)} {count}" for value, count in counts.most_common(2) if count > 1]
            yield f"{name} {len(counts)} values{', most often ' if often else ''}{', '.join(often)}"


def _middle(numbers: Sequence[str]) -> str:
    """Say where the middle half of different numbers lies, if they are many."""
    count = len(numbers)
    return f" (middle half {numbers[count // 4]} to {numbers[-1 - count // 4]})" if count > _FEW_VALUES else ""


def _is_measured(table: Table) -> bool:
    """Say whether a table shows the course of several values: what is between its rows would be missed."""
    if len(table.rows) < _FEWEST_MEASURED:
        return False
    return sum(is_numeric(cells) and len(set(cells)) > len(cells) / 4 for cells in table.columns()) >= _MEASURED


def _cut(value: str) -> str:
    return (value[:_LONG] + "…" if len(value) > _LONG else value) or "(empty)"


def _missing(table: Table, rules: _Rules) -> list[range]:
    """Return the rows that may go, in runs."""
    count = len(table.rows)
    stay = {*range(min(rules.edge, count)), *range(max(0, count - rules.edge), count)}
    alarms = alarms_in([*map(" ".join, table.rows)])
    stay |= set(_extremes(table)) | set(compress(range(count), alarms))
    for row in _remarkable(table):
        if len(stay) >= rules.share * count:
            break
        stay.add(row)
    if _is_measured(table):
        stay |= set(range(0, count, rules.every))
    runs = []
    for is_gone, run in groupby(range(count), key=lambda row: row not in stay):
        rows = list(run)
        if is_gone and len(rows) >= _LEAST_GAP:
            runs.append(range(rows[0], rows[-1] + 1))
    return runs


def _extremes(table: Table) -> Iterator[int]:
    """Yield the rows with the smallest and largest number of each column."""
    for cells in table.columns():
        if not is_numeric(cells):
            continue
        numbers = {cell: _number(cell) for cell in set(cells) if cell not in ("", "NULL")}
        yield cells.index(min(numbers, key=lambda cell: (numbers[cell], cell)))
        yield cells.index(max(numbers, key=lambda cell: (numbers[cell], cell)))


def _remarkable(table: Table) -> Iterator[int]:
    """Yield rows with something rare in them, the rarest first."""
    count = len(table.rows)
    for cells in table.columns():
        counts = Counter(cells)
        empty = sum(counts[value] for value in ("", "NULL"))
        if 0 < empty <= max(1, _RARELY_EMPTY * count):
            yield from [row for row, cell in enumerate(cells) if cell in ("", "NULL")][:_MOST_SHOWN]
        if len(counts) <= _FEW_VALUES:
            rare = {value for value, times in counts.items() if times <= max(1, _RARE * count)}
            yield from [row for row, cell in enumerate(cells) if cell in rare][:_MOST_SHOWN]
        elif _NEARLY_ALL * count <= len(counts) < count:
            yield from [row for row, cell in enumerate(cells) if counts[cell] > 1][:_MOST_SHOWN]


def _number(cell: str) -> float:
    try:
        return float(cell.replace(",", "").rstrip("%"))
    except ValueError:
        return 0.0
