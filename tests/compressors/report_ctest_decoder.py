"""Turns reports of CTest back: the first test shows how the others were written."""

import re
from itertools import pairwise

STARTED = re.compile(r"( +)Start( +\d+): (.*)")
PASSED = re.compile(r"( *\d+)/(\d+ Test)( +#\d+): (.*?\.)   Passed( +[\d.]+) sec")
HEADING = re.compile(r"== (\d+)-(\d+) Passed")


def decode(text: str) -> str:
    _, *lines = text.split("\n")
    shape = next(shape for pair in pairwise(lines) if (shape := shape_of(*pair)) is not None)
    found: list[str] = []
    at = 0
    while at < len(lines):
        heading = HEADING.fullmatch(lines[at])
        if heading is None:
            found.append(lines[at].removeprefix("\\"))
            at += 1
            continue
        for number in range(int(heading[1]), int(heading[2]) + 1):
            at += 1
            name, time = re.fullmatch(r"(.*?)(?: \(([\d.]+)\))?", lines[at]).groups()
            found += pair_of(number, name, time or "0.00", shape)
        at += 1
    return "\n".join(found)


def shape_of(start: str, end: str) -> tuple | None:
    """Return how two lines are written, if they say of one test that it passed."""
    started, passed = STARTED.fullmatch(start), PASSED.fullmatch(end)
    if started is None or passed is None:
        return None
    place, of, number, named, seconds = passed.groups()
    shape = (started[1], len(started[2]), of, len(place), len(number), len(named), len(seconds))
    again = pair_of(int(started[2]), started[3], seconds.strip(), shape)
    return shape if again == [start, end] and not re.search(r" \([\d.]+\)$", started[3]) else None


def pair_of(number: int, name: str, time: str, shape: tuple) -> list[str]:
    indent, started, of, place, wide, named, seconds = shape
    dots = f"{name} ".ljust(named, ".")
    return [
        f"{indent}Start{number:{started}}: {name}",
        f"{number:{place}}/{of}{f'#{number}':>{wide}}: {dots}   Passed{time:>{seconds}} sec",
    ]
