"""Turns the form of ``numbered_lines`` back, knowing only what its note says."""

import re

_NOTE = re.compile(
    r"\[(?:Lines \d+-(?P<last>\d+), n|N)umbered at declarations and every [12]0th(?: line)?"
    r"(?P<colon> \(a colon behind each number\))?\.\]"
)
_SAME = re.compile(r"\[(\d+)-(\d+): same as (\d+)-(\d+)\]")
_NUMBER = re.compile(r"( *)(\d+)(\t|→|: |\| ?)")
_NUMBER_AND_COLON = re.compile(r"( *)(\d+)(:)")


def decode(text: str) -> str:
    """Return the text with a number at each line."""
    lines = text.split("\n")
    at = next(number for number, line in enumerate(lines) if _NOTE.fullmatch(line))
    match = _NOTE.fullmatch(lines[at])
    assert match is not None
    head, last = lines[:at], int(match["last"]) if match["last"] else None
    number_at = _NUMBER_AND_COLON if match["colon"] else _NUMBER
    spaces, digits, mark = number_at.match(lines[at + 1]).groups()  # type: ignore[union-attr]
    pad = len(spaces) + len(digits) if spaces else 0
    number, at = int(digits), at + 1
    bare: dict[int, str] = {}
    while at < len(lines) and (last is None or number <= last):
        same = _SAME.fullmatch(lines[at])
        if same is not None and int(same[1]) == number:
            bare |= {int(same[1]) + n: bare[int(same[3]) + n] for n in range(int(same[2]) - int(same[1]) + 1)}
            number = int(same[2]) + 1
        else:
            prefix = f"{number:>{pad}}{mark}" if not bare else f"{number}{mark}"
            bare[number] = lines[at].removeprefix(prefix)
            number += 1
        at += 1
    return "\n".join([*head, *(f"{number:>{pad}}{mark}{line}" for number, line in bare.items()), *lines[at:]])
