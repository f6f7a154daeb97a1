"""The call whose result a text is: what the model has said there is in the same request, as no result goes without it.

Nothing here knows of formats: a call is the object that bears its id, and arguments are the objects within that.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from headroom_mitm.segments import Prompt, Segment

_WAY_BACK = 64  # messages between a result and its call: other results of the same turn
_DEPTH = 4
_NAME = re.compile(r"\w{1,40}")
_LINE_FEED = b"\\n"  # as it ends in a body, however deep the arguments are quoted


def arguments(prompt: Prompt, segment: Segment) -> Iterator[Mapping[str, Any]]:
    """Yield what may be the arguments of the call whose result a text is: the objects beside the call's id."""
    return _within(_saying(prompt, segment), segment.call_id)


def _saying(prompt: Prompt, segment: Segment) -> bytes:
    """Return the message that makes the call; empty where there is none in sight."""
    name = orjson.dumps(segment.call_id.encode("utf-8", "replace").decode())
    count = bisect_right(prompt.messages, segment.span.start, key=lambda span: span.end)
    before = prompt.messages[max(0, count - _WAY_BACK) : count]
    near = (span for span in reversed(before) if prompt.body.find(name, *span) >= 0)
    start, end = next(near, (0, 0))
    return prompt.body[start:end]


def _within(message: bytes, call_id: str) -> Iterator[Mapping[str, Any]]:
    try:
        said = orjson.loads(message)
    except orjson.JSONDecodeError:
        return
    yield from (found for call in _bearing(said, call_id, _DEPTH) for found in _objects(call, _DEPTH))


def _bearing(value: Any, call_id: str, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that have an id among their values."""
    if isinstance(value, dict):
        if call_id in (one for one in value.values() if isinstance(one, str)):
            yield value
            return
        value = list(value.values())
    if isinstance(value, list) and depth:
        for one in value:
            yield from _bearing(one, call_id, depth - 1)


def _objects(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield the objects within an object, also those that are written as strings."""
    for one in value.values():
        found = _read(one) if isinstance(one, str) and one.startswith("{") else one
        if isinstance(found, dict) and depth:
            yield found
            yield from _objects(found, depth - 1)


def _read(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def texts(prompt: Prompt, segment: Segment, least: int) -> Mapping[str, Sequence[str]]:
    """Return the lines of texts among the arguments that have at least so many, by names that only one of them has."""
    message = _saying(prompt, segment)
    if message.count(_LINE_FEED) + 1 < least:
        return {}
    found: dict[str, Sequence[str]] = {}
    names: Counter[str] = Counter()
    for one in _within(message, segment.call_id):
        names.update(one.keys())
        for name, text in one.items():
            if isinstance(text, str) and text.count("\n") + 1 >= least:
                found[name] = text.split("\n")
    return {name: lines for name, lines in found.items() if names[name] == 1 and _NAME.fullmatch(name)}
