"""JSON read exactly: numbers keep their spelling, keys their order, and equal subtrees are one object.

Types never meet in a comparison: a string is ``str``, a number the ``bytes`` it was spelled with, and ``True``,
``False`` and ``None`` are themselves. Equal containers are identical, so a tree is a DAG that knows its repetitions.
"""

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from typing import Any, NamedTuple, TypeAlias, TypeVar

DEEPEST = 80  # levels of nesting; what is deeper is no record, and the writers recurse
EMBEDDED = 40  # characters; a shorter string that holds JSON is not worth its frame
LONG = 16  # characters; shorter strings are not looked at for repetition


class NotExact(ValueError):
    """The text is no JSON, or one that a value cannot stand for: NaN, too deep."""

    position = -1
    """Where in the text that showed; -1 if unknown."""


class Obj:
    """An object: keys and values in their order."""

    __slots__ = ("_size", "depth", "keys", "refs", "values")

    def __init__(self, keys: tuple[str, ...], values: tuple["Value", ...], depth: int = 0) -> None:
        """``depth``: where it is known."""
        self.keys = keys
        self.values = values
        self.refs = 0
        self.depth = depth or _depth(values)
        self._size = 0

    @property
    def size(self) -> int:
        """Roughly how many tokens it has; of most objects nobody asks."""
        if not self._size:
            self._size = _size(self.values) + 2 * len(self.keys)
        return self._size


class Omitted(NamedTuple):
    """What is said of records that are left out."""

    total: int
    """How many there were with those that are left."""
    notes: tuple[tuple[int, str], ...]
    """What to say, and before which of the records that are left."""
    looks: str
    """How many are left out, and what they look like."""


class Odd(Obj):
    """An object with a key that comes twice: it is no record of a table."""

    __slots__ = ()


class Excerpt(Obj):
    """Some of the entries of an object whose keys are names."""

    __slots__ = ("looks", "notes", "total")

    def __init__(self, keys: tuple[str, ...], values: tuple["Value", ...], omitted: "Omitted") -> None:
        super().__init__(keys, values)
        self.total, self.notes, self.looks = omitted


class Note(str):
    """Stands for something that is left out, and says so."""

    __slots__ = ()


class Arr:
    """An array."""

    __slots__ = ("_size", "depth", "is_flat", "refs", "values")

    def __init__(self, values: tuple["Value", ...], depth: int = 0) -> None:
        """``depth``: where it is known."""
        self.values = values
        self.refs = 0
        self.depth = depth or _depth(values)
        self._size = 0
        self.is_flat: bool = self.depth == 1 or all(
            v.is_flat if isinstance(v, Arr) else type(v) not in NODES for v in values
        )
        """There is no object in it, however deep."""

    @property
    def size(self) -> int:
        """Roughly how many tokens it has."""
        if not self._size:
            self._size = _size(self.values)
        return self._size


class Sample(Arr):
    """Some of the records of an array."""

    __slots__ = ("looks", "notes", "total")

    def __init__(self, values: tuple["Value", ...], omitted: "Omitted") -> None:
        super().__init__(values)
        self.total, self.notes, self.looks = omitted


class Embedded:
    """A string that is a JSON text in one of the styles of ``json.dumps``: see ``dumped``."""

    __slots__ = ("depth", "refs", "size", "style", "values")

    def __init__(self, style: str, value: "Value") -> None:
        self.style = style
        self.values = (value,)
        self.refs = 0
        self.size, self.depth = _size(self.values), _depth(self.values)


Node: TypeAlias = Obj | Arr | Embedded
Value: TypeAlias = str | bytes | bool | Node | None
NODES = (Obj, Arr, Embedded)
_LEAVES = frozenset((str, bytes, bool, type(None), Note))
"""Types of what no other value is in."""
_INNER = ("\\", '"[')
"""One of these is in a text of which a string holds JSON: there are quotes in it, or it is an array of numbers."""
_NOTHING: tuple[tuple[str, ...], tuple[Value, ...]] = ((), ())
PartT = TypeVar("PartT", Sample, Excerpt)


def is_at_least(node: Node, least: int) -> bool:
    """Say whether a node has roughly so many tokens; of one with many values that is clear without a look at them."""
    return 2 * len(node.values) >= least or node.size >= least


def _depth(values: tuple[Any, ...]) -> int:
    if _LEAVES.issuperset(map(type, values)):
        return 1
    depths: list[int] = [value.depth for value in values if type(value) not in _LEAVES]
    return 1 + max(depths)


def _size(values: tuple[Any, ...]) -> int:
    size = 2
    for value in values:
        kind = type(value)
        if kind is str:
            size += len(value) // 4 + 2
        elif kind is bytes:
            size += len(value) // 3 + 2
        elif kind is Note:
            size += 6
        elif value is None or kind is bool:
            size += 2
        else:
            size += value.size + 1
    return size


