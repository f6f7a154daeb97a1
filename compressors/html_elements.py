"""Elements of text: what each adds to the lines at its beginning and at its end.

A function for a beginning returns True where the content of the element is not to be read.
"""

from headroom_mitm.compressors.html_flow import END, MIDDLE, START
from headroom_mitm.compressors.html_page import Page
from headroom_mitm.compressors.html_tables import Element, text_of

_LONGEST_LINK = 1_000  # characters: what is longer is a part of the page that a link was put around
_NO_TARGETS = ("#", "javascript:")
_ELSEWHERE = ("http:", "https:")
_NO_FRAMES = ("about:", "javascript:")
_CODE_CLASSES = ("highlight", "code", "hljs", "prettyprint", "source", "lang")


def block(page: Page, _: Element) -> bool:
    """Begin a block: the line ends."""
    page.end_line()
    return False


def apart(page: Page, _: Element) -> bool:
    """Begin what stands apart from the text around it."""
    page.flow.pieces.append(" ")
    return False


def heading(page: Page, element: Element) -> bool:
    """Begin a heading."""
    page.end_line()
    page.flow.heading = "#" * int(element.tag[1:]) + " "
    return False


def heading_end(page: Page, _: Element) -> None:
    """End a heading; one that a link was put around is written with the link."""
    page.end_line()
    flow = page.flow
    if not flow.links or not "".join(flow.pieces[flow.links[-1][0] :]).strip():
        flow.heading = ""


def line_break(page: Page, _: Element) -> bool:
    """End the line."""
    if page.pre is not None:
        page.flow.pieces.append("\n")
    else:
        page.flow.block()
    return False


def rule(page: Page, _: Element) -> bool:
    """Draw a line."""
    page.end_line()
    if not page.flow.links and page.pre is None:
        page.flow.lines.append("---")
    return False


def list_(page: Page, element: Element) -> bool:
    """Begin a list."""
    page.end_line()
    start = element.get("start") or "1"
    page.numbers.append((int(start) if start.isdecimal() else 1) if element.tag == "ol" else None)
    return False


def list_end(page: Page, _: Element) -> None:
    """End a list."""
    page.end_line()
    if page.numbers:
        page.numbers.pop()


def item(page: Page, element: Element) -> bool:
    """Begin an item, with its number if the list has numbers."""
    if page.pre is not None:
        return block(page, element)
    number = page.numbers[-1] if page.numbers else None
    if number is not None:
        page.numbers[-1] = number + 1
    page.flow.open_item("- " if number is None else f"{number}. ")
    return False


def quote(page: Page, element: Element) -> bool:
    """Begin a quote."""
    if page.pre is not None:
        return block(page, element)
    page.flow.open_item("> ")
    return False


def item_end(page: Page, _: Element) -> None:
    """End an item or a quote."""
    if page.pre is not None:
        page.end_line()
    else:
        page.flow.close_item()


def explanation(page: Page, _: Element) -> bool:
    """Begin the explanation of a term."""
    page.end_line()
    page.flow.pieces.append(": ")
    return False


def link(page: Page, element: Element) -> bool:
    """Begin a link, unless its target says nothing to a reader."""
    target = (element.get("href") or "").strip()
    if not target:
        return False
    in_code = page.pre is not None and page.is_code
    if in_code and target.startswith(_ELSEWHERE):
        page.in_code.append(f"{START}{text_of(element)}{MIDDLE}{target}{END}")
        return False
    if in_code or target.startswith(_NO_TARGETS):
        page.unsaid += 1
        return False
    if _is_longer(element, _LONGEST_LINK):
        page.flow.block()
        page.flow.lines.append(f"{START}what follows{MIDDLE}{target}{END}")
        return False
    page.flow.links.append((len(page.flow.pieces), target))
    page.opened.append(element)
    return False


def _is_longer(element: Element, size: int) -> bool:
    for text in element.itertext():
        size -= len(text.strip())
        if size < 0:
            return True
    return False


