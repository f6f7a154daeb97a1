"""How much a text looks like a log, or at least like what a program writes line by line."""

import re
from collections import Counter

from headroom_mitm.compressors.base import Content, in_one_piece
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
_BEGINS_STAMPED = (
    r"[\[(]?\d[\d./T-]*:\d\d?:\d\d?\b"  # most often, so it comes first
    r"|[^\w\n]{0,3}(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b"
    r"|(?:npm|pip) \w+ |[IWEF]\d{4} |\d{10}(?:\d{3})?\b|(?:\d+\.){3}\d+ "
    r"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?![\d:])"
)
_STAMPED_LINE = re.compile(_BEGINS_STAMPED)
_STAMPED_LINES = re.compile(rf"\n(?={_BEGINS_STAMPED})")
_PERHAPS_TIME = (
    re.compile(r":\d\d?:\d"),
    re.compile(r"\.\d\d\.\d\d\.\d{6}"),
    re.compile(r" \d{6}\b"),
    re.compile(r'":1[5-9]\d{8}'),
)
"""A stamp has something of one of these, and to find these is quick: each begins with a sign."""
_PERHAPS_RECORD = re.compile(r"\n(?=\{|\[\{)")
_RECORD_TIME = re.compile(r'"(?:@?time(?:stamp)?|ts|date|datetime)": ?["1]', re.IGNORECASE)
_RECORD_TEXT = re.compile(r'"(?:msg|message|log|text|event)\\?": ?\\?"', re.IGNORECASE)
_FOREIGN_SUFFIX = re.compile(
    r"\S+\.(?:py|pyi|js|jsx|ts|tsx|mjs|cjs|java|kt|go|rs|c|h|cc|cpp|hpp|cs|rb|php|swift|scala|sh|sql|css|scss|vue|lua|pl"
    r"|json|jsonl|ndjson|ya?ml|toml|xml|html?|svg|md|rst|csv|tsv|ipynb|diff|patch|lock)",
    re.IGNORECASE,
)
_OTHER_RECORDS = re.compile(r"\n(?:commit [0-9a-f]{7,40}\b|\^?[0-9a-f]{7,40} \(|diff --git |@@ -\d|--- a/|\+\+\+ b/)")
# What other kinds of text are made of, line by line. Lines are cut before, so backtracking is bounded.
_MARKUP_ENDS = ("{", "}", ";", ",", "(", "[")  # an open bracket or the end of a statement
_MARKUP = re.compile(
    r"\n(?=[^\S\n]*+(?=[\]{}\[(),;/*\"@#<|+\-\ddcifrewtlvpsu])(?:"
    r"[\]{}\[(),;]++[^\S\n]*+$"  # brackets alone
    r"|//|/\*|\*/|\"\"\"|@\w|#[^\S\n]|#+$|#include|<[/!?\w]"  # comments, decorators, headings, tags
    r"|(?:def|class|import|from|return|if|else|elif|for|while|try|except|func|fn|let|const|var|public|private|static"
    r"|export|struct|impl|package|use|raise|with)\b.*[:;{(\w][^\S\n]*$"
    r"|\|.*\|[^\S\n]*$"  # a table of Markdown
    r"|(?:[-*+]|\d+\.)[^\S\n]+\S+[^\S\n]+\S"  # a list
    r"|\d+(?:\t|→|: ))"  # a numbered listing
    r"|(?=[^\s:A-Za-z/]*+[A-Za-z/])[^\s:]++:\d+[:-])",  # a hit of a search
    re.MULTILINE,
)
_PATH = re.compile(r"[^\s:]*[/.][^\s:]*$|\s*[├└│]")
_MOST_OTHER = 0.4
_CELLS = 3  # of a line of a table


