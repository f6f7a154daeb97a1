"""The written form of a table: its columns, what holds for many rows, then its rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.table_cells import Table
from headroom_mitm.compressors.table_plan import Plan, plan_of

HEAD = "> "
ONE_ROW = " = "
_BELOW = "== "


@dataclass(frozen=True, slots=True)
class Shown:
    """A table with the plan for it, ready to be written."""

    table: Table
    plan: Plan
    sep: str

    @classmethod
    def of(cls, table: Table, sep: str) -> "Shown":
        """Choose a plan."""
        return cls(table, plan_of(table, sep), sep)

    def lines(self) -> list[str]:
        """Return the table in its form; one row stands behind its columns."""
        if len(self.table.rows) == 1 and self.table.right is None:
            return [f"{HEAD}{self.sep.join(self.table.names)}{ONE_ROW}{self.sep.join(self.table.rows[0])}"]
        return [*self.head(), *self.rows(range(len(self.table.rows)))]

    def head(self, shown: Sequence[int] | None = None) -> Iterator[str]:
        """Yield what stands above the rows; keys are told of rows that are ``shown``, by default of all."""
        table, plan, names = self.table, self.plan, self.table.names
        rows = table.rows if shown is None else [table.rows[number] for number in shown]
        yield f"{HEAD}{self.sep.join(names)} ({len(table.rows)})"
        if table.right is not None:
            yield f"> on the right: {' '.join(str(at + 1) for at in table.right)}"
        if plan.same:
            yield "> in all rows: " + self._named((at, table.rows[0][at]) for at in plan.same)
        if plan.usual:
            yield "> unless said: " + self._named(plan.usual)
        for kind, affixes in (("begins", plan.begins), ("ends", plan.ends)):
            yield from (f'> {names[at]} {kind} with "{affix}"' for at, affix in affixes)
        for key, followers in plan.by_key:
            known = {row[key]: row for row in reversed(rows)}
            seen = dict.fromkeys(row[key] for row in rows)
            yield f"> by {names[key]} ({len(seen)}): {self._names(followers)}"
            for value in seen:
                yield f"> {value}{self.sep}{self.sep.join(known[value][at] for at in followers)}"
        if plan.above:
            yield f"> {_BELOW}{self._names(plan.above)}"
        if plan.blank:
            yield "> where empty: " + self._named(plan.blank)
        if plan.hoisted:
            yield f"> {self._names(plan.in_rows(len(names)))}"

    def rows(self, numbers: Sequence[int]) -> Iterator[str]:
        """Yield rows with the headings that they need."""
        plan = self.plan
        inside = plan.in_rows(len(self.table.names))
        heading = None
        lines = map(self.sep.join, zip(*[self._inside(at, numbers) for at in inside], strict=True))
        if not plan.above and not plan.usual:
            yield from lines
            return
        for line, number in zip(lines, numbers, strict=True):
            row = self.table.rows[number]
            above = self.sep.join(row[at] for at in plan.above)
            if plan.above and above != heading:
                heading = above
                yield _BELOW + above
            others = [f"{self.table.names[at]}={row[at]}" for at, value in plan.usual if row[at] != value]
            yield self.sep.join([line, *others]) if others else line

    def _inside(self, column: int, numbers: Sequence[int]) -> Iterator[str]:
        """Return cells of a column as they stand in rows."""
        cells = map(self.table.columns()[column].__getitem__, numbers)
        if (usual := dict(self.plan.blank).get(column)) is not None:
            return ("" if cell == usual else cell for cell in cells)
        start, end = (len(dict(affixes).get(column, "")) for affixes in (self.plan.begins, self.plan.ends))
        return (cell[start : len(cell) - end] for cell in cells) if start or end else cells

    def _names(self, columns: Sequence[int]) -> str:
        return self.sep.join(self.table.names[at] for at in columns)

    def _named(self, pairs: Iterator[tuple[int, str]] | Sequence[tuple[int, str]]) -> str:
        return self.sep.join(f"{self.table.names[at]}={value}" for at, value in pairs)
