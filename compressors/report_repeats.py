"""Lines that come again, one or several in a row: ``#1| line`` the first time, ``#1`` from then on."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

_LEAST = 24  # characters that a repeat must have
_LEAST_SAVED = 50  # characters that all repeats of a block must save together
_LONGEST_ROUND = 4  # blocks that take turns
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
    """Return one line that stands for several blocks, if there are any: ``#1 #2 x3 (#4 #5) x6``."""
    texts = []
    at = 0
    while at < len(numbers):
        size, count = max(((size, _again(numbers, at, size)) for size in range(1, _LONGEST_ROUND + 1)), key=_shown)
        text = " ".join(f"#{number}" for number in numbers[at : at + size])
        texts.append(text if count == 1 else f"{text} x{count}" if size == 1 else f"({text}) x{count}")
        at += size * count
    return [" ".join(texts)] if texts else []


def _again(numbers: Sequence[int], at: int, size: int) -> int:
    """Count how often the next numbers stand there in a row."""
    end = at + size
    while end + size <= len(numbers) and numbers[end : end + size] == numbers[at : at + size]:
        end += size
    return (end - at) // size


def _shown(found: tuple[int, int]) -> tuple[int, int]:
    """Rate a round by the numbers that it spares; of like ones the shorter, and a single number if it spares none."""
    size, count = found
    return size * (count - 1) if count > 1 else 0, -size


def _units(lines: Sequence[str]) -> Iterator[str]:
    """Yield lines, each with the empty ones behind it, and those that mark a part of it."""
    unit: list[str] = []
    for line in lines:
        if unit and line.strip(" ~^"):
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
