"""Lines of grep, rg and their kin taken apart: the path in front, and the rest."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from headroom_mitm.compressors.base import Content, in_one_piece

# A path with spaces is only believed where it begins like one.
_PATH = r"(?:(?:[A-Za-z]:[\\/]|\.{0,2}/)[^:\t\r]*?[^\s:]|[^\s:]+)"
_NUMBERED = re.compile(rf"({_PATH}):\d+:")
_PLAIN = re.compile(r"([^\s:]*(?:/[^\s:]*|\.\w{1,8})):")
_CUT = re.compile(r"-\d+-")
_DASH = re.compile(r"-")
_REACH = 400  # characters in which a path ends
_FIRST_LINES = 300  # without a colon, among which one shows the root if there is one

# What begins with a time of day (12:00:00, 2025-01-01T12:00:00Z) is a line of a log; a.rb:12:in `call' is a frame.
_LOOKS_NUMBERED = re.compile(
    r"\n(?=(?!\d+:\d|[^\s:]*+(?<=\d\d):\d\d:\d\d|[^\s:]++:\d+:in [`'])"
    r"(?:(?=[^\s:A-Za-z_/]*+[A-Za-z_/])[^\s:]++:\d+:|[^\s:]*\.\w{1,8}-\d+-|--$))",
    re.MULTILINE,
)
_LOOKS_PLAIN = re.compile(
    r"\n(?=(?!\w+://|[^\s:]++:\d+:in [`'])[^\s:]*/[^\s:/]*\.\w{1,8}(?:-|:(?!:))|--$)", re.MULTILINE
)
_MIDDLE_LINES = 20
_LONG = 40_000  # characters of a text that is looked at in two places
_LEAST_SHARE = 0.5
_SURE_NUMBERED, _SURE_PLAIN = 0.96, 0.7

Piece = tuple[str, str] | str
"""A path and what follows it, separator first; or a line that has no path."""


@dataclass(frozen=True, slots=True)
class Hits:
    """A search result, line by line. A line is its path and its rest again, after ``root`` where it has no colon."""

    pieces: tuple[Piece, ...]
    root: str = ""
    """Claude Code makes paths relative by what stands before the first colon, so a line without one keeps this."""


def score_of(content: Content) -> float:
    """Return the share of sampled lines that look like hits, or 0 if it is under a half."""
    seen, look = content.first_lines, content.look
    if len(content.text) > _LONG:
        seen = [*seen, *content.middle_lines(_MIDDLE_LINES)]
        look = in_one_piece(seen)
    for pattern, sure in ((_LOOKS_NUMBERED, _SURE_NUMBERED), (_LOOKS_PLAIN, _SURE_PLAIN)):
        if pattern is _LOOKS_PLAIN and look.count("/") + look.count("\n--") <= _LEAST_SHARE * len(seen):
            break  # each line of these has one of them
        share = len(pattern.findall(look)) / max(1, len(seen))
        if share > _LEAST_SHARE and not all(line == "--" for line in seen):
            return sure * share
    return 0.0


def read(lines: Sequence[str]) -> Hits | None:
    """Take a search result apart; None where most lines have no path in front."""
    filled = sum(map(bool, lines))
    for path, cut in ((_NUMBERED, _CUT), (_PLAIN, _DASH)):
        found = _read(lines, path, cut)
        if sum(isinstance(piece, tuple) or piece == "--" for piece in found.pieces) > _LEAST_SHARE * filled:
            return found
    return None


def _read(lines: Sequence[str], path: re.Pattern[str], cut: re.Pattern[str]) -> Hits:
    matches = [path.match(line) for line in lines]
    known = {match[1] for match in matches if match is not None}
    if not known:
        return Hits(tuple(lines))
    bare = islice((line for line in lines if ":" not in line and "/" in line), _FIRST_LINES)
    root = next((root for line in bare if (root := _root(line, cut, known))), "")
    if root:
        matches = [
            match if ":" in line else path.match(line[len(root) :]) for line, match in zip(lines, matches, strict=True)
        ]
    return Hits(
        tuple([_piece(line, match, cut, known, root) for line, match in zip(lines, matches, strict=True)]), root
    )


def _root(line: str, cut: re.Pattern[str], known: Collection[str]) -> str:
    """Return what stands before a known path in a line of context without a colon; empty if nothing does."""
    for spelled in _before(line, cut):
        at = spelled.find("/") + 1
        while at:
            if spelled[at:] in known:
                return spelled[:at]
            at = spelled.find("/", at) + 1
    return ""


def _piece(line: str, match: re.Match[str] | None, cut: re.Pattern[str], known: Collection[str], root: str) -> Piece:
    """Take a line apart; ``match``: the path that it begins with, behind the root where it has no colon."""
    rest = line
    if root and ":" not in line:
        if not line.startswith(root):
            return line
        rest = line[len(root) :]
    # A line of context may hold what looks like a hit, so a known path counts first.
    has_cut = "-" in rest
    spelled = next((spelled for spelled in _before(rest, cut) if spelled in known), None) if has_cut else None
    if match is not None and (spelled is None or len(match[1]) < len(spelled)):
        spelled = match[1]
    if spelled is None or rest[len(spelled) :] == "--":  # which would look like the line between two places
        return line
    return spelled, rest[len(spelled) :]


def _before(line: str, cut: re.Pattern[str]) -> Iterator[str]:
    return (line[: match.start()] for match in cut.finditer(line, 0, _REACH))
