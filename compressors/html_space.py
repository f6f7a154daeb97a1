"""White space of markup that no reader sees: the line breaks and the indentation of its source."""

import re

_MARK = re.compile(r"<(/?)(code|listing|pre|script|style|textarea|xmp)\b|<!--|-->|\s{2,}|\r", re.IGNORECASE)


def collapsed(text: str) -> str:
    """Return markup with one line feed in place of white space around line breaks.

    Scripts, styles, comments, code and preformatted text stay as they are, and so do spaces within a line.
    """
    pieces: list[str] = []
    at = 0
    inside = ""
    for match in _MARK.finditer(text):
        found = match[0]
        if not found.isspace():
            inside = _inside(inside, match)
        elif not inside and ("\n" in found or "\r" in found):
            pieces += (text[at : match.start()], "\n")
            at = match.end()
    return "".join([*pieces, text[at:]])


def _inside(inside: str, match: re.Match[str]) -> str:
    """Return what is open behind a mark: an element, a comment or nothing."""
    if inside == "<!--":
        return "" if match[0] == "-->" else inside
    if match[2] is None:
        return "<!--" if match[0] == "<!--" and not inside else inside
    tag = match[2].lower()
    if match[1]:
        return "" if inside == tag else inside
    return inside or tag
