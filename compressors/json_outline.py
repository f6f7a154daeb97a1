"""JSON as an outline: fields side by side, larger parts indented below their key, records as tables in place."""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from headroom_mitm.compressors.json_cells import Cells, is_shared
from headroom_mitm.compressors.json_rows import Rows
from headroom_mitm.compressors.json_table import Cell, Kinds, Table, are_records, kinds_of, table_of
from headroom_mitm.compressors.json_tree import NODES, Arr, Embedded, Excerpt, Obj, Odd, Sample, Value, is_at_least

LARGE = 40  # rough tokens from which a value is laid out below its key
WIDTH = 300  # characters of fields in one line
_TAGS = "abcdefghijklmnopqrstuvwxyz"


class Outline:
    """Writes values in lines."""

    def __init__(self, cells: Cells, count: Callable[[str], int]) -> None:
        self._cells = cells
        self._count = count
        self._tables: dict[Value, Table | Kinds | None] = {}

    def block(self, value: Value, indent: int) -> Iterator[str]:
        """Write a value that has no key."""
        if isinstance(value, Obj) and value.keys and self._table(value) is None:
            yield from self._fields(value, indent)
        elif _is_large(value):
            yield from self.below("", value, indent)
        else:
            yield " " * indent + self._cells.spelled(value)

    def definition(self, key: str, value: Value) -> Iterator[str]:
        """Write what a name stands for."""
        if _is_large(value):
            yield from self.below(key, value, 0)
        else:
            yield f"{key}:{self._cells.spelled(value)}"

    def definitions(self, names: list[str], records: list[Obj]) -> Iterator[str] | None:
        """Write what names stand for as a table, one a row, or return None if the records are too unlike."""
        table = table_of(records)
        if table is None:
            return None
        written = Rows(self, self._cells, self._count, table)
        rows = (name + ":" + "\n".join(lines) for name, lines in zip(names, written.lines(0), strict=True))
        return chain([f"$[{table.count}]{written.header}"], rows)

    def lines(self, values: Sequence[Value]) -> Iterator[str]:
        """Write the values of JSON lines."""
        sample = values[0] if isinstance(values[0], Sample) else None
        label = f"jsonl[{sample.total if sample else len(values)}]"
        values = sample.values if sample else values
        table = None
        if are_records(values):
            records: list[Obj] = list(values)  # type: ignore[arg-type]
            table = table_of(records) or kinds_of(records)
        if table is not None:
            yield from self._rows_below(label, table, 0, sample)
            return
        yield f"{label}:"
        yield from self._items(values, 1, sample)

    def _items(self, values: Sequence[Value], indent: int, sample: Sample | None) -> Iterator[str]:
        begin = " " * indent + "- "
        is_below, inline = self.is_below, self._cells.inline
        items = (
            list(self.below("-", value, indent)) if is_below(value) else [begin + inline(value)] for value in values
        )
        yield from chain.from_iterable(_noted(self._cells, items, indent, sample))

    def below(self, key: str, value: Value, indent: int) -> Iterator[str]:
        """Write a large value behind the line of its key, if it has one."""
        deeper = indent + (1 if key else 0)
        if isinstance(value, Embedded):
            self._cells.features.add("JSON")
            yield " " * indent + ("- " if key == "-" else f"{key}:" if key else "") + f"JSON{value.style}"
            yield from self.block(value.values[0], indent + 1)
            return
        if (table := self._table(value)) is not None:
            brackets = "[%d]" if isinstance(value, Arr) else "{%d}"
            sample = value if isinstance(value, Sample | Excerpt) else None
            count = sample.total if sample else len(value.values)  # type: ignore[union-attr]
            yield from self._rows_below(key + brackets % count, table, indent, sample)
            return
        if key:
            yield " " * indent + ("-" if key == "-" else f"{key}:")
        if isinstance(value, Obj):
            yield from self._fields(value, deeper)
        elif isinstance(value, Arr):
            yield from self._items(value.values, deeper, value if isinstance(value, Sample) else None)

    def _fields(self, value: Obj, indent: int) -> Iterator[str]:
        line: list[str] = []
        width = 0
        if isinstance(value, Excerpt):
            self._cells.features.add("…")
            yield " " * indent + value.looks
        for key, item in zip(value.keys, value.values, strict=True):
            written = self._cells.key(key)
            if self.is_below(item):
                if line:
                    yield " " * indent + " ".join(line)
                    line, width = [], 0
                yield from self.below(written, item, indent)
                continue
            field = f"{written}:{self._cells.inline(item)}"
            if line and width + len(field) > WIDTH:
                yield " " * indent + " ".join(line)
                line, width = [], 0
            line.append(field)
            width += len(field) + 1
        if line:
            yield " " * indent + " ".join(line)

    def is_below(self, value: Cell) -> bool:
        """Say whether a value stands below its key: it is large, and not written elsewhere under a name."""
        return isinstance(value, NODES) and _is_large(value) and not is_shared(value)

    def _table(self, value: Value) -> Table | Kinds | None:
        if not isinstance(value, Obj | Arr) or isinstance(value, Odd) or not is_at_least(value, LARGE // 2):
            return None
        if value not in self._tables:
            self._tables[value] = _table_of(value) if are_records(value.values) else None
        return self._tables[value]

    def _rows_below(
        self, label: str, table: Table | Kinds, indent: int, sample: Sample | Excerpt | None = None
    ) -> Iterator[str]:
        deeper = indent + (0 if label[0] in "[{" else 1)
        if isinstance(table, Table):
            written = Rows(self, self._cells, self._count, table)
            yield " " * indent + label + written.header
            yield from chain.from_iterable(_noted(self._cells, written.lines(deeper), deeper, sample))
            return
        self._cells.features.add("@")
        yield " " * indent + label + ":"
        kinds = [Rows(self, self._cells, self._count, kind) for kind in table.tables]
        for tag, kind in zip(_TAGS, kinds, strict=False):
            yield f"{' ' * deeper}@{tag}={kind.header}"
        rows = [kind.lines(deeper, f"@{tag} ") for tag, kind in zip(_TAGS, kinds, strict=False)]
        ordered = (
            [" " * deeper + self._cells.inline(which)] if isinstance(which, Obj) else next(rows[which])
            for which in table.order
        )
        yield from chain.from_iterable(_noted(self._cells, ordered, deeper, sample))


def _is_large(value: Value) -> bool:
    return isinstance(value, NODES) and not (isinstance(value, Arr) and value.is_flat) and is_at_least(value, LARGE)


def _table_of(value: Obj | Arr) -> Table | Kinds | None:
    records: list[Obj] = list(value.values)  # type: ignore[arg-type]
    if isinstance(value, Obj):
        return table_of(records, value.keys) if len(records) > 2 else None
    return table_of(records) or kinds_of(records)


def _noted(
    cells: Cells, rows: Iterator[Sequence[str]], indent: int, sample: Sample | Excerpt | None
) -> Iterator[Sequence[str]]:
    """Put the notes of a sample between the lines of its records."""
    return rows if sample is None else _between(cells, rows, indent, sample)


def _between(
    cells: Cells, rows: Iterator[Sequence[str]], indent: int, sample: Sample | Excerpt
) -> Iterator[Sequence[str]]:
    cells.features.add("…")
    notes = dict(sample.notes)
    yield [" " * indent + sample.looks]
    for number, lines in enumerate(rows):
        if number in notes:
            yield [" " * indent + notes[number]]
        yield lines
    if len(sample.values) in notes:
        yield [" " * indent + notes[len(sample.values)]]
