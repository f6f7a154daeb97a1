"""Values and beginnings of lines that come again and again in a text get a short name, defined on top."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_MARKS = "$@&~"
_ITEM = re.compile(r"\{[^{}\n]*(?:\{[^{}\n]*\}[^{}\n]*)*\}(?:::\w+)?(?!\d)")
_LEAST_ITEM, _LEAST_START = 24, 16  # characters
_LEAST_SAVING = 80  # characters that a name must save
_MOST = 80
_REACH = 120  # characters of a line in which a common beginning ends
_LOOKS_TEXT = re.compile(r"[\w{\[(]")
_ALARM = re.compile(r"error|warning|fatal|panic|exception|fail", re.IGNORECASE)
_WORD_END = re.compile(r"(?<=\S)(?= |$)")
_NAME = 6  # characters that a name costs where it stands


class Named(NamedTuple):
    """Lines in which names stand, and what each name stands for."""

    lines: list[str]
    names: dict[str, str]


def named(lines: Sequence[str]) -> Named:
    """Give names to what repeats. Without a free sign for them, the lines stay as they are."""
    text = "\n".join(lines)
    mark = next((mark for mark in _MARKS if not re.search(rf"\{mark}\d", text)), None)
    if mark is None:
        return Named(list(lines), {})
    counts = Counter(item for item in _ITEM.findall(text) if len(item) >= _LEAST_ITEM)
    items = _worthy(counts)[: _MOST // 2]
    names = {item: f"{mark}{number}" for number, item in enumerate(items, 1)}
    text = _ITEM.sub(lambda match: names.get(match[0], match[0]), text) if names else text
    starts = _starts(text.split("\n"), _MOST - len(names))
    names |= {start: f"{mark}{number}" for number, start in enumerate(starts, len(names) + 1)}
    by_head: dict[str, list[str]] = {}
    for start in starts:
        by_head.setdefault(start[:_LEAST_START], []).append(start)
    written = []
    for line in text.split("\n"):
        alike = by_head.get(line[:_LEAST_START], ())
        start = next((start for start in alike if line.startswith(start)), "")  # none of them begins another
        start = start if line[len(start) : len(start) + 1] in ("", " ") else ""
        written.append(names[start] + line[len(start) :] if start else line)
    return Named(written, {name: what for what, name in names.items()})


def _worthy(counts: Counter[str]) -> list[str]:
    saving = {what: (count - 1) * (len(what) - _NAME) for what, count in counts.items()}
    worthy = [what for what, saved in saving.items() if saved >= _LEAST_SAVING]
    return sorted(worthy, key=lambda what: (-saving[what], what))


def _starts(lines: Sequence[str], most: int) -> list[str]:
    """Return beginnings, cut at the end of a word, none of which begins another. Errors are always shown in full."""
    counts: Counter[str] = Counter()
    for line in lines:
        if len(line) >= _LEAST_START and _LOOKS_TEXT.match(line) and not _ALARM.search(line, 0, _REACH):
            counts.update(line[: match.end()] for match in _WORD_END.finditer(line[:_REACH]))
    counts = Counter({start: count for start, count in counts.items() if count > 2 and len(start) >= _LEAST_START})
    chosen: list[str] = []
    for start in _worthy(counts):
        if len(chosen) == most:
            break
        if not any(start.startswith(other) or other.startswith(start) for other in chosen):
            chosen.append(start)
    return chosen
