"""A log with lines left out: how that is said.

Where at least three lines in a row go, a note in their place says which; a line by itself goes down to the name of its
template. Each definition says how many of its rows are left out, and what they look like.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

from headroom_mitm.compressors import log_times
from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.log_fates import RULES, Fate, Look, fates_of
from headroom_mitm.compressors.log_form import Form
from headroom_mitm.compressors.log_rows import Entry, alias, other_name
from headroom_mitm.compressors.log_stamps import Factoring
from headroom_mitm.compressors.log_templates import Template

_T = TypeVar("_T")
FEWEST_BRIEF = 12
"""Rows of a template without their time, or none: they need a definition of their own."""
_LISTED_GAPS = 3
_LEAST_GAP = 3  # lines
_MOST_COUNTED = 4  # templates that a note counts one by one
_NOTE_FACTOR = 1.2  # a gap must hold so many times the characters of its note
_FEW_ROWS = 3  # rows below a heading, on average: from there on times cost next to nothing
_LEAST_ROW = 6  # characters that leaving out the values of a single row must save


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of whole rows and of rows without their time: whichever are more have the one that is one token."""

    mostly_brief: frozenset[int]
    """Templates of which most rows lack their time."""

    def whole(self, number: int) -> int:
        """Return the name of whole rows of a template."""
        return other_name(number) if number in self.mostly_brief else number

    def brief(self, number: int) -> int:
        """Return the name of rows of a template without their time."""
        return number if number in self.mostly_brief else other_name(number)

    def renamed(self, entry: Entry) -> Entry:
        """Return a whole row under its name."""
        if not entry.templates or entry.templates[0] not in self.mostly_brief:
            return entry
        return Entry("", entry.heading, (other_name(entry.templates[0]),), entry.values, entry.timed)


@dataclass(frozen=True, slots=True)
class Omission:
    """What is left out of a form."""

    form: Form
    looks: tuple[Look, ...]
    fates: tuple[Fate, ...]
    names: "_Names"

    @property
    def size(self) -> int:
        """Number of lines of which all is left out."""
        return self.fates.count(Fate.GONE)

    @property
    def without_time(self) -> int:
        """Number of lines that lack their time."""
        return self.fates.count(Fate.TIMELESS)

    def share(self) -> float:
        """Return the share of the characters that rows and other lines have which is left out, values alone."""
        size = gone = 0
        for entry, fate in zip(self.form.entries, self.fates, strict=True):
            length = len(entry.text) + sum(map(len, entry.values))
            size += length
            gone += length if fate is Fate.GONE else 0
        return gone / max(1, size)

    def entries(self) -> Iterator[Entry]:
        """Yield what is kept, with a note in place of each gap."""
        entries, gone = self.form.entries, self.form.gone
        named: dict[tuple[tuple[int, ...], ...], Entry] = {}
        for fate, lines in _runs(self.fates):
            if fate is Fate.GONE and self._pays(lines):
                yield Entry(self._note(lines))
            elif fate is Fate.GONE:
                key = tuple([entries[line].templates for line in lines])
                if key not in named:
                    names = [alias(self.names.whole(number)) for templates in key for number in templates]
                    named[key] = Entry(f"{''.join(names)} {gone}")
                yield named[key]
            elif fate is Fate.TIMELESS:
                yield from self._without_times([entries[line] for line in lines])
            else:
                yield from (self.names.renamed(entries[line]) for line in lines)

    def definitions(self) -> Iterator[str]:
        """Yield each template, and what its rows that are left out look like."""
        for number, look in enumerate(self.looks):
            yield self.form.definition(number, self.names.whole(number))
            brief = sum(self.fates[line] is Fate.TIMELESS for line in look.template.rows)
            if brief:
                yield f"{alias(self.names.brief(number))} = [{brief} of these] {self.form.text(number, look.origins)}"
            rows = [row for row, line in enumerate(look.template.rows) if self.fates[line] is Fate.GONE]
            if rows:
                yield self._summary(look, rows)

    def in_words(self) -> str:
        """Say exactly what is not shown."""
        ranges = []
        for fate, lines in _runs(self.fates):
            if fate is Fate.GONE:
                ranges.append(f"{lines[0] + 1}-{lines[-1] + 1}" if lines[1:] else f"{lines[0] + 1}")
        total = self.form.total
        said = ""
        if len(ranges) > _LISTED_GAPS:
            said = f"{self.size} of {total} lines, in {len(ranges)} ranges from {ranges[0]} to {ranges[-1]}"
        elif ranges:
            said = f"lines {', '.join(ranges[:-1])}{' and ' if ranges[1:] else ''}{ranges[-1]} of {total}"
        times = f"the times of {self.without_time} of {total} lines" if self.without_time else ""
        return ", and ".join(filter(None, (said, times)))

    def beginning(self) -> str:
        """Return how many lines there are, and how many are left out."""
        times = f"the times of {self.without_time} left out" if self.without_time else ""
        lines = f"{self.size} of them left out where a note says so" if self.size else ""
        return f"{self.form.total} lines in order, {', '.join(filter(None, (lines, times)))}"

    def legend(self) -> list[str]:
        """Return the notes on how to read what is left out."""
        gone = self.form.gone
        notes = [f"{gone} stands for what is left out"] if self.size or self.without_time else []
        return [*notes, f'"$a {gone}" for all values'] if self.size else notes

    def _without_times(self, entries: Sequence[Entry]) -> Iterator[Entry]:
        known: dict[int, tuple[int, tuple[int]]] = {}
        for _, _, (number, *_), values, timed in entries:
            if number not in known:
                origins = self.form.repeats[number].count_shown(self.looks[number].origins)
                known[number] = origins, (self.names.brief(number),)
            first, name = known[number]
            yield Entry("", "", name, values[timed + first :])

    def _summary(self, look: Look, rows: Sequence[int]) -> str:
        parts = []
        stamps = self.form.log.stamps
        first, last = stamps[look.template.rows[rows[0]]], stamps[look.template.rows[rows[-1]]]
        if first is not None and last is not None and look.template.stamped:
            parts.append(f"{first.text} to {last.text}")
        parts += [column.summary(rows) for column in look.columns]
        if look.is_alarm and look.template.stamped:
            alone = [row for row in rows if not _is_amid(self.form.entries, look.template.rows[row])]
            found = {row: stamp for row in alone if (stamp := stamps[look.template.rows[row]]) is not None}
            parts += log_times.told(look.columns, found)
        return f"    {len(rows)} of these left out below{': ' if parts else ''}{'; '.join(parts)}"

    def _pays(self, lines: Sequence[int]) -> bool:
        if len(lines) < _LEAST_GAP:
            return False
        if len({self.form.entries[line].templates for line in lines}) == 1:
            return True
        shown = sum(len("".join(map(alias, self.form.entries[line].templates))) + 3 for line in lines)
        return shown >= _NOTE_FACTOR * len(self._note(lines))

    def _note(self, lines: Sequence[int]) -> str:
        counts = Counter(template for line in lines for template in self.form.entries[line].templates).most_common()
        told = counts if len(counts) <= _MOST_COUNTED else counts[: _MOST_COUNTED - 1]
        others = sum(count for _, count in counts[len(told) :])
        parts = [f"{count} x {alias(self.names.whole(number))}" for number, count in told]
        what = ", ".join([*parts, *([f"{others} others"] if others else [])])
        return f"[lines {lines[0] + 1}-{lines[-1] + 1} left out: {what}]"


