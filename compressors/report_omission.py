"""What a report can do without: durations of what passed, what it printed, and at last its names."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from headroom_mitm.compressors.base import Level
from headroom_mitm.compressors.log_alarms import is_alarm
from headroom_mitm.compressors.report_notation import SLOT, Row, bundled, bundles, take_turns, verbatim
from headroom_mitm.compressors.report_rows import Piece

_FEWEST_COUNTED = 4  # tests of a file; fewer are named at every level
_LEAST_SHARE = 0.2  # of the rows: with durations or descriptions
_SHORT = 24  # characters; a note would be no shorter
_PASSES = re.compile(r"=+ PASSES =+")
_SUMMARY = re.compile(r"=+ short test summary info =+")
_TEST = re.compile(r"_+ \S.* _+")
_TELLING = re.compile(r"E  |\S+:\d+: |(?:FAILED|ERROR|XFAIL|XPASS|SKIPPED) |  reason: |=+ .*\d+ \w+.* =+$")
_USUAL = re.compile(r"_+ \S.* _+$|rootdir: |collect(?:ed|ing) |\S+ [.sxXFE]+ *(?:\[ *\d+%\])?$")
_MARKED = re.compile(r" +[✔✓√] .*")
_HEADING = re.compile(r" {2,}[^\d\s✗✕×✖❯-].*")
_DESCRIPTION = " ⏎ "


def is_worth_a_try(read: Sequence[Piece], level: Level) -> bool:
    """Say whether a report has what ``LIGHT`` leaves out; the other levels leave out names, too."""
    if level > Level.LIGHT or any(isinstance(piece, str) and _PASSES.fullmatch(piece) for piece in read):
        return True
    rows = [piece for piece in read if isinstance(piece, Row)]
    return sum(bool(row.value) or _DESCRIPTION in row.name for row in rows) > _LEAST_SHARE * len(rows)


@dataclass(slots=True)
class Omission:
    """A report on its way to a shorter one; counts what it leaves out."""

    level: Level
    values: int = 0
    descriptions: int = 0
    names: int = 0
    lines: int = 0
    notes: list[str] = field(default_factory=list)

    def shown(self, read: Sequence[Piece]) -> list[str]:
        """Return the lines to show."""
        numbered = list(_numbered(read))
        numbered = list(self._without_output(numbered))
        if self.level >= Level.MEDIUM:
            numbered = list(self._without_trees(numbered))
        out: list[str] = []
        for shape, group in groupby(numbered, key=lambda one: one.piece.shape if isinstance(one.piece, Row) else None):
            if shape is None:
                out += [one.text for one in group]
            else:
                out += self._rows(list(group))
        return out

    def in_words(self, total: int) -> str:
        """Return what is left out, with counts."""
        said = [
            (self.names, "names in {} rows"),
            (self.values, "durations or percentages in {} rows"),
            (self.descriptions, "descriptions of {} passed tests"),
            (self.lines, "{} lines where notes say so"),
        ]
        return f"{', '.join(what.format(count) for count, what in said if count)}, of {total} lines"

    def _rows(self, rows: Sequence["_Numbered"]) -> list[str]:
        out: list[str] = []
        passed = [one.piece for one in rows if isinstance(one.piece, Row)]
        if self.level >= Level.MEDIUM and passed[0].passed:
            files = [(file, list(group)) for file, group in groupby(rows, key=lambda one: one.row.file)]
            if take_turns(len(files), len(rows)):
                files = [("", list(rows))]
            for file, of_file in files:
                out += self._counted(file, of_file)
            return out
        for part in bundles(passed):
            out += self._named(part)
        return out

    def _named(self, rows: Sequence[Row]) -> list[str]:
        """Write rows without what they took and what describes them."""
        described = sum(_DESCRIPTION in row.name for row in rows)
        changes = len({row.value for row in rows}) > 1
        if len(rows) < 2 or (not rows[0].passed and described):
            return [bundled(rows)] if len(rows) > 1 else [verbatim(line) for row in rows for line in row.lines]
        self.descriptions += described
        self.values += len(rows) if changes else 0
        if described:
            rows = [row._replace(name=row.name.partition(_DESCRIPTION)[0]) for row in rows]
        return [bundled(rows, values=False)]

    def _counted(self, file: str, rows: Sequence["_Numbered"]) -> list[str]:
        """Write how many tests of a file passed, and the first and the last name."""
        if len(rows) < _FEWEST_COUNTED:
            return self._named([one.row for one in rows])
        first, last = rows[0].row, rows[-1].row
        self.names += len(rows) - (0 if self.level >= Level.HARD else 2)
        value = SLOT if len({one.row.value for one in rows}) > 1 else first.value
        begin = f"{file}::" if file else ""
        names = SLOT
        if self.level < Level.HARD:
            one, other = (row.name.partition(_DESCRIPTION)[0].removeprefix(begin) for row in (first, last))
            names = f"{{{one} {SLOT} {other}}}"
        where = f"[lines {rows[0].first}-{rows[-1].last}]"
        return [f"x{len(rows)} {first.head}{begin}{names}{first.mid}{value}{first.end} {where}"]

    def _without_output(self, pieces: Sequence["_Numbered"]) -> Iterator["_Numbered"]:
        """Leave out what passed tests printed, where pytest shows it in a part of its own."""
        start = next((at for at, one in enumerate(pieces) if one.matches(_PASSES)), len(pieces))
        ends = [at for at, one in enumerate(pieces) if at > start and one.matches(_SUMMARY)]
        end = ends[-1] if ends else len(pieces)
        yield from pieces[: start + 1]
        kept = self._telling(pieces[start + 1 : end])
        for telling, group in groupby(zip(pieces[start + 1 : end], kept, strict=True), key=lambda pair: pair[1]):
            run = [one for one, _ in group]
            yield from run if telling else self._gap(run)
        yield from pieces[end:]

    def _telling(self, section: Sequence["_Numbered"]) -> list[bool]:
        """Say which lines are worth showing: those that tell of trouble, and the name of the test above them."""
        found = [one.is_telling for one in section]
        below = False
        for at in range(len(section) - 1, -1, -1):
            below |= found[at]
            if section[at].matches(_TEST):
                found[at] = below or self.level < Level.MEDIUM
                below = False
        return found

    def _without_trees(self, pieces: Sequence["_Numbered"]) -> Iterator["_Numbered"]:
        """Leave out trees of suites in which all passed; where names count, the outermost suites stay."""
        in_tree = _tree(pieces)
        outermost = min(
            (one.indent for one, inside in zip(pieces, in_tree, strict=True) if inside and one.text), default=0
        )
        if self.level < Level.HARD:
            in_tree = [inside and one.indent != outermost for one, inside in zip(pieces, in_tree, strict=True)]
        for inside, group in groupby(zip(pieces, in_tree, strict=True), key=lambda pair: pair[1]):
            run = [one for one, _ in group]
            passed = sum(one.is_passed for one in run)
            if inside and passed >= _FEWEST_COUNTED:
                self.names += passed
                yield from self._gap(run, f"{passed} passed tests in ")
            else:
                yield from run

    def _gap(self, run: Sequence["_Numbered"], what: str = "") -> Iterator["_Numbered"]:
        if sum(len(one.text) for one in run) < _SHORT:
            yield from run
            return
        first, last = run[0].first, run[-1].last
        self.lines += last - first + 1
        where = f"lines {first}-{last}" if last > first else f"line {first}"
        yield _Numbered(first, last, f"[{what}{where} left out]", is_note=True)


@dataclass(frozen=True, slots=True)
class _Numbered:
    """A piece and the lines of the original that it is; the first has number 1."""

    first: int
    last: int
    piece: Piece
    is_note: bool = False

    @property
    def row(self) -> Row:
        if not isinstance(self.piece, Row):
            raise TypeError(self.piece)
        return self.piece

    @property
    def text(self) -> str:
        if isinstance(self.piece, Row):
            return "\n".join(self.piece.lines)
        return self.piece if self.is_note else verbatim(self.piece)

    @property
    def is_passed(self) -> bool:
        if isinstance(self.piece, Row):
            return self.piece.passed
        return self.matches(_MARKED)

    @property
    def indent(self) -> int:
        text = self.text
        return len(text) - len(text.lstrip(" "))

    def matches(self, pattern: re.Pattern[str]) -> bool:
        return isinstance(self.piece, str) and pattern.fullmatch(self.piece) is not None

    @property
    def is_telling(self) -> bool:
        """Say whether a line of what a passed test printed tells of trouble."""
        if isinstance(self.piece, Row) or _USUAL.match(self.piece):
            return False
        return _TELLING.match(self.piece) is not None or is_alarm(self.piece)


def _tree(pieces: Sequence[_Numbered]) -> list[bool]:
    """Say what belongs to trees of suites: rows that passed, what stands less deep right above them, empty lines."""
    found = [False] * len(pieces)
    deepest = 0  # indent of the line below, if that belongs to a tree
    for at in range(len(pieces) - 1, -1, -1):
        one = pieces[at]
        if one.is_passed:
            found[at] = one.indent > 0
        elif not one.piece:
            found[at] = bool(deepest)
            continue
        else:
            found[at] = one.indent < deepest and one.matches(_HEADING)
        deepest = one.indent if found[at] else 0
    return found


def _numbered(read: Sequence[Piece]) -> Iterator[_Numbered]:
    number = 1
    for piece in read:
        size = len(piece.lines) if isinstance(piece, Row) else 1
        yield _Numbered(number, number + size - 1, piece)
        number += size
