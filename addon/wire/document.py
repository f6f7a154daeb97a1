"""Pointing into JSON without rewriting it: where the members of an object and the items of a list stand.

msgspec finds where a value ends; this module finds where it begins. Nothing is guessed: what does not stand exactly
where it must (a duplicate key, a body that is not JSON) raises ``UnreadableBody``.
"""

import re
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Span

_KEY = re.compile(rb'[ \t\r\n]*"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*', re.DOTALL)
_NEXT = re.compile(rb"[ \t\r\n]*([,\]}])")
_SPACE = re.compile(rb"[ \t\r\n]*")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_STRING = msgspec.json.Decoder(str)

# Deep nesting ends in RecursionError; msgspec.DecodeError is the root of what bad JSON raises.
_BAD_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def whole(body: bytes) -> Span:
    """Return the span of the one value in a body, without the white space around it."""
    start = _SPACE.match(body).end()  # type: ignore[union-attr]  # the pattern matches the empty string
    return Span(start, len(body.rstrip(b" \t\r\n")))


def members(body: bytes, span: Span) -> dict[str, Span]:
    """Return where the values of an object stand, by key, in their order."""
    try:
        raws = _MEMBERS.decode(memoryview(body)[span.start : span.end])
    except _BAD_JSON as error:
        raise UnreadableBody(f"not an object: {error}") from None
    found: dict[str, Span] = {}
    at = span.start + 1
    for key, raw in raws.items():
        match = _KEY.match(body, at)
        if match is None or _decoded_key(match[1]) != key:
            raise UnreadableBody(f"duplicate key before {key!r}")
        at = _value(body, match.end(), raw, found, key)
    _expect_end(body, at, span, empty=not raws)
    return found


def items(body: bytes, span: Span) -> list[Span]:
    """Return where the items of a list stand."""
    try:
        raws = _ITEMS.decode(memoryview(body)[span.start : span.end])
    except _BAD_JSON as error:
        raise UnreadableBody(f"not a list: {error}") from None
    found: list[Span] = []
    at = span.start + 1
    for raw in raws:
        start = _SPACE.match(body, at).end()  # type: ignore[union-attr]
        value = bytes(raw)
        if not body.startswith(value, start):
            raise UnreadableBody("an item is not where it should be")
        found.append(Span(start, start + len(value)))
        at = _behind_separator(body, start + len(value))
    _expect_end(body, at, span, empty=not raws)
    return found


def string(body: bytes, span: Span) -> str:
    """Return the text of a JSON string."""
    try:
        return _STRING.decode(memoryview(body)[span.start : span.end])
    except _BAD_JSON as error:
        raise UnreadableBody(f"not a string: {error}") from None


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


def _decoded_key(raw: bytes) -> str:
    return _STRING.decode(b'"' + raw + b'"') if b"\\" in raw else raw.decode()


def _value(body: bytes, start: int, raw: msgspec.Raw, found: dict[str, Span], key: str) -> int:
    value = bytes(raw)
    if not body.startswith(value, start):
        raise UnreadableBody(f"the value of {key!r} is not where it should be: is a key repeated?")
    found[key] = Span(start, start + len(value))
    return _behind_separator(body, start + len(value))


def _behind_separator(body: bytes, at: int) -> int:
    match = _NEXT.match(body, at)
    if match is None:
        raise UnreadableBody(f"no separator at byte {at}")
    return match.end()


def _expect_end(body: bytes, at: int, span: Span, *, empty: bool) -> None:
    """Behind the last value the closing bracket has been read; fewer values than there are separators is a repeated key."""
    if empty:
        at = _behind_separator(body, at)
    if at != span.end:
        raise UnreadableBody("something is repeated, or left over")
