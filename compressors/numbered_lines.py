"""Line numbers of a file: said at declarations and every twentieth line; blocks that come again by their numbers.

The first number stands as it came, the others without the spaces that align them. A block of lines that stands above
in the same text is named by its numbers; where it stands above, its first line shows its number.
"""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count, islice, repeat

from headroom_mitm.compressors import numbered_repeats
from headroom_mitm.compressors.base import Compressed, Content, Level

STEP = 20
SHORT_STEP = 10
"""The same for the viewers of agents whose editors are told line numbers: there a number must be quick to find."""
SHORTEST = 12  # lines; fewer are not worth the note
LEAST_FOLDED = 8_000
"""Characters of a text in which blocks that come again are named: who reads a short one is likely to edit it next."""
_CONTROL = frozenset(
    [
        "if",
        "elif",
        "else",
        "for",
        "foreach",
        "while",
        "do",
        "switch",
        "case",
        "match",
        "try",
        "catch",
        "except",
        "finally",
        "with",
        "}",
        "return",
    ]
)
_TYPES = frozenset(
    [
        "class",
        "interface",
        "struct",
        "enum",
        "impl",
        "trait",
        "type",
        "record",
        "object",
        "module",
        "namespace",
        "protocol",
    ]
)
_REMEMBERED = 200_000  # characters
_CLEARLY = 15  # tokens
_OPENING = ("{", ":", "(")
_HEAD_LINES = 4  # what clients say before the first line, such as "Here's the result of running `cat -n` on …:"
# cat -n and Claude Code (spaces, number, tab or arrow), opencode and others ("12: text", "12|text"), SWE-agent and
# grep -n ("12:text").
_NUMBERED = re.compile(r"( *)(\d{1,7})(\t|→|: ?|\| ?)")
_BARE = ":"


@dataclass(frozen=True, slots=True)
class Numbered:
    """A text of lines that are numbered one by one, taken apart. Joined by line feeds, head, lines and tail are all."""

    head: tuple[str, ...]
    first: int
    width: int
    """Of the number with the spaces before it; 0 where it is not aligned."""
    mark: str
    """What stands between number and line."""
    lines: tuple[str, ...]
    """Without their numbers."""
    tail: tuple[str, ...]

    def prefix(self, number: int) -> str:
        """Return what stands in front of a line."""
        return str(number).rjust(self.width) + self.mark

    def short(self, number: int) -> str:
        """Return the same without the spaces that align it: they cost a token in each line."""
        return f"{number}{self.mark}"


def of_text(text: str) -> Numbered | None:
    """Take a text apart, see ``read``: who looks for what stands above has just done so with the same text."""
    if not any(map(_NUMBERED.match, text.split("\n", _HEAD_LINES + 1)[: _HEAD_LINES + 1])):
        return None
    return _remembered(text) if len(text) <= _REMEMBERED else read(text.split("\n"))


@functools.lru_cache(maxsize=8)
def _remembered(text: str) -> Numbered | None:
    return read(text.split("\n"))


def read(lines: Sequence[str]) -> Numbered | None:
    """Take a text apart; None if its lines are not numbered one by one, after a few lines of head at most."""
    start = next((at for at in range(min(_HEAD_LINES + 1, len(lines))) if _NUMBERED.match(lines[at])), None)
    match = _NUMBERED.match(lines[start]) if start is not None else None
    if start is None or match is None:
        return None
    spaces, digits, mark = match.groups()
    first = int(digits)
    width = len(spaces) + len(digits) if spaces else 0
    shape = Numbered((), first, width, mark, (), ())
    bare = _bare(shape, lines, start)
    # The space behind a colon may belong to the text: then it is not there in every line.
    if mark == ": " and len(further := _bare(replace(shape, mark=_BARE), lines, start)) > len(bare):
        shape, bare = replace(shape, mark=_BARE), further
    return Numbered(tuple(lines[:start]), first, width, shape.mark, tuple(bare), tuple(lines[start + len(bare) :]))


def _bare(shape: Numbered, lines: Sequence[str], start: int) -> list[str]:
    """Return the lines from ``start`` on without their numbers, as far as they are numbered one by one."""
    found: list[str] = []
    mark = shape.mark
    numbers = map(str.rjust, map(str, count(shape.first)), repeat(shape.width))
    for number, line in zip(numbers, islice(lines, start, None), strict=False):
        prefix = number + mark
        if not line.startswith(prefix):
            break
        found.append(line[len(prefix) :])
    return found


