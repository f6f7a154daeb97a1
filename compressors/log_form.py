"""The written form of a log: a legend, the templates, then every line in order as a row or verbatim.

[6 lines in order, nothing left out: ...]
$a = [4 lines] {t} INFO pool: connection {} opened by {}
== 2025-01-01 {}:
$a 10:00:01 17 alice
2025-01-01 10:00:02 ERROR pool: no more connections
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.log_repeats import Repeats
from headroom_mitm.compressors.log_rows import MOST_TEMPLATES, RUN, SAME_TIME, Entry, alias, has_runs
from headroom_mitm.compressors.log_stamps import Factoring, Stamp, factoring_of, find_stamps
from headroom_mitm.compressors.log_tally import tally
from headroom_mitm.compressors.log_templates import STAMP, Template

_MARKS = (("{}", "{t}", "{%d}"), ("<*>", "<t>", "<%d>"), ("{*}", "{*t}", "{*%d}"), ("<?>", "<?t>", "<?%d>"))
"""Of a slot, of a stamp, and of a value that repeats another one of the row."""
_GONE = ("…", "<…>", "{…}", "(…)")
_LOOKS_LIKE_OURS = re.compile(r"\\|== |(?:\$[A-Za-z]{1,2})+(?: |$)|\[lines? \d|.* \[x \d+\]$", re.DOTALL)
_SAME, _DEEP = f" {SAME_TIME}", 40  # names stand before it
_NO_ENTRY = Entry()
_PERHAPS_UNFIT = ("\x00", "\x01", "\r")
_UNFIT = re.compile(r"[\x00\x01]|\r(?!\Z)")


@dataclass(frozen=True, slots=True)
class Log:
    """A text, read as a log."""

    lines: tuple[str, ...]
    """Without the carriage returns of a text whose line ends are all CRLF."""
    crlf: bool
    stamps: tuple[Stamp | None, ...]
    factoring: Factoring

    @classmethod
    def of(cls, lines: Sequence[str]) -> "Log":
        r"""Read lines that were split at ``\n``."""
        crlf = len(lines) > 1 and all(line.endswith("\r") for line in lines[:-1])
        if crlf:
            lines = [*(line[:-1] for line in lines[:-1]), lines[-1]]
        stamps = find_stamps(lines)
        return cls(tuple(lines), crlf, tuple(stamps), factoring_of(stamps))

    def masked(self) -> list[str]:
        """Return the lines with ``STAMP`` for the part that headings carry; empty where a line cannot be a row."""
        lines = list(self.lines)
        if self.factoring is not Factoring.NONE:
            for number, stamp in enumerate(self.stamps):
                if stamp is not None:
                    lines[number] = lines[number][: stamp.start] + STAMP + lines[number][stamp.end :]
        if not any(map("\n".join(self.lines).__contains__, _PERHAPS_UNFIT)):
            return lines
        return ["" if _UNFIT.search(line) else masked for line, masked in zip(self.lines, lines, strict=True)]


@dataclass(frozen=True)
class Form:
    """A log with its templates, ready to be written."""

    log: Log
    templates: tuple[Template, ...]
    marks: tuple[str, str, str]
    gone: str
    """Stands for what is left out."""
    repeats: tuple[Repeats, ...]
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, log: Log, templates: Sequence[Template], text: str) -> "Form | None":
        """Return the form, or None where ``text`` already uses all the marks that could stand for a slot."""
        marks = next((marks for marks in _MARKS if not any(mark in text for mark in marks[:2])), None)
        gone = next((mark for mark in _GONE if mark not in text), None)
        if marks is None or gone is None:
            return None
        templates = tuple(templates[:MOST_TEMPLATES])
        again, _, end = marks[2].partition("%d")
        is_taken = again in text and re.search(rf"{re.escape(again)}\d+{end}", text) is not None
        find = Repeats.none if is_taken else Repeats.of
        repeats = tuple(map(find, templates))
        return cls(log, templates, marks, gone, repeats, tuple(_entries(log, templates, repeats, marks[0])))

    @property
    def total(self) -> int:
        """Number of lines; what stands behind the last line end is none if it is empty."""
        return len(self.log.lines) - (self.log.lines[-1] == "")

    def definition(self, number: int, named: int | None = None) -> str:
        """Return the line that says what a template's alias stands for; ``named``: the alias, if it is another one."""
        template = self.templates[number]
        count = len(template.rows)
        lines = f"{count} lines" if template.family == count else f"{count} of {template.family} alike"
        return f"{alias(number if named is None else named)} = [{lines}] {self.text(number)}"

    def text(self, number: int, left_out: int = -1) -> str:
        """Return the text of a template; ``left_out``: without its stamp, and without so many of its first values."""
        slot, stamp, again = self.marks
        marks = (slot, stamp if left_out < 0 else self.gone, again)
        return self.repeats[number].text(self.templates[number], marks, self.gone, left_out)

    def legend(self, beginning: str, entries: Sequence[Entry], body: Sequence[str], notes: Sequence[str] = ()) -> str:
        """Return the first line: how to read what follows, as far as the ``body`` of these entries makes use of it."""
        slot, stamp, again = self.marks
        parts = [f'"$a x y" is the line given by "$a =" with x, y for its {slot} in turn']
        if any(self.repeats):
            parts.append(f"{again % 1} is the first {slot} again")
        if any(template.stamped for template in self.templates):
            nearest = f'for {stamp} the nearest "==" line above'
            if self.log.factoring is Factoring.DATE:
                nearest += f", where the row's first value is the {slot}"
            parts.append(nearest)
        if any(template.family > len(template.rows) for template in self.templates):
            parts.append('"2 of 5 alike" means that 3 more differ from them in values only')
        text = "\n".join(["", *body])
        is_same = _SAME in text and any(entry.timed for entry in entries)
        if is_same and any(_SAME in line[:_DEEP] for line in body):
            parts.append(f"{SAME_TIME} is the time of the row above")
        if any(len(entry.templates) > 1 for entry in entries):
            parts.append('"$a$b x y" is a line of $a and one of $b; "$a$b = $a 1 2, $b 2" numbers the values of each')
        if RUN in text and has_runs(body):
            parts.append("[x 3] marks 3 equal lines")
        parts += notes
        parts.append("other lines are verbatim" + (", without a first \\" if "\n\\" in text else ""))
        if self.log.crlf:
            parts.append("line ends are CRLF")
        return f"[{beginning}: {'; '.join(parts)}.{f' {self._counts}.' if self._counts else ''}]"

    @functools.cached_property
    def is_apart(self) -> bool:
        """Each row has values, and none in common with the line before it: no two can be joined, nor are they equal."""
        before: frozenset[str] = frozenset()
        for _, _, templates, values, _ in self.entries:
            if (templates and not values) or not before.isdisjoint(values):
                return False
            before = frozenset(values)
        return True

    @functools.cached_property
    def _counts(self) -> str:
        return tally(self.log.lines, self.templates)


def _entries(log: Log, templates: Sequence[Template], repeats: Sequence[Repeats], slot: str) -> list[Entry]:
    entries: list[Entry] = [_NO_ENTRY] * len(log.lines)
    headings: dict[tuple[str, str], str] = {}
    is_whole = log.factoring is Factoring.WHOLE
    for number, template in enumerate(templates):
        name = (number,)
        shown = map(repeats[number].shown, template.values) if repeats[number] else template.values
        stamped = template.stamped
        for line, values in zip(template.rows, shown, strict=True):
            stamp = log.stamps[line] if stamped else None
            if stamp is None:
                entries[line] = Entry("", "", name, values)
            elif is_whole:
                entries[line] = Entry("", stamp.text, name, values)
            else:
                _, _, date, time, rest = stamp
                heading = headings.get((date, rest)) or headings.setdefault((date, rest), f"{date}{slot}{rest}")
                entries[line] = Entry("", heading, name, (time, *values), True)  # noqa: FBT003  # twice as fast
    for line, entry in enumerate(entries):
        if entry is _NO_ENTRY:
            text = log.lines[line]
            entries[line] = Entry("\\" + text if _LOOKS_LIKE_OURS.match(text) else text)
    return entries
