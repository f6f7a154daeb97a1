"""Tables of psql, mysql, sqlite3 and kubectl, CSV and markdown: padding goes, what many rows share is said once."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors import (
    table_columns,
    table_delimited,
    table_drawing,
    table_fixed,
    table_gaps,
    table_records,
    table_sessions,
)
from headroom_mitm.compressors.base import Compressed, Content, Level, in_one_piece
from headroom_mitm.compressors.table_cells import Table
from headroom_mitm.compressors.table_document import Document, Style

_FEWEST_LINES = 5
_WORTH = 0.95  # a form with more of the tokens than this is not worth a reader's trouble
_LOSSY_WORTH = 0.85  # share of the whole form: a lossy one that is longer is not worth its gaps
_FAR = 0.3  # share of the text: a lossy form shorter than this needs no comparison
_HEAD_LINES = 80
_WIDEST = 2_000  # characters of a line of a drawing
_LEAST_SHARE = 0.4
_SURE = 0.95
_LINES_OF_A_RESULT = 5  # statement, names, border, count, empty line
_OURS = re.compile(r"\[\d+ tables?(?: of \d+ rows)?, ")
_LOOKS_DRAWN = re.compile(r"\|.*\|$|│.*│$|[+├┌└][-─+┼┬┴]+[+┤┐┘]$")
_PERHAPS = re.compile(
    r"\n(?=[|│+├┌└]|\(\d|--|-\[ R|\*\*|[A-Z][A-Z0-9_./()%-]*(?: [A-Z0-9_./()%-]+)*  "
    r"| {0,40}+[A-Z%|][^\s=:,;(){}\"'`.]*+(?::\w+)?(?: +[A-Z%]| on| name))"
)
"""Where no line begins with anything like this, nor has the first a field, only lines with a separator are a table."""
_PERHAPS_DRAWN = re.compile(r"\n(?=[|│+├┌└])")
_LOOKS_COUNTED = re.compile(r"\n(?=\(\d+ rows?\)$)", re.MULTILINE)
_LOOKS_FIELD = re.compile(r"-\[ RECORD \d+ \]|\*{27} \d+\. row|\S+ +\| | *\S+ = | *\w+: ")
_LOOKS_BEGUN = re.compile(r"-\[ RECORD \d+ \]|\*{27} \d+\. row", re.MULTILINE)


def _in_columns(lines: Sequence[str]) -> Sequence[tuple[Style, Table]]:
    """Return listings in columns that begin two spaces apart, or in any if cells then would have columns inside."""
    apart = list(table_columns.read(lines))
    if apart and not any(cell[:1] == " " or "  " in cell for _, table in apart for row in table.rows for cell in row):
        return apart
    return list(table_fixed.read(lines)) or apart


_READERS: tuple[Callable[[Sequence[str]], Iterable[tuple[Style, Table]]], ...] = (
    table_drawing.read,
    _in_columns,
    table_records.read,
    table_delimited.read,
)


@dataclass(frozen=True, slots=True)
class TableRows:
    """Lossless: a line with the columns, then the rows; what is drawn around them is told by its name."""

    name: str = "table_rows"
    version: int = 3
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Share of sampled lines that look like a part of a table."""
        if content.text.count("\n") < _FEWEST_LINES - 1 or _OURS.match(content.text[:60]):
            return 0.0
        head = content.head[: _HEAD_LINES + 1]
        lines = head[:-1] if len(head) > 2 else head  # the last line may be cut
        if "\r" in content.text:
            lines = [line.rstrip("\r") for line in lines]
        share = _share(list(filter(None, lines)))
        return _SURE * min(1.0, share) if share >= _LEAST_SHARE else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the tables in their short form, or None where that saves too little."""
        if len(content.lines) < _FEWEST_LINES or self.score(content) <= 0:
            return None
        document = document_of(content.lines)
        if document is None:
            return None
        part = _with_gaps(document, level) if level > Level.LIGHT else None
        if part is not None and len(part.text) < _FAR * len(content.text):
            return part
        whole = document.whole()
        if part is not None and len(part.text) < _LOSSY_WORTH * min(len(whole), len(content.text)):
            return part if content.outweighs(part.text) else None
        if len(whole) >= len(content.text) or not content.outweighs(whole, _WORTH):
            return None
        return Compressed(whole, lossless=True)


def _share(lines: Sequence[str]) -> float:
    """Return the share of lines that look like a part of a table, in the way in which most of them do."""
    count = max(1, len(lines))
    look = in_one_piece(lines)
    if _PERHAPS.search(look) is None and " = " not in "".join(lines[:1]):
        return table_delimited.rows_in(lines) / count
    drawn = fields = in_columns = below_borders = 0
    if _PERHAPS_DRAWN.search(look):
        drawn = sum(len(line) <= _WIDEST and _LOOKS_DRAWN.match(line) is not None for line in lines)
    counted = _LINES_OF_A_RESULT * len(_LOOKS_COUNTED.findall(look))
    if table_records.begins(lines):
        fields = sum(_LOOKS_FIELD.match(line) is not None for line in lines)
    if table_columns.PERHAPS_NAMED.search(look):
        in_columns = table_columns.rows_in(lines)
    if table_fixed.PERHAPS_NAMED.search(look):
        in_columns = max(in_columns, table_fixed.rows_in(lines))
    if "\n--" in look:
        below_borders = table_drawing.rows_in(lines)
    return max(drawn, counted, fields, below_borders, in_columns, table_delimited.rows_in(lines)) / count


def document_of(lines: Sequence[str]) -> Document | None:
    """Return the tables of one style, the one that most lines are in; None where there is no table."""
    crlf = len(lines) > 1 and all(line.endswith("\r") for line in lines[:-1])
    plain = [line[:-1] for line in lines[:-1]] + [lines[-1]] if crlf else list(lines)
    for read in _READERS:
        found = list(read(plain))
        if not found:
            continue
        sizes: Counter[Style] = Counter()
        for style, table in found:
            sizes[style] += table.stop - table.start
        style = sizes.most_common(1)[0][0]
        return Document.of(plain, style, [table for its, table in found if its == style], crlf=crlf)
    return None


def _with_gaps(document: Document, level: Level) -> Compressed | None:
    """Return the form with what is usual left out, or None where too little could be."""
    return table_sessions.shortened(document, level) if document.is_session else table_gaps.shortened(document, level)
