"""Counts that a reader would otherwise have to make: lines by level, and by the codes of what went wrong."""

import re
from collections import Counter
from collections.abc import Iterable

_DEPTH = 200  # characters of a line that are looked at
_LEVEL = re.compile(
    r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|SEVERE|CRITICAL|FATAL)\b"
    r"|\[(trace|debug|info|notice|warn|warning|error|crit|alert|emerg)\]"
    r"|\b(error|warning)(?:\[[A-Z]\d+\]| [A-Z]{1,5}\d+)?:"
)
_CODE = re.compile(r"\b(?:0x8[0-9a-fA-F]{7}|(?:[A-Z]{1,5}|error )\d{3,5}(?=[:\]])|[A-Z]\w*(?:Error|Exception))\b")
_FEWEST, _MOST_CODES = 3, 10


def tally(lines: Iterable[str]) -> str:
    """Return a sentence with the counts, or nothing where there is nothing to tell apart.

    A line counts for the first level and the first code in it.
    """
    levels: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    for line in lines:
        if match := _LEVEL.search(line, 0, _DEPTH):
            levels[match[match.lastindex or 0]] += 1
        if match := _CODE.search(line, 0, _DEPTH):
            codes[match[0]] += 1
    found = []
    if levels:
        found.append("Lines by level: " + ", ".join(f"{count} {level}" for level, count in levels.most_common()))
    often = [(code, count) for code, count in codes.most_common(_MOST_CODES) if count >= _FEWEST]
    if often:
        found.append("Lines with " + ", ".join(f"{code}: {count}" for code, count in often))
    return ". ".join(found)
