"""Diagnostics with the line of code below them, as gcc, clang, tsc, mypy and javac write them, read and written.

A line of marks below the code (``~~~^``) says only where in it to look: ``«`` and ``»`` in the code say the same.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from headroom_mitm.compressors.build_lines import FORMATS, Diagnostic, Format

OPEN, CLOSE, POINT = "«", "»", "▸"
"""Around what is marked, and before the one sign in it that is ``^``, or that is all, or before the line's end."""
BREAK, AGAIN = "⏎", "… "
"""For the end of a line in a message, and for the code that stands above."""
_MARKS = re.compile(r"( *)(\^\^+|~+|~*\^~*)")
_GUTTER = re.compile(r" +\| (?! *\d+ \|).*")
RUNS = {"^~~": re.compile(r"~*\^~*"), "~~~": re.compile("~+"), "^^^": re.compile(r"\^+")}
"""Ways to mark; the first is the most frequent."""
_MOST_MORE = 6  # lines of a message besides its first
_MOST_LOOKED_AT = 400  # lines that tell format, layout and marks
_WIDEST = 1_000  # characters of a line of code


@dataclass(frozen=True, slots=True)
class Entry:
    """A diagnostic with its code, where that can be written in one line."""

    path: str
    found: Diagnostic
    lines: tuple[str, ...]
    """The original."""
    code: str | None = None
    """The line of code with the signs of what is marked."""
    rest: tuple[str, ...] = ()
    """Further lines of drawing below the code."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a tool shows code; ``said`` tells it to a reader, for a diagnostic in line ``line``."""

    said: str
    before: tuple[str, ...]
    """Lines between message and code."""
    code: Callable[[int], tuple[str, str]]
    """What stands before the code, and before its marks."""
    after: tuple[str, ...] = ()
    more: str = ""
    """Where a message goes on: "before" or "behind" the code."""

    def written(self, message: Sequence[str], line: int, shown: tuple[str, str]) -> list[str]:
        """Return the lines of a diagnostic."""
        first, *more = message
        code, marks = (left + right for left, right in zip(self.code(line), shown, strict=True))
        above, below = (more, []) if self.more == "before" else ([], more)
        return [first, *above, *self.before, code, marks, *self.after, *below]


LAYOUTS = (
    Layout('"line | code"', (), lambda line: (f"{line:>5} | ", f"{'':>5} | ")),  # gcc, clang
    Layout('"line code" between empty lines', ("",), lambda line: (f"{line} ", f"{'':>{len(str(line))}} "), ("",)),
    Layout("the code behind its message", (), lambda _line: ("", ""), more="before"),  # mypy
    Layout("the code behind its message's first line", (), lambda _line: ("", ""), more="behind"),  # javac
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A text read as diagnostics with code, and lines between them."""

    form: Format
    layout: Layout
    run: str
    pieces: tuple[str | Entry, ...]

    @property
    def entries(self) -> list[Entry]:
        """Return the diagnostics in order."""
        return [piece for piece in self.pieces if isinstance(piece, Entry)]

    @property
    def with_code(self) -> int:
        """Return how many of the diagnostics have their code."""
        return sum(entry.code is not None for entry in self.entries)


def read(lines: Sequence[str]) -> Shown:
    """Read a text in the format, layout and marks that most of its diagnostics have."""
    some = lines[:_MOST_LOOKED_AT]
    counts = [sum(form.read(line) is not None for line in some) for form in FORMATS]
    form = FORMATS[counts.index(max(counts))]
    runs = Counter(_run_of(match[2]) for line in some if (match := _MARKS.fullmatch(_behind_gutter(line))) is not None)
    run = runs.most_common(1)[0][0] if runs else "^~~"
    tries = [Shown(form, layout, run, tuple(_pieces(some, form, layout, run))) for layout in LAYOUTS]
    best = max(tries, key=lambda shown: (shown.with_code, -len(shown.pieces)))
    if not best.with_code or len(some) == len(lines):
        return best
    return Shown(form, best.layout, run, tuple(_pieces(lines, form, best.layout, run)))


def has_marks(line: str) -> bool:
    """Say whether a line points at code above it."""
    return line[:1] == " " and ("^" in line or "~~" in line) and not line.strip(" |~^")


def _behind_gutter(line: str) -> str:
    return line.removeprefix("      | ")


def _run_of(marks: str) -> str:
    return next(name for name, pattern in RUNS.items() if pattern.fullmatch(marks))


def _pieces(lines: Sequence[str], form: Format, layout: Layout, run: str) -> list[str | Entry]:
    out: list[str | Entry] = []
    at = 0
    while at < len(lines):
        title = form.read(lines[at])
        if title is None:
            out.append(lines[at])
            at += 1
            continue
        plain = Entry(*title, (lines[at],))
        entry = _with_code(lines, at, plain, (form, layout, run)) or plain
        out.append(entry)
        at += len(entry.lines) + len(entry.rest)
    return out


def _with_code(lines: Sequence[str], at: int, plain: Entry, how: tuple[Format, Layout, str]) -> Entry | None:
    """Return the diagnostic with its code, if exactly its lines come back."""
    form, layout, run = how
    before, marks_before = layout.code(plain.found.line)
    code_at = at + 1 + len(layout.before)
    above = 0
    while layout.more == "before" and above < _MOST_MORE and lines[code_at : code_at + 1] and lines[code_at][:1] > " ":
        code_at, above = code_at + 1, above + 1
    if code_at + 1 >= len(lines) or not lines[code_at].startswith(before):
        return None
    marks = _MARKS.fullmatch(lines[code_at + 1][len(marks_before) :])
    code = lines[code_at][len(before) :]
    marked = _marked(code, marks, run) if marks is not None and len(code) <= _WIDEST else None
    if marked is None or form.read(lines[code_at]) is not None:
        return None
    end = code_at + 2 + len(layout.after)
    stop = end
    while layout.more == "behind" and stop - end < _MOST_MORE and stop < len(lines) and lines[stop][:2] == "  ":
        stop += 1
    more = lines[at + 1 : at + 1 + above] if above else lines[end:stop]
    if any(BREAK in line for line in (lines[at], *more)):
        return None
    found = replace(plain.found, text=BREAK.join([plain.found.text, *more]))
    whole = tuple(lines[at:stop])
    shown = (code, lines[code_at + 1][len(marks_before) :])
    if list(whole) != layout.written([lines[at], *more], found.line, shown):
        return None
    while layout is LAYOUTS[0] and stop < len(lines) and _GUTTER.fullmatch(lines[stop]):
        stop += 1
    return Entry(plain.path, found, whole, marked, tuple(lines[at + len(whole) : stop]))


def _marked(code: str, marks: re.Match[str], run: str) -> str | None:
    """Return code with signs around what is marked; None where that could not be turned back."""
    start, stop = marks.span(2)
    fits = stop <= len(code) or (start == len(code) and stop - start == 1)
    taken = {OPEN, CLOSE, POINT} & set(code) or code.startswith(AGAIN[0])
    if not fits or taken or not RUNS[run].fullmatch(marks[2]):
        return None
    if stop - start == 1:
        return f"{code[:start]}{POINT}{code[start:]}"
    at = start + max(0, marks[2].find("^")) if run == "^~~" else start
    inside = f"{code[start:at]}{POINT}{code[at:stop]}" if at > start else code[start:stop]
    return f"{code[:start]}{OPEN}{inside}{CLOSE}{code[stop:]}"
