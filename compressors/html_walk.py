"""The walk over the elements of a page, in the order of the page."""

from collections.abc import Callable

from lxml import etree

from headroom_mitm.compressors import html_elements as element_of
from headroom_mitm.compressors import html_widgets as widget_of
from headroom_mitm.compressors.html_page import Page
from headroom_mitm.compressors.html_tables import Element, data_tables

_BLOCKS = (
    *("address", "article", "aside", "body", "caption", "center", "details", "dialog", "div", "dt", "fieldset"),
    *("figcaption", "figure", "footer", "frameset", "header", "hgroup", "html", "legend", "main", "menu", "nav"),
    *("noframes", "noscript", "p", "search", "section", "summary", "tbody", "template", "tfoot", "thead"),
)
_APART = ("audio", "datalist", "object", "option", "optgroup", "output", "video")
"""Stand apart from the text around them, but in its line."""

Start = Callable[[Page, Element], bool]
End = Callable[[Page, Element], None]

_STARTS: dict[str, Start] = {
    **dict.fromkeys(_BLOCKS, element_of.block),
    **dict.fromkeys(_APART, element_of.apart),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), element_of.heading),
    **dict.fromkeys(("ul", "ol", "dir", "dl"), element_of.list_),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), element_of.code),
    **dict.fromkeys(("del", "s", "strike"), element_of.struck),
    **dict.fromkeys(("sup", "sub"), element_of.raised),
    **dict.fromkeys(("pre", "listing", "xmp", "plaintext"), element_of.pre),
    **dict.fromkeys(("iframe", "frame", "embed", "source"), element_of.frame),
    **dict.fromkeys(("head", "canvas", "math-field"), element_of.skipped),
    **dict.fromkeys(("button", "input", "textarea"), widget_of.field),
    **dict.fromkeys(("td", "th"), widget_of.cell),
    "a": element_of.link,
    "blockquote": element_of.quote,
    "br": element_of.line_break,
    "dd": element_of.explanation,
    "form": widget_of.form,
    "hr": element_of.rule,
    "img": element_of.image,
    "li": element_of.item,
    "relative-time": element_of.inline,
    "select": widget_of.choice,
    "svg": element_of.drawing,
    "table": widget_of.table,
    "tr": widget_of.row,
}
_ENDS: dict[str, End] = {
    **dict.fromkeys((*_BLOCKS, "dd", "form"), element_of.block_end),
    **dict.fromkeys((*_APART, "button", "textarea"), element_of.apart_end),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), element_of.heading_end),
    **dict.fromkeys(("ul", "ol", "dir", "dl"), element_of.list_end),
    **dict.fromkeys(("li", "blockquote"), element_of.item_end),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), element_of.code_end),
    **dict.fromkeys(("del", "s", "strike"), element_of.struck_end),
    **dict.fromkeys(("pre", "listing", "xmp", "plaintext"), element_of.pre_end),
    **dict.fromkeys(("td", "th"), widget_of.cell_end),
    **dict.fromkeys(("time", "relative-time"), element_of.time_end),
    "a": element_of.link_end,
    "table": widget_of.table_end,
    "tr": widget_of.row_end,
}


def write(root: Element) -> Page:
    """Read a page whose scripts, styles and comments are gone already."""
    page = Page(data_tables(root))
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        tag = element.tag
        if event == "start":
            start = _STARTS.get(tag) or (element_of.block if "-" in tag else None)
            if start is not None and start(page, element):
                walk.skip_subtree()
            elif element.text:
                page.say(element.text)
            continue
        end = _ENDS.get(tag) or (element_of.block_end if "-" in tag else None)
        if end is not None:
            end(page, element)
        if element.tail and element is not root:
            page.say(element.tail)
    page.flow.links.clear()
    page.flow.block()
    return page
