"""Which tables of a page hold data, and which only lay it out."""

from lxml import etree

Element = etree._Element  # noqa: SLF001 - lxml has no public name for it

_LONGEST_CELL = 400  # characters
_MOST_SPANNED = 50  # columns or rows
_NOT_IN_DATA = frozenset(
    (
        "article",
        "blockquote",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "pre",
        "section",
        "select",
        "table",
        "textarea",
    )
)


def data_tables(root: Element) -> frozenset[Element]:
    """Return the tables whose rows are to be shown as rows."""
    return frozenset(table for table in root.iter("table") if _holds_data(table))


def _holds_data(table: Element) -> bool:
    rows = widest = cell = 0
    for element in table.iter():
        tag = element.tag
        if tag in _NOT_IN_DATA and element is not table:
            return False
        if tag == "tr":
            rows += 1
            cell = 0
        elif tag in ("td", "th"):
            cell += span(element, "colspan")
            widest = max(widest, cell)
            if len(text_of(element)) > _LONGEST_CELL:
                return False
    return rows > 1 and widest > 1


def text_of(element: Element) -> str:
    """Return the text of an element without idle white space."""
    return " ".join("".join(map(str, element.itertext())).split())


def span(element: Element, name: str) -> int:
    """Return how many columns or rows a cell reaches over."""
    value = element.get(name) or "1"
    return min(_MOST_SPANNED, max(1, int(value))) if value.isdecimal() and len(value) < 6 else 1
