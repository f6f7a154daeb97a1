"""How much a text looks like a log, or at least like what a program writes line by line."""

import re
from collections import Counter

from headroom_mitm.compressors.log_stamps import stamp_of

_REACH, _WIDTH = 40_000, 300  # characters looked at from a place on, and of a line
_HEAD_LINES, _MIDDLE_LINES = 40, 20
_HEAD = 6_000  # characters in which other kinds of records would show themselves
_FEWEST_LINES = 8
_STAMPED = 0.3  # share of lines with a time from which on it is a log
_EARLY = 45  # characters before a time
_SHORTEST_SHAPE = 3  # characters
_RECORDS = 0.97  # JSON lines of a logger: surer than who reads JSON of any kind
_FALLBACK = 0.1  # line based, of no kind known here
_MOST_FALLBACK = 0.45

_DIGITS = re.compile(r"[0-9]+")
_LEVELLED = re.compile(
    r"\W{0,3}(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b"
    r"|(?:npm|pip) \w+ |[IWEF]\d{4} |[\[(]?\d[\d./T-]*:\d\d?:\d\d?\b|\d{10}(?:\d{3})?\b|(?:\d+\.){3}\d+ "
)
_RECORD_TIME = re.compile(r'"(?:@?time(?:stamp)?|ts|date|datetime)": ?["1]', re.IGNORECASE)
_RECORD_TEXT = re.compile(r'"(?:msg|message|log|text|event)\\?": ?\\?"', re.IGNORECASE)
_FOREIGN_SUFFIX = re.compile(
    r"\S+\.(?:py|pyi|js|jsx|ts|tsx|mjs|cjs|java|kt|go|rs|c|h|cc|cpp|hpp|cs|rb|php|swift|scala|sh|sql|css|scss|vue|lua|pl"
    r"|json|jsonl|ndjson|ya?ml|toml|xml|html?|svg|md|rst|csv|tsv|ipynb|diff|patch|lock)",
    re.IGNORECASE,
)
_OTHER_RECORDS = re.compile(
    r"^(?:commit [0-9a-f]{7,40}\b|\^?[0-9a-f]{7,40} \(|diff --git |@@ -\d|--- a/|\+\+\+ b/)", re.MULTILINE
)
# What other kinds of text are made of, line by line. Lines are cut before, so backtracking is bounded.
_MARKUP = re.compile(
    r"\s*[\]{}\[(),;]+\s*$"  # brackets alone
    r"|.*[{};,(\[]\s*$"  # an open bracket or the end of a statement
    r"|\s*(?://|/\*|\*/|\"\"\"|@\w|#\s|#+$|#include|<[/!?\w])"  # comments, decorators, headings, tags
    r"|\s*(?:def|class|import|from|return|if|else|elif|for|while|try|except|func|fn|let|const|var|public|private|static"
    r"|export|struct|impl|package|use|raise|with)\b.*[:;{(\w]\s*$"
    r"|\s*\|.*\|\s*$"  # a table of Markdown
    r"|\s*(?:[-*+]|\d+\.)\s+\S+\s+\S"  # a list
    r"|\s*\d+(?:\t|→|: )"  # a numbered listing
    r"|[^\s:]*[A-Za-z/][^\s:]*:\d+[:-]"  # a hit of a search
)
_PATH = re.compile(r"[^\s:]*[/.][^\s:]*$|\s*[├└│]")
_MOST_OTHER = 0.4
_CELLS = 3  # of a line of a table


def score_of(text: str, subject: str) -> float:
    """Return 0.6 to 0.95 for lines with a time or a level, up to 0.45 for lines of few shapes, 0 for other kinds."""
    lines = _sample(text)
    if len(lines) < _FEWEST_LINES:
        return 0.0
    if _share_of_json(lines) > 1 - _STAMPED:
        return _RECORDS if sum(map(_is_log_record, lines)) > (1 - _STAMPED) * len(lines) else _FALLBACK / 2
    stamped = sum(map(_is_stamped, lines)) / len(lines)
    if stamped >= _STAMPED and not _OTHER_RECORDS.search(text, 0, _HEAD):
        return min(0.95, 0.6 + 0.4 * stamped)
    if _is_foreign(text, subject) or sum(_MARKUP.match(line) is not None for line in lines) > _MOST_OTHER * len(lines):
        return 0.0
    if sum(map(_is_tabular, lines)) > _MOST_OTHER * len(lines):
        return _FALLBACK / 2
    shapes = Counter(_DIGITS.sub("0", line)[:24] for line in lines if len(line) >= _SHORTEST_SHAPE)
    repeated = sum(count for count in shapes.values() if count > 2)
    return min(_MOST_FALLBACK, _FALLBACK + repeated / len(lines) / 2)


def _sample(text: str) -> list[str]:
    """Return lines from the beginning and whole ones from the middle, without the empty ones."""
    if text.count("\r", 0, _REACH) > text.count("\r\n", 0, _REACH):
        text = text[: 4 * _REACH].replace("\r", "\n")  # states of lines that were overwritten
    lines = text[:_REACH].split("\n", _HEAD_LINES)[:_HEAD_LINES]
    if len(text) > 2 * _REACH:
        middle = len(text) // 2
        lines += text[middle : middle + _REACH].split("\n", _MIDDLE_LINES + 1)[1:-1]
    return [line[:_WIDTH] for line in lines if line and not line.isspace()]


def _is_stamped(line: str) -> bool:
    stamp = stamp_of(line)
    return (stamp is not None and stamp.start <= _EARLY and line[0] != "|") or _LEVELLED.match(line) is not None


def _share_of_json(lines: list[str]) -> float:
    return sum(line.startswith(("{", "[{")) and line.rstrip().endswith(("}", "]", ",")) for line in lines) / len(lines)


def _is_log_record(line: str) -> bool:
    return _RECORD_TIME.search(line) is not None and _RECORD_TEXT.search(line) is not None


def _is_foreign(text: str, subject: str) -> bool:
    if _FOREIGN_SUFFIX.fullmatch(subject.strip()) or text.lstrip()[:1] in ("<", "{"):
        return True
    return _OTHER_RECORDS.search(text, 0, _HEAD) is not None


def _is_tabular(line: str) -> bool:
    if (line.count(",") >= _CELLS and ", " not in line) or line.count(" | ") >= _CELLS - 1:
        return True
    return sum(map(bool, line.strip().split("  "))) >= _CELLS or _PATH.match(line) is not None
