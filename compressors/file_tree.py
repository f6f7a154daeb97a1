"""Lists of files: a directory is said once, above what is in it; columns that say the same are said once, too."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from headroom_mitm.compressors import long_listing, path_lists, tree_drawing, tree_gaps, tree_packages
from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.line_ranges import are_tiny, in_words
from headroom_mitm.compressors.tree_drawing import Drawing
from headroom_mitm.compressors.tree_gaps import Item, Note
from headroom_mitm.compressors.tree_packages import Packages

_T = TypeVar("_T")
_FEWEST_LINES = 5
_DEEPEST = {Level.MEDIUM: 1, Level.HARD: 0}  # packages that are shown; above 0 they are needed by others
_LOSSY_WORTH = 0.85  # share of the whole form: a lossy one that is longer is not worth its gaps
_WORTH = 0.95  # a form with more of the tokens than this is not worth a reader's trouble
_HEAD_LINES = 60
_LEAST_SHARE = 0.6
_SURE = 0.97
_MOST_QUOTED = 0.3  # share of the names of a drawing that may have spaces: more are no files
_PATH_CHARACTERS = r"\w.@+~%#$()\[\]{},=&!-"
_LOOKS_PATH = re.compile(
    r"\n(?=(?![A-Za-z0-9+/]{60}|//)(?:[^\t\n]*\t| *\d[\d.,]*[KMGT]?B? +|[ MADRCUT?!]{2} )?"
    rf"(?=\S*\w)[{_PATH_CHARACTERS}]*/[{_PATH_CHARACTERS}/]*$)",
    re.MULTILINE,
)
_LOOKS_LONG = re.compile(
    r"\n(?=[-dlbcps][-rwxsStT]{9}[.+@]? +\d+ \S+ +\S+ +[\d.,]+[KMGTP]? |total [\d.]+|(?:\.|\S*/[^\s/]*):$)",
    re.MULTILINE,
)
_LOOKS_DRAWN = re.compile(r"\n(?=[│| \u00a0├└+\\`])(?=[│| \u00a0]{0,200}(?:[├└]─[─┬] |[+\\]-{1,3} |[|`]-- ))")


@dataclass(frozen=True, slots=True)
class FileTree:
    """Lossless: an empty line is followed by a directory, in which what stands below is."""

    name: str = "file_tree"
    version: int = 2
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Share of sampled lines that look like a path, like a row of ls -l, or like a branch of tree."""
        look = content.look
        count = sum(map(bool, content.head[:_HEAD_LINES]))
        best = max(len(_LOOKS_LONG.findall(look)), len(_LOOKS_DRAWN.findall(look)))
        if look.count("/") >= _LEAST_SHARE * count:
            best = max(best, len(_LOOKS_PATH.findall(look)))
        share = best / max(1, count)
        return _SURE * share if share >= _LEAST_SHARE else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the list below its directories, or None where that saves too little."""
        body = content.text.removesuffix("\n")
        lines = body.split("\n")
        if len(lines) < _FEWEST_LINES or are_tiny(lines, len(body)) or self.score(content) <= 0:
            return None
        end = content.text[len(body) :]
        drawing = _drawing(lines)
        packages = tree_packages.read(lines) if drawing is None else None
        if packages is not None:
            return _of_packages(packages, content, level)
        files = _Files.of(lines, drawing)
        text = files.written([], []) + end
        items = files.items() if level > Level.LOSSLESS else []
        gaps = tree_gaps.gaps(items, level, drawn=files.drawing is not None)
        if gaps:
            part = files.written(items, gaps) + end
            if len(part) < _LOSSY_WORTH * min(len(text), len(content.text)):
                missing = [tree_gaps.lines_of(items, gap) for gap in gaps]
                return Compressed(part, lossless=False, left_out=in_words(missing, len(lines)))
        if not content.outweighs(text, _WORTH):
            return None
        return Compressed(text, lossless=True)


@dataclass(frozen=True, slots=True)
class _Files:
    """A list of files, as drawn by tree, by ls -l, or as paths; and the files in it."""

    lines: Sequence[str]
    drawing: Drawing | None
    listing: str | None
    """The whole short form of ``ls -l``, if it is that."""
    entries: Sequence[path_lists.Entry]
    """The lines taken apart, if they are paths."""

    @classmethod
    def of(cls, lines: Sequence[str], drawing: Drawing | None) -> "_Files":
        listing = long_listing.written(lines) if drawing is None else None
        are_paths = drawing is None and listing is None
        return cls(lines, drawing, listing, [*map(path_lists.read, lines)] if are_paths else [])

    def items(self) -> list[Item]:
        """Return the files in order."""
        if self.drawing is not None:
            named = zip(map(_entry, self.drawing.paths), self.drawing.places, strict=True)
            return [Item(entry.directory, entry.name, place) for entry, place in named]
        if self.listing is not None:
            return long_listing.items(self.lines)
        found = (path_lists.item(entry, number) for number, entry in enumerate(self.entries))
        return [item for item in found if item is not None]

    def written(self, items: Sequence[Item], gaps: Sequence[range]) -> str:
        """Return the short form, with a note in place of each gap of items."""
        if self.drawing is not None:
            return _drawn(self.drawing, items, gaps)
        notes = [(tree_gaps.lines_of(items, gap), tree_gaps.note(items, gap)) for gap in gaps]
        if self.listing is None:
            noted = [(missing, path_lists.Entry("", "", note)) for missing, note in notes]
            return path_lists.written(_with_directories(_with_gaps(self.entries, noted)))
        if not gaps:
            return self.listing
        lines = _with_gaps(self.lines, notes)
        return long_listing.written(lines) or "\n".join(lines)


def _with_gaps(items: Sequence[_T], notes: Sequence[tuple[range, _T]]) -> list[_T]:
    """Return items with a note in place of those in each range."""
    found: list[_T] = []
    at = 0
    for missing, note in notes:
        found += [*items[at : missing.start], note]
        at = missing.stop
    return [*found, *items[at:]]


def _drawn(drawing: Drawing, items: Sequence[Item], gaps: Sequence[range]) -> str:
    entries = [_entry(path) for path in drawing.paths]
    for gap in reversed(gaps):
        entries[gap.start : gap.stop] = [path_lists.Entry("", "", tree_gaps.note(items, gap))]
    around = [[path_lists.Entry("", "", line) for line in part] for part in (drawing.before, drawing.after)]
    with_spaces = "" if drawing.spaces == tree_drawing.WIDE else ", with plain spaces"
    cut = f", cut where levels {', '.join(map(str, drawing.open))} go on" if drawing.open else ""
    said = f" They were drawn by tree{with_spaces}{cut}."
    return path_lists.written([*around[0], *_with_directories(entries), *around[1]], said)


def _with_directories(entries: Sequence[path_lists.Entry]) -> Iterator[path_lists.Entry]:
    """Yield entries, notes with the directory of the entry before: they stand below its heading."""
    directory = ""
    for entry in entries:
        if isinstance(entry.name, Note):
            yield path_lists.Entry("", directory, entry.name)
        else:
            directory = entry.directory
            yield entry


def _of_packages(packages: Packages, content: Content, level: Level) -> Compressed | None:
    whole = tree_packages.written(packages)
    if whole is None:
        return None
    end = "\n" if content.text.endswith("\n") else ""
    gaps = tree_packages.gaps_at(packages, _DEEPEST[level]) if level in _DEEPEST else []
    part = tree_packages.written(packages, gaps) if gaps else None
    if part is not None and len(part) < _LOSSY_WORTH * min(len(whole), len(content.text)):
        return Compressed(part + end, lossless=False, left_out=in_words(gaps, len(packages.lines)))
    if not content.outweighs(whole, _WORTH):
        return None
    return Compressed(whole + end, lossless=True)


def _drawing(lines: Sequence[str]) -> Drawing | None:
    drawing = tree_drawing.read(lines)
    if drawing is None or sum(" " in path for path in drawing.paths) > _MOST_QUOTED * len(drawing.paths):
        return None
    return drawing


def _entry(path: str) -> path_lists.Entry:
    names = tree_drawing.parts(path)
    return path_lists.Entry("", "/".join([".", *names[:-1], ""]), names[-1])
