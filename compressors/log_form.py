"""The written form of a log: a legend, the templates, then every line in order as a row or verbatim.

[6 lines in order, nothing left out: ...]
$a = [4 lines] {t} INFO pool: connection {} opened by {}
== 2025-01-01 {}:
$a 10:00:01 17 alice
2025-01-01 10:00:02 ERROR pool: no more connections
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.log_stamps import Factoring, Stamp, factoring_of, find_stamps
from headroom_mitm.compressors.log_tally import tally
from headroom_mitm.compressors.log_templates import STAMP, Template

_SINGLE = "abcdfijlmnopqrsvx"  # with the sign before it each is one token
_ALIASES = [f"${one}" for one in _SINGLE + "eghkuwyz"] + [f"${one}{two}" for one in _SINGLE for two in _SINGLE]
MOST_TEMPLATES = len(_ALIASES)
_MARKS = (("{}", "{t}"), ("<*>", "<t>"), ("{*}", "{*t}"), ("<?>", "<?t>"))
_LOOKS_LIKE_OURS = re.compile(r"\\|== |\$[A-Za-z]{1,2}(?: |$)|\[lines? \d|.* \[x \d+\]$", re.DOTALL)
_UNFIT = re.compile(r"[\x00\x01]|\r(?!\Z)")
_RUN = re.compile(r" \[x \d+\]$")
_RUN_NOTE = 10  # characters that ` [x N]` must save


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
        if self.factoring is Factoring.NONE:
            return ["" if _UNFIT.search(line) else line for line in self.lines]
        return [
            "" if _UNFIT.search(line) else line if stamp is None else line[: stamp.start] + STAMP + line[stamp.end :]
            for line, stamp in zip(self.lines, self.stamps, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Entry:
    """What a line of the log becomes."""

    text: str
    heading: str = ""
    """The heading it must stand below; empty where it needs none."""
    template: int = -1
    """Which template it is a row of; below 0 it is verbatim."""


@dataclass(frozen=True, slots=True)
class Form:
    """A log with its templates, ready to be written."""

    log: Log
    templates: tuple[Template, ...]
    slot: str
    stamp: str
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, log: Log, templates: Sequence[Template], text: str) -> "Form | None":
        """Return the form, or None where ``text`` already uses all the marks that could stand for a slot."""
        marks = next((pair for pair in _MARKS if not any(mark in text for mark in pair)), None)
        if marks is None:
            return None
        templates = tuple(templates[:MOST_TEMPLATES])
        return cls(log, templates, *marks, tuple(_entries(log, templates, marks[0])))

    @property
    def total(self) -> int:
        """Number of lines; what stands behind the last line end is none if it is empty."""
        return len(self.log.lines) - (self.log.lines[-1] == "")

    def definition(self, number: int) -> str:
        """Return the line that says what a template's alias stands for."""
        template = self.templates[number]
        count = len(template.rows)
        lines = f"{count} lines" if template.family == count else f"{count} of {template.family} alike"
        return f"{alias(number)} = [{lines}] {template.text(self.slot, self.stamp)}"

    def legend(self, beginning: str, body: Sequence[str]) -> str:
        """Return the first line: how to read what follows, as far as ``body`` makes use of it."""
        parts = [f'"$a x y" is the line given by "$a =" with x, y for its {self.slot} in turn']
        if any(template.stamped for template in self.templates):
            nearest = f'for {self.stamp} the nearest "==" line above'
            if self.log.factoring is Factoring.DATE:
                nearest += f", where the row's first value is the {self.slot}"
            parts.append(nearest)
        if any(template.family > len(template.rows) for template in self.templates):
            parts.append('"2 of 5 alike" means that 3 more differ from them in values only')
        if any(line.endswith("]") and _RUN.search(line) for line in body):
            parts.append("[x 3] marks 3 equal lines")
        escaped = any(line.startswith("\\") for line in body)
        parts.append("other lines are verbatim" + (", without a first \\" if escaped else ""))
        if self.log.crlf:
            parts.append("line ends are CRLF")
        counts = tally(self.log.lines)
        return f"[{beginning}: {'; '.join(parts)}.{f' {counts}.' if counts else ''}]"


def alias(number: int) -> str:
    """Return the name of a template in rows."""
    return _ALIASES[number]


def body(entries: Sequence[Entry]) -> list[str]:
    """Return the lines of a form: headings where they change, runs of equal lines as one."""
    written: list[str] = []
    heading = ""
    count = 0
    for entry in entries:
        if entry.heading and entry.heading != heading:
            _close(written, count)
            heading, count = entry.heading, 0
            written.append(f"== {heading}:")
        if count and written[-1] == entry.text:
            count += 1
            continue
        _close(written, count)
        written.append(entry.text)
        count = 1
    _close(written, count)
    return written


def _close(written: list[str], count: int) -> None:
    """End a run of equal lines, of which the last written line is the first."""
    if count < 2:
        return
    text = written[-1]
    if (count - 1) * (len(text) + 1) >= _RUN_NOTE and text and not text.startswith("\\"):
        written[-1] = f"{text} [x {count}]"
    else:
        written += [text] * (count - 1)


def _entries(log: Log, templates: Sequence[Template], slot: str) -> list[Entry]:
    entries = [Entry("\\" + line if _LOOKS_LIKE_OURS.match(line) else line) for line in log.lines]
    for number, template in enumerate(templates):
        name, stamped = alias(number), template.stamped
        for line, values in zip(template.rows, template.values, strict=True):
            stamp = log.stamps[line] if stamped else None
            if stamp is None:
                entries[line] = Entry(" ".join((name, *values)), "", number)
            elif log.factoring is Factoring.WHOLE:
                entries[line] = Entry(" ".join((name, *values)), stamp.text, number)
            else:
                heading = f"{stamp.date}{slot}{stamp.rest}"
                entries[line] = Entry(" ".join((name, stamp.time, *values)), heading, number)
    return entries