def score_of(content: Content) -> float:
    """Return 0.6 to 0.95 for lines with a time or a level, up to 0.45 for lines of few shapes, 0 for other kinds."""
    text, lines = content.text, _sample(content)
    if len(lines) < _FEWEST_LINES:
        return 0.0
    look = in_one_piece(lines)
    if len(_PERHAPS_RECORD.findall(look)) > (1 - _STAMPED) * len(lines) and _share_of_json(lines) > 1 - _STAMPED:
        return _RECORDS if sum(map(_is_log_record, lines)) > (1 - _STAMPED) * len(lines) else _FALLBACK / 2
    stamped = _stamped(lines, look) / len(lines)
    has_other_records = _OTHER_RECORDS.search(f"\n{text[:_HEAD]}") is not None
    if stamped >= _STAMPED and not has_other_records:
        return min(0.95, 0.6 + 0.4 * stamped)
    if has_other_records or _is_foreign(content) or _is_markup(lines):
        return 0.0
    if sum(map(_is_tabular, lines)) > _MOST_OTHER * len(lines):
        return _FALLBACK / 2
    shown = [line for line in lines if len(line) >= _SHORTEST_SHAPE]
    shapes = Counter([line[:24] for line in _DIGITS.sub("0", "\n".join(shown)).split("\n")])
    repeated = sum(count for count in shapes.values() if count > 2)
    return min(_MOST_FALLBACK, _FALLBACK + repeated / len(lines) / 2)


def _sample(content: Content) -> list[str]:
    """Return lines from the beginning and whole ones from the middle, without the empty ones."""
    text = content.text
    overwritten = "\r" in text and text.count("\r", 0, _REACH) > text.count("\r\n", 0, _REACH)
    if overwritten:
        text = text[: 4 * _REACH].replace("\r", "\n")  # states of lines that were overwritten
    if not overwritten and (len(content.head) > _HEAD_LINES or content.head is content.lines):
        lines = content.head[:_HEAD_LINES]
    else:
        lines = text[:_REACH].split("\n", _HEAD_LINES)[:_HEAD_LINES]
    if len(text) > 2 * _REACH:
        middle = len(text) // 2
        lines += text[middle : middle + _REACH].split("\n", _MIDDLE_LINES + 1)[1:-1]
    return [line[:_WIDTH] for line in lines if line and not line.isspace()]


def _stamped(lines: list[str], look: str) -> int:
    """Return how many lines have a time or a level; 0 if they may not be enough."""
    found = len(_STAMPED_LINES.findall(look))
    if found == len(lines):
        return found
    if found + sum(len(time.findall(look)) for time in _PERHAPS_TIME) < _STAMPED * len(lines):
        return 0
    return sum(map(_is_stamped, lines))


def _is_stamped(line: str) -> bool:
    if _STAMPED_LINE.match(line) is not None:
        return True
    stamp = stamp_of(line)
    return stamp is not None and stamp.start <= _EARLY and line[0] != "|"


def _share_of_json(lines: list[str]) -> float:
    return sum(line.startswith(("{", "[{")) and line.rstrip().endswith(("}", "]", ",")) for line in lines) / len(lines)


def _is_log_record(line: str) -> bool:
    return _RECORD_TIME.search(line) is not None and _RECORD_TEXT.search(line) is not None


def _is_foreign(content: Content) -> bool:
    return bool(_FOREIGN_SUFFIX.fullmatch(content.subject.strip())) or content.text.lstrip()[:1] in ("<", "{")


def _is_markup(lines: list[str]) -> bool:
    rest = [line for line in lines if not line.rstrip().endswith(_MARKUP_ENDS)]
    return len(lines) - len(rest) + len(_MARKUP.findall(in_one_piece(rest))) > _MOST_OTHER * len(lines)


def _is_tabular(line: str) -> bool:
    if (line.count(",") >= _CELLS and ", " not in line) or line.count(" | ") >= _CELLS - 1:
        return True
    has_gaps = "  " in line and sum(map(bool, line.strip().split("  "))) >= _CELLS
    return has_gaps or _PATH.match(line) is not None
