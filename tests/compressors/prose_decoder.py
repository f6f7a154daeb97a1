"""Turns back what prose calls lossless."""

import re

NOTE = re.compile(r"\[again, lines? (\d+)(?:-(\d+))?: ")


def decode(text: str) -> str:
    """Return the original: each reference stands for lines that are above it."""
    found: list[str] = []
    for line in text.split("\n"):
        match = NOTE.match(line)
        if match:
            first = int(match[1])
            found += found[first - 1 : int(match[2] or first)]
        else:
            found.append(line)
    return "\n".join(found)
