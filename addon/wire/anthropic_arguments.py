"""Texts of ours in the arguments of a client's calls: a model may write into a file what it was shown of a result.

A shortened text that stands there whole is replaced by what it stands for, before the client can run the call. To tell
it, no more is held back than the few events that may be the beginning of one. Once there is one, all that follows waits
for the end of the answer, since the original must be fetched. What cannot be replaced exactly stays as it is.
"""

import json
import logging
from collections.abc import Iterator, Sequence

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit
from headroom_mitm.wire import document, sse
from headroom_mitm.wire.anthropic_turn import Json
from headroom_mitm.wire.retelling import OriginalOf
from headroom_mitm.wire.splice import splice

logger = logging.getLogger(__name__)

START = 24
"""Characters by which the beginning of a text is known."""


class Arguments:
    """See ``Copies``. Sans-IO."""

    def __init__(self, texts: Sequence[str], note: str, *, streamed: bool) -> None:
        """Take the texts that stand for longer ones, and how the note begins that each of them has."""
        self._texts = sorted(texts, key=len, reverse=True)
        self._note = note
        self._starts = {form[:START] for text in (*texts, note) for form in _forms(text)}
        self._streamed = streamed
        self._splitter = sse.Splitter()
        self._calls: set[object] = set()  # indexes of the client's calls
        self._tail = ""  # of the arguments, as far as it may be a beginning
        self._pending = b""
        self.held = b""
        """What waits for ``expanded``; empty for nothing."""

    def feed(self, shown: bytes) -> bytes:
        """Take what the client is to get; return what it may get now."""
        return b"".join(map(self._passed, self._splitter.feed(shown))) if self._streamed else shown

    def end(self, last: bytes) -> bytes:
        """Take the end of the answer; return what the client may get at once."""
        if not self._streamed:
            self.held = last if any(start.encode() in last for start in self._starts) else b""
            return b"" if self.held else last
        shown = self.feed(last)
        rest, self._pending = self._pending + self._splitter.rest(), b""
        if self.held:
            self.held += rest
            return shown
        return shown + rest

    def expanded(self, original_of: OriginalOf) -> bytes:
        """Return what was held, with what the texts in it stand for."""
        try:
            return self._events_expanded(original_of) if self._streamed else self._document_expanded(original_of)
        except (UnreadableBody, ValueError, KeyError, TypeError):
            return self.held

    def _passed(self, event: bytes) -> bytes:
        if self.held:
            self.held += event
            return b""
        if b"input_json_delta" in event and (piece := self._piece(_data(event))):
            return self._looked_at(event, piece)
        if b"content_block_start" in event:
            self._begin(_data(event))
        elif self._pending and b"content_block_stop" not in event:
            self._pending += event
            return b""
        released, self._pending, self._tail = self._pending + event, b"", ""
        return released

    def _looked_at(self, event: bytes, piece: str) -> bytes:
        text = self._tail + piece
        if any(start in text for start in self._starts):
            self.held, self._pending = self._pending + event, b""
            return b""
        size = max(_overlap(text, start) for start in self._starts)
        self._tail = text[len(text) - size :]
        released, kept = (self._pending, event) if size <= len(piece) else (b"", self._pending + event)
        self._pending = kept if size else b""
        return released if size else released + kept

    def _begin(self, data: Json) -> None:
        block = data.get("content_block")
        if isinstance(block, dict) and block.get("type") == "tool_use":
            self._calls.add(data.get("index"))

    def _piece(self, data: Json) -> str:
        """Return a piece of the arguments of a client's call."""
        delta = data.get("delta")
        piece = delta.get("partial_json") if isinstance(delta, dict) and data.get("index") in self._calls else ""
        return piece if isinstance(piece, str) else ""

    def _events_expanded(self, original_of: OriginalOf) -> bytes:
        """Return the events; a call's arguments that have changed come in one."""
        events = list(_events(self.held))
        found: dict[object, list[str]] = {}
        for event in events:
            if b"content_block_start" in event:
                self._begin(_data(event))
            elif piece := self._piece(_data(event)):
                found.setdefault(_data(event)["index"], []).append(piece)
        changed = {index: self._replaced("".join(pieces), original_of) for index, pieces in found.items()}
        changed = {index: text for index, text in changed.items() if text != "".join(found[index])}
        shown: list[bytes] = []
        for event in events:
            index = _data(event).get("index")
            if not (index in found and self._piece(_data(event)) and changed.get(index) is not None):
                shown.append(event)
            elif found[index]:
                shown.append(_with_piece(event, changed[index]))
                found[index] = []
        return b"".join(shown)

    def _document_expanded(self, original_of: OriginalOf) -> bytes:
        body, edits = self.held, []
        for place in document.items(body, document.members(body, document.whole(body))["content"]):
            block = document.members(body, place)
            if document.member_string(body, block, "type") == "tool_use" and "input" in block:
                text = body[slice(*block["input"])].decode()
                changed = self._replaced(text, original_of)
                edits += [Edit(block["input"], changed.encode())] if changed != text else []
        return splice(body, edits)

    def _replaced(self, arguments: str, original_of: OriginalOf) -> str:
        """Return arguments, or a part of them, with the originals; written as the texts were."""
        for text in self._texts:
            for number, form in enumerate(_forms(text)):
                original = original_of(text) if form in arguments else None
                if original is not None:
                    arguments = arguments.replace(form, _forms(original)[number])
        if any(form in arguments for form in _forms(self._note)):
            logger.warning("headroom: a note of ours stands in the arguments of a call, and not with all of its text")
        return arguments


def _forms(text: str) -> tuple[str, str]:
    """Return a text as it may be written inside a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1], json.dumps(text)[1:-1]


def _overlap(text: str, start: str) -> int:
    """Return how much of the beginning of ``start`` ends ``text``."""
    return next((size for size in range(min(len(start) - 1, len(text)), 0, -1) if text.endswith(start[:size])), 0)


def _events(held: bytes) -> Iterator[bytes]:
    splitter = sse.Splitter()
    yield from splitter.feed(held)
    if rest := splitter.rest():
        yield rest


def _data(event: bytes) -> Json:
    """Return the data of an event; nothing where it is no object."""
    try:
        data = json.loads(sse.data_of(event) or b"null")
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _with_piece(event: bytes, piece: str) -> bytes:
    data = sse.data_of(event)
    delta = document.members(data, document.members(data, document.whole(data))["delta"])
    return sse.with_data(event, splice(data, [Edit(delta["partial_json"], json.dumps(piece).encode())]))
