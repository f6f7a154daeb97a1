"""Answers of OpenAI's Responses over HTTP, in events or in one document: ``openai_responses_legs`` says what is shown.

Source: platform.openai.com/docs, "Streaming events" and "The response object".
"""

from collections.abc import Sequence

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire import document, sse
from headroom_mitm.wire import openai_responses_turn as turn
from headroom_mitm.wire.openai_responses_legs import Legs
from headroom_mitm.wire.reply import Answered, HiddenCall, Kept
from headroom_mitm.wire.retelling import Untold

_KEEP_ALIVE = b":\n\n"
"""A comment: the provider has no event for it, and readers of event streams pass it over."""
_FINAL = frozenset({"completed", "incomplete", "failed"})
_MARK = b'"response":'
_BEFORE, _BEHIND = b'{"type":"response.%s",' + _MARK, b"}"


class StreamedReply:
    """An answer in events."""

    streamed = True

    def __init__(self, tool: str) -> None:
        self._legs = Legs(tool)
        self._splitter = sse.Splitter()
        self._end = b""  # of an answer of which something must be kept before the client may go on
        self.has_failed = False
        """See ``Failing``."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the current leg; return what the client may see now."""
        return b"".join(map(self._passed, self._splitter.feed(data)))

    def end_leg(self) -> bytes:
        """Return what an upstream that breaks off has left; see ``Reply`` for where that is an error."""
        leg, rest = self._legs.leg, self._splitter.rest()
        if sse.is_whole(rest):
            rest = self._shown(rest)
        if leg.goes_on:
            return b""
        if leg.ending or leg.has_failed or (self._legs.is_first and not leg.hidden_places):
            return self._end + rest
        raise UnreadableBody("a leg that breaks off")

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``Leg.goes_on``."""
        return self._legs.leg.calls if self._legs.leg.goes_on else ()

    @property
    def kept(self) -> Kept | None:
        """See ``Keeping``."""
        kept = self._legs.kept
        return kept if kept is not None and kept.lasts else None

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        return self._legs.untold

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the input, or name the leg where the provider keeps it."""
        following = self._legs.next_body(body, answers, is_kept=self._legs.leg.is_stored)
        self._legs.begin_leg()
        self._splitter = sse.Splitter()
        return following

    def close(self) -> bytes:
        """End the answer as if the model had finished."""
        return sse.written("response.completed", self._legs.closing())

    def failed(self, status: int, raw: bytes) -> bytes:
        """Return the event by which an answer fails, in the provider's own words; nothing where it had none."""
        if not turn.is_error(raw):
            return b""
        data = self._legs.failure(status, raw)
        return sse.written(msgspec.json.decode(data)["type"], data)

    def idle(self) -> bytes:
        """Return a comment."""
        return _KEEP_ALIVE

    def _passed(self, event: bytes) -> bytes:
        """Return what the client may get now."""
        shown = self._shown(event)
        self.has_failed = self._legs.leg.has_failed
        if self._legs.holds_end:
            self._end += shown
            return b""
        return shown

    def _shown(self, event: bytes) -> bytes:
        """Return the event as the client gets it."""
        data = sse.data_of(event)
        if not data.startswith(b"{"):
            return event
        try:
            shown = self._legs.shown(data)
        except UnreadableBody:
            return event
        return _rewritten(event, data, shown) if shown else b""


class WholeReply:
    """An answer in one document. It is read as the event that ends a stream would carry it."""

    streamed = False

    def __init__(self, tool: str) -> None:
        self._legs = Legs(tool)
        self._raw = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes; nothing is shown before the end."""
        self._raw += data
        return b""

    def end_leg(self) -> bytes:
        """Return the whole answer if it ends here; without calls of ours, and without earlier legs, as it came.

        Raises ``UnreadableBody`` for a later leg that is no answer.
        """
        try:
            shown = self._legs.shown(_event(self._raw))
        except UnreadableBody:
            if not self._legs.is_first:
                raise
            return self._raw
        return b"" if self._legs.leg.goes_on else _document(shown)

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``Leg.goes_on``."""
        return self._legs.leg.calls if self._legs.leg.goes_on else ()

    @property
    def kept(self) -> Kept | None:
        """See ``Keeping``."""
        kept = self._legs.kept
        return kept if kept is not None and kept.lasts else None

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        return self._legs.untold

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the input, or name the leg where the provider keeps it."""
        following = self._legs.next_body(body, answers, is_kept=self._legs.leg.is_stored)
        self._legs.begin_leg()
        self._raw = b""
        return following

    def close(self) -> bytes:
        """Return what the client gets if the answer ends here."""
        return _document(self._legs.closing())

    def failed(self, status: int, raw: bytes) -> bytes:
        """Return the error document: the provider's own if it sent one."""
        return msgspec.json.encode({"error": {"type": "server_error", "param": None, **turn.error_of(status, raw)}})

    def idle(self) -> bytes:
        """Return nothing: a document cannot begin before it is known."""
        return b""


def _event(answer: bytes) -> bytes:
    """Return the event that ends a stream with this answer."""
    members = document.members(answer, document.whole(answer))
    status = document.member_string(answer, members, "status")
    if "output" not in members or status not in _FINAL:
        raise UnreadableBody("no answer that is over")
    return b"%s%s%s" % (_BEFORE % status.encode(), answer, _BEHIND)


def _document(event: bytes) -> bytes:
    """Return the answer in such an event."""
    return event[event.index(_MARK) + len(_MARK) : -len(_BEHIND)]


def _rewritten(event: bytes, data: bytes, shown: bytes) -> bytes:
    """Return the event with other data; all else of it stays."""
    if shown == data:
        return event
    before, found, behind = event.partition(data)
    return before + shown + behind if found else sse.written(sse.name_of(event), shown)
