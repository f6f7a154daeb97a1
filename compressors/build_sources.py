"""The written form of diagnostics with their code: a file once, a message once, what is marked between signs."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from headroom_mitm.compressors.base import Compressed, Level
from headroom_mitm.compressors.build_carets import AGAIN, BREAK, CLOSE, OPEN, POINT, Entry, Shown
from headroom_mitm.compressors.build_messages import Messages
from headroom_mitm.compressors.report_repeats import folded

_ESCAPED = re.compile(r"== |=- |\d+(?::\d+)? |[|>] |\$\w+ = |\(?#\d+(?:[| ]|$)")
_KIND = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|‘[^’]*’|\d+")
_ERROR = re.compile(r"(?:fatal )?error\b|\[ERROR\]", re.IGNORECASE)
_VERDICT = re.compile(r"error|warning|note")
_WHOLE = {Level.LIGHT: 2, Level.MEDIUM: 1, Level.HARD: 1}
_WHOLE_ERRORS = {Level.LIGHT: 10, Level.MEDIUM: 5, Level.HARD: 3}
"""How many of those that say the same keep their code. What they say and where stays of all."""
_NO_SIGNS = str.maketrans("", "", OPEN + CLOSE + POINT)
_WORTH = 0.85  # share of the whole form: a lossy one that is longer is not worth its gaps


def form_of(shown: Shown, level: Level, size: int) -> Compressed:
    """Return the form of a text of ``size`` lines; what says the same as others loses its code, where it may."""
    whole = Compressed(_written(shown, [True] * len(shown.entries)), lossless=True)
    if level is Level.LOSSLESS:
        return whole
    stays = list(_stays(shown.entries, level))
    text = _written(shown, stays)
    gone = stays.count(False)
    if not gone or len(text) > _WORTH * len(whole.text):
        return whole
    return Compressed(text, lossless=False, left_out=f"the code of {gone} diagnostics, of {size} lines")


def _stays(entries: Sequence[Entry], level: Level) -> Iterator[bool]:
    """Say of each diagnostic whether its code is shown."""
    seen: Counter[str] = Counter()
    for entry in entries:
        text = entry.found.text
        kind = _KIND.sub("", text)
        seen[kind] += 1
        whole = _WHOLE_ERRORS if _ERROR.match(text) else _WHOLE
        yield entry.code is None or seen[kind] <= whole[level]


def _written(shown: Shown, stays: Sequence[bool]) -> str:
    messages = Messages.of(entry.found.text for entry in shown.entries)
    rows = folded(list(_rows(shown, messages, stays)))
    return "\n".join([_legend(shown, stays.count(False), rows, messages), *messages.definitions(), *rows])


def _rows(shown: Shown, messages: Messages, stays: Sequence[bool]) -> Iterator[str]:
    """Yield the lines of the form. Places without their code stand together where they say the same."""
    keeps = iter(stays)
    path: str | None = None
    above: str | None = None
    short: dict[str, list[str]] = {}
    for piece in shown.pieces:
        entry = piece if isinstance(piece, Entry) else None
        stay = entry is None or next(keeps)
        if short and (stay or entry is None or entry.path != path):
            yield from _together(short)
            short = {}
        if entry is None:
            yield _verbatim(str(piece))
            continue
        if entry.path != path:
            yield f"== {entry.path}"
            path, above = entry.path, None
        said = messages.written.get(entry.found.text, entry.found.text)
        if not stay:
            short.setdefault(said, []).append(entry.found.place)
            continue
        yield f"{entry.found.place} {said}"
        if entry.code is not None:
            yield f"> {_code(entry.code, above)}"
            above = entry.code
        yield from map(_verbatim, entry.rest)
    yield from _together(short)


def _together(short: Mapping[str, Sequence[str]]) -> Iterator[str]:
    return (f"{' '.join(places)} {said}" for said, places in short.items())


def _code(code: str, above: str | None) -> str:
    """Return the code, or only what is marked where the rest is the code above."""
    if above is None or POINT in code or _plain(above) != (plain := _plain(code)):
        return code
    marked = code[code.index(OPEN) + 1 : code.index(CLOSE)]
    return f"{AGAIN}{OPEN}{marked}{CLOSE}" if plain.find(marked) == code.index(OPEN) else code


def _plain(code: str) -> str:
    return code.translate(_NO_SIGNS)


def _verbatim(line: str) -> str:
    return f"| {line}" if _ESCAPED.match(line) else line


def _legend(shown: Shown, gone: int, rows: Sequence[str], messages: Messages) -> str:
    verdicts = Counter(
        f"{verdict[0]}s" if (verdict := _VERDICT.match(entry.found.text)) is not None else "diagnostics"
        for entry in shown.entries
    )
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    left_out = f"{gone} without their code, which says what others show" if gone else "nothing left out"
    marked = f"{OPEN} {CLOSE} hold what had {shown.run} below it, {POINT} is before the ^, or the only sign"
    parts = [
        f'[{counts}, {left_out}. Below "== path" stand line:column and message, below that "> code": {marked}.',
        f'Each was "{shown.form.shape}message", then {shown.layout.said}.',
    ]
    if any(row.startswith(f"> {AGAIN}") for row in rows):
        parts.append(f'"{AGAIN}" is the code above, its first such text marked.')
    if any(BREAK in entry.found.text for entry in shown.entries):
        parts.append(f"{BREAK} is a line end.")
    if messages.names:
        parts.append('"$1" is its message, with what follows for "…" in turn.')
    if any(row.startswith("#1| ") for row in rows):
        parts.append('"#1" is all lines "#1| ".')
    if any(row.startswith("| ") for row in rows):
        parts.append('"| " begins lines as they were.')
    return " ".join(parts) + "]"
