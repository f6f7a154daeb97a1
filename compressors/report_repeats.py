"""Lines that come again, one or several in a row: ``#1| line`` the first time, ``#1`` from then on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

_LEAST = 24  # characters that a repeat must have
_LEAST_SAVED = 50  # characters that all repeats of a block must save together
_COST = 4  # characters that a mark costs


def folded(lines: Sequence[str]) -> list[str]:
    """Return the lines with what was there before replaced by its number."""
    units = list(_units(lines))
    blocks = _blocks(units)
    out: list[str] = []
    numbers: dict[str, int] = {}
    again: list[int] = []
    at = 0
    while at < len(units):
        block = blocks.get(units[at])
        if block is not None and units[at] in numbers:
            again.append(numbers[units[at]])
        else:
            out += _references(again)
            again = []
            shown = [line for unit in block or units[at : at + 1] for line in unit.split("\n")]
            if block is not None:
                number = numbers[units[at]] = len(numbers) + 1
                shown = [f"#{number}| {line}" for line in shown]
            out += shown
        at += 1 if block is None else len(block)
    return out + _references(again)


def _references(numbers: Sequence[int]) -> list[str]:
    """Return one line that stands for several blocks, if there are any: ``#1 #2 x3``."""
    counted = ((number, len(list(group))) for number, group in groupby(numbers))
    texts = [f"#{number} x{count}" if count > 1 else f"#{number}" for number, count in counted]
    return [" ".join(texts)] if texts else []


def _units(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines, each with the empty ones behind it."""
    unit: list[str] = []
    for line in lines:
        if line and unit:
            yield "\n".join(unit)
            unit = []
        unit.append(line)
    if unit:
        yield "\n".join(unit)


def _blocks(units: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what always stands together and comes again, by its first unit."""
    counts = Counter(units)
    behind = _constant(zip(units, [*units[1:], None], strict=True))
    before = _constant(zip(units, [None, *units[:-1]], strict=True))
    # What always follows, and only there, and as often.
    next_of = {
        one: other
        for one, other in behind.items()
        if other is not None and before[other] == one and counts[one] == counts[other]
    }
    firsts = counts.keys() - next_of.values()
    found: dict[str, tuple[str, ...]] = {}
    for unit in firsts:
        count = counts[unit]
        if count < 2:
            continue
        block = [unit]
        while (following := next_of.get(block[-1])) is not None:
            block.append(following)
        size = sum(map(len, block))
        if size >= _LEAST and (count - 1) * (size - _COST) - _COST * len(block) >= _LEAST_SAVED:
            found[unit] = tuple(block)
    return found


def _constant(pairs: Iterator[tuple[str, str | None]]) -> Mapping[str, str | None]:
    """Return what belongs to each, where it is always the same."""
    found: dict[str, str | None] = {}
    for one, other in pairs:
        found[one] = other if found.get(one, other) == other else None
    return found
