"""A fault of ours in an answer must not become the client's."""

import logging
from collections.abc import Sequence

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire.reply import Answered, HiddenCall, Kept, Reply, is_failing, is_keeping, is_passing
from headroom_mitm.wire.retelling import Telling, Untold
from headroom_mitm.wording import TOOL_NAME

logger = logging.getLogger(__name__)

_EVENT_ENDS = (b"\n\n", b"\r\n\r\n", b"\r\r")


class Guarded:
    """A reply that a fault of ours does not stop: the first leg goes on as it comes, a later one is called broken.

    So is a first one in which a call of our tool waits: the client could not answer it.
    """

    def __init__(self, reply: Reply) -> None:
        self.streamed = reply.streamed
        self._reply = reply
        self._keeping = reply if is_keeping(reply) else None
        self._failing = reply if is_failing(reply) else None
        self._passing = reply if is_passing(reply) else None
        self._is_first = True
        self._is_raw = False
        self._waiting = b""  # what came and was not shown yet

    def feed(self, data: bytes) -> bytes:
        """See ``Reply``."""
        if self._is_raw:
            return data
        self._waiting += data
        try:
            shown = self._reply.feed(data)
        except Exception:
            logger.exception("headroom: an answer is not understood")
            waiting = _as_it_came(self._waiting, is_first=self._is_first)
            self._is_raw = True
            return waiting
        if shown == self._waiting:
            self._waiting = b""
        elif shown:
            rest = self._waiting.removeprefix(shown)
            self._waiting = rest if len(rest) < len(self._waiting) else _behind_events(self._waiting)
        return shown

    def passes(self, data: bytes) -> bool:
        """See ``Passing``: nothing of what came before waits."""
        return self._passing is not None and not (self._waiting or self._is_raw) and self._passing.passes(data)

    def end_leg(self) -> bytes:
        """See ``Reply``."""
        if self._is_raw:
            return b""
        try:
            return self._reply.end_leg()
        except UnreadableBody:
            raise
        except Exception:
            logger.exception("headroom: an answer is not understood")
            waiting = _as_it_came(self._waiting, is_first=self._is_first)
            self._is_raw = True
            return waiting

    @property
    def has_failed(self) -> bool:
        """See ``Failing``."""
        return self._failing is not None and self._failing.has_failed

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """See ``Reply``."""
        return () if self._is_raw else self._reply.hidden

    @property
    def kept(self) -> Kept | None:
        """See ``Keeping``."""
        return self._keeping.kept if self._keeping is not None and not self._is_raw else None

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        return self._reply.untold if isinstance(self._reply, Telling) and not self._is_raw else None

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """See ``Reply``."""
        self._is_first, self._waiting = False, b""
        return self._reply.next_body(body, answers)

    def close(self) -> bytes:
        """See ``Reply``."""
        return self._reply.close()

    def failed(self, status: int, raw: bytes) -> bytes:
        """See ``Reply``."""
        return self._reply.failed(status, raw)

    def idle(self) -> bytes:
        """See ``Reply``."""
        return self._reply.idle()


def _as_it_came(waiting: bytes, *, is_first: bool) -> bytes:
    if not is_first or TOOL_NAME.encode() in waiting:
        raise UnreadableBody("a fault of ours where the client cannot have what came")
    return waiting


def _behind_events(waiting: bytes) -> bytes:
    """Return what stands behind the last whole event."""
    return waiting[max(waiting.rfind(end) + len(end) if end in waiting else 0 for end in _EVENT_ENDS) :]