def link_end(page: Page, element: Element) -> None:
    """Write a link."""
    if page.opened and page.opened[-1] is element:
        page.opened.pop()
        name = element.get("aria-label") or element.get("title") or ""
        page.flow.close_link(" ".join(name.split()))


def image(page: Page, element: Element) -> bool:
    """Name an image by its alternative text."""
    alt = " ".join((element.get("alt") or "").split())
    page.unseen += 1
    if not alt and page.table is not None:
        alt = _value_of(element)
    if alt:
        page.flow.pieces.append(alt if page.flow.links else f" ![{alt}] ")
    return False


def _value_of(image: Element) -> str:
    """Name a picture that is a value in a table of data: by the class of its cell, or by its file."""
    parent = image.getparent()
    names = (parent.get("class") or "").split() if parent is not None and parent.tag == "td" else []
    return names[0] if len(names) == 1 else (image.get("src") or "").rsplit("/", 1)[-1].partition("?")[0][:60]


def drawing(page: Page, element: Element) -> bool:
    """Show the words of a drawing."""
    page.drawings += 1
    page.flow.pieces.append(f" {' '.join(map(str, element.itertext()))} ")
    return True


def frame(page: Page, element: Element) -> bool:
    """Show what is embedded as a link."""
    address = (element.get("src") or element.get("data") or "").strip()
    if address and not address.startswith(_NO_FRAMES) and not page.flow.links:
        title = " ".join((element.get("title") or "").split())
        page.flow.pieces.append(f" {START}{title or element.tag}{MIDDLE}{address}{END} ")
    return element.tag == "iframe"


def pre(page: Page, element: Element) -> bool:
    """Begin preformatted text, or code."""
    if page.pre is None and not page.flow.links:
        page.flow.block()
        page.pre = element
        page.is_code = _is_code(element)
    return False


def _is_code(element: Element) -> bool:
    parent = element.getparent()
    classes = f"{element.get('class') or ''} {(parent.get('class') or '') if parent is not None else ''}"
    return element.find(".//code") is not None or any(name in classes for name in _CODE_CLASSES)


def pre_end(page: Page, element: Element) -> None:
    """Write preformatted text as it is."""
    if page.pre is element:
        page.flow.verbatim("".join(page.flow.pieces), code=page.is_code)
        page.flow.pieces.clear()
        page.pre = None
        if page.in_code:
            page.flow.lines.append(f"Links in it: {' '.join(page.in_code)}")
            page.in_code.clear()


def code(page: Page, _: Element) -> bool:
    """Write the back tick in front of code in a line."""
    if page.pre is None:
        page.flow.pieces.append("`")
    return False


def code_end(page: Page, element: Element) -> None:
    """Write the back tick behind code in a line."""
    code(page, element)


def raised(page: Page, element: Element) -> bool:
    """Keep a raised or lowered number apart from the one it stands at."""
    pieces = page.flow.pieces
    if pieces and pieces[-1][-1:].isalnum() and (element.text or "")[:1].isalnum():
        pieces.append("^" if element.tag == "sup" else "_")
    return False


def struck(page: Page, _: Element) -> bool:
    """Begin what is struck out."""
    page.flow.pieces.append("~~")
    return False


def struck_end(page: Page, _: Element) -> None:
    """End what is struck out."""
    page.flow.pieces.append("~~")


def time_end(page: Page, element: Element) -> None:
    """Say the moment behind a time that is told in words."""
    moment = (element.get("datetime") or "").strip()
    if moment and moment not in text_of(element):
        page.flow.pieces.append(f" ({moment})")


def inline(_: Page, __: Element) -> bool:
    """Read what has a hyphen in its name but is text like any other."""
    return False


def skipped(_: Page, __: Element) -> bool:
    """Leave the content out."""
    return True


def block_end(page: Page, _: Element) -> None:
    """End a block: the line ends."""
    page.end_line()


def apart_end(page: Page, _: Element) -> None:
    """End what stands apart from the text around it."""
    page.flow.pieces.append(" ")
