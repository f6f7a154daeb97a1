"""Finding the lines of a log that differ in their values only.

Words with a digit in them, paths and long dotted names are values. Lines with the same text between their values share
a template. Templates that differ in one word become one, if there are enough of them: the word (a user, a host, a
package) is a value as well.
Then what is the same in every row of a template goes back into its text, and a value that most rows share makes a
template of its own where that is cheaper.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

from headroom_mitm.compressors.log_cost import cost
from headroom_mitm.compressors.log_merging import UNITS, WORD, WORD_OR_DIGIT, Group, Key, merged

STAMP = "\x01"
"""Stands in a line for its stamp."""

_SEGMENT = f"[{WORD.replace('/', '')}:]{{0,100}}+/"
_LABEL = rf"[{WORD.replace('.', '').replace('/', '')}]{{1,60}}+\."
_UNIT = "|".join(sorted(UNITS))
# With a digit, two slashes or three dots in it a word is a value. Linear: a match can only begin where a word does, and
# looks a bounded number of characters ahead.
_VALUE = re.compile(
    rf"(?<![{WORD_OR_DIGIT}])(?=[{WORD_OR_DIGIT}])(?<![{WORD_OR_DIGIT}]:)("
    rf"[{WORD}:]{{0,200}}+[0-9][{WORD_OR_DIGIT}:]*(?<![.:])(?: (?:{_UNIT})\b)?"
    rf"|{2 * _SEGMENT}[{WORD}:]*(?<![.:])"  # written out: a group that is repeated takes longer
    rf"|{3 * _LABEL}[{WORD}]*(?<!\.))"
)
_DIGIT = re.compile("[0-9]")
_DIGITS_ALIKE = bytes.maketrans(b"123456789", b"000000000")
_MOST_SHAPES = 1_000  # that are remembered: where there are more, lines have little in common
_HEAD = re.compile(r"[A-Za-z][A-Za-z_-]*:(?=[^/:]|$)")
_TAIL = re.compile(r":[a-z][a-z0-9]*$")
_FEWEST_ROWS = 4
_MOST_SPLITS = 40  # of one template
_MOST_ROWS = 100_000  # that are gone through to split one template
_LEAST_PART = 0.03  # of the rows
_LEAST_SAVING = 12  # tokens
_DEAREST_VALUE = 20  # tokens: what rarely happens is not looked at
_SHORTEST_LINE, _LONGEST_LINE = 8, 2000


@dataclass(frozen=True, slots=True)
class Template:
    """A text with slots, and the lines that come from it."""

    literals: tuple[str, ...]
    """The text between the slots: one more than there are slots. May hold one ``STAMP``."""
    rows: tuple[int, ...]
    """Line numbers from 0, rising."""
    values: tuple[tuple[str, ...], ...]
    """For each row a value for each slot, without line ends; a space stands in a value only before its unit."""
    family: int
    """How many lines were alike before those that share a value got a template of their own."""

    @property
    def stamped(self) -> bool:
        """Its lines have a stamp."""
        return any(STAMP in literal for literal in self.literals)

    def saving(self) -> int:
        """Return roughly how many tokens the template saves, its definition paid."""
        text = cost(" ".join(self.literals))
        return (len(self.rows) - 1) * text - len(self.rows) - _DEFINITION


_DEFINITION = 8  # tokens of a definition beside its text


def families(lines: Sequence[str]) -> list[Template]:
    """Return what lines have in common, nothing split or thrown away but what is too rare.

    Lines must be free of NUL, and of ``STAMP`` but where their stamp stood; an empty string is a line to be skipped.
    """
    groups = merged(_groups(lines))
    return [_template(key, group) for key, group in groups.items() if len(group.rows) >= _FEWEST_ROWS]


class _Shape:
    """Lines that are the same but for their digits: of these, values stand in the same places."""

    __slots__ = ("_parts", "_places", "group")

    def __init__(self, group: Group, parts: Sequence[str]) -> None:
        self.group = group
        self._parts = parts  # of the first of them: text, value, text and so on
        self._places: list[slice] | None = None

    def values(self, line: str) -> tuple[str, ...]:
        """Return the values of another line."""
        if self._places is None:
            ends = list(accumulate(map(len, self._parts)))
            self._places = list(map(slice, ends[:-1:2], ends[1::2]))
        return tuple([line[place] for place in self._places])


def _groups(lines: Sequence[str]) -> dict[Key, Group]:
    """Return lines by the text between their values."""
    groups: dict[Key, Group] = defaultdict(lambda: Group([], []))
    known: dict[str, _Shape] = {}
    for number, (line, shape) in enumerate(zip(lines, _shapes(lines), strict=True)):
        if not _SHORTEST_LINE <= len(line) <= _LONGEST_LINE:
            continue
        like = known.get(shape)
        if like is not None:
            like.group.rows.append(number)
            like.group.values.append(like.values(line))
            continue
        parts = _VALUE.split(line)
        key = tuple(parts[::2])
        group = groups[key]
        group.rows.append(number)
        group.values.append(tuple(parts[1::2]))
        # The text may have a digit, too: behind a unit, or far inside of a long word.
        if len(known) < _MOST_SHAPES and _DIGIT.search("".join(key)) is None:
            known[shape] = _Shape(group, parts)
    return groups


def _shapes(lines: Sequence[str]) -> list[str]:
    """Return lines with all digits alike."""
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return text.translate(_DIGITS_ALIKE).decode("utf-8", "surrogatepass").split("\n")


def worthy(found: Iterable[Template], least_saving: int, stays_whole: Callable[[Template], bool]) -> list[Template]:
    """Return the templates that save at least so many tokens, the one with most rows first.

    A family is split by frequent values unless it ``stays_whole``.
    """
    parts: list[Template] = []
    for template in found:
        parts += [template] if stays_whole(template) else _split(template, least_saving)
    worth = [template for template in parts if _is_worth(template, least_saving)]
    return sorted(worth, key=lambda template: -len(template.rows))


def _is_worth(template: Template, least_saving: int) -> bool:
    """Tell whether a template earns its place; one whose like is there already need not earn as much."""
    rows = len(template.rows)
    return rows >= _FEWEST_ROWS and template.saving() >= (least_saving if template.family == rows else _LEAST_SAVING)


def _template(key: Key, group: Group) -> Template:
    rows, values = group.rows, group.values
    if rows != (ordered := sorted(rows)):  # of several groups that became one
        values = [values for _, values in sorted(zip(rows, values, strict=True))]
    return _folded(_unprefixed(Template(key, tuple(ordered), tuple(values), len(rows))))


# Splitting


def _folded(template: Template) -> Template:
    """Move values that are the same in every row into the text."""
    columns = list(zip(*template.values, strict=True))
    varying = [at for at, column in enumerate(columns) if column.count(column[0]) < len(column)]
    if len(varying) == len(columns):
        return template
    literals = [template.literals[0]]
    for at, literal in enumerate(template.literals[1:]):
        if at in varying:
            literals.append(literal)
        else:
            literals[-1] += columns[at][0] + literal
    values = tuple(zip(*(columns[at] for at in varying), strict=True)) or ((),) * len(template.rows)
    return replace(template, literals=tuple(literals), values=values)


def _unprefixed(template: Template) -> Template:
    """Move a word before a colon, or a name behind one, into the text if all values of a slot have it."""
    literals = list(template.literals)
    columns: list[tuple[str, ...]] = []
    for at, column in enumerate(zip(*template.values, strict=True)):
        head, tail = _HEAD.match(column[0]), _TAIL.search(column[0])
        if head is None and tail is None:
            columns.append(column)
            continue
        before, after = head[0] if head else "", tail[0] if tail else ""
        size = len(before) + len(after)
        alike = all(len(value) > size and value.startswith(before) and value.endswith(after) for value in column)
        inner = [value[len(before) : len(value) - len(after)] for value in column] if alike else []
        if alike and UNITS.isdisjoint(inner):
            literals[at] += before
            literals[at + 1] = after + literals[at + 1]
            columns.append(tuple(inner))
        else:
            columns.append(column)
    if tuple(literals) == template.literals:
        return template
    return replace(template, literals=tuple(literals), values=tuple(zip(*columns, strict=True)) or template.values)


def _split(template: Template, least_saving: int) -> list[Template]:
    """Take out the rows that share a frequent value, where naming the value once is cheaper than in each row."""
    found = []
    for _ in range(min(_MOST_SPLITS, _MOST_ROWS // len(template.rows))):
        choice = _dominant(template, least_saving)
        if choice is None:
            break
        at, value = choice
        inside = [row for row, values in enumerate(template.values) if values[at] == value]
        outside = [row for row, values in enumerate(template.values) if values[at] != value]
        found += _split(_folded(_chosen(template, inside)), least_saving)
        template = _folded(_chosen(template, outside))
    return [*found, template]


def _chosen(template: Template, rows: Sequence[int]) -> Template:
    return replace(
        template,
        rows=tuple([template.rows[row] for row in rows]),
        values=tuple([template.values[row] for row in rows]),
    )


def _dominant(template: Template, least_saving: int) -> tuple[int, str] | None:
    """Return the slot and the value whose rows gain most by a template of their own."""
    if len(template.rows) < 2 * _FEWEST_ROWS:
        return None
    price = cost(" ".join(template.literals)) + _DEFINITION + least_saving
    best, choice = 0, None
    for at, column in enumerate(zip(*template.values, strict=True)):
        if (len(column) - len(set(column)) + 1) * _DEAREST_VALUE < price:
            continue  # not even if all that comes again is one value
        value, count = Counter(column).most_common(1)[0]
        if count * _DEAREST_VALUE < price or count < _LEAST_PART * len(column):
            continue
        gain = count * cost(" " + value) - price
        if gain > best and count < len(column):
            best, choice = gain, (at, value)
    return choice
