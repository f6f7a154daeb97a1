"""What of a table is said once: for all rows, for the rows below a heading, for all rows with one key."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress, takewhile
from operator import add, eq, ne

from headroom_mitm.compressors.log_alarms import is_alarm
from headroom_mitm.compressors.table_cells import Table

_FEWEST_ROWS = 5
_TOKEN = 3  # characters, roughly
_EMPTY = 0.5  # tokens of an empty cell, with what stands between it and the next
_FEWEST_BLANK, _LEAST_BLANK = 12, 0.5  # rows, share of them with the value that is left empty
_MOST_HEADINGS = 0.6  # for a row
_HEADING = 3  # tokens that a heading costs besides its cells
_NOTE = 12  # tokens that a line above the rows costs
_GAIN = 0.9  # share of the cost that a change may leave
_RARELY_SAID = 0.3  # the same, for columns that are better said where they differ than in headings
_FIRST_LOOK, _SAMPLE = 20, 200  # rows that tell which columns may follow from another
_MOST_KEYS = 3
_NEARLY_BEST = 0.7  # share of the best saving: of keys that save about as much, the first is the natural one
_LEAST_AFFIX = 4  # characters
_BEGINNING = re.compile(r"\d{4}-\d\d-\d\d[ T]|\w{1,10}://\S{8,}/|/\S{14,}/")  # what all cells may begin with


@dataclass(frozen=True, slots=True)
class Plan:
    """Columns by how they are said; those that are in none of these stand in every row."""

    same: tuple[int, ...] = ()
    """One value in all rows."""
    above: tuple[int, ...] = ()
    """Said in a heading that holds for the rows below it."""
    by_key: tuple[tuple[int, tuple[int, ...]], ...] = ()
    """A column, and those that follow from it."""
    usual: tuple[tuple[int, str], ...] = ()
    """Said only in rows that have another value than this."""
    blank: tuple[tuple[int, str], ...] = ()
    """Where the cell would be this value it is empty: no cell of the column is empty itself."""
    ends: tuple[tuple[int, str], ...] = ()
    """What all cells end with."""
    begins: tuple[tuple[int, str], ...] = ()
    """What all cells begin with."""

    @property
    def hoisted(self) -> frozenset[int]:
        """Columns that do not stand in every row."""
        followers = [at for _, columns in self.by_key for at in columns]
        return frozenset((*self.same, *self.above, *followers, *(at for at, _ in self.usual)))

    def in_rows(self, count: int) -> list[int]:
        """Return the columns that stand in every row, of so many."""
        hoisted = self.hoisted
        return [at for at in range(count) if at not in hoisted]


_ALL_IN_ROWS = Plan()


@dataclass(frozen=True, slots=True)
class _Costs:
    """Columns, and what they take in tokens, roughly."""

    columns: list[tuple[str, ...]]
    weights: list[dict[str, float]]
    """Of each value, with what stands between it and the next."""
    totals: list[float]

    @classmethod
    def of(cls, table: Table) -> "_Costs":
        columns = table.columns()
        weights = [{cell: 1 + len(cell) / _TOKEN if cell else _EMPTY for cell in set(cells)} for cells in columns]
        totals = [sum(map(weight.__getitem__, cells)) for weight, cells in zip(weights, columns, strict=True)]
        return cls(columns, weights, totals)

    def by_row(self, column: int) -> list[float]:
        """Return what each cell of a column takes."""
        return list(map(self.weights[column].__getitem__, self.columns[column]))


def plan_of(table: Table, sep: str, *, may_blank: bool = True) -> Plan:
    """Choose what to say once. Columns without a name of their own stay in their rows.

    ``may_blank``: cells may be left empty, which says little of single rows but saves most in many.
    """
    if len(table.rows) < _FEWEST_ROWS:
        return _ALL_IN_ROWS
    names = Counter(table.names)
    costs = _Costs.of(table)
    free = [at for at, name in enumerate(table.names) if names[name] == 1 and name and "=" not in name]
    plain = [at for at in free if not {sep, '"'} & {*table.names[at], *"".join(costs.weights[at])}]
    same = tuple(at for at in plain if len(costs.weights[at]) == 1)
    free = [at for at in free if at not in same]
    usual = _usual(table, costs, [at for at in free if at in plain], _RARELY_SAID)
    blank = _blank(table, costs, usual) if may_blank else []
    usual = [pair for pair in usual if pair not in blank]
    free = [at for at in free if at not in dict(usual + blank)]
    above = tuple(_above(costs, free))
    free = [at for at in free if at not in above]
    by_key = tuple(_by_key(costs, free))
    taken = {at for key, followers in by_key for at in (key, *followers)}
    free = [at for at in free if at in plain and at not in taken]
    often = _usual(table, costs, free, _GAIN)
    blank += _blank(table, costs, often, [at for at in free if at not in dict(often)]) if may_blank else []
    usual += [pair for pair in often if pair not in blank]
    free = [at for at in free if at not in dict(usual + blank)]
    ends = tuple((at, end) for at in free if (end := _end(costs.columns[at])))
    begins = tuple((at, start) for at in free if (start := _beginning(costs.columns[at], len(dict(ends).get(at, "")))))
    plan = Plan(same, above, by_key, tuple(sorted(usual)), tuple(sorted(blank)), ends, begins)
    inside = plan.in_rows(len(table.names))
    if inside and inside[0] in dict(blank):  # what a row begins with tells which it is
        plan = replace(plan, blank=tuple(pair for pair in blank if pair[0] != inside[0]))
    return plan if inside else _ALL_IN_ROWS


def _above(costs: _Costs, free: Sequence[int]) -> list[int]:
    """Return the columns whose values change seldom enough from row to row, those that change least first."""
    starts = {at: _changes(costs.columns[at]) for at in free}
    chosen: list[int] = []
    chosen_starts: frozenset[int] = frozenset()
    saved = total = 0.0
    heading: list[float] = []  # of each row, if it had one for the columns that are chosen
    for at in sorted(free, key=lambda at: (len(starts[at]), at)):
        if len(starts[at]) > _MOST_HEADINGS * len(costs.columns[at]):
            break
        own = costs.by_row(at)
        longer = list(map(add, heading or [_HEADING] * len(own), own))
        together = chosen_starts | starts[at]
        gain = total + costs.totals[at] - sum(map(longer.__getitem__, together)) - _NOTE
        if gain > saved:
            chosen.append(at)
            chosen_starts, saved, total, heading = together, gain, total + costs.totals[at], longer
    return sorted(chosen)


def _changes(cells: Sequence[str]) -> frozenset[int]:
    """Return the rows with another value than the row above, the first among them."""
    return frozenset([0, *compress(range(1, len(cells)), map(ne, cells, cells[1:]))])


def _by_key(costs: _Costs, free: Sequence[int]) -> list[tuple[int, tuple[int, ...]]]:
    """Return columns from which others follow, as a customer's address from the customer, where that takes less."""
    found: list[tuple[int, tuple[int, ...]]] = []
    left = [at for at in free if len(costs.weights[at]) > 1]
    keys = [at for at in left if len(costs.weights[at]) <= len(costs.columns[at]) / 2]
    following = _followers(costs, left, keys)
    while len(found) < _MOST_KEYS and keys:
        followers = {key: tuple(at for at in following[key] if at in left) for key in keys}
        gains = {key: _gain(costs, key, followers[key]) for key in keys}
        best = max(gains.values())
        if best <= 0:
            break
        key = next(key for key in keys if gains[key] >= _NEARLY_BEST * best)
        found.append((key, followers[key]))
        left = [at for at in left if at not in (key, *followers[key])]
        keys = [at for at in keys if at in left]
    return found


