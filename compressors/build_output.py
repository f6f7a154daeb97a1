"""Output of compilers and linters: each message once, each file once, and below it the places."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from headroom_mitm.compressors import build_carets, build_sources
from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.build_frames import FEWEST, Framed, blocks, together, without_code
from headroom_mitm.compressors.build_lines import TABLE, Diagnostic, File, Piece, pieces
from headroom_mitm.compressors.build_look import score_of
from headroom_mitm.compressors.build_messages import Messages
from headroom_mitm.compressors.build_steps import is_steps, says_versions_only_there, without_steps
from headroom_mitm.compressors.trace_paths import written

_FEWEST = 4  # diagnostics
_WORTH = 0.93  # a form with more of the tokens than this is not worth a reader's trouble
_MARKED = re.compile(r"== |=- |\d+(?::\d+)? |\| |\$\w+ = ")
_LOSSY_WORTH = 0.85  # share of the whole form: a lossy one that is longer is not worth its gaps
_NOTATION = (
    'Below "== path" stand places as line:column, then the message.'
    ' A name such as "$1" stands for its message, with what follows for "…" in turn.'
)
_FEWEST_COUNTED = 20  # diagnostics; fewer are counted at a glance
_MOST_PLACES = {Level.MEDIUM: 5, Level.HARD: 1}
"""Places of a warning in a file; errors keep all."""
_VERDICT = re.compile(r"error|warning|note")
_CODE = re.compile(r"\b([A-Z]{1,4}\d{2,5})\b")


@dataclass(frozen=True, slots=True)
class BuildOutput:
    """Lossless: below ``== path`` stand places and what is said of them; messages that come again have names."""

    name: str = "build_output"
    version: int = 2
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Say how sure it is that a compiler or a linter wrote this."""
        return score_of(content)

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the diagnostics by file, or None where that saves too little."""
        framed = blocks(content.lines)
        if sum(block.place is not None for block in framed) >= FEWEST:
            form = _framed(content.lines, framed, level)
        elif is_steps(content):
            form = _steps(content.lines, level)
        elif (shown := build_carets.read(content.lines)).with_code >= _FEWEST:
            form = build_sources.form_of(shown, level, len(content.lines))
        else:
            form = _by_file(content.lines, level)
        return form if form and content.outweighs(form.text, _WORTH) else None


def _framed(lines: Sequence[str], read: Sequence[Framed], level: Level) -> Compressed | None:
    """Return the form of diagnostics with code: nothing twice, and of what was said before at last only the place."""
    whole = Compressed(written(lines, "Nothing is left out."), lossless=True)
    if level == Level.LOSSLESS:
        return whole
    kept, gone = together(without_code(read, level))
    found = [one for piece in kept if isinstance(piece, File) for one in piece.found]
    messages = Messages.of(one.text for one in found)
    rows = [row for piece in kept for row in ([piece] if isinstance(piece, str) else _shown(piece, messages, gone)[0])]
    said = f"[{gone} diagnostics without their code, which says what others show. {_NOTATION}]"
    text = "\n".join([said, *messages.definitions(), *rows])
    if not gone or len(text) > _LOSSY_WORTH * len(whole.text):
        return whole
    return Compressed(text, lossless=False, left_out=f"the code of {gone} diagnostics, of {len(lines)} lines")


def _steps(lines: Sequence[str], level: Level) -> Compressed | None:
    """Return the form of what an installer or a builder says while it goes on."""
    if level == Level.LIGHT and says_versions_only_there(lines):
        return None
    whole = Compressed(written(lines, "Nothing is left out."), lossless=True)
    if level == Level.LOSSLESS:
        return whole
    shown, gone = without_steps(lines)
    text = written(shown, "Steps that went well are counted where a note says so.")
    if not gone or len(text) > _LOSSY_WORTH * len(whole.text):
        return whole
    return Compressed(text, lossless=False, left_out=f"{gone} steps that went well, of {len(lines)} lines")


def _by_file(lines: Sequence[str], level: Level) -> Compressed | None:
    read, shape = pieces(lines)
    found = [one for piece in read if isinstance(piece, File) for one in piece.found]
    if len(found) < _FEWEST:
        return None
    messages = Messages.of(one.text for one in found)
    rows: list[str] = []
    gone = 0
    for piece in read:
        shown, left_out = _shown(piece, messages, _MOST_PLACES.get(level, len(found)))
        rows += shown
        gone += left_out
    text = "\n".join([_legend(found, shape, gone), *messages.definitions(), *rows])
    words = f"{gone} places of warnings, where rows count them, of {len(lines)} lines" if gone else ""
    return Compressed(text, lossless=not gone, left_out=words)


def _legend(found: Sequence[Diagnostic], shape: str, gone: int) -> str:
    counts = Counter(code[1] for one in found if (code := _CODE.search(one.text)) is not None)
    said = f"[{_totals(found)}, {f'{gone} places left out' if gone else 'nothing left out'}"
    if len(found) >= _FEWEST_COUNTED and len(counts) > 1:
        said += f" ({', '.join(f'{count} {code}' for code, count in counts.most_common())})"
    was = "a table below its path" if shape == TABLE else f'"{shape}message"'
    return f"{said}. Each was {was}. {_NOTATION}]"


def _totals(found: Sequence[Diagnostic]) -> str:
    """Return how many errors, warnings and others there are, in words."""
    verdicts = Counter(verdict[0] if (verdict := _VERDICT.match(one.text)) is not None else "" for one in found)
    others = verdicts.pop("", 0)
    words = [f"{count} {verdict}s" for verdict, count in verdicts.items()]
    return ", ".join([*words, f"{others} diagnostics"] if others else words)


def _verbatim(line: str) -> str:
    return f"| {line}" if _MARKED.match(line) else line


def _shown(file: Piece, messages: Messages, most: int) -> tuple[list[str], int]:
    """Return the lines for a file, and how many places they leave out: of warnings, there are at most ``most`` a row.

    Places with the same message stand together where their order can be told.
    """
    if isinstance(file, str):
        return [_verbatim(file)], 0
    if len(file.found) == 1 and file.found[0].text not in messages.written:
        return [_verbatim(line) for line in file.lines], 0
    rows: dict[str, list[Diagnostic]] = {}
    for one in file.found:
        rows.setdefault(messages.written.get(one.text, one.text), []).append(one)
    together = [one for places in rows.values() for one in places]
    if sorted(together, key=_order) != list(file.found):
        said = ((one.place, messages.written.get(one.text, one.text)) for one in file.found)
        return [f"=- {file.path}", *(f"{place} {text}" for place, text in said)], 0
    lines, gone = [f"== {file.path}"], 0
    for said_of, places in rows.items():
        more = len(places) - most if places[0].text.startswith("warning") else 0
        written = " ".join(one.place for one in (places[:most] if more > 1 else places))
        gone += more if more > 1 else 0
        lines.append(f"{written} and {more} more {said_of}" if more > 1 else f"{written} {said_of}")
    return lines, gone


def _order(one: Diagnostic) -> tuple[int, int]:
    return one.line, one.column or 0
