"""Tables that are drawn with lines and padding: psql, mysql, sqlite3, markdown. They are read, and drawn again."""

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import eq

from headroom_mitm.compressors.table_cells import Table, columns_of, reach, widest, width
from headroom_mitm.compressors.table_frames import (
    APART,
    ASCII,
    BOX,
    CLOSE,
    COLUMNS,
    MARKDOWN,
    PADDED,
    PSQL,
    UNCOUNTED,
    Frame,
    Style,
)

_ROW_COUNT = re.compile(r"\((\d+) rows?\)")
_MOST_COLUMNS = 200
_FEW_ROWS = 8  # of a result: what is as small may well come again


_BORDER = re.compile(r"-+(?:\+-+)*|\+-+(?:\+-+)*\+|├─+(?:┼─+)*┤|\| ?-{3,} ?(?:\| ?-{3,} ?)*\||-{2,}(?:  ?-{2,})+")
_BEGINS_BORDER = ("-", "+", "├", "|")
_FRAME_OF = {"+": ASCII, "├": BOX, "|": MARKDOWN}


@dataclass(frozen=True, slots=True, eq=False)
class _Head:
    """What the names and the border below them tell of a table. It is read once, and equal to itself only."""

    names: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """Where the cells of a row stand, with the space around them."""
    widths: tuple[int, ...]
    taken: tuple[int, ...]
    """Of the widths, by the names alone."""
    centered: bool

    @classmethod
    def of(cls, line: str, border: str, frame: Frame) -> "_Head | None":
        """Read the two lines; None where they would not be drawn so."""
        spans = tuple(_spans(border, frame))
        names = _cells(line, frame, spans)
        if names is None or len(names) > _MOST_COLUMNS:
            return None
        widths = tuple(stop - start - 2 * len(frame.pad) + frame.inset for start, stop in spans)
        if frame.border(frame.middle, widths) != border:
            return None
        taken = tuple(max(frame.least, width(name)) for name in names)
        for centered in (True, False):
            if frame.names(names, widths, centered=centered) == line:
                return cls(names, spans, widths, taken, centered)
        return None


@dataclass(frozen=True, slots=True)
class _Body:
    """The rows of a table, with the style that gives their lines back."""

    style: Style
    rows: tuple[tuple[str, ...], ...]
    right: tuple[int, ...] | None


class _Memory:
    """What was read before in one text: of thousands of small results most begin like others, and many are equal."""

    def __init__(self) -> None:
        self.head_of: Callable[[str, str, Frame], _Head | None] = functools.cache(_Head.of)
        self._body_of = functools.cache(_body_of)

    def body_of(self, head: _Head, frame: Frame, lines: Sequence[str]) -> _Body | None:
        """Read the rows below a head. Large tables are hardly ever equal."""
        return (self._body_of if len(lines) <= _FEW_ROWS else _body_of)(head, frame, tuple(lines))


def read(lines: Sequence[str]) -> Iterator[tuple[Style, Table]]:
    """Yield the tables that would be drawn again exactly, with the style in which they are."""
    borders = [at for at, line in enumerate(lines) if line[:1] in _BEGINS_BORDER and _BORDER.fullmatch(line)]
    done, left = 1, len(lines)
    memory = _Memory()
    for at in borders:
        if at < done or left < 0:
            continue
        found = _at_border(lines, at, memory)
        if found is None:
            left -= reach(lines, at)
            continue
        yield found
        done = found[1].stop + 1


def rows_in(lines: Sequence[str]) -> int:
    """Return how many of a few lines belong to tables without an edge, as far as one can tell from them."""
    count = at = 0
    while at < len(lines):
        if at and lines[at].startswith("--") and lines[at - 1] and _BORDER.fullmatch(lines[at]):
            begin = "" if " " in lines[at] else " "
            count += 2 if lines[at - 1].startswith(begin) else 0
            while at + 1 < len(lines) and lines[at + 1] and lines[at + 1].startswith(begin):
                at, count = at + 1, count + 1
        at += 1
    return count


