"""Forms and tables: what their elements add to the lines at their beginning and at their end."""

from headroom_mitm.compressors.html_fields import choices, field_tag
from headroom_mitm.compressors.html_flow import Table
from headroom_mitm.compressors.html_page import Page
from headroom_mitm.compressors.html_tables import Element, span

_CHOICES = ("option", "optgroup", "hr")


def form(page: Page, element: Element) -> bool:
    """Begin a form: where it goes to."""
    page.end_line()
    tag = field_tag(element)
    if tag and page.pre is None and not page.flow.links:
        page.flow.lines.append(tag)
    return False


def field(page: Page, element: Element) -> bool:
    """Write a field."""
    page.flow.pieces.append(f" {field_tag(element)} ")
    return False


def choice(page: Page, element: Element) -> bool:
    """Write a list of options; where it was never closed, it holds the rest of the page."""
    whole = all(child.tag in _CHOICES for child in element.iterdescendants())
    page.flow.pieces.append(f" {field_tag(element)} {choices(element) if whole else ''} ")
    return whole


def table(page: Page, element: Element) -> bool:
    """Begin a table; one of data is gathered row by row."""
    page.end_line()
    if element in page.tables and not page.flow.links and page.pre is None:
        page.table = Table()
    return False


def table_end(page: Page, element: Element) -> None:
    """Write the rows of a table of data."""
    page.end_line()
    if page.table is not None and element in page.tables:
        page.flow.lines += page.table.lines()
        page.table = None


def row(page: Page, _: Element) -> bool:
    """Begin a row."""
    page.end_line()
    if page.table is not None:
        page.table.rows.append([])
    return False


def row_end(page: Page, _: Element) -> None:
    """End a row."""
    page.end_line()
    if page.table is not None:
        page.table.carry()


def cell(page: Page, _: Element) -> bool:
    """Begin a cell: it gathers lines of its own."""
    page.end_line()
    if page.table is not None:
        page.outer = (page.flow.lines, page.flow.hanging)
        page.flow.lines, page.flow.hanging = [], []
    return False


def cell_end(page: Page, element: Element) -> None:
    """Put the lines of a cell into its row."""
    page.end_line()
    if page.table is None:
        return
    text = " / ".join(line.strip() for line in page.flow.lines if line)
    page.flow.lines, page.flow.hanging = page.outer
    if not page.table.rows:
        page.table.rows.append([])
    if len(page.table.rows) == 1 and element.tag != "th":
        page.table.headed = False
    page.table.add(text.replace("|", "\\|"), span(element, "colspan"), span(element, "rowspan"))
