"""Patches and commits as git prints them: each head on one line, directories once, context and machine's work last."""

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.git_document import Commit, FileHead, Hunk, Part, Stat, parts
from headroom_mitm.compressors.git_form import Form, ends_clearly
from headroom_mitm.compressors.git_omission import Tally, shortened

_SAMPLE = 6_000
_REMEMBERED = 200_000  # characters of a text that is remembered as it was read: two levels are tried on it
_MARK = re.compile(
    r"^(?:diff --git a/|commit [0-9a-f]{40}|@@ -\d+(?:,\d+)? \+\d)| \d+ files? changed(?:, |$)", re.MULTILINE
)
_SIGNS = ("diff --git a/", "commit ", "@@ -", " changed")  # what each of the marks has in it
_SURE = 0.97  # above what looks at any lines with paths


@dataclass(frozen=True, slots=True)
class DiffHunks:
    """Lossless: heads of commits, files and hunks are told shortly. Lossy: less context, no trailers, no lock files."""

    name: str = "diff_hunks"
    version: int = 2
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Say whether git, or diff, printed this: by the marks at its beginning or its end."""
        text = content.text
        head, end = text[:_SAMPLE], text[-200:]
        is_signed = any(map(head.__contains__, _SIGNS))
        if not is_signed and not any(map(end.__contains__, _SIGNS)):
            return 0.0
        marks = list(islice(_MARK.finditer(head), 2)) if is_signed else []
        if _MARK.match(text) or len(marks) > 1 or _MARK.search(end):
            return _SURE
        return 0.5 if marks else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the shorter form, or None where nothing is said twice."""
        text = content.text
        found, whole = _remembered(text) if len(text) <= _REMEMBERED else _read(text)
        if not found:
            return None
        chosen = _part(content, found, level) if level > Level.LOSSLESS else None
        chosen = chosen or whole
        if chosen is None or not content.outweighs(chosen.text):
            return None
        return chosen


@functools.lru_cache(maxsize=4)
def _remembered(text: str) -> tuple[Sequence[Part], Compressed | None]:
    return _read(text)


def _read(text: str) -> tuple[Sequence[Part], Compressed | None]:
    """Return the parts of a text, none if it is no diff, and its lossless form: both are the same at every level."""
    found = tuple(parts(text.split("\n")))
    if not any(isinstance(part, (Commit, FileHead, Hunk, Stat)) for part in found) or not ends_clearly(found):
        return (), None
    return found, _whole(found)


def _whole(found: Sequence[Part]) -> Compressed | None:
    form = Form()
    lines = [line for part in found for line in form.written(part)]
    if form.unclear:
        return None
    legend = f"[git, nothing left out: {form.legend()}]" if form.used else "[git, nothing left out]"
    return Compressed("\n".join([legend, *lines]), lossless=True)


def _part(content: Content, found: Sequence[Part], level: Level) -> Compressed | None:
    """Return the form with something left out, or None where that is too little."""
    tally = Tally({})
    form = Form()
    lines = [line for part in shortened(found, level, tally) for line in form.written(part)]
    gone = ", ".join(f"{count:,} {what}" for what, count in tally.gone.items() if count)
    if not gone:
        return None
    legend = f"[git: {form.legend()}; left out: {gone} of {len(content.lines):,} lines]"
    return Compressed("\n".join([legend, *lines]), lossless=False, left_out=f"{gone} of {len(content.lines):,} lines")
