"""Changing a body where edits say so, and nowhere else."""

import operator
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from headroom_mitm.segments import Edit, Span

span_of = operator.attrgetter("span")
"""Orders edits."""


def splice(body: bytes, edits: Sequence[Edit]) -> bytes:
    """Return the body with each edit's bytes in place of its span. Without edits it is the very same object.

    Raises ``ValueError`` where spans overlap or leave the body: that is our fault, and no body is better than a wrong
    one.
    """
    return b"".join(pieces(body, sorted(edits, key=span_of), 0, len(body))) if edits else body


def pieces(body: bytes, edits: Sequence[Edit], at: int, until: int) -> list[bytes | memoryview]:
    """Return what a part of a body consists of once edits in it, in their order, are made. Raises ``ValueError``."""
    found: list[bytes | memoryview] = []
    view = memoryview(body)  # its slices are not copied
    for edit in edits:
        start, end = edit.span
        if not at <= start <= end <= until:
            raise ValueError(f"edit at {edit.span} overlaps another or leaves the body of {len(body)} bytes")
        found += (view[at:start], edit.raw)
        at = end
    found.append(view[at:until])
    return found


def text_edit(span: Span, text: str) -> Edit:
    """Return the edit that puts a JSON string with this text at a span."""
    return Edit(span, msgspec.json.encode(text))


def member_edits(place: Span, members: Mapping[str, Span], values: Mapping[str, bytes]) -> list[Edit]:
    """Return the edits that set members of the object at a place; what it has not is put behind what it has."""
    edits = [Edit(members[name], raw) for name, raw in values.items() if name in members]
    new = [msgspec.json.encode(name) + b":" + raw for name, raw in values.items() if name not in members]
    end = Span(place.end - 1, place.end - 1)
    return [*edits, Edit(end, (b"," if members else b"") + b",".join(new))] if new else edits


def merged(*groups: Iterable[Edit]) -> list[Edit]:
    """Return all edits of several groups in one list."""
    return [edit for group in groups for edit in group]
