"""YAML as kubectl, helm and docker compose write it: the same values, in the short form of JSON."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.json_records import JsonRecords
from headroom_mitm.compressors.line_ranges import in_words
from headroom_mitm.compressors.yaml_document import Manifest, NotPlain, read

_FEWEST_LINES = 12
_SAMPLE_LINES, _WIDEST = 80, 2_000
_LEAST_SHARE = 0.8
_SURE = 0.97
_WORTH = 0.9  # share of the tokens: for less a reader need not read another form
_LARGE, _FAR = 200_000, 0.45  # characters, share of them
_LOOKS = re.compile(r" *(?:- )*(?:[\w.$/\"'-][^#]*?:(?: .*)?|- .*|---)")
_BEGINS = re.compile(r"(?:---|[A-Za-z][\w.-]*:(?: .*)?|- .*)")
_NOISE = re.compile(r" *(?:managedFields:|kubectl\.kubernetes\.io/last-applied-configuration: [|'].*)")
"""Who set which field, and a copy of what stands in the object itself."""
_LEAST_NOISE, _LONG_NOISE = 5, 200  # lines, characters


@dataclass(frozen=True, slots=True)
class YamlRecords:
    """Lossless: the values as JSON in its short form, with what else the text was written like."""

    name: str = "yaml_records"
    version: int = 1
    lossy: bool = True
    exact: bool = False
    """Every character comes back, but indentation is not shown: who edits a file has to see it."""

    def score(self, content: Content) -> float:
        """Say whether nearly all of the first lines are keys and items."""
        lines = content.lines[:_SAMPLE_LINES]
        if len(lines) < _FEWEST_LINES or not _BEGINS.fullmatch(lines[0][:_WIDEST]):
            return 0.0
        lines = [line[:_WIDEST] for line in lines]
        share = sum(_LOOKS.fullmatch(line) is not None for line in lines) / len(lines)
        deep = sum(line.startswith("  ") for line in lines) / len(lines)
        return _SURE if share >= _LEAST_SHARE and deep >= 1 / 3 else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the values, or None where they cannot be turned back into the text or take as much."""
        if content.fresh_read or self.score(content) <= 0:
            return None
        ended = content.lines[-1] == ""
        lines = content.lines[:-1] if ended else content.lines
        noise = dict(_noise(lines)) if level > Level.LOSSLESS else {}
        try:
            manifest = read(lines)
            if manifest.text() != "\n".join(lines):
                return None
            shown = _written(read(lines, noise) if noise else manifest, content)
        except (NotPlain, RecursionError):
            return None
        if shown is None or not _is_worth(shown, content):
            return None
        gaps = [range(start, stop) for start, stop in noise.items()]
        return Compressed(shown, lossless=not gaps, left_out=in_words(gaps, len(lines)) if gaps else "")


def _is_worth(shown: str, content: Content) -> bool:
    """Say whether a form takes few enough tokens; of a large text one that is far shorter surely does."""
    is_far = len(content.text) > _LARGE and len(shown) < _FAR * len(content.text)
    return is_far or content.outweighs(shown, _WORTH)


def _written(manifest: Manifest, content: Content) -> str | None:
    """Return the note and the form of the JSON; None where the JSON has no shorter one."""
    documents = list(manifest.documents)
    several = len(documents) > 1 or manifest.marked
    text = json.dumps(documents if several else documents[0], ensure_ascii=False)
    form = JsonRecords().compress(Content(text, count=content.count), Level.LOSSLESS)
    if form is None:
        return None
    style = ["items indented below their key" if manifest.offset else "items below their key"]
    style += ["--- on top"] if manifest.marked else []
    style += [] if content.lines[-1] == "" else ["no line end at the end"]
    said = f"[YAML, its values as JSON{', one a document' if several else ''}"
    quotes = "strings are in quotes where they look like something else"
    return f"{said}; {quotes}; {', '.join(style)}.]\n{form.text}"


def _noise(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield first lines and ends of what is hardly ever asked for."""
    at = 0
    while at < len(lines):
        if not _NOISE.fullmatch(lines[at]):
            at += 1
            continue
        depth = len(lines[at]) - len(lines[at].lstrip(" "))
        stop = at + 1
        while stop < len(lines) and _belongs(lines[stop], depth):
            stop += 1
        if stop - at >= _LEAST_NOISE or sum(map(len, lines[at:stop])) >= _LONG_NOISE:
            yield at, stop
        at = stop


def _belongs(line: str, depth: int) -> bool:
    inner = len(line) - len(line.lstrip(" "))
    return inner > depth or (inner == depth and line.startswith("- ", depth)) or not line