@dataclass(frozen=True, slots=True)
class NumberedLines:
    """Lossless: a line without a number is the one after the line above it, or after the block named there."""

    name: str = "numbered_lines"
    version: int = 5
    lossy: bool = False
    exact: bool = True

    def score(self, content: Content) -> float:
        """1 if the text begins with numbered lines, else 0."""
        lines = content.text[:4000].split("\n", _HEAD_LINES + SHORTEST + 1)[:-1]
        found = read(lines) if len(lines) >= SHORTEST else None
        return 1.0 if found is not None and len(found.lines) >= SHORTEST else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:  # noqa: ARG002 - only lossless forms
        """Return the text with few of its numbers, or None if it has none."""
        found = of_text(content.text)
        if found is None or len(found.lines) < SHORTEST:
            return None
        text = "\n".join([*found.head, note(found), *_written(found, content), *found.tail])
        # Lines that look numbered by themselves keep their numbers, and then the note may cost more than it saves.
        spared = _spared(found, len(content.text) - len(text))
        if spared < _CLEARLY and not content.outweighs(text):
            return None
        return Compressed(text, lossless=True, spared=max(0, spared))


def _spared(found: Numbered, characters: int) -> int:
    """Return how many tokens go with these characters, the more of which are those of numbers.

    A number is part of no other token, nor are the spaces before it.
    """
    last = found.prefix(found.first + len(found.lines) - 1)
    return min(characters // len(last), len(found.lines)) * (2 if last.startswith(" ") else 1)


def _written(found: Numbered, content: Content) -> Iterator[str]:
    every = range(len(found.lines))
    return (shown(found, at) for at in every) if content.worked_on else folding(found)(0, len(found.lines))


def folding(found: Numbered, hidden: Iterable[range] = ()) -> Callable[[int, int], Iterator[str]]:
    """Return what writes a range of lines, counted from 0: those that stand above already are named by their numbers.

    Lines that are ``hidden`` are told otherwise; no range that is asked for has them.
    """
    is_long = sum(map(len, found.lines)) >= LEAST_FOLDED
    blocks = {block.start: block for block in numbered_repeats.blocks(found.lines, hidden)} if is_long else {}
    if not blocks:
        return lambda start, stop: _plainly(found, start, stop)
    named = {block.above for block in blocks.values()}

    def folded(start: int, stop: int) -> Iterator[str]:
        at = start
        while at < stop:
            block = blocks.get(at)
            yield numbered_repeats.note(block, found.first) if block else shown(found, at, always=at in named)
            at += block.length if block else 1

    return folded


def _plainly(found: Numbered, start: int, stop: int) -> Iterator[str]:
    """Yield lines as ``shown`` returns them; most are seen by their ends to show no number."""
    step = _step(found)
    for at, line in enumerate(found.lines[start:stop], start):
        number = found.first + at
        is_usual = number % step and at and line.rstrip()[-1:] not in _OPENING
        if is_usual and not (beginning := line.lstrip(" ")[:1]).isdigit() and beginning != "[":
            yield line
        else:
            yield shown(found, at)


def note(found: Numbered) -> str:
    """Return what a reader has to know about the lines that ``shown`` returns.

    Where something stands behind them, it says which is the last.
    """
    bare = " (a colon behind each number)" if found.mark == _BARE else ""
    last = f"[Lines {found.first}-{found.first + len(found.lines) - 1}, {rule(found)}" if found.tail else ""
    return f"{last or f'[N{rule(found)[1:]} line'}{bare}.]"


def rule(found: Numbered) -> str:
    """Return which lines show their number, as the end of a sentence."""
    return f"numbered at declarations and every {_step(found)}th"


def _step(found: Numbered) -> int:
    return SHORT_STEP if found.mark == _BARE else STEP


def shown(found: Numbered, at: int, *, always: bool = False) -> str:
    """Return a line with its number, if it is one of those that show it, or where ``always``; ``at`` counts from 0."""
    number, line = found.first + at, found.lines[at]
    if at == 0:
        return found.prefix(number) + line  # it says how the others were aligned
    return found.short(number) + line if always or shows(found, number, line) else line


def without_number(found: Numbered, line: str) -> str:
    """Return a line that ``shown`` has written without its number, if it shows one."""
    match = _NUMBERED.match(line)
    if match is None or not line.startswith(found.mark, match.end(2)):
        return line
    return line[match.end(2) + len(found.mark) :]


def shows(found: Numbered, number: int, line: str) -> bool:
    """Say whether a line shows its number. One that looks numbered, or like a note, must, or it would be misread."""
    if number == found.first or number % _step(found) == 0:
        return True
    beginning, end = line.lstrip(" ")[:1], line.rstrip()[-1:]
    return (
        (end in _OPENING and _declares(line))
        or (beginning.isdigit() and _NUMBERED.match(line) is not None)
        or (beginning == "[" and line.startswith("[") and numbered_repeats.NOTE.fullmatch(line) is not None)
    )


def _declares(line: str) -> bool:
    """Say whether a line that ends so looks like the beginning of a function or a type.

    That is where people ask for the number.
    """
    text = line.strip()
    words = text[:80].replace("(", " ( ").split()
    return words[0] not in _CONTROL and ("(" in text or not _TYPES.isdisjoint(words[:4]))