class Reader:
    """Reads JSON texts into one DAG."""

    def __init__(self) -> None:
        self.objects: dict[Any, Obj] = {}
        self.others: dict[Any, Any] = {}
        """Arrays by their values, and strings that hold JSON."""
        self.shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        """The keys of each kind of object."""
        self.decode_at: Callable[[str, int], tuple[Any, int]] | None = None
        """What reads leads back to here: until it is taken off, nothing of what was read can go."""
        self._alone: list[tuple[Value, ...]] = []
        """Values of nodes that are not compared with others."""
        self._read = ""
        self._has_inner = False
        """A string of what was read may hold JSON."""

    @functools.cached_property
    def strings(self) -> Mapping[str, int]:
        """How often each longer string stands in the DAG, once all is read."""
        found: dict[str, int] = {}
        nodes = chain(self.objects.values(), self.others.values())
        for values in chain([node.values for node in nodes], self._alone):
            for value in values:
                if type(value) is str and len(value) >= LONG:
                    found[value] = found.get(value, 0) + 1
        return found

    def read_at(self, text: str, start: int) -> tuple[Value, int]:
        """Return the value that begins there, and where it ends; raises ``NotExact``."""
        if self.decode_at is None:
            self.decode_at = json.JSONDecoder(
                object_pairs_hook=self._object, parse_float=str.encode, parse_int=str.encode, parse_constant=_refused
            ).raw_decode
        if text is not self._read:
            self._read = text
            self._has_inner = self._has_inner or any(map(text.__contains__, _INNER))
        try:
            found, end = self.decode_at(text, start)
            value = self._settled(found)
        except json.JSONDecodeError as error:
            refusal = NotExact(error.msg)
            refusal.position = error.pos
            raise refusal from error
        except RecursionError as error:
            raise NotExact("nested too deeply") from error
        if isinstance(value, NODES) and value.depth > DEEPEST:
            raise NotExact("nested too deeply")
        return value, end

    def _object(self, pairs: list[tuple[str, Any]]) -> Obj:
        keys, values = zip(*pairs) if pairs else _NOTHING  # noqa: B905  # to ask for pairs takes as long
        shape = self.shapes.get(keys)
        if shape is None:
            if len(set(keys)) != len(keys):
                return self.object([(key, self._settled(value)) for key, value in pairs], odd=True)
            shape = self.shapes[keys] = keys
        if self._has_inner or not _LEAVES.issuperset(map(type, values)):
            return self._record(shape, self._all_settled(values))
        # As ``_record`` does it, for what most objects are: rows of a table.
        key = shape, values
        node = self.objects.get(key)
        if node is None:
            node = self.objects[key] = Obj(shape, values, 1)
        return node

    def object(self, pairs: list[tuple[str, Any]], *, odd: bool) -> Obj:
        """Return the object of these values of the DAG; ``odd``: a key may come twice."""
        keys, values = tuple([key for key, _ in pairs]), tuple([value for _, value in pairs])
        if not odd:
            return self._record(self.shapes.setdefault(keys, keys), values)
        self._refer_alone(values)
        return Odd(keys, values)

    def array(self, items: Iterable[Any], depth: int = 0) -> Arr:
        """Return the array of these values of the DAG; ``depth``: where it is known."""
        values = tuple(items)
        node: Arr | None = self.others.get(values)
        if node is None:
            node = self.others[values] = Arr(values, depth)
            if node.depth > 1:
                _count(values)
        return node

    def part(self, node: PartT) -> PartT:
        """Take some records of an array or an object into the DAG; they are not compared with others."""
        self._refer_alone(node.values)
        return node

    def embedded(self, style: str, inner: Any) -> Embedded:
        """Return the string that holds this value of the DAG."""
        node = Embedded(style, inner)
        found: Embedded = self.others.setdefault(("text", style, inner), node)
        if found is node:
            _refer(node.values)
        return found

    def _record(self, shape: tuple[str, ...], values: tuple[Any, ...]) -> Obj:
        key = shape, values
        node = self.objects.get(key)
        if node is None:
            node = self.objects[key] = Obj(shape, values)
            if node.depth > 1:
                _count(values)
        return node

    def _settled(self, value: Any) -> Any:
        """Return a string or list as a value of the DAG."""
        kind = type(value)
        if kind is str:
            if len(value) >= EMBEDDED and value[0] in "[{" and (style := _style(value)) is not None:
                inner, _ = self.read_at(value, 0)
                return self.embedded(style, inner)
            return value
        if kind is not list:
            return value
        if self._has_inner or not _LEAVES.issuperset(map(type, value)):
            return self.array(self._all_settled(value))
        return self.array(value, depth=1)

    def _all_settled(self, values: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(
            [
                self._settled(value)
                if type(value) is list or (type(value) is str and len(value) >= EMBEDDED)
                else value
                for value in values
            ]
        )

    def _refer_alone(self, values: tuple[Value, ...]) -> None:
        self._alone.append(values)
        _refer(values)


def _count(values: tuple[Any, ...]) -> None:
    """Note for each node among the values of another that it is referred to once more."""
    for value in values:
        if type(value) not in _LEAVES:
            value.refs += 1


def _refer(values: tuple[Value, ...]) -> None:
    """Note the same, but not of parts: what refers to these is not compared with others either."""
    for value in values:
        if type(value) in NODES:
            value.refs += 1  # type: ignore[union-attr]


def _refused(name: str) -> Any:
    raise NotExact(name)


def _style(text: str) -> str | None:
    """Return the name of the style that writes ``text`` again, letter by letter: see the legend of ``JSON`` texts."""
    if text[-1] not in "]}":
        return None
    line = text.find("\n")
    indent = len(text[line + 1 :]) - len(text[line + 1 :].lstrip(" ")) if line >= 0 else 0
    style = str(indent) if line >= 0 else "_" if ('": ' in text or ", " in text) else ""
    style += "a" if "\\u" in text else ""
    try:
        return style if dumped(json.loads(text), style) == text else None
    except (ValueError, RecursionError):
        return None


def dumped(value: Any, style: str) -> str:
    """Write JSON in a style.

    ``""`` is compact, ``_`` has a space after each comma and colon, ``2`` or another number indents by as much; a
    further ``a`` means that all but ASCII is escaped.
    """
    ascii_only = style.endswith("a")
    style = style.removesuffix("a")
    if style in ("", "_"):
        separators = (",", ":") if not style else (", ", ": ")
        return json.dumps(value, ensure_ascii=ascii_only, separators=separators)
    return json.dumps(value, ensure_ascii=ascii_only, indent=int(style))
