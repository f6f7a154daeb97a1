"""How much a text looks like what a compiler or a linter says of a program."""

import re

from headroom_mitm.compressors.build_carets import has_marks
from headroom_mitm.compressors.build_steps import is_steps

_HEAD_LINES, _MIDDLE_LINES = 60, 30
_SAMPLE = 20_000  # characters looked at in one place
_WIDTH = 400  # characters of a line
_FEWEST = 3
_LEAST_SHARE = 0.25
_SURE, _LEAST = 0.975, 0.9  # above what a search claims: its lines have the same beginning, but no verdict behind it
_VERDICT = r"(?:(?:fatal )?error|warning|note|info|hint|style|convention|refactor)\b|[A-Z]{1,4}\d{2,5}\b"
# A path has a letter. What begins with a time of day (12:00:00, 2025-01-01T12:00:00Z) is a line of a log.
_PATH = r"(?!\d+:\d|[^\s:]*\d\d:\d\d:\d\d)(?=[^\s:]*[A-Za-z_])[^\s:][^:\t]*"
_DIAGNOSTIC = re.compile(
    rf"{_PATH}\(\d+,\d+\): (?:{_VERDICT})"
    rf"|{_PATH}:\d+(?::\d+)?:? (?:- )?(?:{_VERDICT})"
    rf"|{_PATH}:\d+:\d+: \S.* \([\w-]+\)$"
    rf"|\[ERROR\] {_PATH}:\[\d+,\d+\] \S"
    r"| +\d+:\d+ +(?:error|warning)  +\S"
)
_COMPILER = re.compile(
    r"\b(?:tsc|tsgo|eslint|ruff|flake8|pylint|mypy|pyright|go (?:vet|build)|golangci-lint|staticcheck|gcc|g\+\+|clang"
    r"|javac|msbuild|dotnet build|make|cmake|ninja)\b"
)
_PLACE = re.compile(rf"{_PATH}:\d+:\d+: \S")
_ARROW = re.compile(r" *--> \S[^:]*:\d+:\d+")
_STEPS = 0.62  # above a log without times
_LEAST_FRAMED = 0.05  # share of the lines: code frames are long
_SEARCH = re.compile(r"\b(?:[efrz]?grep|rg|ag|ack)\b")


def score_of(text: str, subject: str) -> float:
    """Return 0.9 to 0.975 where many lines are diagnostics, else 0."""
    lines = text[:_SAMPLE].split("\n", _HEAD_LINES)[:_HEAD_LINES]
    if len(text) > 2 * _SAMPLE:
        middle = len(text) // 2
        lines += text[middle : middle + _SAMPLE].split("\n", _MIDDLE_LINES + 1)[1:-1]
    lines = [line[:_WIDTH] for line in lines if line and not line.isspace()]
    asks_compiler = _COMPILER.search(subject) is not None and _SEARCH.match(subject) is None
    pattern = _PLACE if asks_compiler else _DIAGNOSTIC
    found = sum(pattern.match(line) is not None for line in lines)
    found = max(found, sum(_DIAGNOSTIC.match(line) is not None for line in lines)) if asks_compiler else found
    if is_steps(text):
        return _STEPS
    framed = sum("--> " in line and _ARROW.fullmatch(line) is not None for line in lines)
    if framed >= _FEWEST and framed >= _LEAST_FRAMED * len(lines):
        return _LEAST
    if not found:
        return 0.0
    # Each may have its code below it, and a line of marks below that.
    found += 2 * min(found, sum(map(has_marks, lines)))
    share = min(1.0, found / max(1, len(lines)))
    if found < _FEWEST or share < _LEAST_SHARE:
        return 0.0
    return _LEAST + (_SURE - _LEAST) * share
