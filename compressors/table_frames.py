"""How tables are drawn with lines and padding: the frames of psql, mysql, sqlite3 and markdown, and what is inside."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.table_cells import Table, is_numeric, widest, width


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The lines of a drawing. A border is its beginning, what it is made of, its crossings, its end.

    There are those of ``FRAMES`` and no others, so that one is equal to itself only.
    """

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
        columns = zip(table.names, table.columns(), strict=True)
        widths = [max(self.frame.least, width(name), widest(cells)) for name, cells in columns]
        names = self.frame.names(table.names, widths, centered=self.centered)
        above = [self.frame.border(self.frame.top, widths)] if self.frame.top else []
        middle = self.frame.border(self.frame.middle, widths)
        right = self.on_the_right(table.columns()) if table.right is None else table.right
        return [
            *above,
            names,
            middle,
            *self.rows(table.rows, widths, right),
            *self.frame.below(widths, len(table.rows)),
        ]

    def on_the_right(self, columns: Sequence[tuple[str, ...]]) -> list[int]:
        """Return the columns that are aligned to the right, unless others are said to be."""
        return [at for at, cells in enumerate(columns) if is_numeric(cells)] if self.numbers_right else []

    def rows(self, rows: Sequence[tuple[str, ...]], widths: Sequence[int], right: Sequence[int]) -> Iterator[str]:
        """Yield the lines of rows in columns that are so wide."""
        frame = self.frame
        aligned = [(_right if at in right else _left, wide) for at, wide in enumerate(widths)]
        is_ragged = bool(frame.ragged) and len(widths) - 1 not in right
        for row in rows:
            cells = [align(cell, wide) for (align, wide), cell in zip(aligned, row, strict=True)]
            if is_ragged:
                cells[-1] = row[-1]
            yield frame.line(cells, None if frame.edge else "")  # without an edge a line ends with its text


def _left(text: str, wide: int) -> str:
    return text.ljust(wide) if text.isascii() else text + " " * (wide - width(text))


def _right(text: str, wide: int) -> str:
    return text.rjust(wide) if text.isascii() else " " * (wide - width(text)) + text


def _centered(text: str, wide: int) -> str:
    free = wide - width(text)
    return " " * (free // 2) + text + " " * (free - free // 2)
