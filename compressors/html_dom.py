"""Web pages as a reader sees them, without the markup; markup whose like elements are rows; accessibility trees."""

from dataclasses import dataclass

from lxml import etree

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.html_axtree import is_tree, shorten
from headroom_mitm.compressors.html_fold import fold
from headroom_mitm.compressors.html_head import about, data
from headroom_mitm.compressors.html_links import Links
from headroom_mitm.compressors.html_page import Page
from headroom_mitm.compressors.html_removal import Removed, remove
from headroom_mitm.compressors.html_source import is_markup, is_read, is_report, start_of
from headroom_mitm.compressors.html_space import collapsed
from headroom_mitm.compressors.html_tables import Element
from headroom_mitm.compressors.html_walk import write

_SURE = 0.95
_MARKUP = 0.7
_LEAST_TEXT = 200  # characters: a page that shows less is made by its scripts
_MOST_TAGS = 80_000  # more take too long
_WORTH = 0.9  # of the tokens
_WORTH_FOLDED = 0.97  # of the tokens
_SURELY = 0.75  # of the characters: a form that is shorter than this has fewer tokens, so they are not counted


@dataclass(frozen=True, slots=True)
class HtmlDom:
    """Lossless: markup in which elements that are like others are rows. Lossy: a page as text, with all its words."""

    name: str = "html_dom"
    version: int = 1
    lossy: bool = True
    exact: bool = False
    """The line breaks and the indentation of a page's markup are not kept; those of files and of XML are."""

    def score(self, content: Content) -> float:
        """Say whether the text is a page or other markup, or a part of it."""
        start = start_of(content)
        if start is None:
            return _MARKUP if is_markup(content) or is_tree(content.text) else 0.0
        return _SURE if content.text[start : start + 300].lstrip()[:2].lower() in ("<!", "<h", "<?") else _MARKUP

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the page as text where it is there to be read; else, and for other markup, the lossless form."""
        start = start_of(content)
        if start is None and not is_markup(content):
            return _as_tree(content, level) if is_tree(content.text) else None
        page = start is not None and is_read(content)
        found = _as_text(content, start or 0, level) if page and level > Level.LOSSLESS else None
        return found or _folded(content, page=page)


def _as_tree(content: Content, level: Level) -> Compressed | None:
    found = shorten(content.text, lossy=level > Level.LOSSLESS)
    if found is None or not _is_worth(content, found.text, _WORTH_FOLDED):
        return None
    texts = f"{found.gone} texts that are the name of the element they are in" if found.gone else ""
    return Compressed(found.text, lossless=not texts, left_out=texts)


def _folded(content: Content, *, page: bool) -> Compressed | None:
    """Return the lossless form. Who is about to edit a file needs its markup as it is."""
    if content.fresh_read and not is_report(content):
        return None
    source = collapsed(content.text) if page else content.text
    text = fold(source) or source
    if text == content.text or not _is_worth(content, text, _WORTH_FOLDED):
        return None
    return Compressed(text, lossless=True)


def _is_worth(content: Content, text: str, share: float) -> bool:
    """Say whether a form has at most a share of the tokens; counting those of a page takes as long as reading it."""
    return len(text) < _SURELY * len(content.text) or content.outweighs(text, share)


def _as_text(content: Content, start: int, level: Level) -> Compressed | None:
    """Return the page as text, or None where it shows nothing, or the parser would lose a part of it."""
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
    text = "\n".join([*content.text[:start].rstrip().splitlines(), _title(links), *head, *body, *tail])
    left_out = _left_out(len(markup), removed, page, links)
    if not _is_worth(content, f"{text}\n{left_out}", _WORTH):
        return None
    return Compressed(text, lossless=False, left_out=left_out)


def _title(links: Links) -> str:
    rules = [
        "A text in brackets without a target is a link whose target stands above." if links.repeated else "",
        f"Of {links.bare} links the target is not shown." if links.bare else "",
    ]
    return f"[{' '.join(['Web page as text.', *filter(None, rules)])}]"


def parse(markup: str) -> Element | None:
    """Return the tree of a page, or None where the parser would lose a part of it."""
    if any(mark in markup for mark in "\x00\x01\x02\x03") or markup.count("<") > _MOST_TAGS:
        return None
    # No network, no entities of the document's own; nested more than 256 deep, the parser gives up and says so.
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(markup.encode(), parser)
    except (etree.XMLSyntaxError, UnicodeEncodeError):
        return None
    if root is None or any(error.level == etree.ErrorLevels.FATAL for error in parser.error_log):
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
