"""Web pages as a reader sees them: title, headings, text, links, lists, tables, forms and code, without the markup."""

from dataclasses import dataclass

from lxml import etree

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.html_head import about, data
from headroom_mitm.compressors.html_links import Links
from headroom_mitm.compressors.html_page import Page
from headroom_mitm.compressors.html_removal import Removed, remove
from headroom_mitm.compressors.html_source import is_read, start_of
from headroom_mitm.compressors.html_tables import Element
from headroom_mitm.compressors.html_walk import write

_SURE = 0.95
_FRAGMENT = 0.7
_LEAST_TEXT = 200  # characters: a page that shows less is made by its scripts
_LONGEST_PAGE = 4_000_000  # characters
_WORTH = 0.9  # of the tokens
_TITLE = "[Web page as text]"
_TITLE_WITH_RULE = "[Web page as text. A text in brackets without a target is a link whose target stands above.]"


@dataclass(frozen=True, slots=True)
class HtmlDom:
    """Lossy: the page as text, with all its words and links; menus and targets shrink at the harder levels."""

    name: str = "html_dom"
    version: int = 1
    exact: bool = False

    def score(self, content: Content) -> float:
        """Say whether the text is a page, or a part of one."""
        start = start_of(content)
        if start is None:
            return 0.0
        return _SURE if content.text[start : start + 300].lstrip()[:2].lower() in ("<!", "<h", "<?") else _FRAGMENT

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the page as text, or None where it is no page, shows nothing, or is markup to be worked on."""
        start = start_of(content)
        if start is None or level is Level.LOSSLESS or not is_read(content):
            return None
        markup = content.text[start:]
        root = parse(markup)
        if root is None:
            return None
        head = about(root)
        tail = data(root) if level < Level.HARD else []
        removed = remove(root)
        page = write(root)
        links = Links(level)
        body = links.lines(page.flow.lines)
        if sum(map(len, body)) < _LEAST_TEXT:
            return None
        title = _TITLE_WITH_RULE if links.repeated else _TITLE
        text = "\n".join([*content.text[:start].rstrip().splitlines(), title, *head, *body, *tail])
        left_out = _left_out(len(markup), removed, page, links)
        small = content.count(f"{text}\n{left_out}") < _WORTH * content.count(content.text)
        return Compressed(text, lossless=False, left_out=left_out) if small else None


def parse(markup: str) -> Element | None:
    """Return the tree of a page, or None where the parser would lose a part of it."""
    if any(mark in markup for mark in "\x00\x01\x02\x03") or len(markup) > _LONGEST_PAGE:
        return None
    # No network, no entities of the document's own; nested more than 256 deep, the parser gives up and says so.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(markup.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        return None
    if root is None or any(error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for error in parser.error_log):
        return None
    return root


def _left_out(size: int, removed: Removed, page: Page, links: Links) -> str:
    """Say exactly what is not shown."""
    parts = [
        *removed.in_words(),
        _counted(page.drawings, "drawing"),
        f"the {_counted(page.unseen, 'address')} of images" if page.unseen else "",
        f"{_counted(page.unsaid, 'target')} within the page, or in code, or a script" if page.unsaid else "",
        f"the {_counted(links.bare, 'target')} of other links" if links.bare else "",
        f"{_counted(links.gone, 'link')} of menus" if links.gone else "",
        f"{links.cut:,} characters of long targets" if links.cut else "",
    ]
    named = ", ".join(part for part in parts if part)
    return f"the markup of this page of {size:,} characters{': ' if named else ''}{named}"


def _counted(count: int, what: str) -> str:
    ending = "es" if what.endswith("s") else "s"
    return f"{count:,} {what}{ending if count > 1 else ''}" if count else ""
