"""Tools in one order, for clients that declare them in another one every time: by name, and in each the keys too."""

import msgspec

from headroom_mitm.segments import Edit, Prompt, Span, digest
from headroom_mitm.wire import document
from headroom_mitm.wire.anthropic_cache import MARKER
from headroom_mitm.wire.memo import Memo


def ordered(prompt: Prompt, marker: bytes = b"") -> list[Edit]:
    """Return the edits that put the declared tools in order; none where the client marks a tool for the cache.

    ``marker`` is a member that the last tool gets which is part of the prompt.
    """
    place = prompt.members.get("tools")
    if place is None or not document.is_list(prompt.body, place):
        return []
    raw = prompt.body[place.start : place.end]
    tools = _ORDERED.get(digest(raw), raw)
    last = max((number for number, (_, _, is_shown) in enumerate(tools) if is_shown), default=-1)
    written = [
        (span, tool[:-1] + b"," + marker + b"}" if marker and number == last else tool)
        for number, (span, tool, _) in enumerate(tools)
    ]
    return [Edit(span.shifted(place.start), tool) for span, tool in written if raw[span.start : span.end] != tool]


def _read(raw: bytes) -> tuple[tuple[Span, bytes, bool], ...]:
    """Return for each place in a list of tools the tool that goes there, and whether the prompt shows it."""
    places = document.items(raw, document.whole(raw))
    if not all(document.is_object(raw, place) for place in places):
        return ()
    tools = sorted(_named(raw, place) for place in places)
    if any(f'"{MARKER}":'.encode() in tool for _, tool, _ in tools):
        return ()
    return tuple((place, tool, is_shown) for place, (_, tool, is_shown) in zip(places, tools, strict=True))


def _named(raw: bytes, place: Span) -> tuple[str, bytes, bool]:
    tool = document.members(raw, place)
    inner = tool.get("function")
    holder = document.members(raw, inner) if inner is not None and document.is_object(raw, inner) else tool
    name = document.member_string(raw, holder, "name") or document.member_string(raw, tool, "type")
    return name, _sorted(raw, place), not document.is_true(raw, tool.get("defer_loading"))


def _sorted(raw: bytes, place: Span) -> bytes:
    """Return a value with the keys of its objects in order; what is no object or list stays as it is written."""
    if document.is_object(raw, place):
        found = sorted(document.members(raw, place).items())
        members = (msgspec.json.encode(key) + b":" + _sorted(raw, value) for key, value in found)
        return b"{" + b",".join(members) + b"}"
    if document.is_list(raw, place):
        return b"[" + b",".join(_sorted(raw, item) for item in document.items(raw, place)) + b"]"
    return raw[place.start : place.end]


_ORDERED: Memo[tuple[tuple[Span, bytes, bool], ...]] = Memo(_read, entries=128)