def _frame_of(lines: Sequence[str], border: int) -> Frame:
    """Return the frame that a border belongs to."""
    line = lines[border]
    if line[0] != "-":
        return APART if line.startswith("| ") else _FRAME_OF[line[0]]
    if " " in line:
        if "  " not in line:
            return CLOSE
        return PADDED if any(row.endswith(" ") for row in lines[border - 1 : border + 2]) else COLUMNS
    end = _below_psql(lines, border + 1)
    return PSQL if end < len(lines) and _ROW_COUNT.fullmatch(lines[end]) else UNCOUNTED


def _at_border(lines: Sequence[str], border: int, memory: _Memory) -> tuple[Style, Table] | None:
    """Read the table that has its names above a border."""
    frame = _frame_of(lines, border)
    start = border - (2 if frame.top else 1)
    if start < 0 or (frame.top and lines[start][:1] != frame.top[0]):
        return None
    stop = _end_of_rows(lines, border + 1, frame)
    if stop is None:
        return None
    head = memory.head_of(lines[border - 1], lines[border], frame)
    if head is None or (frame.top and lines[start] != frame.border(frame.top, head.widths)):
        return None
    below = frame.below(head.widths, stop - border - 1)
    if below and lines[stop : stop + len(below)] != below:
        return None
    body = memory.body_of(head, frame, lines[border + 1 : stop])
    if body is None:
        return None
    return body.style, Table(head.names, body.rows, start, stop + len(below), border + 1, right=body.right)


def _body_of(head: _Head, frame: Frame, lines: tuple[str, ...]) -> _Body | None:
    """Read rows; None where no style gives their lines back."""
    rows = tuple(row for line in lines if (row := _cells(line, frame, head.spans)) is not None)
    columns = columns_of(rows, len(head.names))
    if len(rows) < len(lines) or tuple(map(max, head.taken, map(widest, columns))) != head.widths:
        return None
    for numbers_right in (True,) if frame in (PSQL, UNCOUNTED) else (True, False):
        style = Style(frame, head.centered, numbers_right)
        if all(map(eq, style.rows(rows, head.widths, style.on_the_right(columns)), lines)):
            return _Body(style, rows, None)
    style = Style(frame, head.centered, numbers_right=True)
    right = _right_as_seen(lines, head.spans)
    return _Body(style, rows, right) if all(map(eq, style.rows(rows, head.widths, right), lines)) else None


def _right_as_seen(lines: Sequence[str], spans: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return the columns in which a cell has more space before it than behind it."""
    found = []
    for at, (start, stop) in enumerate(spans):
        pieces = (line[start:stop] for line in lines)
        if any(len(piece) - len(piece.lstrip()) > 1 and piece.strip() for piece in pieces):
            found.append(at)
    return tuple(found)


def _below_psql(lines: Sequence[str], at: int) -> int:
    """Return the line behind the rows of psql."""
    while at < len(lines) and lines[at].startswith(" "):
        at += 1
    return at


def _end_of_rows(lines: Sequence[str], at: int, frame: Frame) -> int | None:
    """Return the line behind the last row; None where the table has no end, or not the one it should have."""
    if frame.counted:
        end = _below_psql(lines, at)
        match = _ROW_COUNT.fullmatch(lines[end])
        return end if match is not None and int(match[1]) == end - at and lines[end + 1 : end + 2] == [""] else None
    if frame is UNCOUNTED:
        # One column without a count may be anything, such as a headline.
        return _below_psql(lines, at) if "+" in lines[at - 1] else None
    if not frame.edge:
        while at < len(lines) and lines[at]:
            at += 1
        return at
    while at < len(lines) and lines[at].startswith(frame.edge):
        at += 1
    ends = not frame.bottom or (at < len(lines) and lines[at][:1] == frame.bottom[0])
    return at if ends else None


def _spans(border: str, frame: Frame) -> list[tuple[int, int]]:
    """Return where the cells of a row stand, with the space around them."""
    dash = frame.middle.split(",")[1]
    return [match.span() for match in re.finditer(f"{dash}+", border)]


def _cells(line: str, frame: Frame, spans: Sequence[tuple[int, int]]) -> tuple[str, ...] | None:
    inside = line[len(frame.edge) : -len(frame.edge)] if frame.edge else line
    if frame.edge and not line.endswith(frame.edge):
        return None
    pieces = inside.split(frame.between) if frame.pad else []
    if len(pieces) != len(spans):
        pieces = [line[start:stop] for start, stop in spans]
    return tuple(piece.strip(" ") for piece in pieces)
