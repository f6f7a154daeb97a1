"""Hits in one file, or below its name, with lines around them: numbers that only count on are left out."""

import re
from collections.abc import Sequence

NOTE = "[Numbers that only count on are left out: a line without one is the next one.]"
_STEP = 10  # lines, of which one shows its number
_NUMBERED = re.compile(r"(\d+)([:-])(.*)", re.DOTALL)
_LEAST_SHARE = 0.6  # of the lines must be numbered
_LEAST_CONTEXT = 0.3  # of the lines must be around hits
_FEWEST_LINES = 8
_BETWEEN = ("", "--")


def looks(lines: Sequence[str]) -> bool:
    """Say whether lines are hits and lines around them, without their file in front."""
    marks = [match[2] for line in lines if (match := _NUMBERED.match(line)) is not None]
    filled = sum(line not in _BETWEEN for line in lines)
    around = marks.count("-")
    return (
        len(marks) >= max(_FEWEST_LINES, _LEAST_SHARE * filled)
        and around < len(marks)
        and around >= _LEAST_CONTEXT * filled
    )


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
