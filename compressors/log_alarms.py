"""Which lines of a log say that something went wrong, in words or codes."""

import re

_WORDS = (
    "error",
    "fail",
    "exception",
    "denied",
    "refus",
    "timeout",
    "timed out",
    "traceback",
    "fatal",
    "critical",
    "panic",
    "abort",
    "warn",
    "killed",
    "alert",
    "emerg",
    "severe",
    "forbidden",
    "cannot",
    "can't",
    "could not",
    "couldn't",
    "unable",
    "reject",
    "unreachable",
    "not found",
    "corrupt",
    "crash",
    "segfault",
    "break-in",
    "unexpected",
    "violat",
    "deadlock",
    "out of memory",
    "exhausted",
    "unauthorized",
    "unhealthy",
    "illegal",
    "reset by peer",
    "broken pipe",
)
_SHAPES = re.compile(
    r"\binvalid\b|\boom\b|\boomkilled\b|^[ewf]\d{4} "
    r"|\"level\":[456]0\b|\" [45]\d\d |\bstatus(?:code)?\"?[=: ] ?[45]\d\d\b"
    r"|\bexit(?:ed)?(?: with)? (?:code|status)[ :=]+[1-9]"
)
_HINTS = (
    "invalid",
    "oom",
    '"level":',
    '" 4',
    '" 5',
    "status",
    "exit",
)  # what all shapes but the first letter have in them
# `errors=0`, `0 warnings`, `"error": null` say that nothing went wrong; `error: no such file` does not.
_HARMLESS = re.compile(
    r"\b(?:errors?|warnings?|fail(?:ed|ures?)?|exceptions?|aborted|rejected|timeouts?)"
    r"(?:(?:\"?=|\":) ?\"?(?:0|none|null|false|no)\b|: ?(?:0|(?:none|null|false|no)\b(?! \w))\b)(?![.:])"
    r"|\b(?:0|no) (?:errors?|warnings?|failed|failures?|exceptions?|timeouts?)\b"
)


def is_alarm(line: str) -> bool:
    """Tell whether a line speaks of an error, a warning or a failure."""
    line = line.lower()
    if not _speaks(line):
        return False
    return _speaks(_HARMLESS.sub("", line))


def _speaks(line: str) -> bool:
    if any(word in line for word in _WORDS):
        return True
    return (line[:1] in "ewf" or any(hint in line for hint in _HINTS)) and _SHAPES.search(line) is not None
