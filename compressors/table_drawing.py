"""Tables that are drawn with lines and padding: psql, mysql, sqlite3, markdown. They are read and drawn again."""

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import eq

from headroom_mitm.compressors.table_cells import Table, is_numeric, reach, widest, width

_ROW_COUNT = re.compile(r"\((\d+) rows?\)")
_MOST_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class Frame:
    """The lines of a drawing. A border is its beginning, what it is made of, its crossings, its end."""

    said: str
    """What it is called in the note."""
    edge: str
    between: str
    top: str
    middle: str
    bottom: str
    pad: str = " "
    ragged: str = ""
    """Lines that end with their text: "rows", or "names" as well; others have spaces up to the end of the column."""
    counted: bool = False
    """A line with the number of rows follows, and an empty one."""
    inset: int = 0
    """Dashes that a border has less of, for the spaces in it."""
    least: int = 0
    """Width of a column with less in it."""

    def border(self, kind: str, widths: Sequence[int]) -> str:
        """Return a border above, between or below rows."""
        first, dash, cross, last = kind.split(",")
        return first + cross.join(dash * (wide + 2 * len(self.pad) - self.inset) for wide in widths) + last

    def names(self, names: Sequence[str], widths: Sequence[int], *, centered: bool) -> str:
        """Return the line with the names of the columns."""
        align = _centered if centered else _left
        cells = [align(name, wide) for name, wide in zip(names, widths, strict=True)]
        if self.ragged == "names":
            cells[-1] = names[-1]
        return self.line(cells)

    def line(self, cells: Sequence[str], end: str | None = None) -> str:
        """Return the line of cells that are as wide as their columns; ``end`` is what pads the last."""
        inside = f"{self.pad}{self.between}{self.pad}".join(cells)
        return f"{self.edge}{self.pad}{inside}{self.pad if end is None else end}{self.edge}"

    def below(self, widths: Sequence[int], rows: int) -> list[str]:
        """Return the lines below so many rows."""
        border = [self.border(self.bottom, widths)] if self.bottom else []
        return [*border, f"({rows} row{'' if rows == 1 else 's'})", ""] if self.counted else border


FRAMES = (
    Frame("by psql", "", "|", "", ",-,+,", "", ragged="rows", counted=True),
    Frame("with +---+", "|", "|", "+,-,+,+", "+,-,+,+", "+,-,+,+"),
    Frame("with ┌───┐", "│", "│", "┌,─,┬,┐", "├,─,┼,┤", "└,─,┴,┘"),
    Frame("in markdown", "|", "|", "", "|,-,|,|", ""),
    Frame("in columns", "", "  ", "", ",-,  ,", "", pad="", ragged="names"),
    Frame("in columns a space apart", "", " ", "", ",-, ,", "", pad="", ragged="names"),
    Frame("by psql without a count", "", "|", "", ",-,+,", "", ragged="rows"),
    Frame("in markdown with dashes apart", "|", "|", "", "| ,-, | , |", "", inset=2, least=3),
    Frame("in columns with spaces behind", "", "  ", "", ",-,  ,", "", pad=""),
)
PSQL, ASCII, BOX, MARKDOWN, COLUMNS, CLOSE, UNCOUNTED, APART, PADDED = FRAMES
_BORDER = re.compile(r"-+(?:\+-+)*|\+-+(?:\+-+)*\+|├─+(?:┼─+)*┤|\| ?-{3,} ?(?:\| ?-{3,} ?)*\||-{2,}(?:  ?-{2,})+")
_BEGINS_BORDER = ("-", "+", "├", "|")
_FRAME_OF = {"+": ASCII, "├": BOX, "|": MARKDOWN}


