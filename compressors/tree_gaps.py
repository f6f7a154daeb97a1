"""Which files of a list may be left out, and how that is said.

Never: files near the top, the first and last of many alike, the largest of those, lines that are no files.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from headroom_mitm.compressors import path_braces
from headroom_mitm.compressors.base import Level

VENDORED = frozenset(
    {
        *(
            "node_modules",
            "bower_components",
            "vendor",
            "third_party",
            "site-packages",
            ".venv",
            "venv",
            ".tox",
            ".nox",
        ),
        *(".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".cache", ".gradle"),
        *("dist", "build", "target", "out", ".next", ".nuxt", "coverage", "htmlcov", "obj", ".idea", ".terraform"),
    }
)
_FEWEST = 30  # files
_LEAST_GAP = 3  # lines
_LEAST_GONE = 0.15  # share of the files: for less nothing is left out
_MOST_VENDORED = 0.8  # share of the files: where nearly all are, they are what was asked for
_SHOWN = 0.2  # share of the files that may stay by their depth alone
_NAMED = 5  # directories that a note names


@dataclass(frozen=True, slots=True)
class Item:
    """A file, and the line it stands in. One without a name is a line of its directory, such as its heading."""

    directory: str
    """With a slash at its end."""
    name: str
    line: int
    size: int | None = None

    def kind(self, *, strictly: bool) -> str:
        """Return what files alike have in common: the directory and the last suffix.

        Or, strictly, all of the name but a number or a digest; one without stands alone.
        """
        if not self.name:
            return str(self.line)
        if strictly:
            around = path_braces.around(self.name)
            return f"{self.directory}{around[0]}*{around[1]}" if around is not None else str(self.line)
        return f"{self.directory}*.{self.name.rpartition('.')[2] if '.' in self.name else ''}"


@dataclass(frozen=True, slots=True)
class _Rules:
    run: int
    """Files alike in a row, of which the first and last ones stay."""
    first: int
    strictly: bool = False
    """Only those are alike that differ in a number or a digest."""
    deep: bool = False
    """Only directories near the top are shown."""


_RULES = {
    Level.LIGHT: _Rules(run=12, first=2, strictly=True),
    Level.MEDIUM: _Rules(run=8, first=3),
    Level.HARD: _Rules(run=4, first=1, deep=True),
}


class Note(str):
    """A line of ours among those of a list."""

    __slots__ = ()


def gaps(items: Sequence[Item], level: Level, *, drawn: bool = False) -> list[range]:
    """Return the items that may go, in runs; none where too few may.

    Lines between items end a run, except in a drawing, where those are of directories.
    """
    if len(items) < _FEWEST or level is Level.LOSSLESS:
        return []
    gone = _gone(items, _RULES[level])
    runs = []
    for (is_gone, _), run in groupby(range(len(items)), key=lambda at: (gone[at], drawn or items[at].line - at)):
        numbers = list(run)
        if is_gone and items[numbers[-1]].line - items[numbers[0]].line + 1 >= _LEAST_GAP:
            runs.append(range(numbers[0], numbers[-1] + 1))
    shown = len(items) - sum(map(len, runs))
    return runs if runs and 0 < shown <= (1 - _LEAST_GONE) * len(items) else []


def lines_of(items: Sequence[Item], gap: range) -> range:
    """Return the lines of items in a row."""
    return range(items[gap.start].line, items[gap.stop - 1].line + 1)


def note(items: Sequence[Item], gap: range) -> Note:
    """Say what is not shown: lines from 1, files by directory."""
    files = [items[at] for at in gap if items[at].name]
    lines = lines_of(items, gap)
    counts = Counter(file.directory for file in files)
    if len(counts) == 1:
        what = f"{_entries(len(files))}, {files[0].name} to {files[-1].name}"
        sizes = [file.size for file in files if file.size is not None]
        what += f", size {min(sizes)} to {max(sizes)}" if sizes else ""
    else:
        if len(counts) > _NAMED:  # then by what is on top
            above = _shared(set(counts))
            counts = Counter(_top(file.directory, above) for file in files)
        most = counts.most_common(_NAMED)
        others = len(files) - sum(count for _, count in most)
        named = [f"{directory or '(no directory)'} {count}" for directory, count in most]
        named += [f"{others} in {len(counts) - _NAMED} more directories"] if others else []
        what = f"{_entries(len(files))}: {', '.join(named)}"
    return Note(f"[lines {lines.start + 1}-{lines.stop} left out: {what}]")


def _top(directory: str, above: str) -> str:
    """Return the directory right below another that this one is in."""
    return directory[: directory.find("/", len(above)) + 1] or above


def _entries(count: int) -> str:
    return f"{count} entr{'y' if count == 1 else 'ies'}"  # of which some may be directories


def _gone(items: Sequence[Item], rules: _Rules) -> list[bool]:
    files = [item for item in items if item.name]
    above = _shared({item.directory for item in files})
    vendored = {directory for directory in {item.directory for item in items} if _is_vendored(directory[len(above) :])}
    if sum(item.directory in vendored for item in files) > _MOST_VENDORED * len(files):
        vendored = set()
    depths = Counter(_depth(item, above) for item in files)
    deepest = _deepest_shown(depths, len(files)) if rules.deep else max(depths, default=0)
    hidden = vendored | {item.directory for item in items if _depth(item, above) > deepest}
    gone = [item.directory in hidden for item in items]
    for number in _alike(items, rules):
        gone[number] = True
    return gone


def _shared(directories: set[str]) -> str:
    """Return the directory that all are in."""
    first, last = min(directories, default=""), max(directories, default="")
    differ = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[: first.rfind("/", 0, differ) + 1]


def _is_vendored(directory: str) -> bool:
    return not VENDORED.isdisjoint(directory.split("/"))


def _depth(item: Item, above: str) -> int:
    return item.directory.count("/", len(above))


def _deepest_shown(depths: Counter[int], count: int) -> int:
    """Return the depth down to which few enough files stay; the top stays in any case."""
    deepest = min(depths, default=0)
    shown = 0
    for depth in sorted(depths):
        shown += depths[depth]
        if shown > _SHOWN * count:
            break
        deepest = depth
    return deepest


def _alike(items: Sequence[Item], rules: _Rules) -> list[int]:
    """Return what is in the middle of each row of files alike, except for the largest."""
    gone = []
    for _, run in groupby(range(len(items)), key=lambda at: items[at].kind(strictly=rules.strictly)):
        numbers = list(run)
        if len(numbers) < rules.run:
            continue
        largest = max(numbers, key=lambda at: items[at].size or 0)
        gone += [at for at in numbers[rules.first : -1] if at != largest or not items[at].size]
    return gone
