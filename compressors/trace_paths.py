"""Directories that many frames have in common, said once: ``$1 = /usr/lib/python3.11/site-packages``."""

import re
from collections import Counter
from collections.abc import Sequence

from headroom_mitm.compressors.report_notation import verbatim
from headroom_mitm.compressors.report_repeats import folded

_PATH = re.compile(r"(?:/|\b[A-Za-z]:\\)(?:[\w.@+~-]+[/\\])+")
_NAMED = re.compile(r"\$\d")
_MOST = 6
_SHORTEST = 12  # characters
_COST = 4  # characters of a name
_LEAST_SAVED = 60  # characters
_MOST_PATHS = 4_000  # looked at to find what many have in common


def written(lines: Sequence[str], said: str) -> str:
    """Return lines with directories and blocks said once, below a line that says ``said`` and how to read them."""
    shortened, names = named([verbatim(line) for line in lines])
    shown = folded(shortened)
    words = [said, *(["Names such as $1 stand for directories."] if names else [])]
    if any(line.startswith("#1| ") for line in shown):
        words.append('"#1| " marks lines that come again as "#1".')
    return "\n".join([f"[{' '.join(words)}]", *names, *shown])


def named(lines: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the lines with names for directories, and what the names stand for; none where one would be taken."""
    text = "\n".join(lines)
    if _NAMED.search(text):
        return list(lines), []
    counts = Counter(match[0] for _, match in zip(range(_MOST_PATHS), _PATH.finditer(text), strict=False))
    directories = _shared(counts)
    for number, directory in enumerate(directories, 1):
        text = text.replace(directory, f"${number}{directory[-1]}")
    return text.split("\n"), [f"${number} = {directory[:-1]}" for number, directory in enumerate(directories, 1)]


def _shared(counts: Counter[str]) -> list[str]:
    """Return directories that are worth a name, each after those that it contains."""
    found: list[str] = []
    left = dict(counts)
    while len(found) < _MOST:
        saved: Counter[str] = Counter()
        for path, count in left.items():
            for directory in _above(path):
                saved[directory] += count
        worth = {directory: (count - 1) * (len(directory) - _COST) for directory, count in saved.items()}
        best = max(worth, key=lambda directory: (worth[directory], directory), default="")
        if not best or worth[best] < _LEAST_SAVED:
            break
        found.append(best)
        left = {path: count for path, count in left.items() if not path.startswith(best)}
    return sorted(found, key=lambda directory: (-len(directory), directory))


def _above(path: str) -> list[str]:
    ends = [at + 1 for at, char in enumerate(path) if char in "/\\"]
    return [path[:end] for end in ends if end >= _SHORTEST]