def _is_amid(entries: Sequence[Entry], line: int) -> bool:
    """Tell whether the lines before and behind are of the same template: then they say well enough when it was."""
    around = entries[max(0, line - 1) : line + 2]
    return len(around) == 3 and len({entry.templates for entry in around}) == 1


def choose(form: Form, level: Level, look_of: Callable[[Template], Look] = Look.of) -> Omission | None:
    """Choose what to leave out at a level; None where nothing may be."""
    looks = tuple(map(look_of, form.templates))
    if not any(look.shrinks(RULES[level]) for look in looks):
        return None
    fates = fates_of(form.log.lines, form.log.stamps, looks, RULES[level])
    _mended(fates, form)
    brief = Counter(form.entries[line].templates[0] for line, fate in enumerate(fates) if fate is Fate.TIMELESS)
    often = frozenset(number for number, count in brief.items() if 2 * count > len(looks[number].template.rows))
    return Omission(form, looks, tuple(fates), _Names(often))


def _mended(fates: list[Fate], form: Form) -> None:
    """Keep lines that cost hardly more whole than without what they would lose."""
    if Fate.TIMELESS in fates:
        _with_times(fates, form)
    for fate, lines in _runs(fates):
        if fate is Fate.GONE and len(lines) < _LEAST_GAP:
            for line in lines:
                if len(" ".join(form.entries[line].values)) < _LEAST_ROW:
                    fates[line] = Fate.KEPT
    if Fate.TIMELESS not in fates:
        return
    brief = Counter(form.entries[line].templates[0] for line, fate in enumerate(fates) if fate is Fate.TIMELESS)
    for line, fate in enumerate(fates):
        if fate is Fate.TIMELESS and brief[form.entries[line].templates[0]] < FEWEST_BRIEF:
            fates[line] = Fate.KEPT


def _with_times(fates: list[Fate], form: Form) -> None:
    """Keep the times that cost next to nothing."""
    if form.log.factoring is not Factoring.DATE:
        headings = sum(1 for _ in groupby(entry.heading for entry in form.entries if entry.heading))
        if headings * _FEW_ROWS < len(form.entries):
            fates[:] = [Fate.KEPT if fate is Fate.TIMELESS else fate for fate in fates]
            return
    for _, lines in _runs(form.log.stamps):
        # A time that is said for a neighbour costs nothing.
        if len(lines) > 1 and any(fates[line] is Fate.KEPT for line in lines):
            for line in lines:
                if fates[line] is Fate.TIMELESS:
                    fates[line] = Fate.KEPT


def _runs(items: Sequence[_T]) -> Iterator[tuple[_T, list[int]]]:
    """Yield where equal items follow each other."""
    for item, run in groupby(range(len(items)), key=items.__getitem__):
        yield item, list(run)
