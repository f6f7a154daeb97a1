"""JSON of tools and APIs: records become tables, what repeats is said once, quotes go where nothing is ambiguous."""

import json
import re
from dataclasses import dataclass

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.json_document import Part, written
from headroom_mitm.compressors.json_pruning import RULES, Pruner, may_prune
from headroom_mitm.compressors.json_strings import MARK
from headroom_mitm.compressors.json_tree import NotExact, Reader, Sample, Value

SHORTEST = 100  # characters; less is not worth a second form
SHORTEST_VALUE = 60  # characters of JSON among other text; less is not worth a fence
MOST_REFUSALS = 200  # lines that begin like a value and are none, before the rest of the text is left alone
CLOSE = 0.3  # share of the tokens: a lossy form with more is compared with the lossless one
LOSSY_WORTH = 0.9  # share of the lossless form: a lossy one with more is not worth its gaps
HAND_WRITTEN = 30_000  # characters; a shorter file that was just read may be edited next: nothing is left out of it
LARGE, SURELY = 200_000, 0.45  # characters, share of them: a form that is shorter than this has fewer tokens
SAMPLE = 20_000  # characters that are looked at to say whether a text is JSON
_BEGINS = re.compile(
    r"""^(?:\{\s*(?:"(?:[^"\\\n]|\\.)*"\s*:|\})"""  # {"key":
    r"""|\[\s*(?:[{"\]]|\[\s*(?:[\[{"\]]|-?\d)"""  # [{ or [" or [[1
    r"""|(?:-?\d+(?:\.\d+)?|true|false|null)\s*[,\]]))""",  # [1,
    re.MULTILINE,
)
_OPEN = ("{", "[")
_ONE_VALUE = re.compile(r"\s*(?:\[|\{[ \t]*\n|[^\n]*\s*\Z)")  # or else JSON lines, which may be a log
_LINES = 0.95
ESCAPED_MARK = json.dumps(MARK)[1:-1]
_END = re.compile(r"[ \t]*(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class JsonRecords:
    """Lossless: the JSON value comes back with its key order and its spelling of numbers; white space does not.

    Handles a JSON text, JSON lines, and JSON values that begin and end a line of another text, which stays
    verbatim. Lossy: long strings and lists are cut, and of many records those stay that stand out.
    """

    name: str = "json_records"
    version: int = 7
    lossy: bool = True
    exact: bool = False

    def score(self, content: Content) -> float:
        """1 if the text begins and ends like JSON, 0.95 if it is JSON lines.

        Else 0.9 of the share of characters that look like it, from 0.3.
        """
        text = content.text
        if len(text) < SHORTEST:
            return 0.0
        head = text[:SAMPLE]
        start = head.lstrip()
        if start.startswith(_OPEN) and _BEGINS.match(start) and text[-200:].rstrip()[-1:] in ("]", "}"):
            return 1.0 if _ONE_VALUE.match(text) else _LINES
        # Far quicker than the search.
        begins = head.startswith(_OPEN) or "\n{" in head or "\n[" in head
        found = _BEGINS.search(head) if begins else None
        if found is None:
            return 0.0
        lines = text[found.start() : SAMPLE].split("\n")
        share = sum(len(line) + 1 for line in lines if line[:1] in "{}[] \t") / min(len(text), SAMPLE)
        return 0.9 * min(share, 1) if share >= 0.3 else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the text with its JSON written shorter, or None if that would not save tokens."""
        text = content.text
        if len(text) < SHORTEST or "\x01" in text:
            return None
        reader = Reader()
        parts = _parts(text, reader)
        if not any(part.values for part in parts):
            return None
        is_edited = content.fresh_read and len(text) < HAND_WRITTEN
        may = level > Level.LOSSLESS and not is_edited and may_prune(RULES[level], reader)
        part = _pruned(parts, text, level, content) if may else None
        if part is not None and _takes_less(part.text, text, CLOSE, content):
            return part
        shortened = written(parts, reader, content.count)
        if shortened is not None and not _takes_less(shortened, text, 1, content):
            shortened = None
        if part is not None and _takes_less(part.text, shortened or text, LOSSY_WORTH, content):
            return part
        return Compressed(shortened, lossless=True) if shortened is not None else None


def _takes_less(form: str, text: str, share: float, content: Content) -> bool:
    """Say whether a form takes less than a share of a text's tokens; of large ones a far shorter one surely does."""
    is_far = len(text) > LARGE and len(form) < SURELY * share * len(text)
    return is_far or content.outweighs(form, share, than=text)


def _pruned(parts: list[Part], text: str, level: Level, content: Content) -> Compressed | None:
    """Return the form with parts left out, or None where nothing is."""
    if MARK in text or ESCAPED_MARK in text:
        return None
    pruner = Pruner(RULES[level])
    lossy = []
    for part in parts:
        if part.is_line and len(part.values) > 1:
            found = pruner.records(part.values)
            values: list[Value] = [found] if isinstance(found, Sample) else list(found.values)
        else:
            values = [pruner.pruned(value) for value in part.values]
        lossy.append(Part(part.text, values, part.is_line))
    if not pruner.gone:
        return None
    shortened = written(lossy, pruner.reader, content.count)
    return None if shortened is None else Compressed(shortened, lossless=False, left_out=pruner.in_words())


def _parts(text: str, reader: Reader) -> list[Part]:
    """Cut a text into JSON values, which begin and end a line, and what is between them."""
    parts: list[Part] = []
    done = 0
    for start, stop, part in _found(text, reader):
        if stop - start < SHORTEST_VALUE:
            continue
        _add(parts, text[done:start].removesuffix("\n"))
        parts.append(part)
        done = stop
    _add(parts, text[done:])
    return parts


def _add(parts: list[Part], text: str) -> None:
    """Add what is between the values; white space alone does not count."""
    if text.strip():
        parts.append(Part(text))


def _found(text: str, reader: Reader) -> list[tuple[int, int, Part]]:
    """Return the values of the text and where each begins and ends; those that stand in lines one by one together."""
    found: list[tuple[int, int, Part]] = []
    at = 0
    wasted = 0.0  # of the length of the text: what was read as JSON and turned out to be none
    while wasted <= 1 and (start := _BEGINS.search(text, at)) is not None:
        try:
            value, end = reader.read_at(text, start.start())
        except NotExact as error:
            wasted += max((error.position - start.start()) / len(text), 1 / MOST_REFUSALS)
            at = start.end()
            continue
        stop = _END.match(text, end)
        if stop is None:
            at = max(end, start.end())
            continue
        at = stop.end()
        is_line = "\n" not in text[start.start() : end]
        if is_line and found and found[-1][2].is_line and not text[found[-1][1] : start.start()].strip():
            found[-1][2].values.append(value)
            found[-1] = (found[-1][0], at, found[-1][2])
        else:
            found.append((start.start(), at, Part(values=[value], is_line=is_line)))
    reader.decode_at = None
    return found
