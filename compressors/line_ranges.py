"""Lines of a text: too many of them, and those that are left out, said exactly."""

from collections.abc import Sequence

_LISTED = 3
_MOST_TINY = 40_000
_TINY = 18  # characters


def are_tiny(lines: Sequence[str], size: int) -> bool:
    """Say whether a text of ``size`` characters has so many and so short lines that they take too long for their size.

    What is done with a line takes about as long as what is done with 18 characters.
    """
    return len(lines) > _MOST_TINY and size < _TINY * len(lines)


def in_words(gaps: Sequence[range], total: int) -> str:
    """Say which lines of how many are not shown. Ranges count from 0, what is said from 1."""
    ranges = [f"{gap.start + 1}-{gap.stop}" for gap in gaps]
    if len(ranges) > _LISTED:
        count = sum(map(len, gaps))
        return f"{count} of {total} lines, in {len(ranges)} ranges from {ranges[0]} to {ranges[-1]}"
    return f"lines {', '.join(ranges[:-1])}{' and ' if ranges[1:] else ''}{ranges[-1]} of {total}"
