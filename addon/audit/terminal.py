"""Findings in a terminal."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table as Grid
from rich.text import Text

from headroom_mitm.audit.findings import Findings
from headroom_mitm.audit.telling import NOTES, Row, Table, summary, tables, warnings

_BAR = 24
"""Columns of the longest bar."""
_WITHOUT_BARS = 90
"""Columns below which there is no place for them."""


def show(found: Findings, console: Console) -> None:
    """Print it all."""
    if not found.requests:
        console.print("No requests to LLM hosts were found.")
    else:
        head = Grid.grid(padding=(0, 2))
        for name, said in summary(found):
            head.add_row(Text(name, style="bold"), escape(said))
        console.print(head)
        for table in tables(found):
            console.print()
            console.print(_grid(table, bars=console.width >= _WITHOUT_BARS))
    for note in (*warnings(found), *(NOTES if found.requests else ())):
        console.print(Text(note, style="dim"))


def _grid(table: Table, *, bars: bool) -> Grid:
    grid = Grid(title=table.title, title_justify="left", title_style="bold", caption=table.about, box=None)
    grid.caption_justify = "left"
    for number, head in enumerate(table.heads):
        words = number == 0 or head == "how"
        grid.add_column(
            head,
            justify="left" if words else "right",
            overflow="fold" if head == "how" else "ellipsis",
            no_wrap=not words,
            max_width=60,
        )
    if bars:
        grid.add_column("")
    for row in table.rows:
        grid.add_row(*(escape(cell) for cell in row.cells), *([_bar(row, table.largest)] if bars else []))
    return grid


def _bar(row: Row, largest: float) -> Text:
    """Return a bar: what would have stayed, then what would not."""
    whole = round(_BAR * row.size / largest) if largest else 0
    saved = min(whole, round(_BAR * max(0.0, row.saved) / largest)) if largest else 0
    return Text("█" * (whole - saved), style="blue") + Text("░" * saved, style="green")
