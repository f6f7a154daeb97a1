"""Objects taken apart into the bytes of their members, and put together again: what is not changed stays as written."""

from collections.abc import Mapping, Sequence

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Span
from headroom_mitm.wire import document

EMPTY = frozenset((b"null", b'""', b"[]", b"{}"))
"""Values that say nothing."""


def at(data: bytes, span: Span | None) -> dict[str, bytes]:
    """Return the members of the object at a place; none where there is no object. Raises ``UnreadableBody``."""
    if span is None or not document.is_object(data, span):
        return {}
    return {name: data[place.start : place.end] for name, place in document.members(data, span).items()}


def of(raw: bytes) -> dict[str, bytes]:
    """Return the members of an object. Raises ``UnreadableBody``."""
    return at(raw, document.whole(raw))


def items(raw: bytes) -> list[bytes]:
    """Return the items of a list. Raises ``UnreadableBody``."""
    return [raw[place.start : place.end] for place in document.items(raw, document.whole(raw))]


def string(members: Mapping[str, bytes], name: str) -> str:
    """Return the text of a member; empty where it is missing or no string. Raises ``UnreadableBody``."""
    raw = members.get(name, b"")
    return document.string(raw, Span(0, len(raw))) if raw.startswith(b'"') else ""


def written(members: Mapping[str, bytes]) -> bytes:
    """Return the object with these members."""
    return b"{%s}" % b",".join(msgspec.json.encode(name) + b":" + raw for name, raw in members.items())


def listed(raws: list[bytes]) -> bytes:
    """Return the list with these items."""
    return b"[%s]" % b",".join(raws)


def sendable(raws: Sequence[bytes]) -> Sequence[bytes]:
    """Return values that came from a provider and are to go back. Raises ``UnreadableBody`` where they are no text."""
    try:
        for raw in raws:
            raw.decode()
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"not UTF-8: {error.reason}") from None
    return raws
