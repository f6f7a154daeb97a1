"""What differs between the tools or system prompts of two requests, in words for people."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from headroom_mitm.wire.history import without_markers

EXCERPT = 40
"""Characters of the user's text that are shown, at most."""
_ALIKE = 0.6
"""Share of a text that two of its versions have in common. With less they are two texts."""
_WORD = 20
"""Characters of a word, at most, that are shown with a difference in it."""
_AROUND = 40
"""Characters before and behind a difference that help to tell what it is: a date of which one digit has changed."""

_MONTHS = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_KINDS = (
    ("id", re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|\b(?=\w*\d)(?=\w*[a-z])[0-9a-f]{12,}\b")),
    ("time", re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")),
    (
        "date",
        re.compile(
            rf"\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[./]\d{{1,2}}[./]\d{{2,4}}|(?:{_MONTHS})[a-z]*\.? \d{{1,2}}"
            rf"|\d{{1,2}}\.? (?:{_MONTHS})[a-z]*|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
        ),
    ),
    ("counter", re.compile(r"\d+")),
)
_LISTED = re.compile(r"(?m)^[\s|│├└─*-]*[\w.@+-]+(?:/[\w.@+-]*)*/?$")
_BILLING = "x-anthropic-billing-header"
_ELSEWHERE = "put it into a message of the user, or behind all that stays"

ADVICE = {
    "tool order": "declare tools in one order, or set headroom_stabilize=on",
    "key order in tools": "write schemas in one order of keys, or set headroom_stabilize=on",
    "tool list": "declare all tools from the first request on, or search for tools by a tool",
    "tool text": "keep what changes out of the descriptions of tools",
    "billing header": "set CLAUDE_CODE_ATTRIBUTION_HEADER=0 in Claude Code's environment; whether the provider's cache "
    "counts this header is not known",
    "id": _ELSEWHERE,
    "time": f"give the day only, or {_ELSEWHERE}",
    "date": f"fix it when the session begins, or {_ELSEWHERE}",
    "counter": _ELSEWHERE,
    "listing": f"take it once, when the session begins, or {_ELSEWHERE}",
    "text": _ELSEWHERE,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, as it is reported."""

    kind: str
    """One of ``ADVICE``."""
    place: str
    at: int
    """Bytes before it in its part of the body, nearly."""
    before: str
    after: str
    """At most ``EXCERPT`` characters each."""

    @property
    def advice(self) -> str:
        """What a user can do."""
        return ADVICE[self.kind]


def changes(name: str, before: bytes, after: bytes) -> Iterator[Change]:
    """Yield what differs between two versions of one part; nothing where they mean the same, or are two texts."""
    try:
        old, new = (without_markers(json.loads(raw)) for raw in (before, after))
    except (ValueError, RecursionError):
        return
    if _is_tools(old) and _is_tools(new):
        yield from _tool_changes(old, new, before)
    else:
        yield from _text_changes(name, list(_texts(old)), list(_texts(new)))


def _is_tools(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and _name(item) for item in value)


def _name(tool: dict[str, Any]) -> str:
    inner = tool.get("function")
    named = tool.get("name") or (inner.get("name") if isinstance(inner, dict) else None)
    return str(named or ("" if tool.get("type") in (None, "text", "input_text") else tool["type"]))


def _tool_changes(old: list[Any], new: list[Any], raw: bytes) -> Iterator[Change]:
    before, after = {_name(tool): tool for tool in old}, {_name(tool): tool for tool in new}
    names, others = list(before), list(after)
    if before.keys() != after.keys():
        if before.keys() & after.keys():
            gone, more = _joined("-", before.keys() - after.keys()), _joined("+", after.keys() - before.keys())
            yield Change("tool list", "tools", _at(raw, names, others), gone or _cut(f"{len(old)} tools"), more)
    elif names != others:
        number = _common(names, others)
        yield Change("tool order", f"tool {number}", _at(raw, names, others), _cut(names[number]), _cut(others[number]))
    for number, name in enumerate(names):
        one, two = before[name], after.get(name)
        if two is None or json.dumps(one) == json.dumps(two):
            continue
        at = max(0, raw.find(json.dumps(name).encode()))
        kind = "key order in tools" if one == two else "tool text"
        yield Change(kind, f"tool {number} ({_cut(name)})", at, *_difference(json.dumps(one), json.dumps(two))[1:])
        return


def _at(raw: bytes, names: Sequence[str], others: Sequence[str]) -> int:
    """Return where the first tool stands that is not the same in both lists."""
    number = _common(names, others)
    return max(0, raw.find(json.dumps(names[number]).encode())) if number < len(names) else len(raw)


def _joined(sign: str, names: Any) -> str:
    return _cut(" ".join(f"{sign}{name}" for name in sorted(names)))


def _texts(value: Any) -> Iterator[str]:
    """Yield the texts of a system prompt: a string, blocks, or a message."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        inner = value.get("content", value.get("text", value.get("parts")))
        yield from _texts(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _text_changes(name: str, old: list[str], new: list[str]) -> Iterator[Change]:
    if len(old) != len(new) and 2 * len(set(old) & set(new)) >= max(len(old), len(new)):
        yield Change("text", name, 0, f"{len(old)} blocks", f"{len(new)} blocks")
        return
    before = 0
    for number, (one, two) in enumerate(zip(old, new, strict=False)):
        if one != two:
            at, was, now = _difference(one, two)
            kind = _kind(one, two)
            if kind:
                place = f"{name} block {number}" if len(old) > 1 else name
                yield Change(kind, f"{place}, character {at}", before + at, was, now)
        before += len(one)


def _kind(old: str, new: str) -> str:
    """Return what kind of text has changed; empty where they are two texts."""
    if old.startswith(_BILLING) and new.startswith(_BILLING):
        return "billing header"
    start, end = _span(old, new)
    behind = len(new) - (len(old) - end)
    if start + len(old) - end < _ALIKE * max(len(old), len(new)):
        return ""
    changed = [old[start:end], new[start:behind]]
    lines = [line for part in changed for line in part.splitlines() if line.strip()]
    if any("\n" in part for part in changed) and 2 * len(_LISTED.findall("\n".join(lines))) > len(lines):
        return "listing"
    around, offset = new[max(0, start - _AROUND) : behind + _AROUND], min(start, _AROUND)
    changed_to = offset + behind - start
    for kind, pattern in _KINDS:
        if any(found.start() <= changed_to and found.end() >= offset for found in pattern.finditer(around)):
            return kind
    return "text"


def _span(old: str, new: str) -> tuple[int, int]:
    """Return from where to where the old text differs."""
    start = _common(old, new)
    most = min(len(old), len(new)) - start
    return start, len(old) - _common(old[len(old) - most :][::-1], new[len(new) - most :][::-1])


def _common(old: Sequence[Any], new: Sequence[Any]) -> int:
    """Return how much two texts or lists have in common at their beginning, in steps of halves."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if old[low:middle] == new[low:middle] else (low, middle - 1)
    return low


def _difference(old: str, new: str) -> tuple[int, str, str]:
    """Return where two texts begin to differ, and the words that stand there: a time, not one digit of it."""
    start, end = _span(old, new)
    behind = len(new) - (len(old) - end)
    begin = start - len(old[max(0, start - _WORD) : start].rpartition(" ")[2].rpartition("\n")[2])
    return start, _cut(_until_space(old[begin:], end - begin)), _cut(_until_space(new[begin:], behind - begin))


def _until_space(text: str, end: int) -> str:
    """Return the beginning of a text, up to the end of the word at which it is cut."""
    return text[:end] + text[end : end + _WORD].partition(" ")[0].partition("\n")[0]


def _cut(text: str) -> str:
    """Return the beginning of a text on one line."""
    return " ".join(text[:EXCERPT].split())
