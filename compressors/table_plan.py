"""What of a table is said once: for all rows, for the rows below a heading, for all rows with one key."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from operator import ne

from headroom_mitm.compressors.table_cells import Table

_FEWEST_ROWS = 5
_TOKEN = 3  # characters, roughly
_MOST_HEADINGS = 0.6  # for a row
_HEADING = 3  # tokens that a heading costs besides its cells
_NOTE = 12  # tokens that a line above the rows costs
_GAIN = 0.9  # share of the cost that a change may leave
_RARELY_SAID = 0.3  # the same, for columns that are better said where they differ than in headings
_SAMPLE = 200  # rows that tell which columns may follow from another
_MOST_KEYS = 3
_NEARLY_BEST = 0.7  # share of the best saving: of keys that save about as much, the first is the natural one
_LEAST_AFFIX = 4  # characters


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
    ends: tuple[tuple[int, str], ...] = ()
    """What all cells end with."""

    @property
    def hoisted(self) -> frozenset[int]:
        """Columns that do not stand in every row."""
        followers = [at for _, columns in self.by_key for at in columns]
        return frozenset((*self.same, *self.above, *followers, *(at for at, _ in self.usual)))

    def in_rows(self, count: int) -> list[int]:
        """Return the columns that stand in every row, of so many."""
        hoisted = self.hoisted
        return [at for at in range(count) if at not in hoisted]


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
        weights = [{cell: 1 + len(cell) / _TOKEN if cell else 0.5 for cell in set(cells)} for cells in columns]
        totals = [sum(map(weight.__getitem__, cells)) for weight, cells in zip(weights, columns, strict=True)]
        return cls(columns, weights, totals)

    def at(self, column: int, row: int) -> float:
        """Return what a cell takes."""
        return self.weights[column][self.columns[column][row]]


def plan_of(table: Table, sep: str) -> Plan:
    """Choose what to say once. Columns without a name of their own stay in their rows."""
    if len(table.rows) < _FEWEST_ROWS:
        return Plan()
    names = Counter(table.names)
    costs = _Costs.of(table)
    free = [at for at, name in enumerate(table.names) if names[name] == 1 and name and "=" not in name]
    plain = [at for at in free if not any(sep in cell or '"' in cell for cell in costs.weights[at])]
    same = tuple(at for at in plain if len(costs.weights[at]) == 1)
    free = [at for at in free if at not in same]
    usual = _usual(table, costs, [at for at in free if at in plain], _RARELY_SAID)
    free = [at for at in free if at not in dict(usual)]
    above = tuple(_above(costs, free))
    free = [at for at in free if at not in above]
    by_key = tuple(_by_key(costs, free))
    taken = {at for key, followers in by_key for at in (key, *followers)}
    free = [at for at in free if at in plain and at not in taken]
    usual += _usual(table, costs, free, _GAIN)
    free = [at for at in free if at not in dict(usual)]
    ends = tuple((at, end) for at in free if (end := _end(costs.columns[at])))
    plan = Plan(same, above, by_key, tuple(sorted(usual)), ends)
    return plan if plan.in_rows(len(table.names)) else Plan()


def _above(costs: _Costs, free: Sequence[int]) -> list[int]:
    """Return the columns whose values change seldom enough from row to row, those that change least first."""
    starts = {at: _changes(costs.columns[at]) for at in free}
    chosen: list[int] = []
    chosen_starts: frozenset[int] = frozenset()
    saved = 0.0
    for at in sorted(free, key=lambda at: (len(starts[at]), at)):
        if len(starts[at]) > _MOST_HEADINGS * len(costs.columns[at]):
            break
        together = chosen_starts | starts[at]
        headings = sum(_HEADING + sum(costs.at(column, row) for column in (*chosen, at)) for row in together)
        gain = sum(costs.totals[column] for column in (*chosen, at)) - headings - _NOTE
        if gain > saved:
            chosen, chosen_starts, saved = [*chosen, at], together, gain
    return sorted(chosen)


def _changes(cells: Sequence[str]) -> frozenset[int]:
    """Return the rows with another value than the row above, the first among them."""
    return frozenset([0, *compress(range(1, len(cells)), map(ne, cells, cells[1:]))])


def _by_key(costs: _Costs, free: Sequence[int]) -> list[tuple[int, tuple[int, ...]]]:
    """Return columns from which others follow, as a customer's address from the customer, where that takes less."""
    found: list[tuple[int, tuple[int, ...]]] = []
    left = [at for at in free if len(costs.weights[at]) > 1]
    keys = [at for at in left if len(costs.weights[at]) <= len(costs.columns[at]) / 2]
    while len(found) < _MOST_KEYS and keys:
        gains = {key: _gain(costs, key, _followers(costs, left, key)) for key in keys}
        best = max(gains.values())
        if best <= 0:
            break
        key = next(key for key in keys if gains[key] >= _NEARLY_BEST * best)
        found.append((key, _followers(costs, left, key)))
        left = [at for at in left if at not in (key, *found[-1][1])]
        keys = [at for at in keys if at in left]
    return found


def _followers(costs: _Costs, left: Sequence[int], key: int) -> tuple[int, ...]:
    return tuple(at for at in left if at != key and _follows(costs.columns[at], costs.columns[key]))


def _follows(cells: Sequence[str], keys: Sequence[str]) -> bool:
    """Say whether rows with one key have one value."""
    for some in (slice(_SAMPLE), slice(None)):
        pairs = set(zip(keys[some], cells[some], strict=True))
        if len(pairs) > len(set(keys[some])):
            return False
    return True


def _gain(costs: _Costs, key: int, followers: Sequence[int]) -> float:
    """Return the tokens that are saved where the followers of a key are said once for each of its values."""
    if not followers:
        return 0.0
    in_rows = sum(costs.totals[at] for at in followers)
    cells = costs.columns[key]
    rows = dict(zip(cells, range(len(cells)), strict=True)).values()
    said = sum(1 + costs.at(key, row) + sum(costs.at(at, row) for at in followers) for row in rows)
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
