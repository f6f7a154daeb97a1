"""Whether a text is a page that somebody reads, or markup that somebody works on."""

import re

from headroom_mitm.compressors.base import Content

_LOOK = 4_000  # characters before the document: headers of the response, words of a tool
_DOCUMENT = re.compile(
    r"^\s{0,200}(?:<\?xml[^>]{0,200}\?>\s{0,20})?<(?:!doctype\s+html|html[\s>])", re.IGNORECASE | re.MULTILINE
)
_SIGNS = ("<!doctype", "<html")
_FRAGMENT = re.compile(
    r"\s{0,200}<(?:head|body|main|article|section|nav|header|footer|aside|div|table|ul|ol|dl|form|p|h[1-6]|span|a)[\s>]",
    re.IGNORECASE,
)
_MARKUP = re.compile(r"\s{0,200}<(?:\?xml\s|!--|!DOCTYPE\s|[A-Za-z_][\w:.-]*[\s/>])")
_REPORT = re.compile(
    r"^\s{0,200}(?:<[?!][^>]{0,300}>\s{0,200}){0,3}<(?:\w{1,20}:)?(?:testsuites?|test-results|test-run|TestRun|assemblies"
    r"|coverage|checkstyle|pmd|BugCollection|issues|report|results|urlset|sitemapindex|rss|feed|RDF|Envelope|gpx|osm)[\s>]"
)
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9-]{0,30}[\s/>]|<!--")
_CHARACTERS_PER_TAG = 300
_WEB_TOOL = re.compile(r"fetch|brows|navigat|page|scrap|crawl|web|http|url|playwright|puppeteer|chrome", re.IGNORECASE)
_WEB_SUBJECT = re.compile(r"https?://|\b(?:curl|wget|xh|lynx|w3m)\s", re.IGNORECASE)
_OWN_HOST = re.compile(
    r"localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]|host\.docker\.internal|\b192\.168\.|\b10\.\d|\.local\b|\.test\b|file://"
)
_MARKUP_FILE = re.compile(
    r"\.(?:[xs]?html?|vue|svelte|astro|jsx|tsx|php|erb|ejs|hbs|mustache|twig|jinja2?|j2|jsp|aspx?|cshtml|svg)\b",
    re.IGNORECASE,
)
_TAKEN_APART = re.compile(
    r"\|\s*(?:grep|rg|sed|awk|pup|htmlq|xmllint|tidy|python\S*|node|perl|cut|tr|diff)\b|\bview-source:|(?:^|[;&]\s*)(?:git|diff)\s"
)


def is_markup(content: Content) -> bool:
    """Say whether a text begins as XML or HTML does, whole or in part, and is mostly elements."""
    look = content.text[: 4 * _LOOK]
    return _MARKUP.match(look) is not None and len(_TAG.findall(look)) > len(look) / _CHARACTERS_PER_TAG


def is_report(content: Content) -> bool:
    """Say whether a text is what a program writes about a run, or a feed: nobody edits such a file."""
    return _REPORT.search(content.text[:_LOOK]) is not None


def start_of(content: Content) -> int | None:
    """Return where the markup begins, or None where the text is no page."""
    head = content.text[:_LOOK]
    if "<" not in head:
        return None
    small = head.lower()
    is_named = any(sign in small for sign in _SIGNS)  # far quicker than the search
    if is_named and (found := _DOCUMENT.search(head)) is not None:
        return found.start()
    if _FRAGMENT.match(head) is None:
        return None
    look = content.text[: 4 * _LOOK]
    return 0 if len(_TAG.findall(look)) > len(look) / _CHARACTERS_PER_TAG else None


def is_read(content: Content) -> bool:
    """Say whether a page came from the web to be read. Markup that may be worked on stays markup."""
    subject = content.subject
    if content.fresh_read or _OWN_HOST.search(subject) or _TAKEN_APART.search(subject):
        return False
    if "://" not in subject and _MARKUP_FILE.search(subject):
        return False
    if _WEB_TOOL.search(content.tool) or _WEB_SUBJECT.search(subject):
        return True
    return not subject and _DOCUMENT.search(content.text[:_LOOK]) is not None
