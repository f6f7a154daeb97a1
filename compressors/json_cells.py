"""How single JSON values are written: bare where no other value could be meant, else as JSON strings."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from headroom_mitm.compressors.json_tree import LONG, NODES, Arr, Embedded, Excerpt, Node, Note, Obj, Sample, Value

GAIN = 12  # rough tokens that a name must save
RING = 4  # points from which the last, if it is the first again, is only said to be so
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?\Z", re.ASCII)
_WORDS = frozenset(("true", "false", "null", "-", "+", ":"))
_EMBEDDED = re.compile(r"JSON[_\d]*a?(?:\(|\Z)")
# A bare string ends at a space, or in a row with commas at the comma; ``$`` would begin a name.
_BARE = re.compile(
    r"""[^\s"{}\[\],;$#\x00-\x1f\x7f-\x9f\ud800-\udfff](?:[^\s"{}\[\],;$\x00-\x1f\x7f-\x9f\ud800-\udfff]|\{[\w/?&+.,-]*\}|\[[\w*.-]*\])*\Z"""
)
_BARE_CELL = re.compile(
    r"""[^\s"{}\[\],$#\x00-\x1f\x7f-\x9f\ud800-\udfff](?:[^\s,$\x00-\x1f\x7f-\x9f\ud800-\udfff]| (?!\Z))*\Z"""
)
_KEY = re.compile(
    r"""[^\s"{}\[\]()<>,;:$#@=?*\x00-\x1f\x7f-\x9f\ud800-\udfff-][^\s"{}\[\](),;:$=?*\x00-\x1f\x7f-\x9f\ud800-\udfff]*\Z"""
)
# Cells that are bare wherever they stand, and no number, literal or name of JSON: most columns have no others.
_PLAIN = re.compile(
    r"""(?:(?:(?!(?:true|false|null)\n|JSON)[^\W\d]|[/@.~<(]|\d{4}-)"""
    r"""[^\s"{}\[\],;$\x00-\x1f\x7f-\x9f\ud800-\udfff]*+\n)*+"""
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CUTS = re.compile(r"[/?#&=]+|(?<=[^\W\d]):|(?<=\d{12}):")
_CUT = re.compile(r"[/?#&=:]")
LITERALS: Mapping[object, str] = {None: "null", True: "true", False: "false"}


def quoted(text: str) -> str:
    """Return the JSON string, readable: only what must be escaped is."""
    written = json.dumps(text, ensure_ascii=False)
    return _SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", written)


def is_bare(text: str, *, cell: bool = False, typed: bool = False) -> bool:
    """Say whether the string can stand without quotes; ``cell``: between commas; ``typed``: where only strings are."""
    if (_BARE_CELL if cell else _BARE).match(text) is None:
        return False
    if text in _WORDS:
        return typed and text not in "-+:"
    return typed or not (_NUMBER.match(text) or (text.startswith("JSON") and _EMBEDDED.match(text)))


def needs_type(text: str) -> bool:
    """Say whether a string can stand without quotes in a row with commas, but only where all are strings."""
    is_taken = text in _WORDS or _NUMBER.match(text) or (text.startswith("JSON") and _EMBEDDED.match(text))
    return bool(is_taken) and is_bare(text, cell=True, typed=True)


def are_plain(texts: Sequence[str]) -> bool:
    """Say whether it is clear that all of these strings can stand without quotes, in any row and any list."""
    lines = "\n".join([*texts, ""])
    return _PLAIN.fullmatch(lines) is not None and lines.count("\n") == len(texts)


def is_shared(node: Node) -> bool:
    """Say whether a subtree is repeated so that it pays to write it once, with a name."""
    return node.refs > 1 and (node.refs - 1) * (node.size - 4) >= GAIN


class Cells:
    """Writes values in one line, and gives names to what is repeated.

    A name is written as a mark, a number between two control characters: whether it pays is known only at the end.
    """

    def __init__(self, strings: Mapping[str, int]) -> None:
        self.named: list[Value] = []
        """What the marks stand for; a string may be only the beginning of what the mark stands in."""
        self.features: set[str] = set()
        """What needs an explanation: see the legend."""
        self._marks: dict[Value, str] = {}
        self._keys: dict[str, str] = {}
        self._inline: dict[Value, str] = {}
        self._cells: dict[tuple[Value, bool, bool], str] = {}
        self._beginnings = _beginnings(strings)
        self._starts = frozenset(self._beginnings.values())

    def mark(self, value: Value) -> str:
        """Return the mark that stands for a value or the beginning of a string."""
        found = self._marks.get(value)
        if found is None:
            found = self._marks[value] = f"\x01{len(self.named)}\x02"
            self.named.append(value)
        return found

    def key(self, name: str) -> str:
        """Write a key."""
        written = self._keys.get(name)
        if written is None:
            written = self._keys[name] = name if _KEY.match(name) else quoted(name)
        return written

    def inline(self, value: Value) -> str:
        """Write a value between spaces, in one line."""
        written = self._inline.get(value)
        if written is None:
            shared = isinstance(value, NODES) and is_shared(value)
            written = self._inline[value] = self.mark(value) if shared else self.spelled(value)
        return written

    def spelled(self, value: Value) -> str:
        """Write a value between spaces, in one line, itself without a name."""
        if isinstance(value, Note):
            self.features.add("…")
            return value
        if isinstance(value, str):
            return self._string(value)
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, Obj):
            fields = zip(map(self.key, value.keys), map(self.inline, value.values), strict=True)
            looks = []
            if isinstance(value, Excerpt):
                self.features.add("…")
                looks = [value.looks]
            return "{" + " ".join([*looks, *(f"{key}:{written}" for key, written in fields)]) + "}"
        if isinstance(value, Sample):
            return self._sampled(value)
        if isinstance(value, Arr):
            return self._matrix(value) or "[" + " ".join(map(self.inline, value.values)) + "]"
        if isinstance(value, Embedded):
            self.features.add("JSON")
            return f"JSON{value.style}({self.inline(value.values[0])})"
        return LITERALS[value]

    def cell(self, value: Value, *, commas: bool, typed: bool) -> str:
        """Write a value in a row; ``commas`` stand between its cells, or else spaces; ``typed``: all are strings."""
        if type(value) is not str:
            return self.inline(value)
        if not commas and not typed:
            return self.inline(value)
        written = self._cells.get((value, commas, typed))
        if written is None:
            written = self._cells[value, commas, typed] = self._string(value, cell=commas, typed=typed)
        return written

    def has_names(self, texts: Iterable[str]) -> bool:
        """Say whether a name may stand for one of these strings or for its beginning."""
        return not self._beginnings.keys().isdisjoint(texts)

    def beginning(self, text: str) -> str:
        """Write the beginning of bare strings, with the name of a beginning of it where there is one."""
        for end in reversed([len(text), *(cut.start() for cut in _CUTS.finditer(text, LONG))]):
            if text[:end] in self._starts and is_bare(text[:end]):
                return self.mark(text[:end]) + text[end:]
        return text

    def _string(self, text: str, *, cell: bool = False, typed: bool = False) -> str:
        bare = is_bare(text, cell=cell, typed=typed)
        if len(text) >= LONG and (beginning := self._beginnings.get(text)):
            if beginning == text:
                return self.mark(text)
            if bare:
                return self.mark(beginning) + text[len(beginning) :]
        return text if bare else quoted(text)

    def _sampled(self, sample: Sample) -> str:
        self.features.add("…")
        notes = dict(sample.notes)
        parts = [sample.looks]
        for number, value in enumerate((*sample.values, None)):
            parts += [notes[number]] if number in notes else []
            parts += [self.inline(value)] if number < len(sample.values) else []
        return "[" + " ".join(parts) + "]"

    def _matrix(self, array: Arr) -> str | None:
        """Write rows of numbers or short values of one length as ``[1 2;3 4]``; ``^`` closes a ring of points."""
        rows = array.values
        first = rows[0] if rows else None
        if not isinstance(first, Arr) or not first.values:
            return None
        width = len(first.values)
        for row in rows:
            if isinstance(row, Note):
                continue
            if not isinstance(row, Arr) or len(row.values) != width or row.depth > 1:
                return None
        cells = [[row] if isinstance(row, Note) else row.values for row in rows]  # type: ignore[union-attr]
        texts = [" ".join(map(self.inline, row)) for row in cells]
        if len(rows) >= RING and width > 1 and rows[-1] is first:
            self.features.add("^")
            texts[-1] = "^"
        written = ";".join(texts)
        return f"[{written};]" if len(rows) == 1 else f"[{written}]"


