"""Results of grep and rg: a path is said once, above its hits, as ``rg --heading`` does; hits stay verbatim."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.search_lines import Hits, Piece, read, score_of

_FEWEST_LINES = 4
_SHORTEST_FOLDED = 8  # characters of a text worth folding
_LEAST_FOLDED = 0.04  # share of the characters; for less all hits stay in order, and can be counted
_WORTH = 0.95  # a form with more of the tokens than this is not worth a reader's trouble
_HEADING = 2  # characters that a heading costs besides itself: the empty line before it
_NUMBER = re.compile(r"([:-])(\d+)\1")
_NO_PATH = "(no path)"
_NEVER = 10**12  # characters
_SEARCH = re.compile(r"\b(?:[efrz]?grep|rg|ag|ack|search)\b", re.IGNORECASE)


@dataclass(slots=True)
class Section:
    """Lines of one file in a row, or lines without a path."""

    path: str | None
    rests: list[str] = field(default_factory=list)
    """Of each line what follows the path; whole lines where they have none: empty ones, and those between places."""
    by_directory: bool = False
    """Below the heading of its directory: each line shows the name of its file."""

    @property
    def directory(self) -> str:
        """The path up to its last slash, with it."""
        return self.path[: self.path.rfind("/") + 1] if self.path else ""

    @property
    def file(self) -> str:
        """The path behind its last slash."""
        return self.path[len(self.directory) :] if self.path else ""

    @property
    def heading(self) -> str:
        """What the lines stand below."""
        return _NO_PATH if self.path is None else self.directory if self.by_directory else self.path


@dataclass(frozen=True, slots=True)
class SearchHits:
    """Lossless: an empty line is followed by a path or directory, to which the lines below it belong."""

    name: str = "search_hits"
    version: int = 1
    exact: bool = True

    def score(self, content: Content) -> float:
        """Share of sampled lines that look like hits: surer with line numbers than without."""
        return score_of(content.text)

    def compress(self, content: Content, level: Level) -> Compressed | None:  # noqa: ARG002 - only lossless forms
        """Return the hits below their paths, or None where that saves too little."""
        body = content.text.removesuffix("\n")
        lines = body.split("\n")
        if len(lines) < _FEWEST_LINES or self.score(content) <= 0 or (hits := read(lines)) is None:
            return None
        is_search = _SEARCH.search(content.tool + " " + content.subject) is not None
        text = _written(hits, is_search=is_search) + content.text[len(body) :]
        if len(text) >= len(content.text) or content.count(text) > _WORTH * content.count(content.text):
            return None
        return Compressed(text, lossless=True)


def _written(hits: Hits, *, is_search: bool) -> str:
    sections = list(_sections(hits.pieces))
    _choose_headings(sections)
    shown = [_rows(section) for section in sections]
    folds = False
    if _is_plain_list(hits):
        folded = [_folded(section, rows) for section, rows in zip(sections, shown, strict=True)]
        folds = _size(folded) <= (1 - _LEAST_FOLDED) * _size(shown)
        shown = folded if folds else shown
    out = [_note(hits, is_search=is_search, folds=folds)]
    above = _NO_PATH  # what stands right below the note has no path
    for section, rows in zip(sections, shown, strict=True):
        if section.heading != above:
            above = section.heading
            out += ["", above]
        out += rows
    return "\n".join(out)


def _size(rows_of_sections: Sequence[Sequence[str]]) -> int:
    return sum(len(row) + 1 for rows in rows_of_sections for row in rows)


def _note(hits: Hits, *, is_search: bool, folds: bool) -> str:
    rests = [piece[1] for piece in hits.pieces if isinstance(piece, tuple)]
    count = sum(rest[0] == ":" and _NUMBER.match(rest) is not None for rest in rests)
    said = [f"[{count} matches: each" if count and is_search else "[Each"]
    said += [" path or directory stands once, above its lines."]
    said += [' "3,9:text" is the same text at both lines.'] if folds else []
    said += [f' Lines without ":" came with {hits.root} before the path.'] if hits.root else []
    return "".join([*said, "]"])


def _sections(pieces: Sequence[Piece]) -> Iterator[Section]:
    section = Section(None)
    for piece in pieces:
        path, rest = piece if isinstance(piece, tuple) else (None, piece)
        if rest not in ("", "--") and path != section.path:
            if section.rests:
                yield section
            section = Section(path)
        section.rests.append(rest)
    yield section


def _choose_headings(sections: Sequence[Section]) -> None:
    """Put each file below a heading of its own or below that of its directory, whichever takes fewer characters."""
    own, shared = 0, _NEVER  # characters up to here if the last heading is a file's own, or its directory's
    above = ""
    came_from: list[tuple[bool, bool]] = []  # whether the section before shares, for each of the two
    for section in sections:
        least = min(own, shared)
        fresh = least + len(section.directory) + _HEADING
        stays = section.directory == above and shared < fresh
        came_from.append((shared < own, stays or shared < own))
        own = least + len(section.path or _NO_PATH) + _HEADING
        names = len(section.file) * sum(rest not in ("", "--") for rest in section.rests)
        shared = (shared if stays else fresh) + names if section.directory else _NEVER
        above = section.directory
    choice = shared < own
    for section, choices in zip(reversed(sections), reversed(came_from), strict=True):
        section.by_directory = choice
        choice = choices[choice]


def _rows(section: Section) -> list[str]:
    """Return the lines below the heading. An empty line is two, since one announces a heading."""
    rows = []
    for rest in section.rests:
        if rest == "":
            rows += ["", ""]
        elif section.path is None or rest == "--":
            rows.append(rest)
        elif section.by_directory:
            rows.append(section.file + rest)
        else:
            rows.append(rest[1:] if _NUMBER.match(rest) else rest)
    return rows


def _is_plain_list(hits: Hits) -> bool:
    """Say whether there are only hits: among lines of context, where code is read, equal ones stay where they are."""
    return not any(piece == "--" if isinstance(piece, str) else piece[1][0] == "-" for piece in hits.pieces)


def _folded(section: Section, rows: list[str]) -> list[str]:
    """Return the lines with equal texts folded, if the line numbers tell their order."""
    matches = [_NUMBER.match(rest) for rest in section.rests]
    numbers = [int(match[2]) for match in matches if match is not None and str(int(match[2])) == match[2]]
    ascends = all(one < other for one, other in pairwise(numbers))
    if section.path is None or section.by_directory or len(numbers) < len(rows) or not ascends:
        return rows
    places: dict[str, list[int]] = {}
    for number, row in zip(numbers, rows, strict=True):
        text = row[len(str(number)) :]
        # Short texts, such as brackets, are not worth it: they stay apart by their number.
        key = text if len(text) >= _SHORTEST_FOLDED else row
        places.setdefault(key, []).append(number)
    return [",".join(map(str, at)) + key if key[0] == ":" else key for key, at in places.items()]
