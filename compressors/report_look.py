"""How much a text looks like the report of a test runner."""

import re

_HEAD_LINES, _MIDDLE_LINES = 60, 30
_SAMPLE = 20_000  # characters looked at in one place
_WIDTH = 300  # characters of a line
_FEWEST_ROWS = 3
_SURE = 0.965  # above what a search or a log may claim: their lines are told by a path or a time only
_ROW = re.compile(
    r"\[gw\d+\] \[ *\d+%\] (?:PASSED|FAILED|SKIPPED|ERROR)"
    r"|(?:PASSED|FAILED|ERROR|XFAIL|SKIPPED|XPASS) (?:\S+::|\[\d+\] )"
    r"|\S+::.*? (?:PASSED|FAILED|ERROR|SKIPPED|XFAIL|XPASS)\b"
    r"|=== (?:RUN|PAUSE|CONT) |\s*--- (?:PASS|FAIL|SKIP): |(?:ok  |FAIL|\?   )\t\S+\t"
    r"|test \S.* \.\.\. (?:ok|FAILED|ignored)|\S.* \.\.\. (?:ok|FAIL|ERROR|skipped\b.*|expected failure)$"
    r"|test\w+ (?:ok|f|F|s|w|E|\[FAIL\])$"
    r"|(?:PASS|FAIL) \S+\.\w+(?: \([\d.]+ ?m?s\))?$"
    r"| *\d+/\d+ Test +#\d+: \S| +Start +\d+: \S"
    r"|\s*[✔✓√✗✕×] \S|\S.* > \S.* (?:PASSED|FAILED|SKIPPED)$|\s*(?:not )?ok \d+ |\s+# (?:Subtest|duration_ms)"
)
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


def score_of(text: str) -> float:
    """Return 0.965 for the report of a known runner, up to that for lines that tell how tests went, else 0."""
    lines = text[:_SAMPLE].split("\n", _HEAD_LINES)[:_HEAD_LINES]
    if len(text) > 2 * _SAMPLE:
        middle = len(text) // 2
        lines += text[middle : middle + _SAMPLE].split("\n", _MIDDLE_LINES + 1)[1:-1]
    lines = [line[:_WIDTH] for line in lines if line and not line.isspace()]
    rows = sum(_ROW.match(line) is not None for line in lines)
    ends = f"\n{text[:_REACH]}\n{text[-_TAIL:]}"
    if not rows and _SESSION not in ends:
        return 0.0
    signed = any(sign in ends for sign in _SIGNS) or _RAN.search(ends, max(0, len(ends) - _TAIL)) is not None
    share = rows / max(1, len(lines))
    if signed and (_SESSION in ends or share >= _LEAST_SIGNED):
        return _SURE
    if signed and rows:
        return _AMONG_OTHERS
    return _SURE * share if rows >= _FEWEST_ROWS and share >= _LEAST_SHARE else 0.0