def _beginnings(strings: Mapping[str, int]) -> dict[str, str]:
    """Choose for repeated strings, and for strings that begin alike, which beginning gets a name."""
    of_prefix: dict[str, list[str]] = {text: [text] for text, count in strings.items() if count > 1}
    # Most texts have no strings with what cuts them, far fewer than strings: one search finds that out.
    is_cut = _CUT.search("\n".join(strings)) is not None
    long = [text for text in strings if is_cut and _CUTS.search(text, LONG, LONG * 8) and is_bare(text)]
    cuts = [(text, _CUTS.finditer(text, LONG, LONG * 8)) for text in long]
    while cuts:
        starts: defaultdict[str, list[tuple[str, Iterator[re.Match[str]]]]] = defaultdict(list)
        for text, rest in cuts:
            if (cut := next(rest, None)) is not None:
                starts[text[: cut.start()]].append((text, rest))
        # What begins only one string begins no other further on.
        cuts = [pair for pairs in starts.values() if pairs[1:] for pair in pairs]
        for start, pairs in starts.items():
            if pairs[1:] or start in of_prefix:
                of_prefix.setdefault(start, []).extend(text for text, _ in pairs)
    counts = {start: sum(map(strings.__getitem__, texts)) for start, texts in of_prefix.items()}
    chosen: dict[str, str] = {}
    gains = {start: (count - 1) * (len(start) // 4 - 2) for start, count in counts.items() if count > 1}
    for start in sorted(gains, key=lambda start: (-gains[start], start)):
        if gains[start] < GAIN:
            break
        free = [text for text in of_prefix[start] if text not in chosen]
        uses = sum(strings[text] for text in free)
        if not is_bare(start):
            free = [text for text in free if text == start]
        if (uses - 1) * (len(start) // 4 - 2) >= GAIN:
            chosen.update((text, start) for text in free)
    return chosen
