"""Pointing into JSON without rewriting it: where the members of an object and the items of a list stand.

msgspec finds where a value ends; this module finds where it begins. Nothing is guessed: what does not stand exactly
where it must (a duplicate key, a body that is not JSON) raises ``UnreadableBody``.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Span

T = TypeVar("T")

_KEY = re.compile(rb'[ \t\r\n]*"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_NEXT = re.compile(rb"[ \t\r\n]*([,\]}])")
_SPACE = re.compile(rb"[ \t\r\n]*")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_STRING = msgspec.json.Decoder(str)
_ONE_SPACE = re.compile(rb'\{"[^"\\]*": ')
_WRITTEN = ((b",", b'"%b":%b'), (b", ", b'"%b": %b'))
"""Between members, and a member: without white space, or as Python writes them."""
_COPIED = 100_000
"""Bytes of an object or a list that is put together once more to see how it is written."""

# Deep nesting ends in RecursionError; msgspec.DecodeError is the root of what bad JSON raises.
_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def whole(body: bytes) -> Span:
    """Return the span of the one value in a body, without the white space around it."""
    start = _SPACE.match(body).end()  # type: ignore[union-attr]  # the pattern matches the empty string
    return Span(start, len(body.rstrip(b" \t\r\n")))


def members(body: bytes, span: Span) -> dict[str, Span]:
    """Return where the values of an object stand, by key, in their order."""
    data, raws = _split(body, span, _MEMBERS)
    found = _tight_members(data, raws, span.start) if len(data) <= _COPIED else None
    if found is not None:
        return found
    found = {}
    at = 1
    for key, raw in raws.items():
        match = _KEY.match(data, at)
        if match is None or _decoded_key(match[1]) != key:
            raise UnreadableBody(f"duplicate key before {key!r}")
        end = _end_of(raw, data, match.end())
        found[key] = Span(span.start + match.end(), span.start + end)
        at = _behind_separator(data, end)
    _expect_end(data, at, empty=not raws)
    return found


def _tight_members(data: bytes, raws: Mapping[str, msgspec.Raw], start: int) -> dict[str, Span] | None:
    """Return where members stand that are written without white space, or as Python does it; None for others.

    What they make when they are put together is the object itself, so nothing has to be looked for.
    """
    comma, form = _WRITTEN[_ONE_SPACE.match(data) is not None]
    pieces = [form % (key.encode(), bytes(raw)) for key, raw in raws.items()]
    if data != b"{%b}" % comma.join(pieces):
        return None
    found: dict[str, Span] = {}
    start += 1
    for (key, raw), piece in zip(raws.items(), pieces, strict=True):
        end = start + len(piece)
        found[key] = Span(end - memoryview(raw).nbytes, end)
        start = end + len(comma)
    return found


def _tight_items(data: bytes, raws: Sequence[msgspec.Raw], start: int) -> list[Span] | None:
    """Return the same of a list's items."""
    values = [bytes(raw) for raw in raws]
    comma = b", " if len(values) > 1 and data.startswith(b", ", 1 + len(values[0])) else b","
    if data != b"[%b]" % comma.join(values):
        return None
    found: list[Span] = []
    start += 1
    for value in values:
        found.append(Span(start, start + len(value)))
        start += len(value) + len(comma)
    return found


def items(body: bytes, span: Span) -> list[Span]:
    """Return where the items of a list stand."""
    data, raws = _split(body, span, _ITEMS)
    tight = _tight_items(data, raws, span.start) if len(data) <= _COPIED else None
    if tight is not None:
        return tight
    found: list[Span] = []
    at = 1
    for raw in raws:
        start = _SPACE.match(data, at).end()  # type: ignore[union-attr]  # the pattern matches the empty string
        end = _end_of(raw, data, start)
        found.append(Span(span.start + start, span.start + end))
        at = _behind_separator(data, end)
    _expect_end(data, at, empty=not raws)
    return found


def string(body: bytes, span: Span) -> str:
    """Return the text of a JSON string. A lone surrogate is no text: ``UnreadableBody``."""
    try:
        return _STRING.decode(memoryview(body)[span.start : span.end])
    except _BAD_JSON as error:
        raise UnreadableBody(f"not a string: {error}") from None


def member_string(body: bytes, found: Mapping[str, Span], key: str) -> str:
    """Return the text of a member; empty where it is missing or no string."""
    span = found.get(key)
    return string(body, span) if span is not None and is_string(body, span) else ""


def value(body: bytes, span: Span) -> Any:
    """Return a value, decoded."""
    try:
        return msgspec.json.decode(memoryview(body)[span.start : span.end])
    except _BAD_JSON as error:
        raise UnreadableBody(str(error)) from None


def is_string(body: bytes, span: Span) -> bool:
    """Say whether a string stands there."""
    return body[span.start] == 0x22


def is_list(body: bytes, span: Span) -> bool:
    """Say whether a list stands there."""
    return body[span.start] == 0x5B


def is_object(body: bytes, span: Span) -> bool:
    """Say whether an object stands there."""
    return body[span.start] == 0x7B


def is_true(body: bytes, span: Span | None) -> bool:
    """Say whether ``true`` stands there; False for no place at all."""
    return span is not None and body[span.start : span.end] == b"true"


def _split(body: bytes, span: Span, decoder: "msgspec.json.Decoder[T]") -> tuple[bytes, T]:
    """Return the bytes at a span and the raw values in them.

    msgspec refuses a lone surrogate even where it only looks for the end of a value. JavaScript clients send them (a
    text cut between the halves of an emoji), so such escapes are replaced by others of the same length: everything
    stands where it stood.
    """
    data = body[span.start : span.end]
    try:
        return data, decoder.decode(data)
    except _BAD_JSON as error:
        masked = _SURROGATE.sub(rb"\\ufffd", data)
        if masked == data:
            raise UnreadableBody(str(error)) from None
    try:
        return masked, decoder.decode(masked)
    except _BAD_JSON as error:
        raise UnreadableBody(str(error)) from None


def _decoded_key(raw: bytes) -> str:
    return _STRING.decode(b'"' + raw + b'"') if b"\\" in raw else raw.decode()


def _end_of(raw: msgspec.Raw, data: bytes, start: int) -> int:
    value = bytes(raw)
    if not data.startswith(value, start):
        raise UnreadableBody(f"a value is not where it should be, at byte {start}: is a key repeated?")
    return start + len(value)


def _behind_separator(data: bytes, at: int) -> int:
    match = _NEXT.match(data, at)
    if match is None:
        raise UnreadableBody(f"no separator at byte {at}")
    return match.end()


def _expect_end(data: bytes, at: int, *, empty: bool) -> None:
    """Behind the last value the closing bracket has been read; more separators than values is a repeated key."""
    if empty:
        at = _behind_separator(data, at)
    if at != len(data):
        raise UnreadableBody("something is repeated, or left over")
