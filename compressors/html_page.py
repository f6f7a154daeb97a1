"""A web page on its way to lines of markdown: what is open while its elements are read in order."""

from dataclasses import dataclass, field

from headroom_mitm.compressors.html_flow import Flow, Table
from headroom_mitm.compressors.html_tables import Element


@dataclass(slots=True)
class Page:
    """The walk over a page. ``flow`` gets the lines."""

    tables: frozenset[Element]
    """Tables of data; they do not hold others."""
    flow: Flow = field(default_factory=Flow)
    table: Table | None = None
    """The table of data that is being read."""
    outer: tuple[list[str], list[str]] = ([], [])
    """Lines and indentation of the page, while a cell gathers its own."""
    opened: list[Element] = field(default_factory=list)
    """The elements of ``flow.links``."""
    numbers: list[int | None] = field(default_factory=list)
    """Of each open list: the number of its next item, or None."""
    pre: Element | None = None
    """Preformatted text that is being read."""
    is_code: bool = False
    in_code: list[str] = field(default_factory=list)
    """Links to other sites in the code that is being read."""
    unsaid: int = 0
    """Links to places in the page itself or to scripts, and most links in code: their targets are not shown."""
    unseen: int = 0
    """Images: their addresses are not shown."""
    drawings: int = 0

    def end_line(self) -> None:
        """Begin or end a block."""
        pieces = self.flow.pieces
        if self.pre is None:
            self.flow.block()
        elif pieces and not pieces[-1].endswith("\n"):
            pieces.append("\n")

    def say(self, text: str) -> None:
        """Add text of an element."""
        pieces = self.flow.pieces
        # Two numbers side by side in different elements must not be read as one.
        if pieces and text[0].isdigit() and pieces[-1][-1:].isdigit() and self.pre is None:
            pieces.append(" ")
        pieces.append(text)
