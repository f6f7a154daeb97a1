"""JSON with parts left out: long strings cut, long lists down to their ends, of many records those that stand out.

What is missing is said where it stood, with its count; a number, a word or a key that stays is the one of the original.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from headroom_mitm.compressors import json_samples, json_strings
from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.json_alarms import Alarms
from headroom_mitm.compressors.json_strings import MARK
from headroom_mitm.compressors.json_tree import Arr, Embedded, Excerpt, Note, Obj, Odd, Omitted, Reader, Sample, Value

_NUMBER = re.compile(r"[+-]?\d{1,20}(?:\.\d{1,20})?(?:e[+-]?\d{1,3})?|NaN|[+-]Inf")
_IGNORED_KEYS = frozenset(("managedFields", "kubectl.kubernetes.io/last-applied-configuration"))
_NEVER = 10**9
_FLAT = 40  # rough tokens up to which a list within a list counts as a row of values
_LEAST_GAIN = 12  # rough tokens that leaving out some values must save


@dataclass(frozen=True, slots=True)
class Rules:
    """What a level leaves out. Lengths are characters, the others counts."""

    opaque: int
    """A run of letters and digits that is longer, such as a hash, is cut."""
    text: int
    """A string that is longer is cut."""
    head: int
    """What stays of it; a quarter as much of its end."""
    values: int
    """A list of numbers or short lists that has more is cut."""
    records: int
    """Of a list of more objects those stay that stand out."""
    ends: tuple[int, int]
    """The first and last of them that stay."""
    deepest: int
    """Levels of nesting; what is deeper and large is only named."""


RULES = {
    Level.LIGHT: Rules(64, 1200, 600, 16, _NEVER, (0, 0), _NEVER),
    Level.MEDIUM: Rules(48, 400, 160, 6, 16, (4, 2), _NEVER),
    Level.HARD: Rules(40, 160, 80, 4, 6, (2, 1), 6),
}


def may_prune(rules: Rules, reader: Reader) -> bool:
    """Tell whether there may be something to leave out of what was read."""
    if min(rules.records, rules.deepest) < _NEVER:
        return True
    long = (text for text in reader.strings if len(text) > rules.opaque)
    lists = (node.values for node in reader.others.values() if len(node.values) > rules.values)
    return (
        any(json_strings.shortened(text, rules.opaque, rules.text, rules.head)[1] for text in long)
        or any(all(map(_is_plain, items)) for items in lists)
        or not all(map(_IGNORED_KEYS.isdisjoint, reader.shapes))
    )


@dataclass(slots=True)
class Pruner:
    """Builds values anew, in ``reader``, with parts left out."""

    rules: Rules
    reader: Reader = field(default_factory=Reader)
    gone: Counter[str] = field(default_factory=Counter)
    """How many of what is left out."""
    _alarms: Alarms = field(default_factory=Alarms)
    _known: dict[int, tuple[Value, Value, tuple[tuple[str, int], ...]]] = field(default_factory=dict)

    def pruned(self, value: Value, depth: int = 0) -> Value:
        """Return what is left of a value."""
        if type(value) is str:
            return self._string(value)
        if not isinstance(value, Obj | Arr | Embedded):
            return value
        known = self._known.get(id(value))
        if known is None:
            before = dict(self.gone)
            node = self._node(value, depth)
            gone = () if before == self.gone else tuple((self.gone - Counter(before)).items())
            known = self._known[id(value)] = value, node, gone
        else:
            for what, count in known[2]:
                self.gone[what] += count
        return known[1]

    def records(self, values: Sequence[Value]) -> Arr:
        """Return a list of values, such as JSON lines."""
        return self._array(Arr(tuple(values)), -1)

    def in_words(self) -> str:
        """Say what is left out in all."""
        return ", ".join(f"{count} {what}" for what, count in self.gone.items())

    def _node(self, value: Obj | Arr | Embedded, depth: int) -> Value:
        if isinstance(value, Embedded):
            return self.reader.embedded(value.style, self.pruned(value.values[0], depth))
        if isinstance(value, Arr):
            return self._array(value, depth)
        if depth > self.rules.deepest and value.size > _FLAT and not self._alarms.within(value):
            self.gone["deep objects"] += 1
            return Note(f"{MARK}{len(value.keys)} keys: {' '.join(value.keys[:4])}{' …' if value.keys[4:] else ''})")
        if len(value.keys) > self.rules.records and all(isinstance(item, Obj) and item.keys for item in value.values):
            excerpt = None if isinstance(value, Odd) else self._excerpt(value, depth)
            if excerpt is not None:
                return excerpt
        pairs = [
            (key, self._ignored(item) if key in _IGNORED_KEYS else self.pruned(item, depth + 1))
            for key, item in zip(value.keys, value.values, strict=True)
        ]
        return self.reader.object(pairs, odd=isinstance(value, Odd))

    def _ignored(self, value: Value) -> Value:
        size = len(value) if isinstance(value, str) else len(getattr(value, "values", ()))
        self.gone["bookkeeping fields"] += 1
        return Note(f"{MARK}{size} {'characters' if isinstance(value, str) else 'entries'} left out)")

    def _array(self, value: Arr, depth: int) -> Arr:
        items = value.values
        if len(items) > self.rules.records and all(isinstance(item, Obj) and item.keys for item in items):
            stay = json_samples.kept(items, *self.rules.ends, self._alarms)
            if len(stay) < len(items):
                pruned = [self.pruned(items[number], depth + 1) for number in stay]
                return self.reader.part(Sample(tuple(pruned), self._omitted(items, stay)))
        elif len(items) > self.rules.values and all(map(_is_plain, items)):
            return self._ends(items)
        elif len(items) > self.rules.records and all(isinstance(item, Arr) and item.is_flat for item in items):
            return self._rows(items, depth)
        return self.reader.array([self.pruned(item, depth + 1) for item in items])

    def _excerpt(self, value: Obj, depth: int) -> Excerpt | None:
        """Return some of the entries of an object whose values are records, or None where all stay."""
        stay = json_samples.kept(value.values, *self.rules.ends, self._alarms)
        if len(stay) == len(value.keys):
            return None
        pruned = tuple(self.pruned(value.values[number], depth + 1) for number in stay)
        omitted = self._omitted(value.values, stay, value.keys)
        return self.reader.part(Excerpt(tuple(value.keys[number] for number in stay), pruned, omitted))

    def _omitted(self, items: Sequence[Value], stay: Sequence[int], keys: Sequence[str] = ()) -> Omitted:
        total = len(items)
        ranges = list(json_samples.gaps(stay, total))
        gone = [number for gap in ranges for number in gap]
        self.gone["records"] += len(gone)
        notes, before = [], 0
        for gap in ranges:
            while before < len(stay) and stay[before] < gap.start:
                before += 1
            numbers = f"{gap.start + 1}-{gap.stop}" if gap[1:] else f"{gap.stop}"
            notes.append((before, f"{MARK}{numbers} left out)"))
        looks = json_samples.in_words([items[number] for number in gone], [keys[number] for number in gone if keys])
        return Omitted(total, tuple(notes), f"{MARK}{len(gone)} of {total} left out below: {looks})")

    def _ends(self, items: Sequence[Value]) -> Arr:
        middle = items[2:-1]
        if sum(map(_size, middle)) < _LEAST_GAIN:
            return self.reader.array([self.pruned(item) for item in items])
        self.gone["values of lists"] += len(middle)
        note = Note(f"{MARK}{len(middle)} left out{_range(middle)})")
        return self.reader.array([*map(self.pruned, items[:2]), note, self.pruned(items[-1])])

    def _rows(self, items: Sequence[Value], depth: int) -> Arr:
        """Return a list of lists of words without what is between its ends, but with those that speak of trouble."""
        first, last = self.rules.ends
        edges = {*range(first), *range(len(items) - last, len(items))}
        stay = sorted(edges.union(number for number, item in enumerate(items) if self._alarms.tells(item)))
        rows: list[Value] = []
        for before, number in pairwise([-1, *stay]):
            if gone := number - before - 1:
                self.gone["rows"] += gone
                rows.append(Note(f"{MARK}{gone} left out)"))
            rows.append(self.pruned(items[number], depth + 1))
        return self.reader.array(rows)

    def _string(self, text: str) -> str:
        shown, gone = json_strings.shortened(text, self.rules.opaque, self.rules.text, self.rules.head)
        if gone:
            self.gone["characters of long strings"] += gone
        return shown


def _is_plain(item: Value) -> bool:
    """Tell whether it is a number, or a short list of numbers or none, such as a point or a sample of a metric."""
    if isinstance(item, Arr):
        return item.size <= _FLAT and all(map(_is_coordinate, item.values))
    return type(item) is bytes


def _is_coordinate(item: Value) -> bool:
    if type(item) is str:
        return _NUMBER.fullmatch(item) is not None
    return item is None or _is_plain(item)


def _size(item: Value) -> int:
    return item.size if isinstance(item, Arr) else 2


def _range(items: Sequence[Value]) -> str:
    """Say from where to where numbers go, if they are any; of rows of numbers column by column."""
    if all(type(item) is bytes for item in items):
        return f": {min(items, key=float).decode()} to {max(items, key=float).decode()}"  # type: ignore[arg-type,union-attr]
    return ""
