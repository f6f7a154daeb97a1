"""Where the time of a log line stands, and how much of it can be said once for many lines.

A stamp is cut in three: what comes before the time (the date), the time, and what comes after it (a zone, a year).
Said once as ``== 2015-07-29 {}:`` the rows below carry the time alone; in a log with many lines a second the whole
stamp is said once. A number of seconds since 1970 in a record is a time, too.
"""

import enum
import re
from collections.abc import Sequence
from operator import ne
from typing import NamedTuple

from headroom_mitm.compressors.log_cost import cost

_MONTH = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_DATE = "|".join(
    (
        r"\d{4}[-/.]\d\d[-/.]\d\d[T ]",
        r"\d\d[-/.]\d\d[-/.](?:\d{4}|\d\d)[T ]",
        rf"\d\d/{_MONTH}/\d{{4}}:",
        rf"(?:{_DAY},? )?{_MONTH} [ \d]\d (?:\d{{4}} )?",
        r"\d\d[01]\d[0-3]\d (?=[0-2]\d[0-5]\d[0-5]\d\b)",
        r"[01]\d[-.][0-3]\d |[IWEF][01]\d[0-3]\d ",
        r"\d{4}-\d\d-\d\d-(?=\d\d\.\d\d\.)",
        "",
    )
)
_STAMP = re.compile(
    rf"(?<![\w.:/-])(?P<date>{_DATE})"
    r"(?P<time>\d\d:\d\d:\d\d(?:[.,]\d{1,9})?|\d{8}-\d\d?:\d\d?:\d\d?:\d{1,3}\b"
    r"|(?<=\d{4}-\d\d-\d\d-)\d\d\.\d\d\.\d\d\.\d{6}|(?<=\d\d[01]\d[0-3]\d )\d{6}\b)(?![\d:])"
    r"(?P<rest>Z| ?[+-]\d\d:?\d\d\b| (?:19|20)\d\d(?=\])| UTC\b)?"
    r'|(?<=":)(?P<epoch>1[5-9]\d{8}(?:\d{3}|\.\d{1,9})?)\b',
    re.ASCII,
)
_PERHAPS = re.compile(r"[:. ](?:(?<=:)\d\d?:\d|(?<=\.)\d\d\.\d{6}|(?<= )\d{6}\b|(?<=\":)1[5-9]\d{8})", re.ASCII)
"""A stamp has one of these in it, and to find that there is none takes a tenth of the time."""
_DEPTH = 80  # characters from the start of a line in which its stamp is looked for
_SAMPLE = 60
_COMMON = 0.3  # share of sampled lines with a stamp below which stamps are not looked for at all
_LEGEND = 20  # tokens that the marks for times need to be explained
_HEADING = 4  # tokens of a heading beside its text


class Stamp(NamedTuple):
    """A stamp in a line."""

    start: int
    end: int
    date: str
    time: str
    rest: str

    @property
    def text(self) -> str:
        """As it stands in the line."""
        return self.date + self.time + self.rest


class Factoring(enum.Enum):
    """How much of the stamps goes into headings."""

    NONE = "none"
    DATE = "date"
    WHOLE = "whole"


def find_stamps(lines: Sequence[str]) -> list[Stamp | None]:
    """Return each line's stamp; all None where too few lines have one."""
    step = max(1, len(lines) // _SAMPLE)
    sample = lines[::step]
    found = list(map(stamp_of, sample))
    if len(found) - found.count(None) < max(1, _COMMON * (len(sample) - sample.count(""))):
        return [None] * len(lines)
    return found if step == 1 else list(map(stamp_of, lines))


def stamp_of(line: str) -> Stamp | None:
    """Return the stamp near the start of a line, if it has one."""
    match = _STAMP.match(line, 0, _DEPTH)  # where most of those stand that there are
    if match is None and _PERHAPS.search(line, 0, _DEPTH) is not None:
        match = _STAMP.search(line, 0, _DEPTH)
    if match is None:
        return None
    date, time, rest, epoch = match.groups("")
    return Stamp(match.start(), match.end(), date, time or epoch, rest)


def factoring_of(stamps: Sequence[Stamp | None]) -> Factoring:
    """Choose the cheapest way to say these stamps; a time that stands apart can be left out of rows."""
    present = [stamp for stamp in stamps if stamp is not None]
    if not present:
        return Factoring.NONE
    first = present[0]
    moments = _runs([stamp[2:] for stamp in present])
    days = _runs([stamp[2::2] for stamp in present])  # date and rest
    prices = {
        Factoring.DATE: moments * cost(" " + first.time)
        + (len(present) - moments)  # a mark for each row with the time of the row above
        + _LEGEND
        + days * (cost(first.date + first.rest) + _HEADING),
        Factoring.NONE: len(present) * cost(" " + first.text) + _HEADING + _LEGEND,
        Factoring.WHOLE: moments * (cost(first.text) + _HEADING),
    }
    return min(prices, key=prices.__getitem__)


def _runs(values: Sequence[object]) -> int:
    """Return how many runs of equal values there are."""
    return int(sum(map(ne, values, values[1:]))) + (1 if values else 0)
