"""Source files by their syntax tree: what a file offers stays, the inside of its functions goes, in place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from headroom_mitm.compressors import numbered_lines, source_alarms
from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.numbered_lines import Numbered, NumberedLines
from headroom_mitm.compressors.source_languages import GRAMMAR_OF_SUFFIX, parser
from headroom_mitm.compressors.source_outline import gaps

SHORTEST = 60  # lines; a shorter file is left whole
_LONGEST = 400_000  # characters; a longer file was not written by hand, and a parser may despair of it
_LEAST_GONE = 0.15  # share of the lines: for less nothing is left out
_NAMED = 8  # ranges that the marker names; the text names all
_WHOLE_READ = re.compile(r"(?:^|[|;&]\s*)(?:cat|bat|nl|git\s+show)\b[^|;&<>]*?([^\s|;&<>\"']+)[\"']?\s*\Z")
"""Shell commands that print a whole file: head, tail and sed print ranges, and who asks for a range wants all of it."""
_LINES = NumberedLines()


@dataclass(frozen=True, slots=True)
class SourceCode:
    """Only lossy: bodies of functions are left out, never of a file that was just read.

    What can be had without a loss, ``numbered_lines`` has.
    """

    name: str = "source_code"
    version: int = 2
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Say whether the call names a source file; the text alone does not tell. A file just read stays whole."""
        if (
            content.fresh_read
            or _suffix(content.subject) not in GRAMMAR_OF_SUFFIX
            or content.text.count("\n", 0, 10_000) < SHORTEST
        ):
            return 0.0
        return 1.0 if _LINES.score(content) else 0.5

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the outline, or None where too little is inside of something or nothing may go."""
        if level is Level.LOSSLESS or content.fresh_read or len(content.text) > _LONGEST:
            return None
        return _outline(content, level)


def _suffix(subject: str) -> str:
    subject = subject.strip()
    match = _WHOLE_READ.search(subject)
    path = match[1] if match else subject
    return PurePosixPath(path.split("?", 1)[0]).suffix.lower() if " " not in path else ""


def _outline(content: Content, level: Level) -> Compressed | None:
    found = numbered_lines.read(content.lines)
    if found is None:
        found = Numbered((), 1, 0, "", tuple(content.lines), ())
    reader = parser(_suffix(content.subject))
    if reader is None or found.first > 1 or len(found.lines) < SHORTEST:
        return None
    try:
        tree = reader.parse("\n".join(found.lines).encode())
    except UnicodeEncodeError:  # a lone surrogate
        return None
    out = gaps(tree, found.lines, level)
    gone = sum(len(gap) for gap in out)
    if gone < _LEAST_GONE * len(found.lines):
        return None
    ranges = ", ".join(f"{gap.start + 1}-{gap.stop}" for gap in out[:_NAMED])
    more = f" and {len(out) - _NAMED} more ranges, each named in its place" if len(out) > _NAMED else ""
    left_out = f"{gone} of {len(found.lines)} lines: {ranges}{more}"
    text = "\n".join([*found.head, *_shown(found, out), *found.tail])
    if content.count(text) + content.count(left_out) >= content.count(content.text):
        return None
    return Compressed(text, lossless=False, left_out=left_out)


def _shown(found: Numbered, out: Sequence[range]) -> list[str]:
    """Return the lines that stay, with a note in place of each gap; numbers stand as in ``numbered_lines``."""
    shown: list[str] = []
    if found.mark:
        shown.append(f"[Lines 1 to {len(found.lines)}, {numbered_lines.rule(found)}.]")
    at = 0
    for gap in [*out, range(len(found.lines), len(found.lines))]:
        for place in range(at, gap.start):
            line = found.lines[place]
            numbered = found.mark and (place == at or numbered_lines.shows(found, place + 1, line))
            shown.append(found.prefix(place + 1) + line if numbered else line)
        if gap:
            first = found.lines[gap.start]
            indent = first[: len(first) - len(first.lstrip())]
            wrong = source_alarms.named(found.lines, gap)
            shown.append(f"{indent}[lines {gap.start + 1}-{gap.stop} left out{f'; {wrong}' if wrong else ''}]")
        at = gap.stop
    return shown
