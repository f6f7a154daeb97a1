"""Names in a row that differ in a number or a digest only, as a shell's braces: ``part-{1,2,3}.png``."""

import re
from collections.abc import Iterator, Sequence
from itertools import groupby

_FEWEST = 3
_LEAST_SHARED = 5  # characters before and behind what differs
_MOST = 24  # names in one pair of braces
_LONGEST = 200  # characters of a name
_VARIES = re.compile(r"(.*?[-_.]?)([0-9a-f]{8,}|\d+)((?:[-_.][A-Za-z]\w*)*)")
SIGNS = frozenset("{},")


def around(name: str) -> tuple[str, str] | None:
    """Return what stands before and behind a number or digest in a name; None where there is none."""
    match = _VARIES.fullmatch(name) if len(name) < _LONGEST else None
    return (match[1], match[3]) if match is not None else None


def folded(names: Sequence[str]) -> Iterator[str]:
    """Yield names in order, several as one where that is shorter. None of them may have ``SIGNS``."""
    matches = [_VARIES.fullmatch(name) if len(name) < _LONGEST else None for name in names]
    shared = [(match[1], match[3]) if match is not None else None for match in matches]
    for around, run in groupby(range(len(names)), key=shared.__getitem__):
        numbers = list(run)
        if around is None or len(numbers) < _FEWEST or len("".join(around)) < _LEAST_SHARED or " " in "".join(around):
            yield from (names[at] for at in numbers)
            continue
        for start in range(0, len(numbers), _MOST):
            values = [match[2] for at in numbers[start : start + _MOST] if (match := matches[at]) is not None]
            inside = f"{{{','.join(values)}}}" if len(values) > 1 else values[0]
            yield f"{around[0]}{inside}{around[1]}"
