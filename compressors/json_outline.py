"""JSON as an outline: fields side by side, larger parts indented below their key, records as tables in place."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

from headroom_mitm.compressors.json_cells import Cells, is_bare, is_shared, quoted
from headroom_mitm.compressors.json_table import (
    ABSENT,
    PRESENT,
    Cell,
    Column,
    Count,
    Kinds,
    Table,
    are_records,
    kinds_of,
    table_of,
)
from headroom_mitm.compressors.json_tree import NODES, Arr, Embedded, Obj, Value

LARGE = 40  # rough tokens from which a value is laid out below its key
WIDTH = 300  # characters of fields in one line
SAMPLE = 20  # rows on which the separator of a table is tried
_TAGS = "abcdefghijklmnopqrstuvwxyz"


class Outline:
    """Writes values in lines."""

    def __init__(self, cells: Cells, count: Callable[[str], int]) -> None:
        self.features = cells.features
        self._cells = cells
        self._count = count

    def block(self, value: Value, indent: int) -> Iterator[str]:
        """Write a value that has no key."""
        if isinstance(value, Obj) and value.keys and self._table(value) is None:
            yield from self._fields(value, indent)
        elif self._is_large(value):
            yield from self._below("", value, indent)
        else:
            yield " " * indent + self._cells.spelled(value)

    def definition(self, key: str, value: Value) -> Iterator[str]:
        """Write what a name stands for."""
        if self._is_large(value):
            yield from self._below(key, value, 0)
        else:
            yield f"{key}:{self._cells.spelled(value)}"

    def definitions(self, names: list[str], records: list[Obj]) -> Iterator[str] | None:
        """Write what names stand for as a table, one a row, or return None if the records are too unlike."""
        table = table_of(records)
        if table is None:
            return None
        written = _Rows(self, table)
        rows = (name + ":" + "\n".join(lines) for name, lines in zip(names, written.lines(0), strict=True))
        return chain([f"$[{table.count}]{written.header}"], rows)

    def lines(self, values: Sequence[Value]) -> Iterator[str]:
        """Write the values of JSON lines."""
        label = f"jsonl[{len(values)}]"
        table = None
        if are_records(values):
            records: list[Obj] = list(values)  # type: ignore[arg-type]
            table = table_of(records) or kinds_of(records)
        if table is not None:
            yield from self._rows_below(label, table, 0)
            return
        yield f"{label}:"
        for value in values:
            yield from self._keyed("-", value, 1)

    def _keyed(self, key: str, value: Value, indent: int) -> Iterator[str]:
        if self._is_below(value):
            yield from self._below(key, value, indent)
        else:
            yield " " * indent + (
                f"- {self._cells.inline(value)}" if key == "-" else f"{key}:{self._cells.inline(value)}"
            )

    def _below(self, key: str, value: Value, indent: int) -> Iterator[str]:
        """Write a large value behind the line of its key, if it has one."""
        deeper = indent + (1 if key else 0)
        if isinstance(value, Embedded):
            self.features.add("JSON")
            yield " " * indent + ("- " if key == "-" else f"{key}:" if key else "") + f"JSON{value.style}"
            yield from self.block(value.values[0], indent + 1)
            return
        if (table := self._table(value)) is not None:
            brackets = "[%d]" if isinstance(value, Arr) else "{%d}"
            yield from self._rows_below(key + brackets % len(value.values), table, indent)  # type: ignore[union-attr]
            return
        if key:
            yield " " * indent + ("-" if key == "-" else f"{key}:")
        if isinstance(value, Obj):
            yield from self._fields(value, deeper)
        elif isinstance(value, Arr):
            for item in value.values:
                yield from self._keyed("-", item, deeper)

    def _fields(self, value: Obj, indent: int) -> Iterator[str]:
        line: list[str] = []
        width = 0
        for key, item in zip(value.keys, value.values, strict=True):
            written = self._cells.key(key)
            if self._is_below(item):
                if line:
                    yield " " * indent + " ".join(line)
                    line, width = [], 0
                yield from self._below(written, item, indent)
                continue
            field = f"{written}:{self._cells.inline(item)}"
            if line and width + len(field) > WIDTH:
                yield " " * indent + " ".join(line)
                line, width = [], 0
            line.append(field)
            width += len(field) + 1
        if line:
            yield " " * indent + " ".join(line)

    def _is_below(self, value: Cell) -> bool:
        """Say whether a value stands below its key: it is large, and not written elsewhere under a name."""
        return isinstance(value, NODES) and value.size >= LARGE and not is_shared(value) and self._is_large(value)

    @staticmethod
    def _is_large(value: Value) -> bool:
        return isinstance(value, NODES) and value.size >= LARGE and not (isinstance(value, Arr) and _is_flat(value))

    def _table(self, value: Value) -> Table | Kinds | None:
        if not isinstance(value, Obj | Arr) or value.size < LARGE // 2 or not are_records(value.values):
            return None
        records: list[Obj] = list(value.values)  # type: ignore[arg-type]
        if isinstance(value, Obj):
            return table_of(records, value.keys) if len(records) > 2 else None
        return table_of(records) or kinds_of(records)

    def _rows_below(self, label: str, table: Table | Kinds, indent: int) -> Iterator[str]:
        deeper = indent + (0 if label[0] in "[{" else 1)
        if isinstance(table, Table):
            written = _Rows(self, table)
            yield " " * indent + label + written.header
            for lines in written.lines(deeper):
                yield from lines
            return
        self.features.add("@")
        yield " " * indent + label + ":"
        kinds = [_Rows(self, kind) for kind in table.tables]
        for tag, kind in zip(_TAGS, kinds, strict=False):
            yield f"{' ' * deeper}@{tag}={kind.header}"
        rows = [kind.lines(deeper, f"@{tag} ") for tag, kind in zip(_TAGS, kinds, strict=False)]
        for which in table.order:
            if isinstance(which, Obj):
                yield " " * deeper + self._cells.inline(which)
            else:
                yield from next(rows[which])


class _Rows:
    """A table, written."""

    def __init__(self, outline: Outline, table: Table) -> None:
        self._outline = outline
        self._table = table
        self._below = [leaf for leaf in table.leaves if leaf.table is not None]
        self._tables = {id(leaf): _Rows(outline, leaf.table) for leaf in self._below if leaf.table is not None}
        self._commas = self._separator() == ","
        self.header = self._header(table.columns)

    def lines(self, indent: int, tag: str = "") -> Iterator[list[str]]:
        """Yield the lines of each row: the row itself and what is below it."""
        outline, leaves = self._outline, self._table.leaves
        texts = [self._texts(leaf, leaf.cells, commas=self._commas) for leaf in leaves]
        start = " " * indent + tag
        if not leaves:
            yield from ([start.rstrip()] if tag else [] for _ in range(self._table.count))
            return
        rows = map((start + "%s").__mod__, map(("," if self._commas else " ").join, zip(*texts, strict=True)))
        tall = [leaf for leaf, cells in zip(leaves, texts, strict=True) if leaf.table is not None or ":" in cells]
        if not tall:
            yield from ([row] for row in rows)
            return
        below = {key: written.lines(indent + 1) for key, written in self._tables.items()}
        for number, row in enumerate(rows):
            lines = [row]
            for leaf in tall:
                cell = leaf.cells[number]
                if isinstance(cell, Count) and leaf.table is not None:
                    if cell and len(self._below) > 1:
                        lines.append(f"{' ' * (indent + 1)}{outline._cells.key(leaf.name)}:")
                    for deeper in islice(below[id(leaf)], cell):
                        lines.extend(deeper)
                elif outline._is_below(cell):
                    outline.features.add(":")
                    lines.extend(outline._below(outline._cells.key(leaf.name), cell, indent + 1))
            yield lines

    def _separator(self) -> str:
        sample = self._table.leaves
        if len(sample) < 2:
            return " "
        sizes = {}
        for separator in (" ", ","):
            texts = [self._texts(leaf, leaf.cells[:SAMPLE], commas=separator == ",") for leaf in sample]
            sizes[separator] = self._outline._count("\n".join(map(separator.join, zip(*texts, strict=True))))
        return " " if sizes[" "] < sizes[","] else ","

    def _texts(self, leaf: Column, values: object, *, commas: bool) -> list[str]:
        empty = "" if commas else "-"
        default = leaf.value if leaf.has_default else ABSENT
        typed = leaf.is_text or leaf.template is not None
        write, is_below = self._outline._cells.cell, self._outline._is_below
        written = []
        for value in values:  # type: ignore[attr-defined]
            kind = type(value)
            if kind is str:
                text = empty if value == default else write(value, commas=commas, typed=typed)
            elif value is ABSENT or value == default:
                text = empty
            elif kind is Count:
                text = "+" if value is PRESENT else str(value)
            else:
                text = ":" if is_below(value) else write(value, commas=commas, typed=typed)
            written.append(text)
        return written

    def _header(self, columns: list[Column]) -> str:
        return "{" + ("," if self._commas else " ").join(map(self._item, columns)) + "}"

    def _item(self, column: Column) -> str:
        cells, used = self._outline._cells, self._outline.features
        name = column.name if column.is_key else cells.key(column.name)
        if column.template is not None:
            used.update("*" if column.template.cells is not None else "=", "$" if column.template.refers_to else "=")
            return f"{name}={''.join(column.template.parts)}"
        if column.is_constant:
            used.add("=")
            written = cells.inline(column.value)
            return f"{name}={quoted(column.value) if isinstance(column.value, str) and '*' in written else written}"
        if column.has_default:
            used.add("?=")
            typed = ":str" if _is_typed(column) else ""
            return f"{name}{typed}?={cells.inline(column.value)}"
        if column.is_optional:
            used.add("+" if column.inner is not None else "?")
            name += "?"
        if column.inner is not None:
            return name + self._header(column.inner)
        if column.table is not None:
            used.add("[]")
            return f"{name}[]{self._tables[id(column)].header}"
        return f"{name}:str" if _is_typed(column) else name


def _is_typed(column: Column) -> bool:
    """Say whether a column needs to be marked as one of strings: without it, some would have to be quoted."""
    if not column.is_text or column.is_key:
        return False
    cells = [cell for cell in column.cells if isinstance(cell, str)]
    return any(is_bare(cell, cell=True, typed=True) and not is_bare(cell, cell=True) for cell in cells)


def _is_flat(array: Arr) -> bool:
    """Say whether an array is best written in one line: there is no object in it."""
    return not any(isinstance(v, Obj | Embedded) or (isinstance(v, Arr) and not _is_flat(v)) for v in array.values)
