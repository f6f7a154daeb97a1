"""Stack traces: frames and directories that come again are shown once; between own frames, foreign ones are counted."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.log_look import score_of as log_score
from headroom_mitm.compressors.trace_frames import Frame, Piece, pieces, score_of
from headroom_mitm.compressors.trace_paths import written

_LOG = 0.6  # what a text with times scores as a log, and is one then
_FEWEST_LINES = 10
_WORTH = 0.93  # a form with more of the tokens than this is not worth a reader's trouble
_LOSSY_WORTH = 0.85  # share of the whole form
_FEWEST_FRAMES = {Level.LIGHT: 4, Level.MEDIUM: 3, Level.HARD: 2}
"""Foreign frames in a row that are counted."""
_ENDS = 1  # of such a row, frames that stay on either side


@dataclass(frozen=True, slots=True)
class StackTraces:
    """Lossless: names for directories, numbers for blocks that come again. Lossy: foreign frames are counted."""

    name: str = "stack_traces"
    version: int = 1
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Say how sure it is that these are stack traces; a log with a few is a log."""
        found = score_of(content)
        return found if found and log_score(content) < _LOG else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the shorter form, or None where frames have too little in common."""
        lines = content.lines
        if len(lines) < _FEWEST_LINES:
            return None
        found = Compressed(written(lines, "Nothing is left out."), lossless=True)
        if level > Level.LOSSLESS:
            shown, gone = _without_foreign(pieces(lines), _FEWEST_FRAMES[level])
            part = written(shown, "Frames of libraries are left out where a note says so.")
            if gone and len(part) < _LOSSY_WORTH * len(found.text):
                left_out = f"{gone} frames of libraries, where notes name their lines, of {len(lines)} lines"
                found = Compressed(part, lossless=False, left_out=left_out)
        return found if content.outweighs(found.text, _WORTH) else None


def _without_foreign(read: Iterator[Piece], fewest: int) -> tuple[list[str], int]:
    """Return the lines with rows of foreign frames counted, and how many frames these are."""
    out: list[str] = []
    gone = 0
    number = 1
    for foreign, group in groupby(read, key=lambda piece: isinstance(piece, Frame) and piece.is_foreign):
        run = list(group)
        middle = run[_ENDS:-_ENDS]
        if not foreign or len(middle) < fewest:
            middle = []
        for piece in run[: len(run) if not middle else _ENDS]:
            out += _lines(piece)
            number += len(_lines(piece))
        if middle:
            last = number + sum(len(_lines(piece)) for piece in middle) - 1
            out.append(f"{_indent(run[0])}[lines {number}-{last} left out: {len(middle)} frames of libraries]")
            gone += len(middle)
            number = last + 1
            for piece in run[-_ENDS:]:
                out += _lines(piece)
                number += len(_lines(piece))
    return out, gone


def _lines(piece: Piece) -> Sequence[str]:
    return piece.lines if isinstance(piece, Frame) else (piece,)


def _indent(piece: Piece) -> str:
    match = re.match(r"[| \t]*", _lines(piece)[0])
    return match[0] if match is not None else ""
