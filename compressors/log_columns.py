"""What the values of a slot are: measurements, a few words that come again and again, or names of single things."""

import enum
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

from headroom_mitm.compressors.log_merging import UNITS

SMALL_SET = 20
"""So many different values can be listed instead of shown row by row."""
_ROWS_PER_VALUE = 3  # a set is small only if its values come again this often, on average
_RARE = 2  # rows with a value of a set that comes no more often stay
_FAR = 6  # interquartile ranges from the quartiles: a number further out stays
_LONGEST_LIST = 120  # characters of values that are told one by one
_MOST_NAMED, _OFTEN = 5, 0.02  # names told with their counts, and the share of rows from which on
_SHORT_NUMBER = 4  # digits: longer ones without a unit, a point or a telling word may be names

_MEASUREMENT = rf"([-+]?[0-9]+(?:[.,][0-9]+)*)( ?(?:{'|'.join(sorted(UNITS))}|us|ns|m|min|h|d|k|K|M|G|%|x))?"
_NUMBER = re.compile(_MEASUREMENT)
_NUMBERS = re.compile(rf"(?:{_MEASUREMENT}\n)*+")
_UNIT_OR_POINT = re.compile(r"[A-Za-z%.]")
_MOMENT = re.compile(
    r"(?:\d{4}[-/.]?\d\d[-/.]?\d\d[T_-]?)?\d{1,2}:\d{1,2}(?::\d{1,2}(?:[.,:]\d+)?)?Z?|\d{4}-\d\d-\d\d|1\d{9}(?:\d{3}){0,3}"
)
_DIGITS = re.compile(r"[0-9]+")
_SHARE = re.compile(r"\d+/\d+")
_NAMES = re.compile(
    r"(?:\b(?:[pt]?id|uid|port|process|child|thread|session|request|req|job|task|user|order|block|container|pod|ticket"
    r"|issue|build|commit|account|customer|client|invoice|item|product|transaction|txn|tx|trace|span|row|record|key|code)s?"
    r"|\[|#)\W{0,3}$",
    re.IGNORECASE,
)
_MEASURES = re.compile(
    r"(?:bytes|size|len|length|count|counter|total|sum|time|took|elapsed|duration|latency|free|used|offset|avg|mean|min|max"
    r"|rate|memory|mem|heap|lag|age|delay|uptime|in|after|for|of)\W{0,3}$",
    re.IGNORECASE,
)


class Kind(enum.Enum):
    """What kind of values a slot has."""

    MEASURE = "measure"
    SET = "set"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one slot of a template, row by row."""

    kind: Kind
    values: tuple[str, ...]

    @classmethod
    def of(cls, values: Sequence[str], before: str) -> "Column":
        """Judge values by themselves and by the text before their slot."""
        distinct = set(values)
        if len(distinct) <= SMALL_SET and len(distinct) * _ROWS_PER_VALUE <= len(values):
            return cls(Kind.SET, tuple(values))
        kind = Kind.MEASURE if _all_measure(distinct, before) else Kind.NAME
        return cls(kind, tuple(values))

    def outliers(self) -> set[int]:
        """Return the rows whose value is rare in a set or far from the other numbers."""
        if self.kind is Kind.SET:
            counts = Counter(self.values)
            return {row for row, value in enumerate(self.values) if counts[value] <= _RARE}
        numbers = [_number(value) for value in self.values] if self.kind is Kind.MEASURE else []
        known = [number for number in numbers if number is not None]
        if len(known) < 2 * _ROWS_PER_VALUE:
            return set()
        low, _, high = quantiles(known, n=4)
        reach = _FAR * max(high - low, abs(high) * 0.02)
        return {
            row
            for row, number in enumerate(numbers)
            if number is not None and not low - reach <= number <= high + reach
        }

    def summary(self, rows: Sequence[int]) -> str:
        """Say what the values of these rows are."""
        values = [self.values[row] for row in rows]
        distinct = list(dict.fromkeys(values))
        if len(distinct) <= (SMALL_SET if self.kind is Kind.SET else 1):
            told = [value for at, value in enumerate(distinct) if sum(map(len, distinct[: at + 1])) <= _LONGEST_LIST]
            others = len(distinct) - len(told)
            return " or ".join([*told, *([f"{others} others"] if others else [])])
        if self.kind is Kind.NAME:
            usual = [f"{value} x {count}" for value, count in Counter(values).most_common(_MOST_NAMED)]
            often = [one for one in usual if int(one.rpartition(" ")[2]) >= max(_RARE + 1, _OFTEN * len(values))]
            return ", ".join([*often, f"{len(distinct) - len(often)} {'others' if often else 'different'}"])
        return f"{min(distinct, key=_size)} to {max(distinct, key=_size)}"


def _all_measure(values: set[str], before: str) -> bool:
    if all(_MOMENT.fullmatch(value) or _SHARE.fullmatch(value) for value in values):
        return True
    if not _is_plain("".join(values)):
        text = "\n".join([*values, ""])
        if _NUMBERS.fullmatch(text) is None:
            return False
        if _UNIT_OR_POINT.search(text) is not None:
            return True
    if _NAMES.search(before):
        return False
    # Without a unit a match is all of its value.
    return bool(_MEASURES.search(before)) or max(map(len, values)) <= _SHORT_NUMBER


def _size(value: str) -> tuple[float, list[int]]:
    """By what measurements are put in order: numbers by their value, times and shares by their digits."""
    number = _number(value)
    return (0.0 if number is None else number), [int(digits) for digits in _DIGITS.findall(value)]


def _is_plain(value: str) -> bool:
    return value.isdecimal() and value.isascii()


def _number(value: str) -> float | None:
    if _is_plain(value):
        return float(value)
    match = _NUMBER.fullmatch(value)
    return float(match[1].replace(",", "")) if match and match[1].count(".") <= 1 else None
