"""Rows that follow each other again and again become one row: what they have in common is said once.

``$a$b 10:00:01 17 alice`` stands for a line of ``$a`` and one of ``$b``; ``$a$b = $a 1 2 3, $b 1 3`` says which of its
values each of them has. Found by joining the pair that saves most, then pairs of what was joined, a few times over: the
work grows with the rows.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

from headroom_mitm.compressors.log_cost import cost
from headroom_mitm.compressors.log_rows import Entry, alias

_MOST_ROWS = 30_000  # of a text; more would take too long
_ROUNDS = 6
_MOST_MEMBERS = 16
_MOST_VALUES = 40
_FEWEST = 4  # times a pair must come
_SAMPLE, _SAMPLE_VALUES = 200, 2_000  # pairs, and values of them, in which is looked for what is always equal
_ALWAYS = 0.85
_DEFINITION = 6  # tokens of a definition beside its parts

Member = tuple[int, tuple[int, ...]]
"""A template, and which of the row's values, counted from 0, are its own in turn."""


@dataclass(frozen=True, slots=True)
class _Join:
    """How a row is made of two: for each value of the second its place in the first, if it is always the same."""

    shared: tuple[int | None, ...]

    def of(self, first: Entry, second: Entry) -> Entry | None:
        """Return the row for both, or None if they differ in what should be equal."""
        if not _may_follow(first, second):
            return None
        values, new = first.values, []
        for value, place in zip(second.values, self.shared, strict=True):
            if place is None:
                new.append(value)
            elif values[place] != value:
                return None
        return Entry("", first.heading, first.templates + second.templates, (*values, *new), first.timed)

    def members(self, first: Sequence[Member], second: Sequence[Member], width: int) -> tuple[Member, ...]:
        """Return the members of the joined row; ``width``: the number of values of the first."""
        places, following = [], width
        for place in self.shared:
            places.append(following if place is None else place)
            following += place is None
        return (*first, *((template, tuple(places[at] for at in own)) for template, own in second))


class _Units:
    """The kinds of rows there are: those of one template, and those that were joined."""

    def __init__(self) -> None:
        self.members: list[tuple[Member, ...]] = []
        self._of_template: dict[tuple[int, int], int] = {}

    def of(self, entry: Entry) -> int:
        """Return the kind of a row of one template; -1 of any other line, which is never joined."""
        if len(entry.templates) != 1 or len(entry.values) > _MOST_VALUES:
            return -1
        key = entry.templates[0], len(entry.values)
        unit = self._of_template.get(key)
        if unit is None:
            unit = self._of_template[key] = self.add(((entry.templates[0], tuple(range(len(entry.values)))),))
        return unit

    def add(self, members: tuple[Member, ...]) -> int:
        """Return the number of a new kind."""
        self.members.append(members)
        return len(self.members) - 1


