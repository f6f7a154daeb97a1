"""How much a text looks like what a compiler or a linter says of a program."""

import re

from headroom_mitm.compressors.base import Content, in_one_piece
from headroom_mitm.compressors.build_carets import has_marks
from headroom_mitm.compressors.build_steps import is_steps

_HEAD_LINES, _MIDDLE_LINES = 60, 30
_LONG = 40_000  # characters of a text that is looked at in two places
_WIDTH, _USUAL_WIDTH = 400, 300  # characters of a line
_FEWEST = 3
_LEAST_SHARE = 0.25
_SURE, _LEAST = 0.975, 0.9  # above what a search claims: its lines have the same beginning, but no verdict behind it
_VERDICT = r"(?:(?:fatal )?error|warning|note|info|hint|style|convention|refactor)\b|[A-Z]{1,4}\d{2,5}\b"
# A path has a letter. What begins with a time of day (12:00:00, 2025-01-01T12:00:00Z) is a line of a log.
_BEGINS = r"(?!\d+:\d|[^\s:]*+(?<=\d\d):\d\d:\d\d)(?=[^\s:A-Za-z_]*+[A-Za-z_])[^\s:]"
_PATH = rf"{_BEGINS}[^:\t\n]*+"
_DIAGNOSTIC = re.compile(
    rf"\n(?={_BEGINS}(?:"
    rf"[^:\t\n]*+:(?:\d+(?::\d+)?:? (?:- )?(?:{_VERDICT})|\d+:\d+: \S.* \([\w-]+\)$)"
    rf"|(?=[^:\t\n]*+(?<=\d\)):)[^:\t\n]*\(\d+,\d+\): (?:{_VERDICT}))"
    rf"|\[ERROR\] {_PATH}:\[\d+,\d+\] \S"
    r"| +\d+:\d+ +(?:error|warning)  +\S)",
    re.MULTILINE,
)
_COMPILER = re.compile(
    r"\b(?:tsc|tsgo|eslint|ruff|flake8|pylint|mypy|pyright|go (?:vet|build)|golangci-lint|staticcheck|gcc|g\+\+|clang"
    r"|javac|msbuild|dotnet build|make|cmake|ninja)\b"
)
_PLACE = re.compile(rf"\n(?={_PATH}:\d+:\d+: \S)")
_ARROW = re.compile(r"\n(?= *--> \S[^:\n]*:\d+:\d+$)", re.MULTILINE)
_STEPS = 0.62  # above a log without times
_LEAST_FRAMED = 0.05  # share of the lines: code frames are long
_SEARCH = re.compile(r"\b(?:[efrz]?grep|rg|ag|ack)\b")


def score_of(content: Content) -> float:
    """Return 0.9 to 0.975 where many lines are diagnostics, else 0."""
    if is_steps(content):
        return _STEPS
    lines, look = _sample(content)
    subject = content.subject
    found = len(_DIAGNOSTIC.findall(look))
    if _COMPILER.search(subject) is not None and _SEARCH.match(subject) is None:
        found = max(found, len(_PLACE.findall(look)))
    framed = len(_ARROW.findall(look)) if "--> " in look else 0
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


def _sample(content: Content) -> tuple[list[str], str]:
    """Return lines of the beginning, and of the middle of a long text, and the same in one piece."""
    lines, look = content.first_lines, content.look
    if max(map(len, lines), default=0) < _USUAL_WIDTH and len(content.text) <= _LONG:
        return lines, look
    lines = [line[:_WIDTH] for line in content.head[:_HEAD_LINES] if line and not line.isspace()]
    if len(content.text) > _LONG:
        lines += content.middle_lines(_MIDDLE_LINES, _WIDTH)
    return lines, in_one_piece(lines)
