"""Which lines of a log stay, which lose their time, and which lose all that makes them different from their like.

Kept whole: lines that speak of trouble (with the lines that belong to them), lines that fit no frequent template, the
beginning and the end, the first and last row of each template, values that are rare or far from the others. Where the
same trouble comes again and again, with the same names and codes, the hardest level keeps its first and last row.
"""

import enum
import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.log_alarms import alarms_in, is_alarm
from headroom_mitm.compressors.log_columns import Column, Kind
from headroom_mitm.compressors.log_stamps import Stamp
from headroom_mitm.compressors.log_templates import STAMP, Template

_CHANGE = re.compile(
    r"\b(?:transition(?:ed|ing)?|chang(?:ed|ing)|switch(?:ed|ing)|promoted|demoted|elected|became)\b|\bfrom \S+ to \S",
    re.IGNORECASE,
)
_MOSTLY = 0.5  # share of repetitions from which on lines that speak of trouble may go
_EDGE = 3  # lines kept at the beginning and at the end


class Fate(enum.IntEnum):
    """What becomes of a line."""

    KEPT = 0
    TIMELESS = 1
    """All but its time, and the numbers of processes next to it, is kept."""
    GONE = 2
    """Only that there was such a line is kept."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a level leaves out."""

    fewest_rows: int
    """Of a template of which rows may go."""
    fewest_related: int | None
    """The same for templates whose rows say what belongs to what; None: such rows lose their time at most."""
    fewest_alarms: int | None
    """The same for rows that speak of trouble and repeat another one; None: they stay."""
    kept: int
    """First and last rows of each template that stay."""
    around: int
    """Lines before and behind a rare alarm that stay."""


RULES = {
    Level.LIGHT: Rules(fewest_rows=10, fewest_related=None, fewest_alarms=None, kept=2, around=1),
    Level.MEDIUM: Rules(fewest_rows=10, fewest_related=20, fewest_alarms=None, kept=3, around=1),
    Level.HARD: Rules(fewest_rows=4, fewest_related=4, fewest_alarms=12, kept=1, around=0),
}


@dataclass(frozen=True)
class Look:
    """A template as far as it matters for what may go."""

    template: Template
    columns: tuple[Column, ...]
    is_alarm: bool
    origins: int
    """How many of the first columns are numbers between the time and the first word: processes and threads."""

    @classmethod
    def of(cls, template: Template) -> "Look":
        """Judge the columns of a template."""
        values = zip(*template.values, strict=True)
        columns = tuple(Column.of(cells, template.literals[at]) for at, cells in enumerate(values))
        return cls(template, columns, is_alarm(" ".join(template.literals)), _origins(template, columns))

    @functools.cached_property
    def changes(self) -> bool:
        """A row says that something is no longer as it was: when that was belongs to it."""
        return bool(self.columns) and _CHANGE.search("\0".join(self.template.literals)) is not None

    @property
    def relates(self) -> bool:
        """A row says of something named what belongs to it, or from what to what something went."""
        if self.changes:
            return True
        others = len(self.columns) > 1 or len(self.template.rows) < self.template.family
        return others and any(column.kind is Kind.NAME for column in self.columns)

    @property
    def may_lose_times(self) -> bool:
        """Nobody asks when a row was."""
        return self.template.stamped and not self.is_alarm and not self.changes

    def goes(self, rules: Rules) -> bool:
        """Tell whether most rows may go altogether."""
        count = len(self.template.rows)
        if self.is_alarm:
            fewest = rules.fewest_alarms
            return fewest is not None and count >= fewest and len(self.repetitions) > _MOSTLY * count
        if self.relates:
            return rules.fewest_related is not None and count >= rules.fewest_related
        return count >= rules.fewest_rows

    def shrinks(self, rules: Rules) -> bool:
        """Tell whether most rows may lose something."""
        return self.goes(rules) or (self.may_lose_times and len(self.template.rows) >= rules.fewest_rows)

    def ordinary(self, rules: Rules) -> Iterator[int]:
        """Yield the lines that have nothing unusual."""
        staying: set[int] = set().union(*(column.outliers() for column in self.columns))
        for row in range(rules.kept, len(self.template.rows) - rules.kept):
            if row not in staying:
                yield self.template.rows[row]

    @functools.cached_property
    def repetitions(self) -> set[int]:
        """The lines that say, but for measurements, what a line before and a line behind them say, too.

        A line with nothing but a time is told from others by that: none of those is a repetition.
        """
        named = [column.values for column in self.columns if column.kind is not Kind.MEASURE]
        if not named:
            return set()
        said = list(zip(*named, strict=True))
        last = dict(zip(said, range(len(said)), strict=True))
        first = dict(zip(reversed(said), reversed(range(len(said))), strict=True))
        return {self.template.rows[row] for row, what in enumerate(said) if first[what] < row < last[what]}


def _origins(template: Template, columns: Sequence[Column]) -> int:
    count = 0
    for column, before in zip(columns, template.literals, strict=False):
        if before.strip(STAMP + " ") or not all(map(str.isdecimal, column.values)):
            break
        count += 1
    return count if STAMP in template.literals[0] else 0


def fates_of(lines: Sequence[str], stamps: Sequence[Stamp | None], looks: Sequence[Look], rules: Rules) -> list[Fate]:
    """Decide for each line what becomes of it."""
    fates = [Fate.KEPT] * len(lines)
    frequent = [False] * len(lines)  # it may go although it speaks of trouble
    repeated = [False] * len(lines)  # it speaks of trouble, and many like it do
    for look in looks:
        goes = look.goes(rules)
        if look.is_alarm:
            for line in look.template.rows:
                repeated[line] = True
            for line in set(look.ordinary(rules)).intersection(look.repetitions) if goes else ():
                fates[line], frequent[line] = Fate.GONE, True
        elif look.shrinks(rules):
            for line in look.ordinary(rules):
                fates[line] = Fate.GONE if goes else Fate.TIMELESS
    for line in _protected(lines, stamps, rules.around, frequent, repeated):
        fates[line] = Fate.KEPT
    return fates


def _protected(
    lines: Sequence[str],
    stamps: Sequence[Stamp | None],
    around: int,
    frequent: Sequence[bool],
    repeated: Sequence[bool],
) -> Iterator[int]:
    """Yield the lines that stay whatever they are made of."""
    count = len(lines)
    end = count - (lines[-1] == "")
    yield from range(min(_EDGE, count))
    yield from range(max(0, end - _EDGE), count)
    stamped = any(stamp is not None for stamp in stamps)
    in_alarm = False
    alarms = alarms_in(lines)
    for number, line in enumerate(lines):
        belongs = stamps[number] is None if stamped else line[:1] in ("\t", " ", "}", ")")
        # What is indented below an error, or has no time in a log of times, is a part of it.
        in_alarm = (alarms[number] and not frequent[number]) or (in_alarm and belongs)
        if in_alarm and repeated[number]:
            yield number
        elif in_alarm:
            yield from range(max(0, number - around), min(count, number + around + 1))
