"""How much a text looks like the report of a test runner."""

import re

from headroom_mitm.compressors.base import Content, in_one_piece

_MIDDLE_LINES = 30
_SAMPLE = 20_000  # characters looked at in one place
_FEWEST_ROWS = 3
_SURE = 0.965  # above what a search or a log may claim: their lines are told by a path or a time only
# What a line begins with is looked at before what it may be: most lines are done with after a character or two.
_BEGINS = (
    r"(?=[\[PFEXS=o?t])(?:\[gw\d+\] \[ *\d+%\] (?:PASSED|FAILED|SKIPPED|ERROR)"
    r"|(?:PASSED|FAILED|ERROR|XFAIL|SKIPPED|XPASS) (?:\S+::|\[\d+\] )"
    r"|=== (?:RUN|PAUSE|CONT) |(?:ok  |FAIL|\?   )\t\S+\t"
    r"|test\w+ (?:ok|f|F|s|w|E|\[FAIL\])$"
    r"|(?:PASS|FAIL) \S+\.\w+(?: \([\d.]+ ?m?s\))?$)"
    r"| *+(?=[\dS])(?:\d+/\d+ Test +#\d+: \S|(?<= )Start +\d+: \S)"
    r"|[^\S\n]*+(?=[-✔✓√✗✕×no#])(?:--- (?:PASS|FAIL|SKIP): |[✔✓√✗✕×] \S|(?:not )?ok \d+ "
    r"|(?<=[^\S\n])# (?:Subtest|duration_ms))"
)
_WITHIN = (
    r"|\S+::.*? (?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b"
    r"|test \S.* \.\.\. (?:ok|FAILED|ignored)|\S.* \.\.\. (?:ok|FAIL|ERROR|skipped\b.*|expected failure)$"
    r"|\S.* > \S.* (?:PASSED|FAILED|SKIPPED)$"
)
_ROW = re.compile(rf"\n(?={_BEGINS}{_WITHIN})", re.MULTILINE)
_SHORT_ROW = re.compile(rf"\n(?={_BEGINS})", re.MULTILINE)
_SIGNS_WITHIN = ("::", " ... ", " > ")
"""One of which stands in a row that is not told by its beginning."""
# What stands in the report of one runner, and hardly elsewhere.
_SESSION = "= test session starts ="
_SIGNS = (
    _SESSION,
    "= short test summary info =",
    "\n=== RUN   ",
    "\n--- PASS: ",
    "\ntest result: ",
    "\nTAP version ",
    "\nok  \t",
    "\nTest Suites: ",
    "\n Test Files  ",
    "\nTest project ",
    "= test process starts =",
)
_RAN = re.compile(r"^Ran \d+ tests? in \d|^ +\d+ passing\b|^OK \(\d+ tests?|^FAILURES!$", re.MULTILINE)
_REACH = 40_000  # characters in which a runner begins
_TAIL = 3_000  # characters in which a summary stands
_LEAST_SIGNED = 0.2  # share of lines that tell how tests went, where a runner is known
_AMONG_OTHERS = 0.6  # what a log with a few such lines is worth: more than any lines, less than those with times
_LEAST_SHARE = 0.4


def score_of(content: Content) -> float:
    """Return 0.965 for the report of a known runner, up to that for lines that tell how tests went, else 0."""
    text, lines, look = content.text, content.first_lines, content.look
    if len(text) > 2 * _SAMPLE:
        lines = [*lines, *content.middle_lines(_MIDDLE_LINES)]
        look = in_one_piece(lines)
    row = _ROW if any(map(look.__contains__, _SIGNS_WITHIN)) else _SHORT_ROW
    rows = len(row.findall(look))
    if not rows and _SESSION not in text[:_REACH] and _SESSION not in text[-_TAIL:]:
        return 0.0
    ends = f"\n{text[:_REACH]}\n{text[-_TAIL:]}"
    signed = any(sign in ends for sign in _SIGNS) or _RAN.search(ends, max(0, len(ends) - _TAIL)) is not None
    share = rows / max(1, len(lines))
    if signed and (_SESSION in ends or share >= _LEAST_SIGNED):
        return _SURE
    if signed and rows:
        return _AMONG_OTHERS
    return _SURE * share if rows >= _FEWEST_ROWS and share >= _LEAST_SHARE else 0.0
