"""OpenAI's Responses in the frames of a WebSocket: a request is a frame with a type, an event is a frame.

A frame that asks has the members of a request, so what reads bodies reads it, too. Several conversations may share a
socket; their frames carry the same ``stream_id`` then. The provider keeps every answer as long as the connection lasts.
Source: platform.openai.com/docs, "WebSocket mode".
"""

from collections.abc import Sequence

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire import document
from headroom_mitm.wire.openai_responses_legs import Legs
from headroom_mitm.wire.reply import Answered, HiddenCall, Kept
from headroom_mitm.wire.retelling import Untold

_ASKS = "response.create"


def asks(frame: bytes) -> bool:
    """Say whether a client's frame asks for an answer. Raises ``UnreadableBody``."""
    return _ASKS.encode() in frame and _member(frame, "type") == _ASKS


def is_warm_up(frame: bytes) -> bool:
    """Say whether a frame that asks wants no answer but an id to go on from. Raises ``UnreadableBody``."""
    generate = document.members(frame, document.whole(frame)).get("generate")
    return generate is not None and frame[slice(*generate)] == b"false"


def stream_of(frame: bytes) -> str:
    """Return which of the conversations on the socket a frame belongs to. Raises ``UnreadableBody``."""
    return _member(frame, "stream_id")


class FramesReply:
    """An answer in frames: ``feed`` takes and gives whole ones."""

    streamed = True

    def __init__(self, tool: str) -> None:
        self._legs = Legs(tool)
        self._end = b""  # the last frame of an answer of which something must be kept before the client may go on

    @property
    def is_over(self) -> bool:
        """The leg is."""
        return bool(self._legs.leg.ending) or self._legs.leg.has_failed

    def feed(self, data: bytes) -> bytes:
        """Take a frame; return it as the client is to get it, or nothing."""
        try:
            shown = self._legs.shown(data)
        except UnreadableBody:
            return data
        if self._legs.holds_end:
            self._end = shown
            return b""
        return shown

    def end_leg(self) -> bytes:
        """Return the last frame where it was held back."""
        return self._end

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``Leg.goes_on``."""
        return self._legs.leg.calls if self._legs.leg.goes_on else ()

    @property
    def kept(self) -> Kept | None:
        """See ``Keeping``."""
        return self._legs.kept

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        return self._legs.untold

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Return the frame that goes on from the leg."""
        following = self._legs.next_body(body, answers, is_kept=True)
        self._legs.begin_leg()
        return following

    def close(self) -> bytes:
        """Return the frame that ends the answer as if the model had finished."""
        return self._legs.closing()

    def failed(self, status: int, raw: bytes) -> bytes:
        """Return the frame by which an answer fails."""
        return self._legs.failure(status, raw)

    def idle(self) -> bytes:
        """Return nothing: a socket has signs of life of its own."""
        return b""


def _member(frame: bytes, name: str) -> str:
    return document.member_string(frame, document.members(frame, document.whole(frame)), name)
