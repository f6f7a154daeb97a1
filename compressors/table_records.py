r"""Records written one field a line: psql \x, sqlite3 -line, mysql \G. They become rows of a table."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.table_cells import Table, width

_FEWEST = 2  # records
_MOST_FIELDS = 200
_LEAST_WIDTH = 5  # of the names of sqlite3
_STARS = "*" * 27
_BEGINS = ("-[", "**")
_BEGINNING = re.compile(r"-\[ RECORD (\d+) \][-+]*|\*{27} (\d+)\. row \*{27}")
_MAY_BEGIN = re.compile(r"-\[ R|\*{27}").match
_FIELDS = {
    "psql": re.compile(r"(\S(?:[^|\n]*\S)?) *\| (.*)"),
    "mysql": re.compile(r" *(\S[^:\n]*): (.*)"),
    "sqlite3": re.compile(r" *(\S(?:[^=\n]*\S)?) = (.*)"),
}


@dataclass(frozen=True, slots=True)
class Records:
    """How records are written, by the program that writes them so."""

    program: str
    size: int = 0
    """Characters of the line above a record of psql."""

    def said(self) -> str:
        """Return what the note says of it."""
        return f"one field a line by {self.program}{f', {self.size} wide' if self.size else ''}"

    def draw(self, table: Table) -> list[str]:
        """Return the lines of the records."""
        wide = max(map(width, table.names))
        names = [" " * (wide - width(name)) + name for name in table.names]
        lines = []
        for number, row in enumerate(table.rows, 1):
            if self.program == "psql":
                lines.append(_psql_line(number, wide, self.size))
                lines += [
                    f"{name.lstrip()}{' ' * (wide - width(name.lstrip()))} | {cell}"
                    for name, cell in zip(names, row, strict=True)
                ]
            elif self.program == "mysql":
                lines.append(f"{_STARS} {number}. row {_STARS}")
                lines += [f"{name}: {cell}" for name, cell in zip(names, row, strict=True)]
            else:
                free = " " * (_LEAST_WIDTH - wide)
                lines += [""] if number > 1 else []
                lines += [f"{free}{name} = {cell}" for name, cell in zip(names, row, strict=True)]
        return lines


def _psql_line(number: int, names: int, size: int) -> str:
    begins = f"-[ RECORD {number} ]"
    whole = ("-" * (names + 1) + "+").ljust(size, "-")[:size]
    return begins + whole[len(begins) :]


def begins(lines: Sequence[str]) -> bool:
    """Say whether one of a few lines begins a record; none of them is empty."""
    if not any(map(_MAY_BEGIN, lines)) and " = " not in "".join(lines[:1]):
        return False
    return any(_program(lines, at) for at in range(len(lines)))


def read(lines: Sequence[str]) -> Iterator[tuple[Records, Table]]:
    """Yield runs of records with the same fields that would be written again exactly."""
    signed = [at for at, line in enumerate(lines) if line[:2] in _BEGINS or " = " in line]
    done, left = 0, len(lines)
    for at in signed:
        program = _program(lines, at) if at >= done and left >= 0 else ""
        if not program:
            continue
        table = _records(lines, at, program)
        style = Records(program, len(lines[at]) if program == "psql" else 0)
        if len(table.rows) >= _FEWEST and style.draw(table) == list(lines[at : table.stop]):
            yield style, table
            done = table.stop
        else:
            left -= table.stop - at


def _program(lines: Sequence[str], at: int) -> str:
    match = _BEGINNING.fullmatch(lines[at])
    if match is not None:
        return "psql" if match[1] else "mysql"
    begins = (at == 0 or not lines[at - 1]) and " = " in lines[at] and _FIELDS["sqlite3"].fullmatch(lines[at])
    return "sqlite3" if begins else ""


def _records(lines: Sequence[str], start: int, program: str) -> Table:
    """Return the records from a line on that have the same fields."""
    head = program != "sqlite3"
    field = _FIELDS[program]
    names: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    at = start
    while at < len(lines):
        begin = at + 1 if head else at
        if head and not _BEGINNING.fullmatch(lines[at]):
            break
        end = begin
        while end < len(lines) and end - begin < _MOST_FIELDS and (not names or end - begin < len(names)):
            if not lines[end] or not field.fullmatch(lines[end]):
                break
            end += 1
        found = [match.groups() for line in lines[begin:end] if (match := field.fullmatch(line)) is not None]
        these = tuple(name for name, _ in found)
        if not these or (names and these != names):
            break
        names = these
        rows.append(tuple(cell for _, cell in found))
        at = end if head else end + 1
        if not head and (end >= len(lines) or lines[end]):
            break
    stop = start + len(rows) * (len(names) + 1) - (0 if head else 1)
    return Table(names, tuple(rows), start, max(stop, start + 1), start, len(names) + 1)