def _followers(costs: _Costs, columns: Sequence[int], keys: Sequence[int]) -> dict[int, list[int]]:
    """Return for each key the columns that follow from it. Of two that follow from each other, the same do."""
    found: dict[int, list[int]] = {}
    for key in keys:
        kinds = len(costs.weights[key])
        same = next((at for at in found if key in found[at] and len(costs.weights[at]) == kinds), None)
        if same is not None:
            found[key] = sorted({same, *found[same]} - {key})
        else:
            # Where a column has more values than the key, two of them stand beside one key.
            fewer = (at for at in columns if at != key and len(costs.weights[at]) <= kinds)
            found[key] = [at for at in fewer if _follows(costs.columns[at], costs.columns[key])]
    return found


def _follows(cells: Sequence[str], keys: Sequence[str]) -> bool:
    """Say whether rows with one key have one value."""
    for some in (slice(_FIRST_LOOK), slice(_SAMPLE)):
        if len(set(zip(keys[some], cells[some], strict=True))) > len(set(keys[some])):
            return False
    value_of = dict(zip(keys, cells, strict=True))
    return all(map(eq, map(value_of.__getitem__, keys), cells))


def _gain(costs: _Costs, key: int, followers: Sequence[int]) -> float:
    """Return the tokens that are saved where the followers of a key are said once for each of its values."""
    if not followers:
        return 0.0
    in_rows = sum(costs.totals[at] for at in followers)
    cells = costs.columns[key]
    rows = dict(zip(cells, range(len(cells)), strict=True)).values()
    said = len(rows) + 0.0
    for at in (key, *followers):
        said += sum(map(costs.weights[at].__getitem__, map(costs.columns[at].__getitem__, rows)))
    return in_rows - said - _NOTE if said < _GAIN * in_rows else 0.0


