"""Which rows of a log may be left out, and how that is said.

Never: lines that speak of errors (with the lines that belong to them), lines that fit no frequent template, the
beginning and the end, values that are rare or far from the others. A gap is noted where it is, with its lines.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.log_alarms import is_alarm
from headroom_mitm.compressors.log_columns import Column, Kind
from headroom_mitm.compressors.log_form import Form, Log
from headroom_mitm.compressors.log_rows import Entry, alias
from headroom_mitm.compressors.log_templates import Template

_EDGE = 3  # lines kept at the beginning and at the end
_LISTED_GAPS = 3
_LEAST_GAP = 3  # lines
_NOTE_FACTOR = 1.5  # a gap must hold so many times the characters of its note


@dataclass(frozen=True, slots=True)
class _Rules:
    fewest_rows: int
    fewest_named: int | None
    """Rows a template needs if it has values that are names; None: such rows always stay."""
    kept: int
    """First and last rows of each template that stay."""
    around: int
    """Lines before and behind an alarm that stay."""


_RULES = {
    Level.LIGHT: _Rules(fewest_rows=10, fewest_named=None, kept=2, around=1),
    Level.MEDIUM: _Rules(fewest_rows=10, fewest_named=20, kept=3, around=1),
    Level.HARD: _Rules(fewest_rows=4, fewest_named=4, kept=1, around=0),
}


@dataclass(frozen=True, slots=True)
class Omission:
    """What is left out of a form."""

    form: Form
    gaps: tuple[range, ...]
    """Line numbers from 0."""

    @property
    def size(self) -> int:
        """Number of lines left out."""
        return sum(map(len, self.gaps))

    def entries(self) -> Iterator[Entry]:
        """Yield what is kept, with a note in place of each gap."""
        at = 0
        for gap in self.gaps:
            yield from self.form.entries[at : gap.start]
            yield Entry(_note(self.form, gap))
            at = gap.stop
        yield from self.form.entries[at:]

    def definitions(self) -> Iterator[str]:
        """Yield each template, and what its rows that are left out look like."""
        gone = {line for gap in self.gaps for line in gap}
        for number, template in enumerate(self.form.templates):
            yield self.form.definition(number)
            rows = [row for row, line in enumerate(template.rows) if line in gone]
            if rows:
                yield _summary(self.form.log, template, rows)

    def in_words(self, total: int) -> str:
        """Say exactly what is not shown."""
        ranges = [f"{gap.start + 1}-{gap.stop}" for gap in self.gaps]
        if len(ranges) > _LISTED_GAPS:
            return f"{self.size} of {total} lines, in {len(ranges)} ranges from {ranges[0]} to {ranges[-1]}"
        return f"lines {', '.join(ranges[:-1])}{' and ' if ranges[1:] else ''}{ranges[-1]} of {total}"


def choose(form: Form, level: Level) -> Omission:
    """Choose what to leave out at a level."""
    rules = _RULES[level]
    loose = [False] * len(form.entries)
    for template in form.templates:
        for line in _loose_rows(template, rules):
            loose[line] = True
    for line in _protected(form, rules.around):
        loose[line] = False
    gaps = []
    for may_go, run in groupby(range(len(loose)), key=loose.__getitem__):
        lines = list(run)
        gap = range(lines[0], lines[-1] + 1)
        if may_go and len(gap) >= _LEAST_GAP and _pays(form, gap):
            gaps.append(gap)
    return Omission(form, tuple(gaps))


def is_loose(template: Template, level: Level) -> bool:
    """Tell whether most rows of a template may be left out at a level."""
    return level > Level.LOSSLESS and next(_loose_rows(template, _RULES[level]), None) is not None


def _loose_rows(template: Template, rules: _Rules) -> Iterator[int]:
    """Yield the lines of a template that may go."""
    count = len(template.rows)
    if count < rules.fewest_rows:
        return
    columns = _columns(template)
    if any(column.kind is Kind.NAME for column in columns) and (
        rules.fewest_named is None or count < rules.fewest_named
    ):
        return
    staying: set[int] = set().union(*(column.outliers() for column in columns))
    for row in range(rules.kept, count - rules.kept):
        if row not in staying:
            yield template.rows[row]


def _columns(template: Template) -> list[Column]:
    columns = zip(*template.values, strict=True)
    return [Column.of(values, template.literals[at]) for at, values in enumerate(columns)]


def _protected(form: Form, around: int) -> Iterator[int]:
    """Yield the lines that stay whatever they are made of."""
    log = form.log
    count = len(log.lines)
    yield from range(min(_EDGE, count))
    yield from range(max(0, form.total - _EDGE), count)
    stamped = any(stamp is not None for stamp in log.stamps)
    in_alarm = False
    for number, line in enumerate(log.lines):
        belongs = log.stamps[number] is None if stamped else line[:1] in ("\t", " ", "}", ")")
        # What is indented below an error, or has no time in a log of times, is a part of it.
        in_alarm = is_alarm(line) or (in_alarm and belongs)
        if in_alarm:
            yield from range(max(0, number - around), min(count, number + around + 1))


def _pays(form: Form, gap: range) -> bool:
    shown = sum(_size(form.entries[line]) for line in gap)
    return shown >= _NOTE_FACTOR * len(_note(form, gap))


def _note(form: Form, gap: range) -> str:
    counts = Counter(template for line in gap for template in form.entries[line].templates)
    what = ", ".join(f"{count} x {alias(number)}" for number, count in counts.most_common())
    return f"[lines {gap.start + 1}-{gap.stop} left out: {what}]"


def _summary(log: Log, template: Template, rows: Sequence[int]) -> str:
    parts = []
    first, last = log.stamps[template.rows[rows[0]]], log.stamps[template.rows[rows[-1]]]
    if first is not None and last is not None and template.stamped:
        parts.append(f"{first.text} to {last.text}")
    parts += [column.summary(rows) for column in _columns(template)]
    return f"    {len(rows)} of these left out below{': ' if parts else ''}{'; '.join(parts)}"


def _size(entry: Entry) -> int:
    """Return how many characters the entry takes."""
    return len(entry.written(entry.values)) + 1
