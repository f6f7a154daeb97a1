"""The lossless form of markup: runs of like elements as rows, elements that come again by number. All else stays."""

from headroom_mitm.compressors.html_groups import GROUP_MARK
from headroom_mitm.compressors.html_nodes import nodes
from headroom_mitm.compressors.html_repeats import repeats
from headroom_mitm.compressors.html_rows import rows

_MOST_TAGS = 80_000  # more take too long
_ROWS = "[+N <tag>: a | b] stands for N more elements like the one before it, one a line, with their own a and b."
_GROUPS = 'Behind "; its <tag>:" are the columns of the elements inside, which follow each of the rows.'
_REPEATS = "[#1 again] stands for the element behind [#1]."


def fold(text: str) -> str | None:
    """Return the shorter form, or None where nothing comes again."""
    if text.count("<") > _MOST_TAGS:
        return None
    root = nodes(text)
    found = rows(text, root)
    again = repeats(text, root, found)
    if not found and not again:
        return None
    grouped = any(GROUP_MARK in change.text for change in found)
    rules = [*([_ROWS] if found else []), *([_GROUPS] if grouped else []), *([_REPEATS] if again else [])]
    legend = " ".join(["Markup, nothing left out.", *rules])
    pieces = [f"[{legend}]\n"]
    at = 0
    for change in sorted([*found, *again]):
        pieces += (text[at : change.start], change.text)
        at = change.end
    return "".join([*pieces, text[at:]])