def _usual(table: Table, costs: _Costs, free: Sequence[int], most: float) -> list[tuple[int, str]]:
    """Return columns of which one value is so frequent that only the others are said, each with that value.

    What is said then takes at ``most`` this share of what all of them take.
    """
    found = []
    for at in free:
        value, often = Counter(costs.columns[at]).most_common(1)[0]
        name = 1 + len(table.names[at]) / _TOKEN
        others = costs.totals[at] - costs.weights[at][value] * often + name * (len(table.rows) - often)
        if others + _NOTE / 2 < most * costs.totals[at]:
            found.append((at, value))
    return found


def _blank(
    table: Table, costs: _Costs, usual: Sequence[tuple[int, str]], free: Sequence[int] = ()
) -> list[tuple[int, str]]:
    """Return columns whose most frequent value is better left empty where it stands.

    Those in ``usual`` could as well be said only where they differ, with their name: which takes more?
    """
    if len(table.rows) < _FEWEST_BLANK:
        return []
    pairs = [*usual, *((at, Counter(costs.columns[at]).most_common(1)[0][0]) for at in free)]
    found = []
    for at, value in pairs:
        often = costs.columns[at].count(value)
        name = 1 + len(table.names[at]) / _TOKEN
        if at in dict(usual) and (len(table.rows) - often) * name < _EMPTY * often:
            continue
        if often < _LEAST_BLANK * len(table.rows) or not _may_be_blank(value, costs.weights[at]):
            continue
        if (costs.weights[at][value] - _EMPTY) * often > _NOTE + len(table.names[at] + value) / _TOKEN:
            found.append((at, value))
    return found


def _may_be_blank(value: str, weights: Mapping[str, float]) -> bool:
    """Say whether an empty cell could stand for a value: no other is empty, and it speaks of no trouble."""
    return "" not in weights and not is_alarm(value)


def _beginning(cells: Sequence[str], end: int) -> str:
    """Return the day or the address that all cells begin with, apart from so many characters at their end."""
    low, high = min(cells), max(cells)
    same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(low, high, strict=False)))
    match = _BEGINNING.match(low[: min(same, min(map(len, cells)) - end - 1)])
    return match[0] if match is not None else ""


def _end(cells: Sequence[str]) -> str:
    """Return what all cells end with, from the beginning of a word on; empty if that is short."""
    size = min(map(len, cells))
    end = cells[0]
    for cell in cells:
        while not cell.endswith(end):
            end = end[1:]
        if len(end) < _LEAST_AFFIX:
            return ""
    at = next((at for at, sign in enumerate(end) if sign in " -/:.@"), len(end))
    end = end[at:]
    return end if _LEAST_AFFIX <= len(end) < size else ""
