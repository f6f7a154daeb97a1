"""What goes on in one WebSocket: which answers are watched, and what becomes of each frame of theirs. Sans-IO."""

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.roundtrip.exchange import Exchange
from headroom_mitm.roundtrip.links import REMEMBERED
from headroom_mitm.wire.reply import FramedReply

MOST_WATCHED = 64
"""Answers in one socket that may be under way. A client that asks for more than it takes is not followed."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class Watched:
    """An answer that is under way."""

    exchange: Exchange
    reply: FramedReply


@dataclass(frozen=True, slots=True)
class Heard:
    """What becomes of a frame that the provider has sent."""

    shown: bytes
    """What the client gets instead; empty: nothing."""
    goes_on: Exchange | None = None
    """This answer wants another leg."""
    expands: Exchange | None = None
    """``expand`` returns what the client gets instead."""
    concludes: Exchange | None = None
    """``conclude`` must come before the client gets ``shown``, and ``rest`` belongs behind it."""


class Talk:
    """One socket."""

    def __init__(self) -> None:
        self._watched: dict[str, Watched] = {}
        self.on_end: deque[Callable[[], object]] = deque(maxlen=REMEMBERED)
        """To be called when the socket is over."""

    @property
    def is_watched(self) -> bool:
        """Some answer is."""
        return bool(self._watched)

    def watch(self, stream: str, watched: Watched | None) -> None:
        """Take note of what the next frames of a stream are; None: they are not ours to look at."""
        self._watched.pop(stream, None)
        if watched is not None and len(self._watched) < MOST_WATCHED:
            self._watched[stream] = watched

    def hear(self, stream: str, frame: bytes) -> Heard:
        """Take a frame of the provider's."""
        watched = self._watched.get(stream)
        if watched is None:
            return Heard(frame)
        exchange = watched.exchange
        shown = exchange.feed(frame)
        if not watched.reply.is_over:
            return Heard(shown, expands=exchange if exchange.copies is not None and exchange.copies.held else None)
        shown += exchange.end_leg()
        if exchange.wants_next_leg:
            return Heard(shown, exchange)
        del self._watched[stream]
        return Heard(shown, concludes=exchange if exchange.must_conclude else None)

    def fail(self, stream: str) -> bytes:
        """Return the frame that tells the client that its answer has failed."""
        return self._watched.pop(stream).exchange.fail(500, b"")


def ascii_only(frame: bytes) -> bytes:
    """Write a JSON text without characters beyond ASCII: mitmproxy cuts a frame that is new without regard to them."""
    try:
        text = frame.decode()
    except UnicodeDecodeError:
        raise UnreadableBody("a frame that is no text") from None
    return _NOT_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], text).encode()
