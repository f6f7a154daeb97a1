"""What stands at a path in a JSON document: its own characters, only laid out on lines of their own."""

import contextlib
import json
import re
from dataclasses import dataclass

import msgspec

_STEP = re.compile(
    r"""\.?(?:([^.\[\]"'*]+)|\[\s*([0-9]{1,9})\s*\]|\[\s*"((?:[^"\\]|\\.)*)"\s*\]|\[\s*'((?:[^'\\]|\\.)*)'\s*\])"""
)
_ESCAPE = re.compile(r"\\(.)")
_BEGINNING = re.compile(r"^[ \t]*([\[{])", re.MULTILINE)
_TRIED = 8
"""Places at which a document may begin: each try can cost as much as reading the whole text."""
_LONGEST_PATH = 1_000
_LONGEST_SHOWN = 1_000
_NAMES_SHOWN = 40
_UNREADABLE = (ValueError, RecursionError)

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])

Step = str | int


@dataclass(frozen=True, slots=True)
class Found:
    """A value in a document."""

    text: str
    """With an indent of one space; numbers and strings are written as in the document."""
    trail: str
    """Its path, written in one way."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """Why there is no value."""

    reason: str


def value_at(text: str, path: str) -> Found | NotFound:
    """Return the value at a path in the JSON document that a text is, or holds between other lines."""
    steps = _steps(path)
    if steps is None:
        return NotFound(
            f"path={path[:_LONGEST_SHOWN]!r} is not understood: write items[0].name, and "
            'items["a.b"] for a name that has a dot. There are no wildcards.'
        )
    value = _document(text)
    if value is None:
        return NotFound("The text cannot be read as JSON; ask by lines or search.")
    trail = ""
    for step in steps:
        below = _below(value, step)
        if below is None:
            return NotFound(f"There is no {_written(trail, step)}: {trail or 'the document'} {_described(value)}.")
        value = below
        trail = _written(trail, step)
    return Found(_laid_out(value), trail or "the whole document")


def _steps(path: str) -> list[Step] | None:
    rest = path.strip().removeprefix("$")
    if rest == "." or len(rest) > _LONGEST_PATH:
        return [] if rest == "." else None
    steps: list[Step] = []
    at = 0
    while at < len(rest):
        match = _STEP.match(rest, at)
        if match is None:
            return None
        name, number, *quoted = match.groups()
        inner = next((text for text in quoted if text is not None), None)
        steps.append(int(number) if number else _ESCAPE.sub(r"\1", inner) if inner is not None else name)
        at = match.end()
    return steps


def _document(text: str) -> bytes | None:
    """Return the longest of the objects and lists that begin a line; a client may have put others before it."""
    starts = [match.start(1) for match, _ in zip(_BEGINNING.finditer(text), range(_TRIED), strict=False)]
    starts += sorted(at for at in (text.find("{"), text.find("[")) if at >= 0)
    best = ""
    for start in starts:
        if len(text) - start <= len(best):
            continue
        try:
            end = json.JSONDecoder().raw_decode(text, start)[1]
        except _UNREADABLE:
            continue
        best = max(best, text[start:end], key=len)
    return best.encode("utf-8", "surrogatepass") or None


def _below(value: bytes, step: Step) -> bytes | None:
    try:
        if value.startswith(b"{"):
            member = _MEMBERS.decode(value).get(str(step))
            return bytes(member) if member is not None else None
        if value.startswith(b"[") and re.fullmatch("[0-9]{1,9}", str(step)):
            items, number = _ITEMS.decode(value), int(step)
            return bytes(items[number]) if number < len(items) else None
    except _UNREADABLE:
        return None
    return None


def _written(trail: str, step: Step) -> str:
    if isinstance(step, int):
        return f"{trail}[{step}]"
    if re.fullmatch(r"[^.\[\]\"'*\s]+", step):
        return f"{trail}.{step}" if trail else step
    return f"{trail}[{json.dumps(step, ensure_ascii=False)}]"


def _described(value: bytes) -> str:
    """Say what a value has, where something that it has not was asked for."""
    try:
        if value.startswith(b"{"):
            names = list(_MEMBERS.decode(value))
            more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
            return f"has {len(names)} members: {', '.join(names[:_NAMES_SHOWN])[:_LONGEST_SHOWN]}{more}"
        if value.startswith(b"["):
            return f"has {len(_ITEMS.decode(value))} items, the first is [0]"
    except _UNREADABLE:
        return "cannot be read further; ask by lines or search"
    return f"is {value.decode('utf-8', 'replace')[:_LONGEST_SHOWN]}"


def _laid_out(value: bytes) -> str:
    with contextlib.suppress(*_UNREADABLE):  # it is shown as it is written, then
        value = msgspec.json.format(value, indent=1)
    return value.decode("utf-8", "surrogatepass")
