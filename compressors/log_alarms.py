"""Which lines of a log say that something went wrong, in words or codes."""

import re
from collections.abc import Sequence

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
    return _is_alarm(line.lower(), _WORDS, _HINTS)


def alarms_in(lines: Sequence[str]) -> list[bool]:
    """Tell it of many lines: only words that are in any of them are looked for in each."""
    lowered = "\n".join(lines).lower()
    words = [word for word in _WORDS if word in lowered]
    hints = [hint for hint in _HINTS if hint in lowered]
    return [_is_alarm(line.lower(), words, hints) for line in lines]


def _is_alarm(line: str, words: Sequence[str], hints: Sequence[str]) -> bool:
    return _speaks(line, words, hints) and _speaks(_HARMLESS.sub("", line), words, hints)


def _speaks(line: str, words: Sequence[str], hints: Sequence[str]) -> bool:
    if any(word in line for word in words):
        return True
    return (line[:1] in "ewf" or any(hint in line for hint in hints)) and _SHAPES.search(line) is not None
