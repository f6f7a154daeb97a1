"""Hits in one file, or below its name, with lines around them: numbers that only count on are left out."""

import re
from collections.abc import Sequence

from headroom_mitm.compressors.base import Content

NOTE = "[Numbers that only count on are left out: a line without one is the next one.]"
_STEP = 10  # lines, of which one shows its number
_NUMBERED = re.compile(r"(\d+)([:-])(.*)", re.DOTALL)
_MARKS = re.compile(r"\n\d{1,200}([:-])")
_HEAD_LINES = 60
_LEAST_SHARE = 0.6  # of the lines must be numbered
_LEAST_CONTEXT = 0.3  # of the lines must be around hits
_FEWEST_LINES = 8
_BETWEEN = ("", "--")


def looks(content: Content) -> bool:
    """Say whether the first lines are hits and lines around them, without their file in front."""
    marks = _MARKS.findall(content.look)
    around = marks.count("-")
    if len(marks) < _FEWEST_LINES or not 0 < around < len(marks):
        return False
    filled = sum(line not in _BETWEEN for line in content.head[:_HEAD_LINES])
    return len(marks) >= _LEAST_SHARE * filled and around >= _LEAST_CONTEXT * filled


def written(lines: Sequence[str]) -> str | None:
    """Return the lines without numbers that count on; None where a line could be taken for another."""
    out = [NOTE]
    before = 0  # number of the line above; 0 if it has none
    for line in lines:
        match = _NUMBERED.fullmatch(line)
        if match is None:
            if before and line not in _BETWEEN:
                return None
            before = 0
            out.append(line)
            continue
        number = int(match[1])
        if match[1] != str(number):
            return None
        follows = before and number == before + 1 and number % _STEP and match[2] == "-"
        text = match[3]
        bare = follows and text not in _BETWEEN and _NUMBERED.match(text) is None
        out.append(text if bare else line)
        before = number
    return "\n".join(out)
