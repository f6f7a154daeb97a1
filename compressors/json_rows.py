"""How a table is written: its header, and each row with what is below it."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Protocol

from headroom_mitm.compressors.json_cells import LITERALS, Cells, are_plain, needs_type, quoted
from headroom_mitm.compressors.json_separators import spaces_are_shorter
from headroom_mitm.compressors.json_table import ABSENT, PRESENT, Cell, Column, Count, Table
from headroom_mitm.compressors.json_tree import Value

SAMPLE = 8  # rows on which the separator of a table is tried
_NUMBERS, _STRINGS, _LITERALS = {bytes}, {str}, {bool, type(None)}


class Outliner(Protocol):
    """Who writes what is too large for a cell."""

    def is_below(self, value: Cell) -> bool:
        """Say whether a value is written below its row."""
        ...

    def below(self, key: str, value: Value, indent: int) -> Iterator[str]:
        """Write it there."""
        ...


class Rows:
    """A table, written. The separator of its header is that of its rows: whichever takes fewer tokens."""

    def __init__(self, outliner: Outliner, cells: Cells, count: Callable[[str], int], table: Table) -> None:
        self._outliner = outliner
        self._cells = cells
        self._count = count
        self._table = table
        self._children = {
            id(leaf): Rows(outliner, cells, count, leaf.table) for leaf in table.leaves if leaf.table is not None
        }
        self._plain = {id(leaf) for leaf in table.leaves if self._is_plain(leaf)}
        separator, self._first = self._tried()
        self._commas = separator == ","
        self.header = self._header(table.columns)

    def lines(self, indent: int, tag: str = "") -> Iterator[Sequence[str]]:
        """Yield the lines of each row: the row itself, behind ``tag``, and what is below it."""
        leaves = self._table.leaves
        start = " " * indent + tag
        if not leaves:
            yield from ((start.rstrip(),) if tag else () for _ in range(self._table.count))
            return
        texts = [
            first + self._texts(leaf, leaf.cells[len(first) :], commas=self._commas)
            for leaf, first in zip(leaves, self._first, strict=True)
        ]
        rows = (start + row for row in map(("," if self._commas else " ").join, zip(*texts, strict=True)))
        tall = [leaf for leaf, cells in zip(leaves, texts, strict=True) if leaf.table is not None or ":" in cells]
        children = {key: child.lines(indent + 1) for key, child in self._children.items()}
        if not tall:
            yield from zip(rows)  # each alone
            return
        for number, row in enumerate(rows):
            lines = [row]
            for leaf in tall:
                lines.extend(self._below(leaf, leaf.cells[number], children.get(id(leaf)), indent + 1))
            yield lines

    def _below(self, leaf: Column, cell: Cell, children: Iterator[Sequence[str]] | None, indent: int) -> Iterator[str]:
        key = self._cells.key(leaf.name)
        if children is not None and isinstance(cell, Count):
            if cell and len(self._children) > 1:
                yield f"{' ' * indent}{key}:"
            for lines in islice(children, cell):
                yield from lines
        elif self._outliner.is_below(cell):
            self._cells.features.add(":")
            yield from self._outliner.below(key, cell, indent)  # type: ignore[arg-type]

    def _tried(self) -> tuple[str, list[list[str]]]:
        """Return the separator, and the first cells of each column as they are written with it."""
        leaves = self._table.leaves
        if len(leaves) < 2:
            return " ", [[] for _ in leaves]
        spaced, parted = (
            [self._texts(leaf, leaf.cells[:SAMPLE], commas=commas) for leaf in leaves] for commas in (False, True)
        )
        return (" ", spaced) if spaces_are_shorter(spaced, parted, self._count) else (",", parted)

    def _is_plain(self, leaf: Column) -> bool:
        """Say whether all cells of a column are strings that are written as they are."""
        # Of objects that not all rows have, the columns of strings have gaps.
        if not leaf.is_text or set(map(type, leaf.cells)) != _STRINGS:
            return False
        texts: Sequence[str] = leaf.cells  # type: ignore[assignment]
        return are_plain(texts) and not self._cells.has_names(texts)

    def _texts(self, leaf: Column, values: Sequence[Cell], *, commas: bool) -> list[str]:
        """Write the cells of a column."""
        alike = self._alike(leaf, values, commas=commas) if not leaf.has_default else None
        if alike is not None:
            return alike
        empty = "" if commas else "-"
        default = leaf.value if leaf.has_default else ABSENT
        typed = leaf.is_text or leaf.template is not None
        write, is_below = self._cells.cell, self._outliner.is_below
        written = []
        for value in values:
            if value is ABSENT or value == default:
                text = empty
            elif type(value) is bytes:
                text = value.decode()
            elif type(value) is str:
                text = write(value, commas=commas, typed=typed)
            elif value is None or value is True or value is False:
                text = LITERALS[value]
            elif isinstance(value, Count):
                text = "+" if value is PRESENT else str(value)
            else:
                text = ":" if is_below(value) else write(value, commas=commas, typed=typed)  # type: ignore[arg-type]
            written.append(text)
        return written

    def _alike(self, leaf: Column, values: Sequence[Cell], *, commas: bool) -> list[str] | None:
        """Write cells that are all of one kind, which takes less than to look at each; None if they are not."""
        if id(leaf) in self._plain:
            return [*values]  # type: ignore[list-item]
        kinds = set(map(type, values))
        if kinds == _NUMBERS:
            return b"\n".join(values).decode().split("\n")  # type: ignore[arg-type]
        if kinds == _STRINGS:
            write = self._cells.cell
            return [write(value, commas=commas, typed=leaf.is_text) for value in values]  # type: ignore[arg-type]
        return [LITERALS[value] for value in values] if kinds <= _LITERALS else None

    def _header(self, columns: list[Column]) -> str:
        return "{" + ("," if self._commas else " ").join(map(self._item, columns)) + "}"

    def _item(self, column: Column) -> str:
        name = "@key" if column.is_key else self._cells.key(column.name)
        if column.template is not None or column.is_constant:
            return f"{name}={self._hoisted(column)}"
        features = self._cells.features
        typed = ":str" if id(column) not in self._plain and _is_typed(column) else ""
        if column.has_default:
            features.add("?=")
            return f"{name}{typed}?={self._cells.inline(column.value)}"
        if column.is_optional:
            features.add("?" if column.inner is None else "+")
            name += "?"
        if column.inner is not None:
            return name + self._header(column.inner)
        if column.table is not None:
            features.add("[]")
            return f"{name}[]{self._children[id(column)].header}"
        return name + typed

    def _hoisted(self, column: Column) -> str:
        """Write what each row of the column is made of."""
        self._cells.features.add("=")
        if column.template is not None:
            self._cells.features.update("*" if column.cells else "=", "$" if column.template.refers_to else "=")
            first, *parts = column.template.parts
            return "".join([first if first[:1] in ("$", "*") else self._cells.beginning(first), *parts])
        written = self._cells.inline(column.value)
        return quoted(column.value) if isinstance(column.value, str) and "*" in written else written


def _is_typed(column: Column) -> bool:
    """Say whether a column needs to be marked as one of strings: without it, some would have to be quoted."""
    if not column.is_text or column.is_key:
        return False
    return any(type(cell) is str and needs_type(cell) for cell in column.cells)
