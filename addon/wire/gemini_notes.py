"""What legs of Gemini's say of their text (sources, citations, pages read), told as one answer in one document.

Lists are joined. Sources are pointed at by number, and text by part and by byte, so a later leg's numbers are raised by
what stands before. Of a stream a client keeps the notes that came last, and all its text is one.
Source: ai.google.dev, "GenerateContentResponse": GroundingMetadata, CitationMetadata.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from headroom_mitm.wire import raw_object
from headroom_mitm.wire.usage import added

Json = dict[str, Any]

_GROUNDING, _CITATIONS, _PAGES, _TOKENS = "groundingMetadata", "citationMetadata", "urlContextMetadata", "tokenCount"
_CHUNKS, _SUPPORTS = "groundingChunks", "groundingSupports"
_READ = (_GROUNDING, _CITATIONS, _PAGES, _TOKENS)


class Notes:
    """Takes the candidate of each leg. ``in_stream``: text is pointed at by byte alone."""

    def __init__(self, *, in_stream: bool = False) -> None:
        self._in_stream = in_stream
        self._notes: Json = {}
        self._parts = 0
        self._bytes = 0

    def add(self, candidate: dict[str, bytes], said: Sequence[bytes]) -> None:
        """Take a leg that is over, and the parts of it that the client sees."""
        self._notes = self._joined(candidate)
        self._parts += len(said)
        self._bytes += sum(len(_text(raw)) for raw in said)

    def shown(self, candidate: dict[str, bytes]) -> dict[str, bytes]:
        """Return the members of the last leg's candidate that differ in that of the whole answer."""
        if not (self._notes or self._parts):
            return {}
        return {name: msgspec.json.encode(value) for name, value in self._joined(candidate).items()}

    def _joined(self, candidate: dict[str, bytes]) -> Json:
        notes: Json = dict(self._notes)
        for name in _READ:
            value = _decoded(candidate[name]) if name in candidate else None
            if name == _TOKENS:
                value = added(notes.get(name), value)
            elif isinstance(value, dict):
                value = _together(notes.get(name), self._moved(name, value))
            if value is not None:
                notes[name] = value
        return notes

    def _moved(self, name: str, value: Json) -> Json:
        """Return a note with its numbers as they are in the whole answer."""
        if name == _CITATIONS:
            return {kind: _each(found, self._cited) for kind, found in value.items()}
        if name == _GROUNDING and _SUPPORTS in value:
            return {**value, _SUPPORTS: _each(value[_SUPPORTS], self._supported)}
        return value

    def _cited(self, citation: Json) -> Json:
        places = {name: _number(citation.get(name)) + self._bytes for name in ("startIndex", "endIndex")}
        return {**citation, **places} if self._bytes else citation

    def _supported(self, support: Json) -> Json:
        grounding = self._notes.get(_GROUNDING)
        known = grounding.get(_CHUNKS) if isinstance(grounding, dict) else None
        by = len(known) if isinstance(known, list) else 0
        moved = dict(support)
        numbers, segment = support.get("groundingChunkIndices"), support.get("segment")
        if isinstance(numbers, list):
            moved["groundingChunkIndices"] = [_number(number) + by for number in numbers]
        if isinstance(segment, dict) and self._in_stream:
            moved["segment"] = self._cited(segment)
        elif isinstance(segment, dict) and self._parts:
            moved["segment"] = {**segment, "partIndex": _number(segment.get("partIndex")) + self._parts}
        return moved


def _together(first: Any, second: Json) -> Json:
    """Return the notes of two legs: lists one behind the other, else what the later one says."""
    if not isinstance(first, dict):
        return second
    lists = {
        name: [*first[name], *value]
        for name, value in second.items()
        if isinstance(value, list) and isinstance(first.get(name), list)
    }
    return {**first, **second, **lists}


def _each(found: Any, change: Callable[[Json], Json]) -> Any:
    if not isinstance(found, list):
        return found
    return [change(item) if isinstance(item, dict) else item for item in found]


def _text(raw: bytes) -> bytes:
    """Return the text of a part that is no thought."""
    part = raw_object.of(raw)
    text = _decoded(part.get("text", b'""'))
    return text.encode("utf-8", "replace") if isinstance(text, str) and part.get("thought") != b"true" else b""


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0
