"""One client request whose answer is watched: the calls of our tool are answered, leg by leg. Sans-IO."""

import logging
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from headroom_mitm.errors import MissingOriginal, StoreUnavailable
from headroom_mitm.roundtrip.pages import Page, Query, page
from headroom_mitm.segments import Digest, Rendering
from headroom_mitm.wire.reply import Answered, HiddenCall, Reply

logger = logging.getLogger(__name__)

MOST_ROUNDS = 8
"""Legs that may follow the first one. A model that asks on and on is told to stop, and then is stopped."""
_ID = re.compile(r"[0-9a-f]{8}")


class Exchange:
    """Holds what the next leg needs. ``advance`` reads the store and may block; all else is quick."""

    def __init__(
        self, reply: Reply, body: bytes, originals: Mapping[str, Rendering], read: Callable[[Digest], str]
    ) -> None:
        self.reply = reply
        self.rounds = 0
        self.retrieved: list[str] = []
        """Ids that were served."""
        self._body = body
        self._originals = originals
        self._read = read

    @property
    def wants_next_leg(self) -> bool:
        """The leg that is over called our tool, and the answer may go on."""
        return bool(self.reply.hidden) and self.rounds <= MOST_ROUNDS

    @property
    def must_close(self) -> bool:
        """The model still calls after it was told to stop."""
        return bool(self.reply.hidden) and self.rounds > MOST_ROUNDS

    def advance(self) -> bytes:
        """Answer the calls of the leg that is over; return the body of the request for the next leg."""
        self.rounds += 1
        answers = [self._answer(call) for call in self.reply.hidden]
        self._body = self.reply.next_body(self._body, answers)
        return self._body

    def _answer(self, call: HiddenCall) -> Answered:
        if self.rounds > MOST_ROUNDS:
            text = f"That was the {MOST_ROUNDS}th request for left out text in this answer. Go on with what you have."
            return Answered(call, text, is_error=True)
        shown = self._page(call)
        return Answered(call, shown.text, shown.is_error)

    def _page(self, call: HiddenCall) -> Page:
        arguments = _arguments(call.arguments)
        match = _ID.search(str(arguments.get("id", "")))
        rendering = self._originals.get(match[0]) if match else None
        if rendering is None:
            return _gone(str(arguments.get("id", "")))
        query = Query(*(str(arguments.get(name) or "") for name in ("lines", "search", "path")))
        try:
            original = self._read(rendering.original)
        except MissingOriginal:
            return _gone(rendering.id)
        except StoreUnavailable as error:
            logger.warning("store unavailable, the model could not read %s: %s", rendering.id, error)
            return Page(
                "The text cannot be read at the moment. Run the command again if you need its output.", is_error=True
            )
        self.retrieved.append(rendering.id)
        return page(original, query)


def _gone(text_id: str) -> Page:
    return Page(
        f"There is no text with id {text_id!r} in this conversation, and there will be none: do not ask for it again. "
        "Run the command or read the file again if you need its content.",
        is_error=True,
    )


def _arguments(raw: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw or b"{}")
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}