@dataclass(frozen=True, slots=True)
class Style:
    """How tables are drawn."""

    frame: Frame
    centered: bool
    """Names stand in the middle of their columns, else on the left."""
    numbers_right: bool
    """Columns of numbers are aligned to the right."""

    def said(self) -> str:
        """Return what the note says of it."""
        names = "in the middle" if self.centered else "on the left"
        return f"drawn {self.frame.said}, names {names}, numbers on the {'right' if self.numbers_right else 'left'}"

    def draw(self, table: Table) -> list[str]:
        """Return the lines of a table."""
        widths = _widths(table, self.frame)
        names = self.frame.names(table.names, widths, centered=self.centered)
        above = [self.frame.border(self.frame.top, widths)] if self.frame.top else []
        middle = self.frame.border(self.frame.middle, widths)
        return [*above, names, middle, *self.rows(table, widths), *self.frame.below(widths, len(table.rows))]

    def rows(self, table: Table, widths: Sequence[int]) -> Iterator[str]:
        """Yield the lines of the rows of a table whose columns are so wide."""
        frame = self.frame
        numeric = _numeric(table.columns()) if self.numbers_right and table.right is None else ()
        right = set(numeric if table.right is None else table.right)
        aligned = [(_right if at in right else _left, wide) for at, wide in enumerate(widths)]
        is_ragged = bool(frame.ragged) and len(widths) - 1 not in right
        for row in table.rows:
            cells = [align(cell, wide) for (align, wide), cell in zip(aligned, row, strict=True)]
            if is_ragged:
                cells[-1] = row[-1]
            yield frame.line(cells, None if frame.edge else "")  # without an edge a line ends with its text


@dataclass(frozen=True, slots=True)
class _Head:
    """What the names and the border below them tell of a table."""

    names: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    """Where the cells of a row stand, with the space around them."""
    widths: tuple[int, ...]
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
        for centered in (True, False):
            if frame.names(names, widths, centered=centered) == line:
                return cls(names, spans, widths, centered)
        return None


_ReadHead = Callable[[str, str, Frame], _Head | None]


def _widths(table: Table, frame: Frame) -> tuple[int, ...]:
    columns = zip(table.names, table.columns(), strict=True)
    return tuple(max(frame.least, width(name), widest(cells)) for name, cells in columns)


def _left(text: str, wide: int) -> str:
    return text.ljust(wide) if text.isascii() else text + " " * (wide - width(text))


def _right(text: str, wide: int) -> str:
    return text.rjust(wide) if text.isascii() else " " * (wide - width(text)) + text


def _centered(text: str, wide: int) -> str:
    free = wide - width(text)
    return " " * (free // 2) + text + " " * (free - free // 2)


def _numeric(columns: Sequence[tuple[str, ...]]) -> Iterator[int]:
    return (at for at, cells in enumerate(columns) if is_numeric(cells))


def read(lines: Sequence[str]) -> Iterator[tuple[Style, Table]]:
    """Yield the tables that would be drawn again exactly, with the style in which they are."""
    borders = [at for at, line in enumerate(lines) if line[:1] in _BEGINS_BORDER and _BORDER.fullmatch(line)]
    done, left = 1, len(lines)
    head_of = functools.cache(_Head.of)  # of thousands of small results many begin alike
    for at in borders:
        if at < done or left < 0:
            continue
        found = _at_border(lines, at, head_of)
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


def _at_border(lines: Sequence[str], border: int, head_of: _ReadHead) -> tuple[Style, Table] | None:
    """Read the table that has its names above a border."""
    frame = _frame_of(lines, border)
    start = border - (2 if frame.top else 1)
    if start < 0 or (frame.top and lines[start][:1] != frame.top[0]):
        return None
    stop = _end_of_rows(lines, border + 1, frame)
    if stop is None:
        return None
    head = head_of(lines[border - 1], lines[border], frame)
    if head is None or (frame.top and lines[start] != frame.border(frame.top, head.widths)):
        return None
    below = frame.below(head.widths, stop - border - 1)
    if below and lines[stop : stop + len(below)] != below:
        return None
    rows = [_cells(line, frame, head.spans) for line in lines[border + 1 : stop]]
    body = tuple(row for row in rows if row is not None)
    if len(body) < len(rows):
        return None
    return _exact(lines, Table(head.names, body, start, stop + len(below), border + 1), frame, head)


def _exact(lines: Sequence[str], table: Table, frame: Frame, head: _Head) -> tuple[Style, Table] | None:
    """Return a table with the style that gives the lines of its rows back."""
    if _widths(table, frame) != head.widths:
        return None
    expected = lines[table.first_row : table.first_row + len(table.rows)]
    for numbers_right in (True,) if frame in (PSQL, UNCOUNTED) else (True, False):
        style = Style(frame, head.centered, numbers_right)
        if all(map(eq, style.rows(table, head.widths), expected)):
            return style, table
    style = Style(frame, head.centered, numbers_right=True)
    shown = replace(table, right=_right_as_seen(expected, head.spans))
    return (style, shown) if all(map(eq, style.rows(shown, head.widths), expected)) else None


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
