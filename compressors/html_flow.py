"""Lines of markdown in the making: inline text, links, lists, quotes, code and tables."""

import re
from dataclasses import dataclass, field

START, MIDDLE, END = "\x01", "\x02", "\x03"
"""Around the text and the target of a link, as long as it is not decided how the link is shown."""
_DEEPEST = 12  # levels of lists and quotes that are shown by their indentation
_LONGEST_CELL = 40  # characters: the text of a cell that spans rows is said again in each, unless it is longer
_BLANK_LINES = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")


@dataclass(slots=True)
class Table:
    """A table of data: its rows, and what is carried into later rows."""

    rows: list[list[str]] = field(default_factory=list)
    headed: bool = True
    """Every cell of the first row is a heading."""
    spanning: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Column -> rows that are still to come, and the text there."""

    def carry(self) -> None:
        """Fill the cells at the end of a row that a cell above reaches into."""
        row = self.rows[-1]
        while len(row) in self.spanning:
            column = len(row)
            left, text = self.spanning.pop(column)
            row.append(text)
            if left > 1:
                self.spanning[column] = (left - 1, text)

    def add(self, text: str, columns: int, rows: int) -> None:
        """Add a cell that reaches over some columns and rows."""
        self.carry()
        again = text if len(text) <= _LONGEST_CELL else "″"
        for at in range(columns):
            if rows > 1:
                self.spanning[len(self.rows[-1])] = (rows - 1, again if at == 0 else "")
            self.rows[-1].append(text if at == 0 else "")

    def lines(self) -> list[str]:
        """Return the rows as lines; columns that are empty all the way are not shown."""
        rows = [row for row in self.rows if any(row)]
        width = max(map(len, rows), default=0)
        used = [at for at in range(width) if any(row[at] for row in rows if at < len(row))]
        shown = [" | ".join(row[at] for at in used if at < len(row)).rstrip(" |") for row in rows]
        if len(rows) > 1 and len(used) > 1 and self.headed and rows[0] is self.rows[0]:
            shown.insert(1, "|".join(["---"] * len(used)))
        return shown


@dataclass(slots=True)
class Flow:
    """Takes text and the beginnings and ends of blocks; ``lines`` is what a reader gets."""

    lines: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    """Of the line in the making; white space is not collapsed yet."""
    links: list[tuple[int, str]] = field(default_factory=list)
    """Links that are open: number of their first piece, target. Inside a link, a block is no line of its own."""
    hanging: list[str] = field(default_factory=list)
    """What stands in front of each line, by list and quote."""
    bullet: str = ""
    """Stands in front of the next line instead of the innermost indentation."""
    heading: str = ""
    """Stands in front of the next line."""

    def block(self) -> None:
        """End the line."""
        if self.links:
            self.pieces.append(" ")
            return
        text = " ".join("".join(self.pieces).split())
        self.pieces.clear()
        if not text:
            return
        hanging = self.hanging[:_DEEPEST]
        if self.bullet and hanging:
            hanging[-1] = self.bullet
        if self.heading and not self.hanging:
            self.lines.append("")
        self.lines.append(f"{''.join(hanging)}{self.heading}{text}")
        self.bullet = self.heading = ""

    def open_item(self, bullet: str) -> None:
        """Begin an item of a list, or with ``> `` a quote, in which each line gets the same mark."""
        self.block()
        self.hanging.append(bullet if bullet == "> " else "  ")
        self.bullet = bullet

    def close_item(self) -> None:
        """End an item or a quote."""
        self.block()
        self.bullet = ""
        if self.hanging:
            self.hanging.pop()

    def close_link(self, name: str) -> None:
        """Write the innermost open link; one without text gets ``name``."""
        start, target = self.links.pop()
        raw = "".join(self.pieces[start:])
        del self.pieces[start:]
        text = " ".join(raw.split()) or name
        link = text if START in text else f"{START}{text}{MIDDLE}{target}{END}"
        before = " " if raw[:1].isspace() else ""
        after = " " if raw[-1:].isspace() else ""
        self.pieces.append(f"{before}{link}{after}")

    def verbatim(self, text: str, *, code: bool) -> None:
        """Write preformatted text: code between fences, other text without runs of blank lines."""
        text = text.strip("\n").rstrip()
        if not text.strip():
            return
        if code:
            fence = "````" if "```" in text else "```"
            self.lines += [fence, text, fence]
        else:
            self.lines.append(_BLANK_LINES.sub("\n\n", text))
