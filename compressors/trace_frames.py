"""Frames of stack traces: which lines they are, and whether the code is the program's own."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.base import Content, in_one_piece

_LONGEST = 600  # characters; a longer line is no frame
_SAMPLE_LINES = 160
_SAMPLE = 24_000  # characters
_FEWEST, _LEAST_SHARE = 6, 0.25
_SURE = 0.9

_PYTHON = re.compile(r"(?P<indent>[| ]*  )File \"[^\"]+\", line \d+(?:, in .*)?")
_ONE_LINE = re.compile(
    r"[| \t]*(?:at (?:async )?\S.*[)\d>]|from \S+:\d+(?::in .*)?|\S+\.rb:\d+:in .*|\d+: +0x[0-9a-f]+ - \S.*"
    # gdb, PHP, Dart. Steps of docker have a number in front, too.
    r"|#\d+ +(?:0x[0-9a-f]+ in \S|[\w:~<>]+ ?\(|\S+\(\d+\): \S|\[internal function\]|\{main\}|\S.* \(\S+:\d+\)$).*)"
)
_GO = re.compile(r"\t\S+\.(?:go|s):\d+(?: \+0x[0-9a-f]+)?")
_RUST = re.compile(r" +\d+: (?:0x[0-9a-f]+ - )?\S.*")
_PERHAPS = re.compile(
    r"\n(?=[| ]*+(?<=  )File \"|[| \t]*+(?:at |from \S+:\d|\d+: +0x|#\d+ |\S+\.rb:\d)|\t\S+\.(?:go|s):\d| ++\d+: )"
)
"""Each frame has a line that begins so."""
_MOST_LINES = 3  # of a frame
_FOREIGN = re.compile(
    r"(?:site-packages|dist-packages|node_modules|gems|vendor|[/\\]lib[/\\]python\d[\d.]*)[/\\]"
    r"|\(?node:|<frozen |\binternal/"
    r"|\bat (?:java\.base/|app//)?(?:javax?|jdk|sun|com\.sun|kotlin|scala|groovy|System|Microsoft|NUnit|Xunit)\."
    r"|\bat org\.(?:junit|testng|gradle|springframework|eclipse|mockito|hibernate)\."
    r"|\bat org\.apache\.(?:maven|catalina|tomcat|coyote)\."
    r"|/rustc/|\b(?:core|std|alloc|tokio)::|/usr/(?:local/)?go/src/|/go/pkg/mod/|/usr/lib/"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: a line or more."""

    lines: tuple[str, ...]
    is_foreign: bool
    """The code belongs to a library, a runtime or a framework."""


Piece = str | Frame


def score_of(content: Content) -> float:
    """Return 0.9 where a quarter of the lines are frames, else 0."""
    head = content.lines if len(content.text) <= _SAMPLE else content.text[:_SAMPLE].split("\n")
    lines = list(filter(None, head[:_SAMPLE_LINES]))
    most = _MOST_LINES * len(_PERHAPS.findall(in_one_piece(lines)))
    if most < _FEWEST or most < _LEAST_SHARE * len(lines):
        return 0.0
    found = sum(len(piece.lines) for piece in pieces(lines) if isinstance(piece, Frame))
    return _SURE if found >= _FEWEST and found >= _LEAST_SHARE * len(lines) else 0.0


def pieces(lines: Sequence[str]) -> Iterator[Piece]:
    """Yield frames, and other lines as they are."""
    at = 0
    while at < len(lines):
        size = _size(lines, at)
        if size:
            frame = tuple(lines[at : at + size])
            yield Frame(frame, any(_FOREIGN.search(line) is not None for line in frame[:2]))
        else:
            yield lines[at]
        at += size or 1


def _size(lines: Sequence[str], at: int) -> int:
    """Return how many lines the frame has that begins here; 0 if none does."""
    line = lines[at]
    if not line or len(line) > _LONGEST:
        return 0
    following = lines[at + 1] if at + 1 < len(lines) else ""
    if (match := _PYTHON.fullmatch(line)) is not None:
        deeper = match["indent"] + "  "
        end = at + 1
        # The code, and in newer versions a line that marks a part of it.
        while end < len(lines) and end <= at + 2 and lines[end].startswith(deeper) and len(lines[end]) <= _LONGEST:
            end += 1
        return end - at
    if _ONE_LINE.fullmatch(line) is not None:
        return 1
    if _GO.fullmatch(following) is not None and line[:1].strip():
        return 2
    return 2 if _RUST.fullmatch(line) is not None and following.lstrip().startswith("at ") else 0
