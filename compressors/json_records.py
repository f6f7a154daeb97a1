"""JSON of tools and APIs: records become tables, what repeats is said once, quotes go where nothing is ambiguous."""

import re
from dataclasses import dataclass

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.json_document import Part, written
from headroom_mitm.compressors.json_tree import NotExact, Reader, Value

SHORTEST = 100  # characters; less is not worth a second form
SHORTEST_VALUE = 20  # characters of a value among other text
MOST_REFUSALS = 4  # values that cannot be written exactly, before the rest of the text is left alone
_END = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_LOOKS = re.compile(r'^(?:\{\s*(?:"|\})|\[\s*(?:[\[{"\]\d-]|true|false|null))', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class JsonRecords:
    """Lossless: the JSON value comes back with its key order and its spelling of numbers; white space does not.

    Handles a JSON text, JSON lines, and JSON values that stand on lines of their own in another text, which stays
    verbatim. What has duplicate keys is declined.
    """

    name: str = "json_records"
    version: int = 1
    exact: bool = False

    def score(self, content: Content) -> float:
        """1 if the text begins and ends like JSON, about a half if some line begins so, else 0."""
        head, tail = content.text[:2000].lstrip(), content.text[-200:].rstrip()
        if len(content.text) < SHORTEST:
            return 0.0
        if _LOOKS.match(head):
            return 1.0 if tail[-1:] in "]}" else 0.5
        return 0.5 if _LOOKS.search(content.text, 0, 20_000) else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:  # noqa: ARG002 - only lossless forms
        """Return the form with the fewest tokens, or None if the text as it is has no more."""
        text = content.text
        if len(text) < SHORTEST or "\x01" in text:
            return None
        reader = Reader()
        parts = _parts(text, reader)
        if not any(part.values for part in parts):
            return None
        shortened = written(parts, reader, content.count)
        if shortened is None or content.count(shortened) >= content.count(text):
            return None
        return Compressed(shortened, lossless=True)


def _parts(text: str, reader: Reader) -> list[Part]:
    """Cut a text into JSON values, which begin and end a line, and what is between them."""
    parts: list[Part] = []
    done = at = wasted = 0
    while wasted <= len(text) and (start := _LOOKS.search(text, at)) is not None:
        try:
            value, end = reader.read_at(text, start.start())
        except NotExact as error:
            wasted += max(error.position - start.start(), 0) if error.position >= 0 else len(text) // MOST_REFUSALS
            at = start.end()
            continue
        stop = _END.match(text, end)
        if stop is None or end - start.start() < SHORTEST_VALUE:
            at = max(end, start.end())
            continue
        if text[done : start.start()].strip():
            parts.append(Part(text[done : start.start()].removesuffix("\n")))
        _add_value(parts, value, is_line="\n" not in text[start.start() : end])
        done = at = stop.end()
    if text[done:].strip():
        parts.append(Part(text[done:]))
    return parts


def _add_value(parts: list[Part], value: Value, *, is_line: bool) -> None:
    """Add a value, to the JSON lines before it if it is one as well."""
    if is_line and parts and parts[-1].is_line:
        parts[-1] = Part(values=(*parts[-1].values, value), is_line=True)
    else:
        parts.append(Part(values=(value,), is_line=is_line))
