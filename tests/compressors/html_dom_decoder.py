"""Turns back what html_dom calls lossless: first the elements that come again, then the rows."""

import re

from headroom_mitm.compressors.html_nodes import ENDS_BY_ITSELF, Node, nodes

NUMBER = re.compile(r"\[#(\d+)(?: again, (\d+) characters)?\]")
ROWS = re.compile(r"\[\+(\d+) <([^>]+)>(?:, the same\]|: ([^\n]*)\]\n)")
VALUE = re.compile(r"""=(?:"([^"<>]*)"|'([^'<>]*)')|(?<=>)\s*([^<>\s](?:[^<>]*[^<>\s])?)(?=\s*(?:<|\Z))""")


def decode(text: str) -> str:
    """Return the original markup."""
    starred = re.match(r'\[In what follows, \* stands for "([^\n]*)"\]\n', text)
    if starred:
        return re.sub(r"(?<=[\]'])\*", lambda _: starred[1], text[starred.end() :])
    if not text.startswith("[Markup, nothing left out."):
        return text
    legend, _, text = text.partition("\n")
    if "[#1 again]" in legend:
        text = unnumbered(text)
    return unrolled(text) if "[+N <tag>" in legend else text


def same(original: str, found: str) -> bool:
    """Say whether two texts are the same but for the line breaks and the indentation of a page's markup."""
    return original == found or unindented(original) == unindented(found)


def unindented(text: str) -> str:
    """Return markup with a line feed for white space around line breaks, but in what is preformatted."""
    parts = re.split(r"(?is)(<!--.*?(?:-->|\Z)|<(code|listing|pre|script|style|textarea|xmp)\b.*?(?:</\2\b|\Z))", text)
    return "".join(
        part if at % 3 == 1 else re.sub(r"\s*[\r\n]\s*", "\n", part) for at, part in enumerate(parts) if at % 3 < 2
    )


def unnumbered(text: str) -> str:
    """Put elements back where a note says that they come again."""
    found = ""
    places: dict[str, int] = {}
    at = 0
    for match in NUMBER.finditer(text):
        found += text[at : match.start()]
        at = match.end()
        if match[2]:
            start = places[match[1]]
            found += found[start : start + int(match[2])]
        else:
            places[match[1]] = len(found)
    return found + text[at:]


def unrolled(text: str) -> str:
    """Turn rows back into elements."""
    found = ""
    while match := ROWS.search(text):
        found += text[: match.start()]
        if match[3] is None:
            source, gap = last(found, match[2])
            found += gap.join([source] * int(match[1]))
            text = text[match.end() :]
            continue
        if "; its <" in match[3]:
            rows, end, text = text[match.end() :].partition(f"end of <{match[2]}>\n")
            assert end
            found += groups(found, match[2], match[3], rows.split("\n")[:-1])
            continue
        lines = text[match.end() :].split("\n", int(match[1]))
        text = lines.pop()
        found += elements(found, match[2], match[3].split(" | "), [line.lstrip(" \t").split(" | ") for line in lines])
    return found + text


def elements(before: str, tag: str, head: list[str], rows: list[list[str]]) -> str:
    """Write the elements of some rows, like the last one of the text before them."""
    source, gap = last(before, tag)
    written = []
    for row in rows:
        own = {name: cell for names, cell in zip(head, row, strict=True) for name in names.split("=")}
        written.append(filled(source, own))
    return gap.join(written)


def groups(before: str, tag: str, head: str, lines: list[str]) -> str:
    """Write elements that hold others, like the last one of the text before them."""
    outer, _, rest = head.partition("; its <")
    held, _, inner = rest.partition(">: ")
    source, gap = last(before, tag)
    children = nodes(source).children[0].children
    start = source[: children[0].start]
    child = source[children[0].start : children[0].end]
    between = source[children[0].end : children[1].start] if len(children) > 1 else ""
    end = source[children[-1].end :]
    margin = min(len(line) - len(line.lstrip(" \t")) for line in lines)
    written: list[str] = []
    for line in lines:
        cells = line.lstrip(" \t").split(" | ")
        if len(line) - len(line.lstrip(" \t")) == margin:
            columns = dict(zip(outer.split(" | "), cells, strict=True))
            own = {names.split("=")[0]: cell for names, cell in columns.items()}
            same = {
                name.removeprefix(f"{held}."): cell for names, cell in columns.items() for name in names.split("=")[1:]
            }
            written.append((end + gap if written else "") + filled(start, own))
            first = True
        else:
            mine = dict(zip(inner.split(" | "), cells, strict=True))
            written.append(("" if first else between) + filled(child, {**same, **mine}))
            first = False
    return "".join(written) + end


def filled(source: str, own: dict[str, str]) -> str:
    """Return markup with other values."""
    values = [match for match in VALUE.finditer(source) if fits(value(match))]
    element, at = "", 0
    for match, name in zip(values, named(source, values), strict=True):
        start, end = match.span(match.lastindex or 1)
        element += source[at:start] + own.get(name, source[start:end])
        at = end
    return element + source[at:]


def value(match: re.Match[str]) -> str:
    return match[match.lastindex or 1]


def fits(text: str) -> bool:
    return bool(text) and text == text.strip() and "|" not in text and len(text.splitlines()) == 1


def last(before: str, tag: str) -> tuple[str, str]:
    """Return the element that a note is about, and what stands between it and the note."""
    node = nodes(before)
    while node.children and node.children[-1].end < 0:
        node = node.children[-1]
    if node.tag == tag and tag in ENDS_BY_ITSELF:
        return before[node.start :], ""
    child: Node = node.children[-1]
    assert child.tag == tag
    return before[child.start : child.end], before[child.end :]


def named(source: str, values: list[re.Match[str]]) -> list[str]:
    """Return the names of values: of their attribute or element, numbered where one comes again."""
    names: list[str] = []
    for match in values:
        before = source[: match.start(match.lastindex or 1)]
        attribute = re.search(r"([\w:.-]+)\s*=[\"']?\Z", before[-300:])
        element = re.search(r"<([\w:.-]+)[^<]*>\s*\Z", before[-300:])
        name = attribute[1] if attribute else element[1] if element else "text"
        count = sum(known.rstrip("0123456789") == name for known in names)
        names.append(f"{name}{count + 1}" if count else name)
    return names
