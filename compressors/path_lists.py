"""Lists of paths: a directory is said once, above what is in it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from headroom_mitm.compressors.path_braces import SIGNS, folded
from headroom_mitm.compressors.tree_gaps import Item, Note

# What stands in front of a path: the columns of git ls-tree and du, the number of wc, the two letters of git status.
_LINE = re.compile(r"((?:[^\t]*\t)?| *\d[\d.,]*[KMGT]?B? +|[ MADRCUT?!]{2} )((?:[^\s/]*/)+)([^\s/]+/?)")
_LEAST_HOISTED = 0.8  # share of the lines that must begin alike
_MOST_HOISTED_WORDS = 3
_HEADING = 4  # characters that a heading costs besides itself
_DEEPEST = 12  # directories above a file that may be its heading
_WIDTH = 200  # characters of a line of names
_UNSPOKEN = re.compile(r"\s*\d+\s*")  # a number at the beginning is the file's own, such as its size
_SIZE = re.compile(r"(?:.* )?(\d+)\s+$")  # of find, du, git ls-tree
_SPACE = re.compile(r"\s")
NO_DIRECTORY = "(no directory)"


class Entry(NamedTuple):
    """A line: joined, ``before``, ``directory`` and ``name`` are it. One that is no path is all name."""

    before: str
    directory: str
    name: str


def read(line: str) -> Entry:
    """Take a line apart."""
    if isinstance(line, Note):
        return Entry("", "", line)
    match = _LINE.fullmatch(line)
    return Entry(*match.groups()) if match is not None else Entry("", "", line)


def item(entry: Entry, line: int) -> Item | None:
    """Return the file of an entry; None if it is none."""
    if not entry.directory:
        return None
    size = _SIZE.match(entry.before)
    return Item(entry.directory, entry.name, line, int(size[1]) if size is not None else None)


def hoisted(entries: Sequence[Entry]) -> str:
    """Return what nearly all lines begin with, up to a space; empty if they do not."""
    before = [entry.before for entry in entries if entry.directory and not isinstance(entry.name, Note)]
    if not any(before):
        return ""
    for words in range(_MOST_HOISTED_WORDS, 0, -1):
        find = re.compile(rf"(?:\S+ ){{{words}}}")
        starts = Counter(match[0] for text in before if (match := find.match(text)))
        if starts and (most := starts.most_common(1)[0])[1] >= _LEAST_HOISTED * len(before):
            return "" if _UNSPOKEN.fullmatch(most[0]) else most[0]
    return ""


def written(lines: Iterable[Entry], said: str = "") -> str:
    """Return the list below its directories, after a note that says how to read it, and what is ``said`` of it."""
    entries = list(lines)
    start = hoisted(entries)
    if start:
        entries = [entry if _fits(entry, start) else Entry("", "", _whole(entry)) for entry in entries]
    packs = not any(entry.before or '"' in entry.name for entry in entries if entry.directory)
    count = sum(bool(entry.directory) and not isinstance(entry.name, Note) for entry in entries)
    shown = " shown" if any(isinstance(entry.name, Note) for entry in entries) else ""
    folds = packs and not any(sign in part for entry in entries for part in entry[1:] for sign in SIGNS)
    rows = []
    above = ""
    for heading, group in _under_headings(entries):
        if heading != above:
            rows += ["", heading or NO_DIRECTORY]
            above = heading
        rows += _rows(heading, group, len(start), packs=packs, folds=folds)
    note = f"[{count} paths{shown}: each directory stands once, above {'its names' if packs else 'its lines'}.{said}"
    note += f' "{start}" is left out in front of each.' if start else ""
    note += ' "a{1,2}.b" stands for a1.b and a2.b.' if folds and any("{" in row for row in rows) else ""
    return "\n".join([note + "]", *rows])


def _fits(entry: Entry, start: str) -> bool:
    return not entry.directory or entry.before.startswith(start) or isinstance(entry.name, Note)


def _whole(entry: Entry) -> str:
    return entry.before + entry.directory + entry.name


def _rows(heading: str, entries: Sequence[Entry], start: int, *, packs: bool, folds: bool) -> Iterator[str]:
    """Yield the lines below a heading. An empty line is two, since one announces a heading."""
    names: list[str] = []
    for entry in entries:
        name = entry.directory[len(heading) :] + entry.name
        if heading and entry.directory and packs and not isinstance(entry.name, Note):
            names.append(name)
            continue
        yield from _packed(names, folds=folds)
        names = []
        if isinstance(entry.name, Note):
            yield entry.name
        else:
            yield from ["", ""] if not name else [entry.before[start:] + name]
    yield from _packed(names, folds=folds)


def _packed(names: Sequence[str], *, folds: bool) -> Iterator[str]:
    """Yield lines of names."""
    row = ""
    for name in folded(names) if folds and len(names) > 1 else names:
        shown = f'"{name}"' if _SPACE.search(name) else name
        if row and len(row) + len(shown) > _WIDTH:
            yield row
            row = ""
        row += f" {shown}" if row else shown
    if row:
        yield row


def _under_headings(entries: Sequence[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """Yield entries with the directory they stand below: their own, or one above it where that takes less.

    The choice takes the fewest characters: for each run of entries of one directory, and each directory above them,
    the best that leads there, from the same heading or from the cheapest of the others.
    """
    runs = [(directory, list(group)) for directory, group in groupby(entries, key=lambda entry: entry.directory)]
    costs: dict[str, int] = {"": 0}
    steps: list[dict[str, str]] = []  # of each run, for each heading, the heading of the run before
    for directory, group in runs:
        cheapest = min(costs, key=costs.__getitem__)
        now: dict[str, int] = {}
        step: dict[str, str] = {}
        for heading in _above(directory):
            fresh = costs[cheapest] + len(heading or NO_DIRECTORY) + _HEADING
            stays = costs.get(heading, fresh) <= fresh and heading in costs
            step[heading] = heading if stays else cheapest
            now[heading] = (costs[heading] if stays else fresh) + len(group) * (len(directory) - len(heading))
        steps.append(step)
        costs = now
    heading = min(costs, key=costs.__getitem__)
    chosen = []
    for step in reversed(steps):
        chosen.append(heading)
        heading = step[heading]
    for shown, (_, group) in zip(reversed(chosen), runs, strict=True):
        yield shown, group


def _above(directory: str) -> list[str]:
    if not directory:
        return [""]
    ends = [match.end() for match in re.finditer("/", directory)]
    return [directory[:end] for end in ends[-_DEEPEST:]]
