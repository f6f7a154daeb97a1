"""Lines that are left out of a text, said exactly."""

from collections.abc import Sequence

_LISTED = 3


def in_words(gaps: Sequence[range], total: int) -> str:
    """Say which lines of how many are not shown. Ranges count from 0, what is said from 1."""
    ranges = [f"{gap.start + 1}-{gap.stop}" for gap in gaps]
    if len(ranges) > _LISTED:
        count = sum(map(len, gaps))
        return f"{count} of {total} lines, in {len(ranges)} ranges from {ranges[0]} to {ranges[-1]}"
    return f"lines {', '.join(ranges[:-1])}{' and ' if ranges[1:] else ''}{ranges[-1]} of {total}"