def grouped(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """Return the rows with those that belong together joined, and the definitions of how."""
    if len(entries) > _MOST_ROWS:
        return list(entries), []
    units = _Units()
    rows = [(units.of(entry), entry) for entry in entries]
    for _ in range(_ROUNDS):
        joins = _joins(rows, units)
        if not joins:
            break
        rows = _joined(rows, joins)
    used = Counter(unit for unit, entry in rows if len(entry.templates) > 1)
    return [entry for _, entry in rows], list(dict.fromkeys(_definitions(units.members[unit] for unit in used)))


def _joins(rows: Sequence[tuple[int, Entry]], units: _Units) -> dict[tuple[int, int], tuple[_Join, int]]:
    """Return the pairs to be joined, how, and what kind of row they become. No kind is in two pairs."""
    pairs: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    for at, ((one, first), (two, second)) in enumerate(pairwise(rows)):
        if one != two and one >= 0 <= two and _may_follow(first, second):
            pairs[one, two].append(at)
    found = []
    for pair, places in pairs.items():
        if len(places) < _FEWEST or len(units.members[pair[0]]) + len(units.members[pair[1]]) > _MOST_MEMBERS:
            continue
        most = min(_SAMPLE, _SAMPLE_VALUES // (1 + len(rows[places[0]][1].values)))
        sample = [(rows[at][1], rows[at + 1][1]) for at in places[:: 1 + len(places) // most]]
        join, gain = _join(sample, len(places))
        if gain > 0:
            found.append((-gain, pair, join))
    chosen: dict[tuple[int, int], tuple[_Join, int]] = {}
    taken: set[int] = set()
    for _, pair, join in sorted(found, key=lambda one: one[:2]):
        members = join.members(units.members[pair[0]], units.members[pair[1]], _width(units.members[pair[0]]))
        if taken.isdisjoint(pair) and not _is_ambiguous(members, units):
            taken.update(pair)
            chosen[pair] = join, units.add(members)
    return chosen


def _may_follow(first: Entry, second: Entry) -> bool:
    """Tell whether both may stand below the heading of the first; lines without a time need none."""
    return second.heading in ("", first.heading)


def _is_ambiguous(members: Sequence[Member], units: _Units) -> bool:
    """Tell whether rows of the same templates, in the same order, have another meaning already."""
    names = [template for template, _ in members]
    return any(names == [template for template, _ in others] and others != members for others in units.members)


def _join(sample: Sequence[tuple[Entry, Entry]], count: int) -> tuple[_Join, int]:
    """Return how the pairs are joined, and roughly how many tokens that saves."""
    # What is always equal is so in one of the first pairs, too.
    few = len(sample) - ceil(_ALWAYS * len(sample)) + 1
    equal = _equal(sample[:few])
    if equal and few < len(sample):
        equal.update(_equal(sample[few:]))
    best: dict[int, int] = {}
    for (at, place), often in equal.most_common():
        if often >= _ALWAYS * len(sample):
            best.setdefault(at, place)
    first, second = sample[0]
    join = _Join(tuple(best.get(at) for at in range(len(second.values))))
    if not best and second.values:
        return join, 0
    fitting = [values for one, two in sample if join.of(one, two) for values in (two.values,)]
    saved = sum(1 + sum(cost(" " + values[at]) for at in best) for values in fitting)
    parts = len(first.templates) + len(second.templates)
    definition = _DEFINITION + 3 * parts + 2 * (len(first.values) + len(second.values)) if first.values else 0
    fits = len(fitting) * count // max(1, len(sample))
    return join, saved * count // len(sample) - definition if fits >= _FEWEST else 0


def _equal(sample: Sequence[tuple[Entry, Entry]]) -> Counter[tuple[int, int]]:
    """Count in how many pairs a value of the second is one of the first, by their places."""
    found: list[tuple[int, int]] = []
    for first, second in sample:
        values = first.values
        found += [(at, values.index(value)) for at, value in enumerate(second.values) if value in values]
    return Counter(found)


def _width(members: Sequence[Member]) -> int:
    return 1 + max((place for _, places in members for place in places), default=-1)


def _joined(
    rows: Sequence[tuple[int, Entry]], joins: dict[tuple[int, int], tuple[_Join, int]]
) -> list[tuple[int, Entry]]:
    result: list[tuple[int, Entry]] = []
    for unit, entry in rows:
        if result and (found := joins.get((result[-1][0], unit))) is not None:
            both = found[0].of(result[-1][1], entry)
            if both is not None:
                result[-1] = found[1], both
                continue
        result.append((unit, entry))
    return result


def _definitions(groups: Iterator[tuple[Member, ...]]) -> Iterator[str]:
    for members in groups:
        if not any(places for _, places in members):
            continue  # the names alone say it
        name = "".join(alias(template) for template, _ in members)
        parts = [" ".join((alias(template), *(str(place + 1) for place in places))) for template, places in members]
        yield f"{name} = {', '.join(parts)}"
