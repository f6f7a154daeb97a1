"""JSON read exactly: numbers keep their spelling, keys their order, and equal subtrees are one object.

Types never meet in a comparison: a string is ``str``, a number the ``bytes`` it was spelled with, and ``True``,
``False`` and ``None`` are themselves. Equal containers are identical, so a tree is a DAG that knows its repetitions.
"""

import json
from collections import Counter
from collections.abc import Callable
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

    __slots__ = ("depth", "keys", "refs", "size", "values")

    def __init__(
        self, keys: tuple[str, ...], values: tuple["Value", ...], strings: dict[str, int] | None = None
    ) -> None:
        self.keys = keys
        self.values = values
        self.refs = 0
        self.size, self.depth = _measure(values, strings)
        self.size += 2 * len(keys)


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

    __slots__ = ("depth", "is_flat", "refs", "size", "values")

    def __init__(self, values: tuple["Value", ...], strings: dict[str, int] | None = None) -> None:
        self.values = values
        self.refs = 0
        self.size, self.depth = _measure(values, strings)
        self.is_flat: bool = self.depth == 1 or all(
            v.is_flat if isinstance(v, Arr) else type(v) not in NODES for v in values
        )
        """There is no object in it, however deep."""


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
        self.size, self.depth = _measure(self.values)


Node: TypeAlias = Obj | Arr | Embedded
Value: TypeAlias = str | bytes | bool | Node | None
NODES = (Obj, Arr, Embedded)
_NOTHING: tuple[tuple[str, ...], tuple[Value, ...]] = ((), ())
PartT = TypeVar("PartT", Sample, Excerpt)


def _measure(values: tuple[Any, ...], strings: dict[str, int] | None = None) -> tuple[int, int]:
    """Return a rough size in tokens, and the depth; with ``strings``, count what is referred to."""
    size, depth = 2, 0
    for value in values:
        kind = type(value)
        if kind is str:
            length = len(value)
            size += length // 4 + 2
            if length >= LONG and strings is not None:
                strings[value] = strings.get(value, 0) + 1
        elif kind is bytes:
            size += len(value) // 3 + 2
        elif kind is Note:
            size += 6
        elif value is None or kind is bool:
            size += 2
        else:
            size += value.size + 1
            depth = max(depth, value.depth)
            if strings is not None:
                value.refs += 1
    return size, depth + 1


class Reader:
    """Reads JSON texts into one DAG."""

    def __init__(self) -> None:
        self.strings: Counter[str] = Counter()
        """How often each longer string stands in the DAG."""
        self.objects: dict[Any, Obj] = {}
        self.others: dict[Any, Any] = {}
        """Arrays by their values, and strings that hold JSON."""
        self.shapes: dict[tuple[str, ...], tuple[str, ...]] = {}
        """The keys of each kind of object."""
        self.decode_at: Callable[[str, int], tuple[Any, int]] | None = None
        """What reads leads back to here: until it is taken off, nothing of what was read can go."""

    def read_at(self, text: str, start: int) -> tuple[Value, int]:
        """Return the value that begins there, and where it ends; raises ``NotExact``."""
        if self.decode_at is None:
            self.decode_at = json.JSONDecoder(
                object_pairs_hook=self._object, parse_float=str.encode, parse_int=str.encode, parse_constant=_refused
            ).raw_decode
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
        keys, values = zip(*pairs, strict=True) if pairs else _NOTHING
        shape = self.shapes.get(keys)
        if shape is None:
            if len(set(keys)) != len(keys):
                return self.object([(key, self._settled(value)) for key, value in pairs], odd=True)
            shape = self.shapes[keys] = keys
        for value in values:
            kind = type(value)
            if kind is list or (kind is str and len(value) >= EMBEDDED):  # type: ignore[arg-type]
                values = tuple([self._settled(value) if type(value) in (list, str) else value for value in values])
                break
        return self._record(shape, values)

    def object(self, pairs: list[tuple[str, Any]], *, odd: bool) -> Obj:
        """Return the object of these values of the DAG; ``odd``: a key may come twice."""
        keys, values = tuple([key for key, _ in pairs]), tuple([value for _, value in pairs])
        if not odd:
            return self._record(self.shapes.setdefault(keys, keys), values)
        self._refer(values)
        return Odd(keys, values)

    def array(self, values: list[Any]) -> Arr:
        """Return the array of these values of the DAG."""
        return self._list(tuple(values))

    def part(self, node: PartT) -> PartT:
        """Take some records of an array or an object into the DAG; they are not compared with others."""
        self._refer(node.values)
        return node

    def embedded(self, style: str, inner: Any) -> Embedded:
        """Return the string that holds this value of the DAG."""
        return self._shared(("text", style, inner), Embedded(style, inner))

    def _record(self, shape: tuple[str, ...], values: tuple[Any, ...]) -> Obj:
        node = self.objects.get((shape, values))
        if node is None:
            node = self.objects[shape, values] = Obj(shape, values, self.strings)
        return node

    def _settled(self, value: Any) -> Any:
        """Return a string or list as a value of the DAG."""
        kind = type(value)
        if kind is str:
            if len(value) < LONG:
                return value
            if len(value) >= EMBEDDED and value[0] in "[{" and (style := _style(value)) is not None:
                inner, _ = self.read_at(value, 0)
                return self.embedded(style, inner)
            return value
        if kind is not list:
            return value
        return self._list(tuple([self._settled(item) if type(item) in (list, str) else item for item in value]))

    def _list(self, values: tuple[Any, ...]) -> Arr:
        node: Arr | None = self.others.get(values)
        if node is None:
            node = self.others[values] = Arr(values, self.strings)
        return node

    def _shared(self, key: Any, node: Embedded) -> Embedded:
        found: Embedded = self.others.setdefault(key, node)
        if found is node:
            self._refer(node.values)
        return found

    def _refer(self, values: tuple[Value, ...]) -> None:
        for value in values:
            if type(value) in NODES:
                value.refs += 1  # type: ignore[union-attr]
            elif type(value) is str and len(value) >= LONG:
                self.strings[value] += 1


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
