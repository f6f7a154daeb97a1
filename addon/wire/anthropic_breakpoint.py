"""The client's last marker for Anthropic's cache goes along with what is added behind it.

What a continuation adds is then written to the cache once, and read by the next request instead of billed fresh. The
entry at the marker's earlier place was written by the request before; the provider finds it by looking back 20 blocks.
Source: docs.anthropic.com, "Prompt caching".
"""

from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document

MARKER = "cache_control"
MOST_MARKERS = 4
_NAME = b'"cache_control"'
_SPACE = b" \t\r\n"


def carried(body: bytes, messages: Span) -> tuple[bytes, list[Edit]]:
    """Return the value of the last marker in the messages, and the edits that take it away if a copy is too many.

    Empty where there is none, or where the provider is asked to set one on the last block by itself.
    """
    top = document.members(body, document.whole(body))
    holder = None if MARKER in top else _last_holder(body, messages)
    if holder is None:
        return b"", []
    value = document.members(body, holder)[MARKER]
    # Inside a string the quotes would be escaped: this never counts too few.
    edits = [] if body.count(_NAME) < MOST_MARKERS else [_without(body, holder, value)]
    return body[slice(*value)], edits


def marked(block: bytes, marker: bytes) -> bytes:
    """Return a block with a marker; the same block if there is no marker."""
    return b"%s,%s:%s}" % (block[:-1], _NAME, marker) if marker else block


def marker_on(raw: bytes, block: dict[str, Span]) -> bytes:
    """Return the value of the marker among a block's members; empty if there is none."""
    value = raw[slice(*block[MARKER])] if MARKER in block else b""
    return b"" if value == b"null" else value


def _last_holder(body: bytes, messages: Span) -> Span | None:
    """Return where the last block, or part of a result, with a marker stands."""
    for place in reversed(document.items(body, messages)):
        if body.find(_NAME, *place) < 0:
            continue
        content = document.members(body, place).get("content")
        if (found := _last_in(body, content)) is not None:
            return found
    return None


def _last_in(body: bytes, content: Span | None) -> Span | None:
    if content is None or not document.is_list(body, content):
        return None
    for place in reversed(document.items(body, content)):
        if not document.is_object(body, place):
            continue
        block = document.members(body, place)
        if marker_on(body, block):
            return place
        if (found := _last_in(body, block.get("content"))) is not None:
            return found
    return None


def _without(body: bytes, holder: Span, value: Span) -> Edit:
    """Return the edit that takes a marker off its block, with one comma."""
    name = body.rfind(b'"', holder.start, body.rindex(b'"', holder.start, body.rindex(b":", holder.start, value.start)))
    before = body[holder.start : name].rstrip(_SPACE)
    if before.endswith(b","):
        return Edit(Span(holder.start + len(before) - 1, value.end), b"")
    behind = body[value.end : holder.end].lstrip(_SPACE)
    return Edit(Span(name, holder.end - len(behind) + behind.startswith(b",")), b"")
