"""Diagnostics of compilers and linters, read: file by file, each with its place and its message."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

_LONGEST = 1_000  # characters; a longer line is no diagnostic
_PATH = r"(?P<path>(?:[A-Za-z]:)?[^\s:()\[\]][^:()\t]*?)"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One line: where, and what."""

    line: int
    column: int | None
    text: str

    @property
    def place(self) -> str:
        """Return how it is written: ``12:5``, or ``12``."""
        return f"{self.line}" if self.column is None else f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class File:
    """Diagnostics of one file that stand together, in order."""

    path: str
    found: tuple[Diagnostic, ...]
    lines: tuple[str, ...]
    """The original."""


Piece = str | File
"""A line as it is, or the diagnostics of a file."""


@dataclass(frozen=True, slots=True)
class Format:
    """How a tool writes a diagnostic; ``shape`` says it to a reader."""

    shape: str
    pattern: re.Pattern[str]

    def read(self, line: str) -> tuple[str, Diagnostic] | None:
        """Return path and diagnostic, if the line is one and comes back to the character."""
        match = self.pattern.fullmatch(line) if len(line) <= _LONGEST else None
        if match is None:
            return None
        part = match.groupdict()
        column = int(part["column"]) if part.get("column") else None
        diagnostic = Diagnostic(int(part["line"]), column, part["text"])
        return (part["path"], diagnostic) if self.written(part["path"], diagnostic) == line else None

    def written(self, path: str, diagnostic: Diagnostic) -> str:
        """Return the line."""
        values = {"path": path, "line": str(diagnostic.line), "column": str(diagnostic.column)}
        return re.sub("path|line|column", lambda word: values[word[0]], self.shape) + diagnostic.text


def _format(shape: str, pattern: str) -> Format:
    return Format(shape, re.compile(rf"{pattern}(?P<text>[^\s$\d].*)"))


FORMATS = (
    _format("path(line,column): ", rf"{_PATH}\((?P<line>\d+),(?P<column>\d+)\): "),  # tsc, MSBuild
    _format("path:line:column - ", rf"{_PATH}:(?P<line>\d+):(?P<column>\d+) - "),  # tsc --pretty, pyright
    _format("path:line:column: ", rf"{_PATH}:(?P<line>\d+):(?P<column>\d+): "),  # gcc, clang, ruff, go vet, flake8
    _format("[ERROR] path:[line,column] ", rf"\[ERROR\] {_PATH}:\[(?P<line>\d+),(?P<column>\d+)\] "),  # maven
    _format("path:line: ", rf"{_PATH}:(?P<line>\d+): "),  # mypy, javac
)
TABLE = "path, then a table"
"""The shape of ESLint's own format."""
_HEADING = re.compile(r"(?:/|[A-Za-z]:\\|[\w.@-]+[/\\])\S.*|\S+\.\w+")
_ENTRY = re.compile(r" +(\d+):(\d+) +(error|warning)  +([^\s$].*?)(?:  +(\S+))?")


def pieces(lines: Sequence[str]) -> tuple[list[Piece], str]:
    """Return the text as diagnostics of files where they can be told, and the shape that they had."""
    found = _tables(lines)
    if any(isinstance(piece, File) for piece in found):
        return found, TABLE
    counts = [sum(form.read(line) is not None for line in lines[:400]) for form in FORMATS]
    form = FORMATS[counts.index(max(counts))]
    return _by_file(lines, form), form.shape


def _by_file(lines: Sequence[str], form: Format) -> list[Piece]:
    out: list[Piece] = []
    for path, group in groupby(((line, form.read(line)) for line in lines), key=lambda pair: pair[1] and pair[1][0]):
        if path is None:
            out += [line for line, _ in group]
        else:
            run = [(line, read[1]) for line, read in group if read is not None]
            out.append(File(path, tuple(one for _, one in run), tuple(line for line, _ in run)))
    return out


def _tables(lines: Sequence[str]) -> list[Piece]:
    out: list[Piece] = []
    at = 0
    while at < len(lines):
        end = at + 1
        found = []
        while _HEADING.fullmatch(lines[at]) and end < len(lines) and (entry := _ENTRY.fullmatch(lines[end])):
            text = f"{entry[3]}  {entry[4]}" + (f"  {entry[5]}" if entry[5] else "")
            found.append(Diagnostic(int(entry[1]), int(entry[2]), text))
            end += 1
        file = File(lines[at], tuple(found), tuple(lines[at:end]))
        if found and table(file) == list(file.lines):
            out.append(file)
            at = end
        else:
            out.append(lines[at])
            at += 1
    return out


def table(file: File) -> list[str]:
    """Return the lines that ESLint writes for a file: columns as wide as the widest cell, the first to the right."""
    rows = [[str(one.line), str(one.column), *one.text.split("  ")] for one in file.found]
    wide = max(map(len, rows))
    widths = [max(len(row[column]) for row in rows if column < len(row)) for column in range(wide)]
    out = [file.path]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[2:], widths[2:], strict=False)]
        out.append("  ".join([f"  {row[0].rjust(widths[0])}:{row[1].ljust(widths[1])}", *cells]).rstrip())
    return out
