"""Records as a table: which columns it has, what is hoisted out of the rows, what stands below a row.

A record is a row if its keys are columns in the columns' order; what cannot be laid out so is no table.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from headroom_mitm.compressors.json_cells import is_shared
from headroom_mitm.compressors.json_template import Template, derived
from headroom_mitm.compressors.json_tree import Arr, Obj, Value

FEWEST_ROWS = 2
FEWEST_IN_KINDS = 5
MOST_KINDS = 26
MOST_COLUMNS = 80  # in a table whose columns are compared with each other
MANY = 10  # rows from which a usual value may leave its cells empty
USUAL = 0.9  # share of the rows that have it
FILL = 0.6  # share of cells that must be filled where records differ in their keys


_WORD = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)


class Absent:
    """What stands in a cell of a record that has no such key."""

    size = 1


class Count(int):
    """Stands in the cell of an array of records: how many rows of it follow below."""


ABSENT = Absent()
PRESENT = Count(-1)  # the object of this cell is in the columns behind it
Cell: TypeAlias = Value | Absent | Count


@dataclass(slots=True)
class Column:
    """One item of a header. What it hoists has no cells."""

    name: str
    cells: Sequence[Cell] = ()
    """One a row; of a column without cells, none."""
    is_constant: bool = False
    value: Value = None
    """Of a constant in each row; of a ``has_default`` where the cell is empty."""
    has_default: bool = False
    is_optional: bool = False
    """Some records have no such key: their cell is empty."""
    is_text: bool = False
    """All cells are strings."""
    is_key: bool = False
    """The keys under which the records stand in an object; its name is ``@key``."""
    template: Template | None = None
    inner: "list[Column] | None" = None
    """Of an object laid out in columns of its own."""
    table: "Table | None" = None
    """Of arrays of records: the records of all rows, one after the other."""

    @property
    def has_cells(self) -> bool:
        """Whether each row has a cell for the column itself."""
        return bool(self.cells)


@dataclass(slots=True)
class Table:
    """Rows of one header."""

    columns: list[Column]
    count: int
    leaves: list[Column] = field(default_factory=list)
    """The columns that have cells, in the order of the cells."""

    def __post_init__(self) -> None:
        self.leaves = list(_leaves(self.columns))


@dataclass(frozen=True, slots=True)
class Kinds:
    """Records of several shapes: a table for each, and for each record whose next row it is, or the record itself."""

    tables: Sequence[Table]
    order: Sequence[int | Obj]


def _leaves(columns: list[Column]) -> Iterator[Column]:
    for column in columns:
        if column.has_cells:
            yield column
        if column.inner is not None:
            yield from _leaves(column.inner)


def table_of(records: Sequence[Obj], keys: Sequence[str] | None = None) -> Table | None:
    """Return records as a table, or None if they are too unlike; ``keys``: under which they stand in an object."""
    if len(records) < FEWEST_ROWS:
        return None
    if len(records) == FEWEST_ROWS and len(records[0].keys) < 3:
        return None  # the header would cost more than the keys do
    columns = _columns(records, keys)
    return None if columns is None else Table(columns, len(records))


def kinds_of(records: Sequence[Obj]) -> "Kinds | None":
    """Return records of several shapes as a table for each shape, or None if too many have a shape of their own."""
    by_shape: dict[tuple[str, ...], list[Obj]] = {}
    for record in records:
        by_shape.setdefault(record.keys, []).append(record)
    if len(records) < FEWEST_IN_KINDS or len(by_shape) > len(records) // 2:
        return None
    tables = {shape: table for shape, rows in by_shape.items() if (table := table_of(rows)) is not None}
    tables = dict(list(tables.items())[:MOST_KINDS])
    numbers = {shape: number for number, shape in enumerate(tables)}
    order = [numbers.get(record.keys, record) for record in records]
    if sum(table.count for table in tables.values()) < FILL * len(records):
        return None
    return Kinds(list(tables.values()), order)


def are_records(values: Sequence[Value]) -> bool:
    """Say whether there are values, and all are objects that have keys."""
    return bool(values) and all(type(value) is Obj and value.keys for value in values)


def _columns(records: Sequence[Obj], keys: Sequence[str] | None = None) -> list[Column] | None:
    shapes = [record.keys for record in records]
    names: Sequence[str] = shapes[0]
    rows: list[tuple[Cell, ...]]
    if shapes.count(shapes[0]) == len(shapes):
        rows = list(zip(*[record.values for record in records], strict=True))
    else:
        merged = _merged(Counter(shapes), len(records))
        if merged is None:
            return None
        names = merged
        by_name = [dict(zip(record.keys, record.values, strict=True)) for record in records]
        rows = [tuple([record.get(name, ABSENT) for record in by_name]) for name in names]
    columns = [_column(name, values) for name, values in zip(names, rows, strict=True)]
    if keys is not None:
        columns.insert(0, Column("@key", tuple(keys), is_text=True, is_key=True))
    _hoist(columns)
    return columns


def _merged(shapes: Counter[tuple[str, ...]], records: int) -> list[str] | None:
    """Return one order of keys that agrees with every record, or None if there is none or most cells were empty."""
    filled = sum(len(shape) * count for shape, count in shapes.items())
    if filled < FILL * records * len(set().union(*shapes)):
        return None
    longest = max(shapes, key=len)
    merged = list(longest)
    for shape in shapes:
        at = 0
        for key in shape:
            found = merged.index(key) if key in merged else -1
            if found < 0:
                merged.insert(at, key)
                at += 1
            elif found < at:
                return None
            else:
                at = found + 1
    return merged


def _column(name: str, values: Sequence[Cell]) -> Column:
    different = set(values)
    optional = ABSENT in different
    if len(different) == 1 and not optional:
        return Column(name, is_constant=True, value=values[0])  # type: ignore[arg-type]
    kinds = set(map(type, different))
    if Obj in kinds and (nested := _nested(name, values)) is not None:
        return nested
    if Arr in kinds and (below := _below(name, values, kinds)) is not None:
        return below
    kinds.discard(Absent)
    column = Column(name, values, is_optional=optional, is_text=kinds == {str})
    # Where one value has nearly all cells, there are few others.
    if not optional and len(values) >= MANY and len(values) - len(different) + 1 >= USUAL * len(values):
        value, count = Counter(values).most_common(1)[0]
        if count >= USUAL * len(values) and getattr(value, "size", 0) < 10 and len(str(value)) < 40:
            column.has_default = True
            column.value = value  # type: ignore[assignment]
    return column


def _nested(name: str, values: Sequence[Cell]) -> Column | None:
    """Lay objects out in columns, unless few rows have one, or they repeat and shall have names."""
    objects = [value for value in values if type(value) is Obj and value.keys]
    repeated = sum(is_shared(value) for value in objects)
    if len(objects) < 0.7 * len(values) or repeated > 0.6 * len(objects) or len(objects) < FEWEST_ROWS:
        return None
    inner = _columns(objects)
    if inner is None:
        return None
    if len(objects) == len(values):
        return Column(name, inner=inner)
    present = [type(value) is Obj and bool(value.keys) for value in values]
    for leaf in _leaves(inner):
        inside = iter(leaf.cells)
        leaf.cells = [next(inside) if there else ABSENT for there in present]
    cells: list[Cell] = [PRESENT if there else value for there, value in zip(present, values, strict=True)]
    return Column(name, cells, is_optional=True, inner=inner)


def _below(name: str, values: Sequence[Cell], kinds: set[type]) -> Column | None:
    """Put arrays of records below the rows, under one header, if they are alike and not repeated."""
    arrays = [value for value in values if type(value) is Arr and value.values]
    records = [record for array in arrays for record in array.values]
    repeated = sum(is_shared(array) for array in arrays)
    if not kinds <= {Arr, Absent, type(None)}:
        return None
    if len(records) < 3 or not are_records(records) or repeated > 0.6 * len(arrays):
        return None
    table = table_of(records)  # type: ignore[arg-type]
    if table is None:
        return None
    cells = [Count(len(value.values)) if type(value) is Arr else value for value in values]
    return Column(name, cells, is_optional=Absent in kinds, table=table)


def _hoist(columns: list[Column]) -> None:
    """Hoist what columns of strings have in common, and what follows from other columns of the same row."""
    plain = [column for column in columns if column.cells and column.inner is None and column.table is None]
    texts: dict[str, Sequence[str]] = {}
    if len(plain) <= MOST_COLUMNS:
        texts = {column.name: cells for column in plain if (cells := _texts(column)) is not None}
    pinned: set[str] = set()
    for column in plain:
        if column.is_optional:
            continue
        others = {name: cells for name, cells in texts.items() if name != column.name}
        found = _template(column, {} if column.name in pinned else others, plain if others else [])
        if found is None:
            continue
        column.template = found
        column.cells = found.cells or ()
        column.has_default = False
        pinned.update(found.refers_to)
        if found.refers_to:
            texts.pop(column.name, None)  # or two columns could be made of each other


def _texts(column: Column) -> Sequence[str] | None:
    """Return the cells of a column that a template can name, as strings."""
    if not column.is_key and not _WORD.match(column.name):
        return None
    kinds = set(map(type, column.cells))
    if kinds == {bytes}:
        return b"\n".join(column.cells).decode().split("\n")  # type: ignore[arg-type]  # quicker than one by one
    return column.cells if kinds == {str} else None  # type: ignore[return-value]


def _template(column: Column, others: Mapping[str, Sequence[str]], plain: list[Column]) -> Template | None:
    for other in plain:
        if other.name in others and other.cells == column.cells and other.template is None:
            return Template((f"${other.name}",), (other.name,), None)
    if not column.is_text or column.has_default:
        return None
    found = derived(column.cells, others)  # type: ignore[arg-type]
    # A name alone says the value itself: it cannot stand for a number's digits in quotes.
    return None if found is not None and len([part for part in found.parts if part]) == 1 and not found.cells else found
