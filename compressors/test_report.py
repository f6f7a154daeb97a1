"""Reports of test runners: what passed by name, said once a file; all that failed as it is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from headroom_mitm.compressors import report_ctest
from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.report_events import is_stream, told
from headroom_mitm.compressors.report_legend import legend
from headroom_mitm.compressors.report_look import score_of
from headroom_mitm.compressors.report_notation import Row, bundled, bundles, verbatim
from headroom_mitm.compressors.report_omission import Omission, is_worth_a_try
from headroom_mitm.compressors.report_repeats import folded
from headroom_mitm.compressors.report_rows import COLUMNS, Piece, pieces, width_of

_SURE_OF_STREAMS = 0.97  # above what JSON lines of no known kind claim
_WORTH = 0.95  # a form with more of the tokens than this is not worth a reader's trouble
_CLOSE = 0.1  # share of the text: a lossy form longer than this is compared with the whole one
_LONG, _CLOSE_OF_LONG = 400_000, 0.35  # characters of a text, and the share from which on it is written twice
_LOSSY_WORTH = 0.85  # share of the whole form: a lossy one that is longer is not worth its gaps
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d{1,3}|\n *|[^\w\s]+|_")


@dataclass(frozen=True, slots=True)
class ReportOfTests:
    """Lossless: rows that differ in a name are one line, blocks that come again a number."""

    name: str = "test_report"
    version: int = 3
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Say how sure it is that a test runner wrote this."""
        return _SURE_OF_STREAMS if is_stream(content.text) else score_of(content)

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the shorter form, or None where there is too little to shorten."""
        if is_stream(content.text):
            return _told(content) if level > Level.LOSSLESS else None
        lines = content.lines
        if report_ctest.is_ctest(content.text) and (form := report_ctest.form_of(lines, level)) is not None:
            return form if content.outweighs(form.text, _WORTH) else None
        width = width_of(lines)
        read = pieces(lines, width)
        part = None
        if level > Level.LOSSLESS and is_worth_a_try(read, level):
            omission = Omission(level)
            text = _form(omission.shown(read), width, whole=False)
            part = Compressed(text, lossless=False, left_out=omission.in_words(len(lines)))
        found = part
        close = _CLOSE if len(content.text) < _LONG else _CLOSE_OF_LONG
        if part is None or len(part.text) > close * len(content.text):
            whole = Compressed(_form(_lines(read), width, whole=True), lossless=True)
            found = whole if part is None or len(part.text) > _LOSSY_WORTH * len(whole.text) else part
        worth = found is not None and content.outweighs(found.text, _WORTH)
        return found if worth else None


def _told(content: Content) -> Compressed | None:
    """Return what events say, as text; they are another compressor's where nothing may be left out."""
    stream = told(content.lines)
    if stream is None:
        return None
    shown = folded(_lines(pieces(stream.lines, COLUMNS)))
    said = f"[What {stream.events} events in JSON say, without times."
    text = "\n".join([legend(shown, COLUMNS, whole=True).replace("[Nothing is left out.", said), *shown])
    found = Compressed(
        text, lossless=False, left_out=f"{stream.events} events as JSON, with times and all their fields"
    )
    return found if content.outweighs(text, _WORTH) else None


def _form(lines: Sequence[str], width: int, *, whole: bool) -> str:
    shown = folded(lines)
    return "\n".join([legend(shown, width, whole=whole), *shown])


def _lines(read: Sequence[Piece]) -> list[str]:
    out: list[str] = []
    for shape, group in groupby(read, key=lambda piece: piece.shape if isinstance(piece, Row) else None):
        if shape is None:
            out += [verbatim(line) for line in group if isinstance(line, str)]
            continue
        for rows in bundles([row for row in group if isinstance(row, Row)]):
            plain = [verbatim(line) for row in rows for line in row.lines]
            one = bundled(rows) if len(rows) > 1 else ""
            out += [one] if one and _weight(one) < _weight("\n".join(plain)) else plain
    return out


def _weight(text: str) -> int:
    """Return about how many tokens a text has."""
    return len(_WORDS.findall(text))
