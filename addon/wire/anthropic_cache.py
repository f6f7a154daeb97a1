"""Markers for Anthropic's prompt cache (``cache_control``): where they are, where more could be, and how to set one.

A marker is no part of what the provider hashes, and a string is the same prompt as a list with one text block, so that
setting one changes nothing but what is kept.
"""

import re
from collections.abc import Iterable, Iterator

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Layout, Slot, Span
from headroom_mitm.wire import document

MARKER = "cache_control"
_USUAL = "5m"
_BLOCKS = ("text", "image", "tool_result")
"""What a marker of ours may be put on. Documents and all that is the provider's own are left alone."""
_BILLING = '"x-anthropic-billing-header'
"""Begins a system block that is another in every request."""
_MARKER = re.compile(rb',?\s*"cache_control"\s*:\s*(?:\{[^{}]*\}|null)')

_AT_END = re.compile(rb',\s?"cache_control":\s?\{"type":\s?"ephemeral"(?:,\s?"ttl":\s?"([a-z0-9]+)")?\}(?=\}\]\}\Z)')
"""Behind the last member of the last block. Within a string the first quote would end it, and the rest be no JSON."""
_LONGEST_AT_END = 80

Found = dict[str, Span]


def marked(slot: Slot, lifetime: str) -> list[Edit]:
    """Return the edits that put a marker on a block. They do not touch the text in it."""
    start, end = slot.span
    if slot.bare:
        before = Edit(Span(start, start), b'[{"type":"text","text":')
        return [before, Edit(Span(end, end), b"," + marker(lifetime) + b"}]")]
    return [Edit(Span(end - 1, end - 1), b"," + marker(lifetime))]


def marker(lifetime: str) -> bytes:
    """Return the member that marks a block."""
    ttl = "" if lifetime == _USUAL else f',"ttl":"{lifetime}"'
    return f'"{MARKER}":{{"type":"ephemeral"{ttl}}}'.encode()


def without_markers(raw: bytes) -> bytes:
    """Return a message without markers, for comparison only. Inside strings the quotes would be escaped."""
    return _MARKER.sub(b"", raw) if MARKER.encode() in raw else raw


def is_marked_at_end(raw: bytes) -> bool:
    """Say whether a marker may be the last thing in a message but for brackets."""
    return raw.endswith(b"}}]}") and raw.find(MARKER.encode(), -_LONGEST_AT_END) >= 0


def marker_at_end(raw: bytes) -> Span | None:
    """Return where it stands; None where none does."""
    found = _AT_END.search(raw, max(0, len(raw) - _LONGEST_AT_END))
    return Span(*found.span()) if found is not None else None


def marked_at_end(layout: Layout, bare: bytes, marker: bytes) -> Layout | None:
    """Return the layout of a message with such a marker, from that of the message without it.

    None where it is not known that the marker is on a block of the message's content.
    """
    found, last = _AT_END.match(marker + bare[-3:]), layout.slots[-1] if layout.slots else None
    if found is None or last is None or last.block != layout.blocks - 1 or last.span.end != len(bare) - 2:
        return None
    lifetime = found[1].decode() if found[1] else _USUAL
    return Layout(layout.blocks, layout.by_model, (*layout.marks, (last.block, lifetime)), layout.slots[:-1])


def lifetime_of(raw: bytes, found: Found) -> str:
    """Return the lifetime of the marker among an object's members; empty where there is none."""
    place = found.get(MARKER)
    if place is None or raw[place.start : place.end] == b"null":
        return ""
    inner = document.members(raw, place) if document.is_object(raw, place) else {}
    return document.member_string(raw, inner, "ttl") or _USUAL


def of_tools(raw: bytes) -> Layout:
    """Return the layout of a list of declarations. Deferred tools are no part of the prompt."""
    places = document.items(raw, document.whole(raw))
    found = [(place, document.members(raw, place)) for place in places if document.is_object(raw, place)]
    shown = [(place, tool) for place, tool in found if not document.is_true(raw, tool.get("defer_loading"))]
    slots = [Slot(n, place, bare=False) for n, (place, tool) in enumerate(shown) if tool and MARKER not in tool]
    return Layout(len(shown), marks=_marks(raw, (tool for _, tool in shown)), slots=tuple(slots))


def of_system(raw: bytes) -> Layout:
    """Return the layout of a system prompt, a string or a list of texts."""
    span = document.whole(raw)
    if not document.is_list(raw, span):
        return of_string(raw, span)
    places = document.items(raw, span)
    layout = of_blocks(raw, places, [document.members(raw, place) for place in places])
    return Layout(layout.blocks, marks=layout.marks, slots=tuple(s for s in layout.slots if not _is_billing(raw, s)))


def of_string(raw: bytes, span: Span | None, role: str = "user") -> Layout:
    """Return the layout of a content that is a mere string, or none at all. Only the user's takes markers of ours."""
    by_model = role == "assistant"
    if span is None or not document.is_string(raw, span):
        return Layout(by_model=by_model)
    slots = (Slot(0, span, bare=True),) if role == "user" and _says_something(raw, span) else ()
    return Layout(1, by_model, slots=slots)


def of_blocks(raw: bytes, places: list[Span], blocks: list[Found], role: str = "user") -> Layout:
    """Return the layout of a content whose blocks are read already. Only the user's take markers of ours."""
    slots = (
        Slot(number, place, bare=False)
        for number, (place, block) in enumerate(zip(places, blocks, strict=True))
        if role == "user" and _may_be_marked(raw, block)
    )
    return Layout(len(blocks), role == "assistant", _marks(raw, blocks), tuple(slots))


def _may_be_marked(raw: bytes, block: Found) -> bool:
    kind = document.member_string(raw, block, "type")
    if kind not in _BLOCKS or MARKER in block:
        return False
    if kind == "text":
        return "text" in block and _says_something(raw, block["text"])
    content = block.get("content")
    if kind == "image" or content is None:
        return kind == "image"
    if not document.is_list(raw, content):
        return _says_something(raw, content)
    parts = [document.members(raw, part) for part in document.items(raw, content)]
    return bool(parts) and all(MARKER not in part and _may_be_marked(raw, part) for part in parts)


def _says_something(raw: bytes, span: Span) -> bool:
    """Say whether a string is more than white space: a marker on an empty text is an error."""
    try:
        return document.is_string(raw, span) and bool(document.string(raw, span).strip())
    except UnreadableBody:  # half a character
        return False


def _is_billing(raw: bytes, slot: Slot) -> bool:
    found = document.members(raw, slot.span)
    return raw.startswith(_BILLING.encode(), found["text"].start)


def _marks(raw: bytes, blocks: Iterable[Found]) -> tuple[tuple[int, str], ...]:
    return tuple((number, lifetime) for number, block in enumerate(blocks) for lifetime in _lifetimes(raw, block))


def _lifetimes(raw: bytes, block: Found) -> Iterator[str]:
    """Yield the markers on a block and on the parts of its content, which a document has in its source."""
    source = block.get("source")
    holder = document.members(raw, source) if source is not None and document.is_object(raw, source) else block
    content = holder.get("content")
    if content is not None and document.is_list(raw, content) and raw.find(b"cache", *content) >= 0:
        for part in document.items(raw, content):
            if document.is_object(raw, part) and (lifetime := lifetime_of(raw, document.members(raw, part))):
                yield lifetime
    if lifetime := lifetime_of(raw, block):
        yield lifetime
