"""Turns a text of ``json_records`` back, from the text alone and without any code of the compressor.

Numbers come back as they were spelled, keys in their order. White space between JSON tokens does not come back.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

KEY = re.compile(r'"(?:[^"\\]|\\.)*"|@key|\$\d+|[^\s"{}\[\](),;:$=?*]+')
BARE = re.compile(r'(?:\$\d+)?(?:[^\s"{}\[\],;$]|\{[\w/?&+.,-]*\}|\[[\w*.-]*\])*')
STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
EMBEDDED = re.compile(r"JSON(_|\d+)?(a?)\(")
CONSTANT = re.compile(r"(?:[^\s\"{}\[\],;]|\{[\w/?&+.,-]*\}|\[[\w*.-]*\])+")
REFERENCE = re.compile(r"(\*|\$(?:@key|[A-Za-z_]\w*))", re.ASCII)
WORDS = {"null": None, "true": True, "false": False}
ABSENT, PRESENT, BELOW = object(), object(), object()


class Number(str):
    """A number as it was spelled."""

    __slots__ = ()


@dataclass
class Object:
    pairs: list[tuple[str, Any]]


@dataclass
class Embedded:
    style: str
    value: Any


@dataclass
class Joined:
    """A string made of strings, numbers and names."""

    parts: list[Any]


@dataclass
class Name:
    """What is defined under ``$1``."""

    name: str


@dataclass
class Column:
    name: str
    optional: bool = False
    typed: bool = False
    constant: Any = ABSENT
    default: Any = ABSENT
    template: list[str] | None = None
    inner: "list[Column] | None" = None
    child: "Schema | None" = None

    @property
    def refers(self) -> bool:
        return any(part != "*" and REFERENCE.fullmatch(part) is not None for part in self.template or [])

    @property
    def is_leaf(self) -> bool:
        if self.constant is not ABSENT:
            return False
        if self.template is not None:
            return "*" in self.template
        return self.inner is None or self.optional


@dataclass
class Schema:
    columns: list[Column]
    separator: str = " "
    leaves: list[Column] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.leaves = list(leaves_of(self.columns))


def leaves_of(columns: list[Column]) -> Any:
    for column in columns:
        if column.is_leaf:
            yield column
        yield from leaves_of(column.inner or [])


def decode(text: str) -> str:
    """Return the text with each JSON value in its usual form."""
    try:
        json.loads(text)
    except ValueError:
        return Decoder(text.split("\n")).text()
    return text


class Decoder:
    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.names: dict[str, Any] = {}

    def text(self) -> str:
        legend = ""
        if self.lines[0].startswith("# "):
            legend = self.lines[0]
            self.at = 1
        if "defined here" in legend:
            while self.lines[self.at]:
                self.definition()
            self.at += 1
        if not legend.startswith("# JSON between ~~~"):
            return self.document()
        found = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            if line == "~~~json":
                found.append(self.document())
                assert self.lines[self.at] == "~~~", self.lines[self.at]
                self.at += 1
            else:
                found.append(line)
        return "\n".join(found)

    def document(self) -> str:
        if self.lines[self.at].startswith("jsonl["):
            _, value = self.keyed(0, 0)[0]
            return "\n".join(self.dumped(item, "") for item in value)
        return self.dumped(self.block(0), "")

    # Lines.

    def definition(self) -> None:
        line = self.lines[self.at]
        table = re.match(r"\$\[(\d+)\]", line)
        if table is None:
            (name, value), position = self.keyed(0, 0)
            self.names[name] = value
            self.at += position >= 0
            return
        schema, _ = self.schema(line, table.end())
        self.at += 1
        for _ in range(int(table[1])):
            name, row = self.lines[self.at].split(":", 1)
            self.names[name] = Object(self.row(schema, row))

    def block(self, indent: int) -> Any:
        line = self.lines[self.at][indent:]
        if re.match(r"\[\d+\][{:]|\{\d+\}\{", line):
            return self.table(line, 0)
        if line.startswith("-"):
            return self.items(indent)
        if line[0] in "[{":
            self.at += 1
            value, end = self.value(line, 0)
            assert end == len(line), line
            return value
        pairs: list[tuple[str, Any]] = []
        while self.is_at(indent):
            position = indent
            line = self.lines[self.at]
            while True:
                pair, position = self.keyed(position, indent)
                pairs.append(pair)
                if position < 0:
                    break
                if position == len(line):
                    self.at += 1
                    break
                assert line[position] == " ", line[position:]
                position += 1
        return Object(pairs)

    def is_at(self, indent: int) -> bool:
        if self.at == len(self.lines) or self.lines[self.at] in ("", "~~~"):
            return False
        line = self.lines[self.at]
        return len(line) - len(line.lstrip(" ")) == indent

    def keyed(self, position: int, indent: int) -> tuple[tuple[str, Any], int]:
        """Read ``key:value`` and what is below it; the position is negative where the line was left."""
        line = self.lines[self.at]
        match = KEY.match(line, position)
        assert match, line[position:]
        key = json.loads(match[0]) if match[0][0] == '"' else match[0]
        position = match.end()
        if line[position] != ":":
            return (key, self.table(line, position)), -1
        if position + 1 == len(line):
            self.at += 1
            return (key, self.block(indent + 1)), -1
        if style := re.match(r"JSON(\w*)$", line[position + 1 :]):
            self.at += 1
            return (key, Embedded(style[1], self.block(indent + 1))), -1
        value, position = self.value(line, position + 1)
        return (key, value), position

    def items(self, indent: int) -> list[Any]:
        found = []
        while self.is_at(indent) and self.lines[self.at][indent] == "-":
            line = self.lines[self.at]
            rest = line[indent + 1 :]
            if not rest:
                self.at += 1
                found.append(self.block(indent + 1))
            elif rest[0] in "[{":
                found.append(self.table(line, indent + 1))
            elif style := re.match(r" JSON(\w*)$", rest):
                self.at += 1
                found.append(Embedded(style[1], self.block(indent + 1)))
            else:
                self.at += 1
                value, end = self.value(rest, 1)
                assert end == len(rest), rest
                found.append(value)
        return found

    # Tables.

    def table(self, line: str, position: int) -> Any:
        """Read a table whose ``[rows]`` or ``{rows}`` stands there, with its rows below."""
        size = re.compile(r"[\[{](\d+)[\]}]").match(line, position)
        assert size, line[position:]
        count = int(size[1])
        position = size.end()
        if line[position] == ":":
            return self.kinds(count)
        schema, end = self.schema(line, position)
        assert end == len(line), line[end:]
        self.at += 1
        rows = [self.next_row(schema) for _ in range(count)]
        if size[0][0] == "[":
            return [Object(pairs) for pairs in rows]
        return Object([(self.string(pairs[0][1]), Object(pairs[1:])) for pairs in rows])

    def next_row(self, schema: Schema) -> list[tuple[str, Any]]:
        return self.row(schema, self.lines[self.at].lstrip(" ")) if schema.leaves else self.record(schema.columns, {})

    def kinds(self, count: int) -> list[Any]:
        self.at += 1
        schemas: dict[str, Schema] = {}
        if self.lines[self.at].lstrip(" ").startswith("-"):
            return self.items(1)
        while header := re.match(r" *(@[a-z])=", self.lines[self.at]):
            schemas[header[1]], _ = self.schema(self.lines[self.at], header.end())
            self.at += 1
        found: list[Any] = []
        for _ in range(count):
            line = self.lines[self.at].lstrip(" ")
            if line[0] == "@":
                found.append(Object(self.row(schemas[line[:2]], line[3:])))
            else:
                self.at += 1
                found.append(self.value(line, 0)[0])
        return found

    def schema(self, line: str, position: int) -> tuple[Schema, int]:
        separators: set[str] = set()
        columns, end = self.columns(line, position, separators)
        assert len(separators) < 2, separators
        return Schema(columns, separators.pop() if separators else " "), end

    def columns(self, line: str, position: int, separators: set[str]) -> tuple[list[Column], int]:
        assert line[position] == "{", line[position:]
        found = []
        while True:
            column, position = self.column(line, position + 1, separators)
            found.append(column)
            if line[position] == "}":
                return found, position + 1
            separators.add(line[position])

    def column(self, line: str, position: int, separators: set[str]) -> tuple[Column, int]:
        match = KEY.match(line, position)
        assert match, line[position:]
        column = Column(json.loads(match[0]) if match[0][0] == '"' else match[0], typed=match[0] == "@key")
        position = match.end()
        if line.startswith("?", position) and not line.startswith("?=", position):
            column.optional = True
            position += 1
        if line.startswith(":str", position):
            column.typed = True
            position += 4
        if line.startswith("?=", position):
            column.default, position = self.value(line, position + 2)
        elif line.startswith("=", position):
            position = self.constant(column, line, position + 1)
        elif line.startswith("[]", position):
            column.child, position = self.schema(line, position + 2)
        elif line.startswith("{", position):
            column.inner, position = self.columns(line, position, separators)
        return column, position

    def constant(self, column: Column, line: str, position: int) -> int:
        bare = CONSTANT.match(line, position)
        if bare and bare[0][0] not in '[{"' and REFERENCE.search(bare[0]):
            column.template = [part for part in REFERENCE.split(bare[0]) if part]
            column.typed = True
            return bare.end()
        column.constant, end = self.value(line, position)
        return end

    def row(self, schema: Schema, line: str) -> list[tuple[str, Any]]:
        """Read one row, and what is below it."""
        cells = self.cells(schema, line)
        self.at += 1
        values: dict[int, Any] = {}
        children = sum(leaf.child is not None for leaf in schema.leaves)
        for leaf, cell in zip(schema.leaves, cells, strict=True):
            value = cell
            if leaf.child is not None and isinstance(cell, Number):
                if int(cell) and children > 1:
                    assert self.lines[self.at].endswith(":"), self.lines[self.at]
                    self.at += 1
                child = leaf.child
                value = [Object(self.next_row(child)) for _ in range(int(cell))]
            elif cell is BELOW:
                line = self.lines[self.at]
                indent = len(line) - len(line.lstrip(" "))
                value = self.keyed(indent, indent)[0][1]
            values[id(leaf)] = value
        return self.record(schema.columns, values)

    def cells(self, schema: Schema, line: str) -> list[Any]:
        found = []
        position = 0
        for number, leaf in enumerate(schema.leaves):
            if number:
                assert line[position] == schema.separator, (line, position)
                position += 1
            value, position = self.cell(leaf, schema.separator, line, position)
            found.append(value)
        assert position == len(line), (line, position, schema.leaves)
        return found

    def cell(self, leaf: Column, separator: str, line: str, position: int) -> tuple[Any, int]:
        is_value = line[position : position + 1] in ('"', "[", "{") and position < len(line)
        if is_value or (not leaf.typed and EMBEDDED.match(line, position)):
            return self.value(line, position)
        if separator == ",":
            end = line.find(",", position)
            end = len(line) if end < 0 else end
        else:
            match = BARE.match(line, position)
            assert match
            end = match.end()
        token = line[position:end]
        if token == ("" if separator == "," else "-"):
            return leaf.default, end
        if token == ":":
            return BELOW, end
        if token == "+":
            return PRESENT, end
        return self.scalar(token, typed=leaf.typed), end

    def record(self, columns: list[Column], values: dict[int, Any]) -> list[tuple[str, Any]]:
        found: dict[int, Any] = {}
        for column in columns:
            value = values.get(id(column), ABSENT)
            if column.constant is not ABSENT:
                value = column.constant
            elif column.inner is not None and (not column.optional or value is PRESENT):
                value = Object(self.record(column.inner, values))
            found[id(column)] = value
        by_name = {column.name: column for column in reversed(columns)}
        full = dict(found)
        for with_references in (False, True):
            for column in columns:
                if column.template is None or column.refers != with_references:
                    continue
                parts = []
                for part in column.template:
                    if part == "*":
                        parts.append(found[id(column)])
                    elif REFERENCE.fullmatch(part):
                        parts.append(full[id(by_name[part[1:]])])
                    else:
                        parts.append(self.scalar(part, typed=True))
                full[id(column)] = parts[0] if len(parts) == 1 else Joined(parts)
        return [(column.name, full[id(column)]) for column in columns if full[id(column)] is not ABSENT]

    # Values.

    def value(self, line: str, position: int) -> tuple[Any, int]:
        start = line[position]
        if start == '"':
            match = STRING.match(line, position)
            assert match, line[position:]
            return json.loads(match[0]), match.end()
        if start == "{":
            return self.object(line, position + 1)
        if start == "[":
            return self.array(line, position + 1)
        if match := EMBEDDED.match(line, position):
            if name := re.compile(r"\$\d+").match(line, match.end()):
                value, position = Name(name[0]), name.end()
            else:
                value, position = self.value(line, match.end())
            assert line[position] == ")", line[position:]
            return Embedded((match[1] or "") + match[2], value), position + 1
        match = BARE.match(line, position)
        assert match, line[position:]
        assert match[0], line[position:]
        return self.scalar(match[0], typed=False), match.end()

    def object(self, line: str, position: int) -> tuple[Any, int]:
        pairs = []
        while line[position] != "}":
            position += line[position] == " "
            match = KEY.match(line, position)
            assert match, line[position:]
            assert line[match.end()] == ":", line[position:]
            value, position = self.value(line, match.end() + 1)
            pairs.append((json.loads(match[0]) if match[0][0] == '"' else match[0], value))
        return Object(pairs), position + 1

    def array(self, line: str, position: int) -> tuple[Any, int]:
        rows: list[list[Any]] = [[]]
        while line[position] != "]":
            if line[position] == ";":
                rows.append([])
                position += 1
                continue
            position += line[position] == " "
            value, position = self.value(line, position)
            rows[-1].append(value)
        if len(rows) == 1:
            return rows[0], position + 1
        if len(rows[0]) > 1 and rows[-1] == ["^"]:
            rows[-1] = rows[0]
        return [row for row in rows if row], position + 1

    def scalar(self, token: str, *, typed: bool) -> Any:
        if match := re.match(r"\$\d+", token):
            return Name(match[0]) if match.end() == len(token) else Joined([Name(match[0]), token[match.end() :]])
        if typed:
            return token
        if token in WORDS:
            return WORDS[token]
        return Number(token) if NUMBER.fullmatch(token) else token

    # Back to JSON.

    def string(self, value: Any) -> str:
        if isinstance(value, Name):
            value = self.names[value.name]
        if isinstance(value, Joined):
            return "".join(map(self.string, value.parts))
        if isinstance(value, Embedded):
            return self.dumped(value.value, value.style)
        assert isinstance(value, str), value
        return str(value)

    def dumped(self, value: Any, style: str, level: int = 1) -> str:
        if isinstance(value, Name):
            return self.dumped(self.names[value.name], style, level)
        if isinstance(value, Number):
            return str(value)
        if isinstance(value, (str, Joined, Embedded)):
            return json.dumps(self.string(value), ensure_ascii=not style or style.endswith("a"))
        kind = style.removesuffix("a")
        comma, colon = {"": (",", ":"), "_": (", ", ": ")}.get(kind, (",", ": "))
        if isinstance(value, Object):
            inside = [
                json.dumps(k, ensure_ascii=not style or style.endswith("a")) + colon + self.dumped(v, style, level + 1)
                for k, v in value.pairs
            ]
            return self.bracketed("{}", inside, comma, kind, level)
        if isinstance(value, list):
            return self.bracketed("[]", [self.dumped(item, style, level + 1) for item in value], comma, kind, level)
        return json.dumps(value)

    @staticmethod
    def bracketed(brackets: str, inside: list[str], comma: str, kind: str, level: int) -> str:
        if not inside or not kind.isdigit():
            return brackets[0] + comma.join(inside) + brackets[1]
        pad = "\n" + " " * int(kind) * level
        return brackets[0] + pad + (comma + pad).join(inside) + pad[: -int(kind) or None] + brackets[1]


# The comparison.


def same(original: str, decoded: str) -> bool:
    """Say whether two texts hold the same JSON values, types and spelling of numbers and order of keys included, and
    between them the same text; white space around and in the values does not count.
    """
    return pieces(original) == pieces(decoded)


def pieces(text: str) -> list[Any]:
    """Return the values that begin and end a line, and the stripped texts between them."""
    decoder = json.JSONDecoder(
        object_pairs_hook=lambda pairs: ("object", pairs),
        parse_float=lambda number: ("number", number),
        parse_int=lambda number: ("number", number),
    )
    found: list[Any] = []
    done = at = 0
    while start := re.compile(r"^[\[{]", re.MULTILINE).search(text, at):
        try:
            value, end = decoder.raw_decode(text, start.start())
        except (ValueError, RecursionError):
            at = start.end()
            continue
        line_end = re.compile(r"[ \t\r]*(?:\n|\Z)").match(text, end)
        at = end
        if line_end:
            found += [text[done : start.start()].strip(), ("value", value)]
            done = at = line_end.end()
    return [piece for piece in [*found, text[done:].strip()] if piece]
