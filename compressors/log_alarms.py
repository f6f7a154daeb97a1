"""Which lines of a log say that something went wrong, in words or codes."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

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
_HINTS_OF_WORDS = ("invalid", "oom", "status", "exit")
_HINTS_OF_DIGITS = ('"level":4', '"level":5', '"level":6', '" 4', '" 5')
_HINTS = (*_HINTS_OF_WORDS, *_HINTS_OF_DIGITS)  # what all shapes but the first letter have in them
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
    """Tell it of many lines: those are looked at in which a search through all of them at once finds something."""
    text = "\n".join(lines).lower()
    lowered = text.split("\n")
    found = {number for number, line in enumerate(lowered) if line[:1] in ("e", "w", "f")}
    found |= _lines_with(_HINTS_OF_DIGITS, text)
    # Lines of a log differ in their numbers above all, and no word has one.
    plain: dict[str, list[int]] = {}
    for number, line in enumerate(_without_digits(text).split("\n")):
        plain.setdefault(line, []).append(number)
    shapes = list(plain.values())
    for shape in _lines_with((*_WORDS, *_HINTS_OF_WORDS), "\n".join(plain)):
        found.update(shapes[shape])
    alarms = [False] * len(lines)
    for number in found if lines else ():
        alarms[number] = _is_alarm(lowered[number], _WORDS, _HINTS)
    return alarms


def _without_digits(text: str) -> str:
    return text.encode("utf-8", "surrogatepass").translate(None, b"0123456789").decode("utf-8", "surrogatepass")


def _lines_with(needles: Sequence[str], text: str) -> set[int]:
    """Return the lines of a text in which one of these stands.

    The work grows with the lines that are found, not with all of them.
    """
    found: set[int] = set()
    starts: list[int] = []  # where each line begins, and where one more would
    for needle in needles:
        at = text.find(needle)
        while at >= 0:
            starts = starts or [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
            line = bisect_right(starts, at)
            found.add(line - 1)
            at = text.find(needle, starts[line])
    return found


def _is_alarm(line: str, words: Sequence[str], hints: Sequence[str]) -> bool:
    return _speaks(line, words, hints) and _speaks(_HARMLESS.sub("", line), words, hints)


def _speaks(line: str, words: Sequence[str], hints: Sequence[str]) -> bool:
    for word in words:  # a loop: this is asked of every row of many kinds of text, and a generator takes twice as long
        if word in line:
            return True
    may = line[:1] in ("e", "w", "f")
    for hint in hints:
        may = may or hint in line
    return may and _SHAPES.search(line) is not None
