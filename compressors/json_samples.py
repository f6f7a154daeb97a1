"""Which records of many stay, and what the others look like.

The first and the last stay, those that speak of trouble, those with a key, a rare value or a number unlike all others.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from statistics import quantiles

from headroom_mitm.compressors.json_alarms import Alarms
from headroom_mitm.compressors.json_tree import Arr, Note, Obj, Value

_FAR = 6  # interquartile ranges from the quartiles: a number further out is unlike the others
_FEWEST_FOR_RARE = 12  # records among which a value can be rare
_RARE = 2
_MOST_KINDS = 20  # different values of a field in which one can be rare
_MOST_UNUSUAL = 0.4  # share of the records: if more are unusual, it is usual to be so
_FIELDS_TOLD = 12
_VALUES_TOLD = 4
_LONGEST_TOLD = 40  # characters
_NAMING_KEYS = frozenset(("", "name", "key", "id", "path", "title", "metadata.name"))
_NAMES_TOLD, _NAMES_LENGTH = 80, 1600
_MOST_AXES = 4


def kept(records: Sequence[Value], first: int, last: int, alarms: Alarms) -> list[int]:
    """Return the numbers of the records that stay; where too many are unusual, only trouble counts."""
    troubled = {number for number, record in enumerate(records) if alarms.tells(record)}
    unusual = troubled | set(_unusual(records))
    if len(unusual) > _MOST_UNUSUAL * len(records):
        unusual = troubled
    edges = {*range(first), *range(len(records) - last, len(records))}
    return sorted(edges | unusual)


def gaps(stay: Sequence[int], total: int) -> Iterator[range]:
    """Yield the ranges of those that go."""
    gone = sorted(set(range(total)).difference(stay))
    for _, run in groupby(enumerate(gone), key=lambda pair: pair[1] - pair[0]):
        numbers = [number for _, number in run]
        yield range(numbers[0], numbers[-1] + 1)


def in_words(records: Sequence[Value], keys: Sequence[str] = ()) -> str:
    """Say what these records look like: of each simple field its values, how many there are, or their range.

    Names are told one by one, as far as they are short and not too many; ``keys``: under which the records stood.
    """
    fields: dict[str, list[Value]] = {"": list(keys)} if keys else {}
    for record in records:
        if isinstance(record, Obj):
            for name, value in _leaves(record):
                fields.setdefault(name, []).append(value)
    told = []
    usual = [pair for pair in fields.items() if "." not in pair[0] or 2 * len(pair[1]) >= len(records)]
    for name, values in usual[:_FIELDS_TOLD]:
        names = _names(values) if name in _NAMING_KEYS else ""
        told.append(f"{name} {names or _looks(values, len(records))}".strip())
    return "; ".join(told)


def _names(values: Sequence[Value]) -> str:
    texts = [value for value in values if isinstance(value, str)]
    short = len(set(texts)) == len(values) <= _NAMES_TOLD and sum(map(len, texts)) <= _NAMES_LENGTH
    return ", ".join(texts) if short else ""


def _leaves(record: Obj) -> Iterator[tuple[str, Value]]:
    for key, value in zip(record.keys, record.values, strict=True):
        if type(value) is Obj:
            for inner, leaf in zip(value.keys, value.values, strict=True):
                if not isinstance(leaf, Obj) and _is_simple(leaf):
                    yield f"{key}.{inner}", leaf
        elif _is_simple(value):
            yield key, value


def _is_simple(value: Value) -> bool:
    if isinstance(value, Arr):
        return value.is_flat and bool(value.values)
    return value is None or (isinstance(value, str | bytes | bool) and not isinstance(value, Note))


def _looks(values: Sequence[Value], total: int) -> str:
    if any(isinstance(value, Arr) for value in values):
        return _extent(values)
    counts = Counter(map(_plain, values))
    some = "" if len(values) == total else f" (in {len(values)})"
    if len(counts) == 1:
        return f"{_cut(next(iter(counts)))}{some}"
    if len(counts) <= _VALUES_TOLD:
        return ", ".join(f"{_cut(value)} x {count}" for value, count in counts.most_common()) + some
    numbers = [float(value) for value in values if type(value) is bytes]
    if len(numbers) == len(values):
        spelled = sorted(counts, key=float)
        return f"{spelled[0]} to {spelled[-1]}{some}"
    often = [f"{_cut(value)} x {count}" for value, count in counts.most_common(2) if count * 5 >= len(values)]
    return ", ".join([*often, f"{len(counts) - len(often)} {'others' if often else 'different'}"]) + some


def _extent(values: Sequence[Value]) -> str:
    """Say how long lists are, and from where to where their numbers go; of lists of points each coordinate."""
    lists = [value for value in values if isinstance(value, Arr)]
    lengths = sorted(len(value.values) for value in lists)
    said = f"lists of {lengths[0]}" if lengths[0] == lengths[-1] else f"lists of {lengths[0]} to {lengths[-1]}"
    axes: dict[int, list[bytes]] = {}
    stack: list[Value] = list(lists)
    while stack:
        value = stack.pop()
        if isinstance(value, Arr):
            numbers = [item for item in value.values if type(item) is bytes]
            for axis, number in enumerate(numbers if len(numbers) <= _MOST_AXES else ()):
                axes.setdefault(axis, []).append(number)
            axes.setdefault(0, []).extend(numbers if len(numbers) > _MOST_AXES else ())
            stack += [item for item in value.values if isinstance(item, Arr)]
    ranges = [f"{min(axis, key=float).decode()} to {max(axis, key=float).decode()}" for axis in axes.values() if axis]
    return f"{said}: {' / '.join(ranges)}" if ranges else said


def _plain(value: Value) -> str:
    if isinstance(value, str):
        return value
    return value.decode() if type(value) is bytes else "null" if value is None else str(value).lower()


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}…"


def _unusual(records: Sequence[Value]) -> Iterator[int]:
    shapes = Counter(record.keys if isinstance(record, Obj) else None for record in records)
    columns: dict[str, dict[int, Value]] = {}
    for number, record in enumerate(records):
        if not isinstance(record, Obj):
            continue
        if len(records) >= _FEWEST_FOR_RARE and shapes[record.keys] <= _RARE < len(shapes):
            yield number
        for name, value in _leaves(record):
            columns.setdefault(name, {})[number] = value
    for column in columns.values():
        if len(column) >= _FEWEST_FOR_RARE:
            yield from _unlike(column)


def _unlike(column: Mapping[int, Value]) -> Iterator[int]:
    counts = Counter(column.values())
    if len(counts) <= min(_MOST_KINDS, len(column) // 3):
        yield from (number for number, value in column.items() if counts[value] <= _RARE)
    numbers = {number: float(value) for number, value in column.items() if type(value) is bytes}
    if len(numbers) < _FEWEST_FOR_RARE:
        return
    low, _, high = quantiles(numbers.values(), n=4)
    reach = _FAR * max(high - low, abs(high) * 0.02)
    yield from (number for number, value in numbers.items() if not low - reach <= value <= high + reach)
