"""Lists of files: a directory is said once, above what is in it; columns that say the same are said once, too."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from headroom_mitm.compressors import long_listing, path_lists, tree_drawing
from headroom_mitm.compressors.base import Compressed, Content, Level

_FEWEST_LINES = 5
_WORTH = 0.95  # a form with more of the tokens than this is not worth a reader's trouble
_HEAD_LINES = 60
_SAMPLE = 20_000  # characters
_WIDTH = 300  # characters of a line
_LEAST_SHARE = 0.6
_SURE = 0.97
_MOST_QUOTED = 0.3  # share of the names of a drawing that may have spaces: more are no files
_PATH_CHARACTERS = r"\w.@+~%#$()\[\]{},=&!-"
_LOOKS_PATH = re.compile(
    r"(?![A-Za-z0-9+/]{60}|//)(?:[^\t]*\t| *\d[\d.,]*[KMGT]?B? +|[ MADRCUT?!]{2} )?"
    rf"(?=\S*\w)[{_PATH_CHARACTERS}]*/[{_PATH_CHARACTERS}/]*$"
)
_LOOKS_LONG = re.compile(
    r"[-dlbcps][-rwxsStT]{9}[.+@]? +\d+ \S+ +\S+ +[\d.,]+[KMGTP]? |total [\d.]+|(?:\.|\S*/[^\s/]*):$"
)
_LOOKS_DRAWN = re.compile(r"(?:│[ \u00a0]{2} |    )*[├└]── ")
_LOOKS = (_LOOKS_PATH, _LOOKS_LONG, _LOOKS_DRAWN)


@dataclass(frozen=True, slots=True)
class FileTree:
    """Lossless: an empty line is followed by a directory, in which what stands below is."""

    name: str = "file_tree"
    version: int = 1
    exact: bool = True

    def score(self, content: Content) -> float:
        """Share of sampled lines that look like a path, like a row of ls -l, or like a branch of tree."""
        lines = content.text[:_SAMPLE].split("\n", _HEAD_LINES)[:_HEAD_LINES]
        seen = [line[:_WIDTH] for line in lines if line]
        best = max(sum(looks.match(line) is not None for line in seen) for looks in _LOOKS)
        share = best / max(1, len(seen))
        return _SURE * share if share >= _LEAST_SHARE else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:  # noqa: ARG002 - only lossless forms
        """Return the list below its directories, or None where that saves too little."""
        body = content.text.removesuffix("\n")
        lines = body.split("\n")
        if len(lines) < _FEWEST_LINES or self.score(content) <= 0:
            return None
        shorter = _drawing(lines) or long_listing.written(lines)
        text = (shorter or _list(lines)) + content.text[len(body) :]
        if content.count(text) > _WORTH * content.count(content.text):
            return None
        return Compressed(text, lossless=True)


def _list(lines: Sequence[str]) -> str:
    return path_lists.written([path_lists.read(line) for line in lines])


def _drawing(lines: Sequence[str]) -> str | None:
    drawing = tree_drawing.read(lines)
    if drawing is None or sum(" " in path for path in drawing.paths) > _MOST_QUOTED * len(drawing.paths):
        return None
    around = [[path_lists.Entry("", "", line) for line in part] for part in (drawing.before, drawing.after)]
    along = [tree_drawing.parts(path) for path in drawing.paths]
    named = [path_lists.Entry("", "/".join([".", *names[:-1], ""]), names[-1]) for names in along]
    with_spaces = "" if drawing.spaces == tree_drawing.WIDE else ", with plain spaces"
    return path_lists.written([*around[0], *named, *around[1]], f" They were drawn by tree{with_spaces}.")
