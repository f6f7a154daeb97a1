"""The lines of a form below its definitions: headings, rows, runs of equal lines."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_SINGLE = "abcdfijlmnopqrsvx"  # with the sign before it each is one token
_ALIASES = [f"${one}" for one in _SINGLE + "eghkuwyz"] + [f"${one}{two}" for one in _SINGLE for two in _SINGLE]
MOST_TEMPLATES = len(_ALIASES)
_ALIASES += [name.upper() for name in _ALIASES]
SAME_TIME = '"'
"""Stands for the time of the row above."""
RUN = " [x "
"""Stands in each line that stands for several."""
_RUN = re.compile(r" \[x \d+\]$")
_RUN_NOTE = 10  # characters that ` [x N]` must save


class Entry(NamedTuple):
    """What a line of the log becomes, or several lines that follow each other."""

    text: str = ""
    """Of a line that is verbatim, or of a note."""
    heading: str = ""
    """The heading it must stand below; empty where it needs none."""
    templates: tuple[int, ...] = ()
    """Which templates it is a row of; without any it is verbatim."""
    values: tuple[str, ...] = ()
    timed: bool = False
    """The first value is the time."""


def alias(number: int) -> str:
    """Return the name of a template in rows."""
    return _ALIASES[number]


def other_name(number: int) -> int:
    """Return a second number for rows of a template that lack something; its name is in capitals."""
    return number + MOST_TEMPLATES


def body(entries: Sequence[Entry]) -> list[str]:
    """Return the lines: headings where they change, runs of equal lines as one, a time only where it changes."""
    lines: list[str] = []
    heading = time = previous = ""
    count = 0
    names: dict[tuple[int, ...], str] = {}
    for text, its_heading, templates, values, timed in entries:
        if its_heading and its_heading != heading:
            _close(lines, count)
            heading, count, time = its_heading, 0, ""
            lines.append(f"== {heading}:")
        name = names.get(templates) or names.setdefault(templates, "".join(map(alias, templates)))
        line = " ".join((name, *values)) if templates else text
        if count and line == previous:
            count += 1
            continue
        if count > 1:
            _close(lines, count)
        previous, count = line, 1
        if timed and values[0] == time:
            line = " ".join((name, SAME_TIME, *values[1:]))
        elif timed:
            time = values[0]
        lines.append(line)
    _close(lines, count)
    return lines


def has_runs(lines: Sequence[str]) -> bool:
    """Tell whether a line stands for several equal ones."""
    return any(line.endswith("]") and _RUN.search(line) for line in lines)


def _close(lines: list[str], count: int) -> None:
    """End a run of equal lines, of which the last written line is the first."""
    if count < 2:
        return
    text = lines[-1]
    if (count - 1) * (len(text) + 1) >= _RUN_NOTE and text and not text.startswith("\\"):
        lines[-1] = f"{text} [x {count}]"
    else:
        lines += [text] * (count - 1)
