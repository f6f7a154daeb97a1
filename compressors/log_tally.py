"""Counts that a reader would otherwise have to make: lines by level, and by the codes of what went wrong."""

import re
from collections import Counter
from collections.abc import Sequence

from headroom_mitm.compressors.log_templates import Template

_DEPTH = 200  # characters: a level stands near the start of its line
# No alternative begins with an assertion: the engine then skips quickly to where one can begin. What stands before a
# word is looked at afterwards.
_LEVEL = re.compile(
    r"(TRACE|DEBUG|INFO|NOTICE|WARNING|WARN|ERROR|SEVERE|CRITICAL|FATAL)\b"
    r"|\[(trace|debug|info|notice|warn|warning|error|crit|alert|emerg)\]"
    r"|level\"?[=:] ?\"?(trace|debug|info|notice|warn|warning|error|fatal|panic)\b"
    r"|(error|warning)(?:\[[A-Z]\d+\]| [A-Z]{1,5}\d+)?:"
)
_CODE = re.compile(r"0x8[0-9a-fA-F]{7}\b|(?:(?<=error )|(?<=error\[))[A-Z]{1,5}\d{3,5}\b")
_CODE_HINTS = ("0x8", "error ", "error[")  # one of them is in every line with such a code
_HINTS = (*_CODE_HINTS, "Error", "Exception")
_NAME = re.compile(r"\b[A-Z]\w{0,80}(?:Error|Exception)\b")
_FEWEST, _MOST_CODES = 3, 10


def tally(lines: Sequence[str], templates: Sequence[Template] = ()) -> str:
    """Return a sentence with the counts, or nothing where there is nothing to count.

    A line has one level, its first; it counts for each code in it. ``templates``: of rows among the lines; what stands
    in their text is looked at once.
    """
    levels: Counter[str] = Counter()
    codes: Counter[str] = Counter()
    done: set[int] = set()
    for template in templates:
        text = "{}".join(template.literals)
        level = _level(text)
        if not level and _level(lines[template.rows[0]]):  # it is a value, or next to one
            levels.update(_level(lines[row]) for row in template.rows)
        else:
            levels[level] += len(template.rows)
        done.update(template.rows)
        if _may_have_codes("\n".join((text, *map("\n".join, template.values)))):
            codes.update(code for row in template.rows for code in _codes(lines[row]))
    for number, line in enumerate(lines):
        if number not in done:
            levels[_level(line)] += 1
            codes.update(_codes(line))
    levels.pop("", None)
    said = []
    if levels:
        said.append("Lines by level: " + ", ".join(f"{count} {level}" for level, count in _often(levels)))
    often = [(code, count) for code, count in _often(codes)[:_MOST_CODES] if count >= _FEWEST]
    if often:
        said.append("Lines with " + ", ".join(f"{code}: {count}" for code, count in often))
    return ". ".join(said)


def _level(line: str) -> str:
    for match in _LEVEL.finditer(line, 0, _DEPTH):
        start = match.start()
        if start == 0 or line[start] == "[" or not (line[start - 1].isalnum() or line[start - 1] == "_"):
            return match[match.lastindex or 0]
    return ""


def _may_have_codes(text: str) -> bool:
    return any(hint in text for hint in _HINTS)


def _codes(line: str) -> set[str]:
    found = set(_CODE.findall(line)) if any(hint in line for hint in _CODE_HINTS) else set()
    if "Error" in line or "Exception" in line:
        found.update(_NAME.findall(line))
    return found


def _often(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
