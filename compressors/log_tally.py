"""Counts that a reader would otherwise have to make: lines by level, and by the codes of what went wrong."""

import re
from collections import Counter
from collections.abc import Iterable

_DEPTH = 200  # characters: a level stands near the start of its line
_LEVEL = re.compile(
    r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)\b"
    r"|\[(trace|debug|info|notice|warn|warning|error|crit|alert|emerg)\]"
    r"|\blevel\"?[=:] ?\"?(trace|debug|info|notice|warn|warning|error|fatal|panic)\b"
    r"|\b(error|warning)(?:\[[A-Z]\d+\]| [A-Z]{1,5}\d+)?:"
)
_CODE = re.compile(
    r"\b0x8[0-9a-fA-F]{7}\b|(?:(?<=error )|(?<=error\[))[A-Z]{1,5}\d{3,5}\b|\b[A-Z]\w{0,80}(?:Error|Exception)\b"
)
_HINTS = ("rror", "Exception", "0x8")  # one of them is in every line with a code
_FEWEST, _MOST_CODES = 3, 10


def tally(lines: Iterable[str]) -> str:
    """Return a sentence with the counts, or nothing where there is nothing to count.

    A line has one level, its first; it counts for each code in it.
    """
    levels: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for line in lines:
        if match := _LEVEL.search(line, 0, _DEPTH):
            levels[match[match.lastindex or 0]] += 1
        if any(hint in line for hint in _HINTS):
            codes.update(set(_CODE.findall(line)))
    found = []
    if levels:
        found.append("Lines by level: " + ", ".join(f"{count} {level}" for level, count in _often(levels)))
    often = [(code, count) for code, count in _often(codes)[:_MOST_CODES] if count >= _FEWEST]
    if often:
        found.append("Lines with " + ", ".join(f"{code}: {count}" for code, count in often))
    return ". ".join(found)


def _often(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
