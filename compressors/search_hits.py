"""Results of grep and rg: a path is said once, above its hits, as ``rg --heading`` does; hits stay verbatim."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from headroom_mitm.compressors import search_gaps, search_names, search_numbers, search_trim
from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.line_ranges import are_tiny, in_words
from headroom_mitm.compressors.search_gaps import Note
from headroom_mitm.compressors.search_lines import Hits, Piece, read, score_of

_FEWEST_LINES = 4
_SHORTEST_FOLDED = 8  # characters of a text worth folding
_LEAST_FOLDED = 0.04  # share of the characters; for less all hits stay in order, and can be counted
_LOSSY_WORTH = 0.85  # share of the whole form: a lossy one that is longer is not worth its gaps
_WORTH = 0.95  # a form with more of the tokens than this is not worth a reader's trouble
_HEADING = 2  # characters that a heading costs besides itself: the empty line before it
_NUMBER = re.compile(r"([:-])(\d+)\1")
_NUMBERED = re.compile(r"\d+(?:,\d+)*[:-]|[:-]|--$|$")  # a text that would be taken for a row with a number of its own
_COUNTING_NOTE = 40  # characters of numbers that must go for the note that tells of it
_STEP = 10  # lines, of which one shows its number
_SURE_BARE = 0.5
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

    directory: str = field(init=False)
    """The path up to its last slash, with it."""

    def __post_init__(self) -> None:
        self.directory = self.path[: self.path.rfind("/") + 1] if self.path else ""

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
    version: int = 2
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Share of sampled lines that look like hits: surer with line numbers than without."""
        return score_of(content) or (_SURE_BARE if search_numbers.looks(content) else 0.0)

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the hits below their paths, or None where that saves too little."""
        body = content.text.removesuffix("\n")
        lines = body.split("\n")
        if len(lines) < _FEWEST_LINES or are_tiny(lines, len(body)) or self.score(content) <= 0:
            return None
        if score_of(content) <= 0:
            return _without_numbers(lines, content)
        hits = read(lines)
        if hits is None:
            return None
        is_search = _SEARCH.search(content.tool + " " + content.subject) is not None
        text = _written(hits, [], is_search=is_search) + content.text[len(body) :]
        part = _part(hits, content, level, is_search=is_search) if level > Level.LOSSLESS else None
        if part is not None and len(part.text) < _LOSSY_WORTH * min(len(text), len(content.text)):
            return part
        if len(text) >= len(content.text) or not content.outweighs(text, _WORTH):
            return None
        return Compressed(text, lossless=True)


def _without_numbers(lines: Sequence[str], content: Content) -> Compressed | None:
    text = search_numbers.written(lines)
    if text is None:
        return None
    text += "\n" if content.text.endswith("\n") else ""
    return Compressed(text, lossless=True) if content.outweighs(text, _WORTH) else None


def _part(hits: Hits, content: Content, level: Level, *, is_search: bool) -> Compressed | None:
    """Return a form with less in it; None where there is nothing to leave out."""
    missing = search_gaps.gaps(hits, level) if level > Level.LIGHT else []
    pieces, long = search_trim.trimmed(hits.pieces, search_trim.sought(content.subject))
    if not missing and not long:
        return None
    said = [in_words(missing, len(hits.pieces))] if missing else []
    said += [search_trim.in_words(long)] if long else []
    text = _written(replace(hits, pieces=tuple(pieces)), missing, is_search=is_search)
    return Compressed(text, lossless=False, left_out=" and ".join(said))


def _written(hits: Hits, missing: Sequence[range], *, is_search: bool) -> str:
    sections = list(_sections(_with_notes(hits.pieces, missing)))
    _choose_headings(sections)
    shown = [_rows(section) for section in sections]
    folds = False
    if _is_plain_list(hits) and not missing:
        folded = [_folded(section, rows) for section, rows in zip(sections, shown, strict=True)]
        folds = _size(folded) <= (1 - _LEAST_FOLDED) * _size(shown)
        shown = folded if folds else shown
    counts_on = False
    if not folds:
        continued = [_counted_on(section, rows) for section, rows in zip(sections, shown, strict=True)]
        counts_on = _size(continued) + _COUNTING_NOTE < _size(shown)
        shown = continued if counts_on else shown
    beside = "\n".join([hits.root, *(section.heading or "" for section in sections)])
    short = search_names.named(shown, beside) if _is_plain_list(hits) else None
    names = short.names if short is not None else {}
    shown = short.rows if short is not None else shown
    note = _note(hits, missing, is_search=is_search, folds=folds, counts_on=counts_on, names=list(names))
    out = [note, *(f"{name} = {what}" for name, what in names.items())]
    above = _NO_PATH  # what stands right below the note has no path
    for section, rows in zip(sections, shown, strict=True):
        if section.heading != above:
            above = section.heading
            out += ["", above]
        out += rows
    return "\n".join(out)


def _size(rows_of_sections: Sequence[Sequence[str]]) -> int:
    return sum(sum(map(len, rows)) + len(rows) for rows in rows_of_sections)


def _note(
    hits: Hits, missing: Sequence[range], *, is_search: bool, folds: bool, counts_on: bool, names: Sequence[str]
) -> str:
    rests = [piece[1] for piece in hits.pieces if isinstance(piece, tuple)]
    count = sum(rest[0] == ":" and _NUMBER.match(rest) is not None for rest in rests)
    said = [f"[{count} matches: each" if count and is_search else "[Each"]
    said += [" path or directory stands once, above its lines."]
    said += [f" {sum(map(len, missing))} of {len(hits.pieces)} lines are left out."] if missing else []
    said += [' "3,9:text" is the same text at both lines.'] if folds else []
    said += [" A line without a number is the next one."] if counts_on else []
    said += [f' Lines without ":" came with {hits.root} before the path.'] if hits.root else []
    said += [f" {names[0]} to {names[-1]} stand for what is given first."] if len(names) > 1 else []
    said += [f" {names[0]} stands for what is given first."] if len(names) == 1 else []
    return "".join([*said, "]"])


def _with_notes(pieces: Sequence[Piece], missing: Sequence[range]) -> Iterator[Piece]:
    """Yield lines with a note in place of each gap."""
    at = 0
    for gap in missing:
        yield from pieces[at : gap.start]
        yield search_gaps.note(pieces, gap)
        at = gap.stop
    yield from pieces[at:]


def _sections(pieces: Iterable[Piece]) -> Iterator[Section]:
    section = Section(None)
    for piece in pieces:
        path, rest = piece if isinstance(piece, tuple) else (None, piece)
        if rest not in ("", "--") and not isinstance(rest, Note) and path != section.path:
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
        named = len(section.rests) - section.rests.count("") - section.rests.count("--")
        names = (len(section.path or "") - len(section.directory)) * named
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
        if not rest:
            rows += ["", ""]
        elif section.path is None or rest == "--" or isinstance(rest, Note):
            rows.append(rest)
        elif section.by_directory:
            rows.append(section.file + rest)
        else:
            rows.append(rest[1:] if rest[1:2].isdigit() and _NUMBER.match(rest) else rest)
    return rows


def _counted_on(section: Section, rows: list[str]) -> list[str]:
    """Return the lines without the numbers of those that follow the line above, as in a piece of a file."""
    if len(rows) == 1 or section.path is None or section.by_directory or "" in section.rests:
        return rows
    shown = []
    before = 0
    for rest, row in zip(section.rests, rows, strict=True):
        match = _NUMBER.match(rest)
        number = int(match[2]) if match is not None and str(int(match[2])) == match[2] else 0
        text = rest[match.end() :] if match is not None else ""
        follows = before and number == before + 1 and number % _STEP and rest[0] == "-"
        shown.append(text if follows and not _NUMBERED.match(text) else row)
        before = number
    return shown


def _is_plain_list(hits: Hits) -> bool:
    """Say whether there are only hits: among lines of context, where code is read, equal ones stay where they are."""
    return not any(piece == "--" if isinstance(piece, str) else piece[1][0] == "-" for piece in hits.pieces)


def _folded(section: Section, rows: list[str]) -> list[str]:
    """Return the lines with equal texts folded, if the line numbers tell their order."""
    if len(rows) == 1:
        return rows
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
