"""YAML as programs write it, read and written: block mappings and lists, without comments, anchors or empty lines."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Value = dict[str, "Value"] | list["Value"] | str | int | float | bool | None
"""A string is its spelling in the text, without the quotes that it has because it looks like something else."""

_KEY = re.compile(
    r"""("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s"'#&*!|>%@`{}\[\],?:-][^#]*?|[-?:][^\s#][^#]*?):(?: (.+))?"""
)
_BLOCK = re.compile(r"[|>][-+]?")
_BEGIN_BLOCK, _BEGIN_NUMBER = "|>", "-0123456789"
_WHOLE = re.compile(r"0|-?[1-9]\d{0,14}")
_FRACTION = re.compile(r"-?(?:0|[1-9]\d{0,6})\.\d{0,6}[1-9]|-?\d{1,6}\.0")
_AMBIGUOUS = re.compile(
    r"[-+]?\.?\d[\d_]*(?:\.\d*)?(?:e[-+]?\d+)?|\d{4}-\d\d-\d\d[\dTZ:.+ -]*|true|false|null|yes|no|on|off|y|n|~",
    re.IGNORECASE,
)
_NAMED: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_MARK = "---"
_DEEPEST = 60


class NotPlain(ValueError):
    """The text is no YAML, or not in the style in which it would be written again."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Documents, and the style in which they are written."""

    documents: tuple[Value, ...]
    offset: str
    """Spaces that an item of a list has more than its key."""
    marked: bool
    """A line ``---`` stands above the first document, too."""

    def text(self) -> str:
        """Return the YAML."""
        lines: list[str] = []
        for number, document in enumerate(self.documents):
            lines += [_MARK] if number or self.marked else []
            _write(lines, document, "", self.offset)
        return "\n".join(lines)


def read(lines: Sequence[str], skipped: dict[int, int] | None = None) -> Manifest:
    """Read a whole text; ``skipped`` gives ranges of lines (start: stop) that a note replaces. Raises ``NotPlain``."""
    reader = _Reader(lines, skipped or {})
    documents = tuple(reader.documents())
    return Manifest(documents, reader.offset or "", lines[:1] == [_MARK])


def _write(lines: list[str], value: Value, indent: str, offset: str) -> None:
    """Append the lines of a value."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _write_entry(lines, f"{indent}{key}:", inner, indent, offset)
    elif isinstance(value, list) and value:
        for item in value:
            if isinstance(item, (dict, list)) and item:
                first = len(lines)
                _write(lines, item, indent + "  ", offset)
                lines[first] = f"{indent}- {lines[first][len(indent) + 2 :]}"
            else:
                _write_entry(lines, f"{indent}-", item, indent, offset)
    else:
        _write_entry(lines, indent[:-1], value, indent, offset)


def _write_entry(lines: list[str], head: str, value: Value, indent: str, offset: str) -> None:
    if isinstance(value, (dict, list)) and value:
        lines.append(head)
        _write(lines, value, indent + ("  " if isinstance(value, dict) else offset), offset)
        return
    text = _scalar(value)
    first, *more = text.split("\n") if "\n" in text else (text,)
    lines.append(f"{head} {first}" if first else head)
    lines.extend(f"{indent}  {line}" if line else line for line in more)


def _scalar(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (dict, list)):
        return "{}" if isinstance(value, dict) else "[]"
    if isinstance(value, str) and _AMBIGUOUS.fullmatch(value):
        return f'"{value}"'
    return "null" if value is None else str(value)


def _value_of(text: str) -> Value:
    if text in _NAMED:
        return _NAMED[text]
    if text == "{}":
        return {}
    if text == "[]":
        return []
    if text[:1] in _BEGIN_NUMBER:
        if _WHOLE.fullmatch(text):
            return int(text)
        if _FRACTION.fullmatch(text):
            return float(text)
    if _AMBIGUOUS.fullmatch(text):
        raise NotPlain(text)
    return text[1:-1] if text[:1] == '"' == text[-1] and _AMBIGUOUS.fullmatch(text[1:-1]) else text


class _Reader:
    """Goes through the lines once."""

    def __init__(self, lines: Sequence[str], skipped: dict[int, int]) -> None:
        self._lines = lines
        self._at = 0
        self._skipped = skipped
        self.offset: str | None = None

    def documents(self) -> Iterator[Value]:
        """Yield what stands between lines ``---``."""
        if self._lines[:1] == [_MARK]:
            self._at = 1
        while True:
            yield self._block(0)
            if self._at >= len(self._lines):
                return
            if self._lines[self._at] != _MARK:
                raise NotPlain(self._at)
            self._at += 1

    def _depth(self) -> int:
        """Return the indentation of the line, -1 behind the last one."""
        if self._at >= len(self._lines):
            return -1
        line = self._lines[self._at]
        depth = len(line) - len(line.lstrip(" "))
        if depth == len(line) or depth > 2 * _DEEPEST:
            raise NotPlain(self._at)
        return depth

    def _block(self, depth: int) -> Value:
        line = self._lines[self._at] if self._at < len(self._lines) else ""
        if line[depth:] in ("{}", "[]", "null"):
            self._at += 1
            return _value_of(line[depth:])
        return self._list(depth) if line.startswith("- ", depth) else self._mapping(depth, line[depth:])

    def _list(self, depth: int) -> list[Value]:
        found: list[Value] = []
        while self._depth() == depth and self._lines[self._at].startswith("- ", depth):
            inside = self._lines[self._at][depth + 2 :]
            if inside.startswith("- "):
                raise NotPlain(self._at)
            found.append(self._mapping(depth + 2, inside) if _KEY.fullmatch(inside) else self._scalar(inside, depth))
        return found

    def _mapping(self, depth: int, first: str) -> dict[str, Value]:
        found: dict[str, Value] = {}
        text = first
        while True:
            match = _KEY.fullmatch(text)
            if match is None or match[1] in found:
                raise NotPlain(self._at)
            found[match[1]] = self._inside(match[2], depth)
            if self._depth() != depth or self._lines[self._at].startswith("- ", depth):
                return found
            if self._lines[self._at] == _MARK:
                return found
            text = self._lines[self._at][depth:]

    def _inside(self, text: str | None, depth: int) -> Value:
        """Return the value of a key that stands at ``depth``, and go on behind it."""
        if (stop := self._skipped.get(self._at)) is not None:
            note = f"[left out: lines {self._at + 1}-{stop}]"
            self._at = stop
            return note
        if text is not None:
            return self._scalar(text, depth)
        self._at += 1
        inner = self._depth()
        is_item = inner >= depth and self._lines[self._at].startswith("- ", inner)
        if is_item:
            self.offset = " " * (inner - depth) if self.offset is None else self.offset
            if inner != depth + len(self.offset):
                raise NotPlain(self._at)
            return self._list(inner)
        if inner == depth + 2:
            return self._block(inner)
        return ""

    def _scalar(self, text: str, depth: int) -> Value:
        self._at += 1
        if text[:1] not in _BEGIN_BLOCK or not _BLOCK.fullmatch(text):
            return _value_of(text)
        kept = [text]
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line and not line.startswith(" " * (depth + 2)):
                break
            kept.append(line[depth + 2 :])
            self._at += 1
        return "\n".join(kept)
