"""Sessions of psql with many small results: which statements may go with their results, and how that is said.

Never: errors, warnings and notices, the statement that an error belongs to, the beginning and the end.
"""

import re
from collections.abc import Iterator
from itertools import groupby

from headroom_mitm.compressors.base import Compressed, Level
from headroom_mitm.compressors.line_ranges import in_words
from headroom_mitm.compressors.table_document import Document

_EDGE = 6  # lines
_LEAST_GAP = 3  # lines
_MOST_ABOVE = 8  # lines of a statement that stay above its error
_ALARM = re.compile(r"(?:psql:\S+ )?(?:ERROR|FATAL|PANIC|WARNING|NOTICE)\b|(?:ERROR|Error)[ :]")
_NOTICE = re.compile(r"NOTICE:")
_BELONGS = re.compile(r"LINE \d+:|DETAIL:|HINT:|CONTEXT:|QUERY:|STATEMENT:|\s*\^\s*$")
_MEDIUM_ROWS = 3  # rows of a result that stay


def shortened(document: Document, level: Level) -> Compressed | None:
    """Return a form without what went well, or, at ``MEDIUM``, with the first rows of its results."""
    kept = _kept(document, level)
    gaps = []
    for is_gone, run in groupby(range(len(document.lines)), key=lambda line: not kept[line]):
        lines = list(run)
        if is_gone and len(lines) >= _LEAST_GAP:
            gaps.append(range(lines[0], lines[-1] + 1))
    if not gaps:
        return None
    body = list(_body(document, gaps))
    count = sum(map(len, gaps))
    said = f"{count} of {document.size} lines left out where a note says so"
    return Compressed(document.written(body, said), lossless=False, left_out=in_words(gaps, document.size))


def _kept(document: Document, level: Level) -> list[bool]:
    lines = document.lines
    count = len(lines)
    kept = [number < _EDGE or number >= count - _EDGE for number in range(count)]
    if level is Level.MEDIUM:
        kept = [not line.startswith(("--", " *", "/*")) for line in lines]
    inside = [False] * count
    for shown in document.tables:
        table = shown.table
        inside[table.start : table.stop] = [True] * (table.stop - table.start)
        # A table stays whole or goes whole.
        short = level is Level.MEDIUM and len(table.rows) <= _MEDIUM_ROWS
        stays = short or (level is not Level.MEDIUM and any(kept[table.start : table.stop]))
        kept[table.start : table.stop] = [stays] * (table.stop - table.start)
    for number, line in enumerate(lines):
        if inside[number] or not _ALARM.match(line):
            continue
        for other in _around(document, number, inside):
            kept[other] = True
    return kept


def _around(document: Document, alarm: int, inside: list[bool]) -> Iterator[int]:
    """Yield the line of an alarm, what belongs to it below, and above it the statement that it answers."""
    lines = document.lines
    yield alarm
    below = alarm + 1
    while below < len(lines) and not inside[below] and _BELONGS.match(lines[below]):
        yield below
        below += 1
    if _NOTICE.match(lines[alarm]):
        return
    above = alarm - 1
    while above >= max(0, alarm - _MOST_ABOVE) and not inside[above] and not _BELONGS.match(lines[above]):
        ends_another = above < alarm - 1 and lines[above].rstrip().endswith(";")
        if ends_another or not lines[above] or _ALARM.match(lines[above]):
            break
        yield above
        above -= 1


def _body(document: Document, gaps: list[range]) -> Iterator[str]:
    """Yield the lines that stay, tables in their form, with a note in place of each gap."""
    starts = {gap.start: gap for gap in gaps}
    tables = {shown.table.start: shown for shown in document.tables}
    at = 0
    for begin in sorted({*starts, *tables, len(document.lines)}):
        if begin < at:
            continue  # a table in a gap
        yield from document.around(at, begin)
        if begin in starts:
            yield _note(document, starts[begin])
            at = starts[begin].stop
        elif begin in tables:
            yield from tables[begin].lines()
            at = tables[begin].table.stop


def _note(document: Document, gap: range) -> str:
    inside = [shown.table for shown in document.tables if gap.start <= shown.table.start < gap.stop]
    covered = {line for table in inside for line in range(table.start, table.stop)}
    statements = sum(document.lines[line].rstrip().endswith(";") for line in gap if line not in covered)
    parts = [f"{statements} statement{'' if statements == 1 else 's'}"] if statements else []
    rows = sum(len(table.rows) for table in inside)
    parts += [f"{len(inside)} results of {rows} rows"] if inside else []
    return f"[lines {gap.start + 1}-{gap.stop} left out{': ' if parts else ''}{', '.join(parts)}]"
