"""A text with JSON in it, put together: legend, definitions of names, and each part in its place."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from headroom_mitm.compressors.json_cells import GAIN, Cells, is_bare, quoted
from headroom_mitm.compressors.json_outline import Outline
from headroom_mitm.compressors.json_tree import NODES, Obj, Reader, Sample, Value

OPEN, CLOSE = "~~~json", "~~~"
_MARK = re.compile("\x01(\\d+)\x02")
_TABLED = 3  # definitions of the same keys from which they become a table
_LEGEND = {
    "~": "JSON between ~~~ is shortened",
    "$n": "$1, $2 … stand for what is defined here",
    "=": "in a header a=v: a is v in every row",
    "?=": "a?=v: a is v where the cell is empty or -",
    "?": "a?: no such key where the cell is empty or -",
    "$": "$b in v: the row's b",
    "*": "* in v: the cell",
    "[]": "a[]{…}: the cell counts rows that follow below",
    "+": "+: the object is in the next cells",
    ":": "a cell : is written below",
    "^": "^ ends a list with its first item",
    "JSON": "JSON(…): a string that holds this JSON",
    "…": "…( ) says in its place what is left out; …(+9) is 9 characters",
    "@": "a row @k has the cells of header @k",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the text: verbatim, a JSON value, or JSON values on lines of their own."""

    text: str = ""
    values: list[Value] = field(default_factory=list)
    is_line: bool = False
    """Each value stood in one line."""


def written(parts: Sequence[Part], reader: Reader, count: Callable[[str], int]) -> str | None:
    """Return the whole text, or None where it cannot be told apart from what stands around the JSON."""
    document = _Document(Cells(reader.strings), count)
    is_mixed = len(parts) > 1
    lines: list[str] = []
    for part in parts:
        if part.text:
            if any(line.startswith("~~~") for line in part.text.split("\n")):
                return None
            lines.append(part.text)
            continue
        lines.extend([OPEN, *document.body(part), CLOSE] if is_mixed else document.body(part))
    return document.finished("\n".join(lines), is_mixed=is_mixed)


class _Document:
    def __init__(self, cells: Cells, count: Callable[[str], int]) -> None:
        self._cells = cells
        self._outline = Outline(cells, count)
        self._uses: defaultdict[str, int] = defaultdict(int)
        self._definitions: dict[str, str] = {}
        self._numbers: dict[str, str] = {}

    def body(self, part: Part) -> Iterator[str]:
        """Write one part without definitions."""
        if len(part.values) > 1 or (part.is_line and isinstance(part.values[0], Sample)):
            return self._outline.lines(part.values)
        return self._outline.block(part.values[0], 0)

    def finished(self, body: str, *, is_mixed: bool) -> str:
        """Put legend and definitions before the body, and names where their marks stand."""
        self._define(body)
        body = _MARK.sub(self._name, body)
        definitions: list[str] = []
        done = 0
        while done < len(self._numbers):  # definitions use names that need definitions
            names = list(self._numbers)[done:]
            done = len(self._numbers)
            definitions.extend(_MARK.sub(self._name, line) for line in self._written(names))
        features = self._cells.features | ({"~"} if is_mixed else set()) | ({"$n"} if definitions else set())
        legend = "; ".join(text for feature, text in _LEGEND.items() if feature in features)
        if definitions:
            definitions.append("")
        return "\n".join([f"# {legend}", *definitions, body] if legend else [*definitions, body])

    def _define(self, body: str) -> None:
        """Find all marks that can be reached, count them, and write what they stand for."""
        texts = [body]
        while texts:
            for mark in _MARK.findall(texts.pop()):
                self._uses[mark] += 1
                if mark not in self._definitions:
                    texts.append(self._definition(mark))

    def _definition(self, mark: str) -> str:
        """Return what a mark would stand for. In a table of definitions a mark may stand that is in none of them."""
        if mark not in self._definitions:
            value = self._cells.named[int(mark)]
            lines = [] if isinstance(value, str) else self._outline.definition("", value)
            self._definitions[mark] = "\n".join(lines)
        return self._definitions[mark]

    def _pays(self, mark: str) -> bool:
        value = self._cells.named[int(mark)]
        if isinstance(value, str):
            return (self._uses[mark] - 1) * (len(value) // 4 - 2) >= GAIN // 2
        return self._uses[mark] > 1 or "\n" in self._definition(mark)

    def _name(self, match: re.Match[str]) -> str:
        mark = match[1]
        number = self._numbers.get(mark)
        if number is not None:
            return number
        if self._pays(mark):
            return self._numbers.setdefault(mark, f"${len(self._numbers) + 1}")
        value = self._cells.named[int(mark)]
        if isinstance(value, str):
            return value if is_bare(value) else quoted(value)
        return _MARK.sub(self._name, self._cells.spelled(value))

    def _written(self, marks: list[str]) -> list[str]:
        """Return the definitions of these marks, those of like objects as tables."""
        lines: list[str] = []
        alike: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        for mark in marks:
            value = self._cells.named[int(mark)]
            if type(value) is Obj:  # an excerpt has notes between its rows
                alike[value.keys].append(mark)
        tabled: set[str] = set()
        for group in alike.values():
            if len(group) >= _TABLED:
                records: list[Obj] = [self._cells.named[int(mark)] for mark in group]  # type: ignore[misc]
                rows = self._outline.definitions([self._numbers[mark] for mark in group], records)
                if rows is not None:
                    lines.extend(rows)
                    tabled.update(group)
        for mark in marks:
            value = self._cells.named[int(mark)]
            if isinstance(value, NODES) and mark not in tabled:
                lines.extend(self._outline.definition(self._numbers[mark], value))
            elif isinstance(value, str):
                lines.append(f"{self._numbers[mark]}:{value if is_bare(value) else quoted(value)}")
        return lines
