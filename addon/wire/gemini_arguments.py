"""Where the arguments of the client's calls stand in answers of generateContent: always whole, as an object."""

from headroom_mitm.segments import Span
from headroom_mitm.wire import document
from headroom_mitm.wire.arguments import Events, Framing, Spot
from headroom_mitm.wire.gemini_reply import Items

Found = dict[str, Span]


class GeminiCalls:
    """See ``Calls``."""

    def may_matter(self, piece: bytes) -> bool:
        """See ``Calls``."""
        return b'"functionCall"' in piece

    def spots(self, data: bytes) -> list[Spot]:
        """See ``Calls``."""
        top = document.members(data, document.whole(data))
        answer = _object(data, top.get("response")) or top
        contents = (_object(data, one.get("content")) for one in _items(data, answer.get("candidates")))
        parts = (part for content in contents for part in _items(data, content.get("parts")))
        calls = (_object(data, part.get("functionCall")) for part in parts)
        return [Spot(call["args"]) for call in calls if "args" in call and document.is_object(data, call["args"])]


class Array(Items):
    """The items of a JSON array. See ``Framing``."""

    def with_document(self, piece: bytes, data: bytes) -> bytes:
        """See ``Framing``."""
        return piece[: piece.find(b"{")] + data


class Either:
    """Events or an array, told by the first byte. See ``Framing``."""

    def __init__(self) -> None:
        self._framing: Framing | None = None
        self._start = b""

    def feed(self, data: bytes) -> list[bytes]:
        """See ``Framing``."""
        if self._framing is None:
            self._start += data
            if not self._start.strip():
                return []
            data, self._start = self._start, b""
            self._framing = Array() if data.lstrip().startswith(b"[") else Events()
        return self._framing.feed(data)

    def rest(self) -> bytes:
        """See ``Framing``."""
        rest, self._start = self._start, b""
        return rest + (self._framing.rest() if self._framing is not None else b"")

    def document(self, piece: bytes) -> bytes:
        """See ``Framing``."""
        return self._framing.document(piece) if self._framing is not None else b""

    def with_document(self, piece: bytes, data: bytes) -> bytes:
        """See ``Framing``."""
        return self._framing.with_document(piece, data) if self._framing is not None else piece


def _object(data: bytes, span: Span | None) -> Found:
    return document.members(data, span) if span is not None and document.is_object(data, span) else {}


def _items(data: bytes, span: Span | None) -> list[Found]:
    places = document.items(data, span) if span is not None and document.is_list(data, span) else []
    return [_object(data, place) for place in places]
