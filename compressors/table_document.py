"""A text with tables in it, and its written form: a note, what names stand for, then all lines in order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Protocol

from headroom_mitm.compressors.table_cells import Table
from headroom_mitm.compressors.table_delimited import Delimited
from headroom_mitm.compressors.table_fixed import Fixed
from headroom_mitm.compressors.table_form import HEAD, ONE_ROW, Shown
from headroom_mitm.compressors.table_repeats import Named, named

_SEPARATORS = "|;\t¦"
_NAMING_SAVES = 0.08  # share of the characters: for less no names are given
_FEWEST_RESULTS = 6
_MOST_ROWS_OF_A_RESULT = 30
_FIRST_LINE = "LINE 1: "
_PLACE = "LINE 1 ^"
_ESCAPED = (HEAD, "\\", _PLACE)
_BEGINNINGS = ("\n>", "\n==")  # of lines of ours


class Style(Protocol):
    """How tables were written. It writes them again exactly."""

    def said(self) -> str:
        """Return what the note says of it."""
        ...

    def draw(self, table: Table) -> list[str]:
        """Return the lines of a table."""
        ...


@dataclass(frozen=True, slots=True)
class Document:
    """Lines without carriage returns, and the tables of one style among them."""

    lines: tuple[str, ...]
    style: Style
    tables: tuple[Shown, ...]
    crlf: bool

    @classmethod
    def of(cls, lines: Sequence[str], style: Style, tables: Sequence[Table], *, crlf: bool) -> "Document | None":
        """Plan each table. One with cells that look like lines of ours stays as it was written."""
        fit = _fitting(tables)
        sep = style.sep if isinstance(style, Delimited) else _separator(fit)
        if not fit or sep is None:
            return None
        return cls(tuple(lines), style, tuple(Shown.of(table, sep) for table in fit), crlf)

    @property
    def sep(self) -> str:
        """What stands between values in rows."""
        return self.tables[0].sep

    @property
    def is_session(self) -> bool:
        """It has many small results, with what was asked before each."""
        largest = max(len(shown.table.rows) for shown in self.tables)
        return len(self.tables) >= _FEWEST_RESULTS and largest <= _MOST_ROWS_OF_A_RESULT

    @property
    def size(self) -> int:
        """Number of lines; what stands behind the last line end is none if it is empty."""
        return len(self.lines) - (self.lines[-1] == "")

    def whole(self) -> str:
        """Return the lossless form."""
        body: list[str] = []
        at = 0
        for shown in self.tables:
            body += [*self.around(at, shown.table.start), *shown.lines()]
            at = shown.table.stop
        return self.written([*body, *self.around(at, len(self.lines))], "nothing left out")

    def around(self, start: int, stop: int) -> Iterator[str]:
        """Yield lines that are no part of a table. The place of an error is told without its line again."""
        at = start
        while at < stop:
            place = self._place(at) if start + 2 <= at < stop - 1 else 0
            line = self.lines[at]
            yield f"{_PLACE}{place}" if place else "\\" + line if line.startswith(_ESCAPED) else line
            at += 2 if place else 1

    def _place(self, at: int) -> int:
        """Return the character that psql points at in the line above an error; 0 where it does not."""
        line, pointer = self.lines[at], self.lines[at + 1]
        if not line.startswith(_FIRST_LINE) or not self.lines[at - 1].startswith("ERROR:"):
            return 0
        place = len(pointer) - len(_FIRST_LINE)
        same = line[len(_FIRST_LINE) :] == self.lines[at - 2] and pointer == pointer.strip().rjust(len(pointer))
        return place if same and pointer.strip() == "^" and place > 0 else 0

    def written(self, body: Sequence[str], said: str) -> str:
        """Return a form from its lines and what is said of it first."""
        short = named(body) if self.is_session or isinstance(self.style, Fixed) else Named([], {})
        shorter = sum(map(len, short.lines)) + sum(map(len, short.names.values()))
        definitions = []
        if short.names and shorter < (1 - _NAMING_SAVES) * sum(map(len, body)):
            body = short.lines
            definitions = [f"{name} = {what}" for name, what in short.names.items()]
        return "\n".join([self._note(said, body, list(short.names) if definitions else []), *definitions, *body])

    def _note(self, said: str, body: Sequence[str], names: Sequence[str]) -> str:
        count = len(self.tables)
        tables = f"{count} tables" if count > 1 else f"1 table of {len(self.tables[0].table.rows)} rows"
        between = ", a tab between values" if self.sep == "\t" else f', "{self.sep}" between values'
        parts = []
        if any(len(shown.table.rows) != 1 for shown in self.tables):
            parts.append(f'below "> columns (rows)" stand the rows{between}')
        if any(len(shown.table.rows) == 1 for shown in self.tables):
            parts.append(f'"> columns = values" is one row{"" if parts else between}')
        if any(shown.plan.hoisted for shown in self.tables):
            parts.append('other ">" lines hold for all rows')
        if any(shown.plan.above for shown in self.tables):
            parts.append('"==" lines for the rows below them')
        if any(line.startswith(_PLACE) for line in body):
            parts.append('"LINE 1 ^8" points at character 8 of the line above the error')
        if names:
            which = f"{names[0]} to {names[-1]} stand" if len(names) > 1 else f"{names[0]} stands"
            parts.append(f"{which} for what is given first")
        if any(line.startswith("\\") for line in body):
            parts.append('a first "\\" is no part of its line')
        if self.crlf:
            parts.append("line ends are CRLF")
        parts.append(f"in the original {self.style.said()}")
        return f"[{tables}, {said}: {'; '.join(parts)}.]"


def _fitting(tables: Sequence[Table]) -> Sequence[Table]:
    """Return the tables with no cell that looks like a line of ours."""
    cells = _cells(tables)  # of thousands of small ones, all at once
    if not any(sign in cells for sign in (ONE_ROW, *_BEGINNINGS)):
        return tables
    return [table for table in tables if not _looks_ours(table)]


def _looks_ours(table: Table) -> bool:
    cells = _cells([table])
    return any(ONE_ROW in name for name in table.names) or any(sign in cells for sign in _BEGINNINGS)


def _cells(tables: Sequence[Table]) -> str:
    """Return names and cells, each behind a line end."""
    rows = chain.from_iterable((table.names, *table.rows) for table in tables)
    return "\n".join(chain([""], chain.from_iterable(rows)))


def _separator(tables: Sequence[Table]) -> str | None:
    """Return a sign that no cell has."""
    cells = _cells(tables)
    return next((sign for sign in _SEPARATORS if sign not in cells), None)
