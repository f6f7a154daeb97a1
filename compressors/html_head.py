"""What a page says about itself: title, description, authors, dates, address, and data for machines."""

import re
from collections.abc import Iterator

import orjson

from headroom_mitm.compressors.html_tables import Element, text_of

_SAID = frozenset(
    (
        *("description", "keywords", "author", "creator", "publisher", "date", "generator", "refresh"),
        *("citation_title", "citation_doi"),
    )
)
_SAID_ENDS = ("published_time", "modified_time", ".creator", ".date", ".identifier", ".issued", ":author", ":section")
_LINKED = frozenset(("canonical", "next", "prev", "amphtml"))
_BETWEEN = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')
"""A string of JSON, or white space outside of strings."""
_FEEDS = ("rss", "atom")


def about(root: Element) -> list[str]:
    """Return lines about the page. What was said before is not said again."""
    lines = []
    said: set[str] = set()
    for label, value in _facts(root):
        text = " ".join(value.split())
        if text and text not in said:
            said.add(text)
            lines.append(f"{label}: {text}")
    return lines


def _facts(root: Element) -> Iterator[tuple[str, str]]:
    title = root.find(".//title")
    if title is not None:
        yield "Title", text_of(title)
    if root.get("lang"):
        yield "Language", root.get("lang") or ""
    base = root.find(".//base")
    if base is not None:
        yield "Base of links", base.get("href") or ""
    for element in root.iter("meta", "link"):
        yield from _meta(element) if element.tag == "meta" else _linked(element)


def _meta(element: Element) -> Iterator[tuple[str, str]]:
    name = element.get("name") or element.get("property") or element.get("http-equiv") or element.get("itemprop") or ""
    key = name.lower()
    if key in _SAID or key.endswith(_SAID_ENDS):
        yield name, element.get("content") or ""
    elif key in ("og:title", "og:description", "og:url"):
        yield key, element.get("content") or ""


def _linked(element: Element) -> Iterator[tuple[str, str]]:
    relation = (element.get("rel") or "").lower()
    kind = element.get("type") or ""
    if relation in _LINKED:
        yield relation, element.get("href") or ""
    elif relation == "alternate" and any(feed in kind for feed in _FEEDS):
        yield "feed", element.get("href") or ""


def data(root: Element) -> list[str]:
    """Return the data that a page carries for search engines, as JSON without white space."""
    found = [
        compact(script.text or "")
        for script in root.iter("script")
        if (script.get("type") or "").strip().lower() == "application/ld+json"
    ]
    return ["```json", *found, "```"] if any(found) else []


def compact(text: str) -> str:
    """Return JSON without white space between its parts, all else as it is; what is no JSON stays as it is."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.strip()
    return _BETWEEN.sub(r"\1", text)
