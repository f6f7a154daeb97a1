"""Turns the form of ``numbered_lines`` back, knowing only what its note says."""

import re

_NOTE = re.compile(
    r"\[All lines (\d+) to (\d+), numbered at declarations and every [12]0th( \(a colon behind each number\))?\.\]"
)
_NUMBER = re.compile(r"( *)(\d+)(\t|→|: |\| ?)")
_NUMBER_AND_COLON = re.compile(r"( *)(\d+)(:)")


def decode(text: str) -> str:
    """Return the text with a number at each line."""
    lines = text.split("\n")
    at = next(number for number, line in enumerate(lines) if _NOTE.fullmatch(line))
    match = _NOTE.fullmatch(lines[at])
    assert match is not None
    first, last = int(match[1]), int(match[2])
    number_at = _NUMBER_AND_COLON if match[3] else _NUMBER
    spaces, digits, mark = number_at.match(lines[at + 1]).groups()  # type: ignore[union-attr]
    pad = len(spaces) + len(digits) if spaces else 0
    numbered = []
    for number, line in enumerate(lines[at + 1 : at + 2 + last - first], first):
        shown = number_at.match(line)
        is_numbered = shown is not None and int(shown[2]) == number and shown[3] == mark
        bare = line[shown.end() :] if shown is not None and is_numbered else line
        numbered.append(f"{number:>{pad}}{mark}{bare}")
    return "\n".join([*lines[:at], *numbered, *lines[at + 2 + last - first :]])
