"""Answers of generateContent and streamGenerateContent, streamed as events or as a JSON array, or whole."""

import re
from collections.abc import Sequence
from typing import Protocol

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire import gemini_turn, sse
from headroom_mitm.wire.gemini_answer import Answer, Leg
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.retelling import Round, Untold

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+("?)|[\[\]{}]', re.DOTALL)


class Framing(Protocol):
    """How documents stand in a stream."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pieces that are complete now; all pieces and the rest joined are the stream again."""
        ...

    def rest(self) -> bytes:
        """Return what stands behind the last piece, and forget it."""
        ...

    def document(self, piece: bytes) -> bytes:
        """Return the document in a piece; empty for none."""
        ...

    def placed(self, piece: bytes, data: bytes, *, is_first: bool) -> bytes:
        """Return a piece with another document in it, as the first one of the answer or a later one."""
        ...

    def last(self, rest: bytes, *, is_empty: bool) -> bytes:
        """Return the end of the whole answer, from the end of its last leg."""
        ...


class Events:
    """Server-sent events: ``alt=sse``."""

    def __init__(self) -> None:
        self._splitter = sse.Splitter()

    def feed(self, data: bytes) -> list[bytes]:
        """See ``Framing``."""
        return self._splitter.feed(data)

    def rest(self) -> bytes:
        """See ``Framing``."""
        return self._splitter.rest()

    def document(self, piece: bytes) -> bytes:
        """See ``Framing``."""
        return sse.data_of(piece)

    def placed(self, piece: bytes, data: bytes, *, is_first: bool) -> bytes:  # noqa: ARG002  # events need no separator
        """See ``Framing``."""
        return sse.with_data(piece, data) if piece else b"data: %s\r\n\r\n" % data

    def last(self, rest: bytes, *, is_empty: bool) -> bytes:  # noqa: ARG002  # events need no end
        """See ``Framing``."""
        return rest


class Items:
    """The items of a JSON array; a piece is an item with what stands before it."""

    def __init__(self) -> None:
        self._rest = b""
        self._at = 0
        self._depth = 0

    def feed(self, data: bytes) -> list[bytes]:
        """See ``Framing``."""
        text, pieces, start = self._rest + data, [], 0
        while match := _STRING_OR_BRACKET.search(text, self._at):
            token = match[0]
            if match[1] == b"":  # a string that has not ended yet
                self._at = match.start()
                break
            self._at = match.end()
            self._depth += (token in b"[{") - (token in b"]}")
            if token == b"}" and self._depth == 1:
                pieces.append(text[start : self._at])
                start = self._at
        else:
            self._at = len(text)
        self._rest, self._at = text[start:], self._at - start
        return pieces

    def rest(self) -> bytes:
        """See ``Framing``."""
        rest, self._rest, self._at = self._rest, b"", 0
        return rest

    def document(self, piece: bytes) -> bytes:
        """See ``Framing``."""
        return piece[piece.find(b"{") :] if b"{" in piece else b""

    def placed(self, piece: bytes, data: bytes, *, is_first: bool) -> bytes:
        """See ``Framing``."""
        before = piece[: piece.find(b"{")] if piece else b","
        return (before.replace(b",", b"[") if is_first else before.replace(b"[", b",")) + data

    def last(self, rest: bytes, *, is_empty: bool) -> bytes:
        """See ``Framing``."""
        return b"[" + rest if is_empty and b"[" not in rest else rest


class StreamedReply:
    """An answer in pieces; how they are framed is told by its first byte."""

    streamed = True

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._answer = Answer(tool, in_stream=True)
        self._start = b""
        self._framing: Framing | None = None
        self._is_empty = True  # no document was shown
        self._end = b""  # of a leg that goes on
        self._held = b""  # the end of an answer of which something must be kept before the client may go on
        self._rounds: list[Round] = []  # the legs before

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the current leg; return what the client may see now."""
        if self._framing is None:
            data, self._start = self._start + data, b""
            if not data.strip():
                self._start = data
                return b""
            self._framing = Items() if data.lstrip().startswith(b"[") else Events()
        return b"".join([self._passed(self._framing, piece) for piece in self._framing.feed(data)])

    def end_leg(self) -> bytes:
        """Return what an upstream that breaks off has left; see ``Reply`` for where that is an error."""
        answer, framing, leg = self._answer, self._framing, self._answer.leg
        if framing is None:
            framing, rest = Events(), self._start
        else:
            rest = framing.rest()
        if isinstance(framing, Events) and rest:
            rest = self._shown(framing, rest)
        if leg.goes_on:
            self._end = rest
            return b""
        if not (leg.finish or leg.has_failed or (answer.is_first and not leg.calls)):
            raise UnreadableBody("a leg that breaks off")
        is_whole = answer.is_first and not leg.calls
        return self._held + (rest if is_whole else framing.last(rest, is_empty=self._is_empty))

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``Leg.goes_on``; arguments as the model wrote them."""
        return self._answer.leg.calls if self._answer.leg.goes_on else ()

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the contents."""
        self._rounds.append(gemini_turn.told(self._answer.leg.parts(), self._tool, answers))
        self._answer.next_leg()
        self._framing = type(self._framing)() if self._framing is not None else None
        return gemini_turn.with_turn(body, self._rounds[-1])

    @property
    def has_failed(self) -> bool:
        """See ``Failing``."""
        return self._answer.leg.has_failed

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        return _untold(self._answer.leg, self._rounds, self._tool)

    def close(self) -> bytes:
        """End the answer as if the model had finished."""
        framing = self._framing or Events()
        shown = b""
        for data in self._answer.leg.ending:
            shown += framing.placed(b"", self._answer.ended(data, ()), is_first=self._is_empty)
            self._is_empty = False
        return shown + framing.last(self._end, is_empty=self._is_empty)

    def failed(self, status: int, raw: bytes) -> bytes:  # noqa: ARG002  # the words say it all
        """Return an error in the place of a document: the provider's own words where it had any."""
        framing = self._framing or Events()
        shown = framing.placed(b"", gemini_turn.error_document(raw), is_first=self._is_empty)
        return shown + (b"]" if isinstance(framing, Items) else b"")

    def idle(self) -> bytes:
        """Return nothing: Google's own clients do not read comments."""
        return b""

    def _passed(self, framing: Framing, piece: bytes) -> bytes:
        """Return what the client may get now: not the end of an answer that is to be kept first."""
        shown, leg = self._shown(framing, piece), self._answer.leg
        if leg.finish and (leg.is_open or not self._answer.is_first):
            self._held += shown
            return b""
        return shown

    def _shown(self, framing: Framing, piece: bytes) -> bytes:
        """Return a piece as the client gets it."""
        data = framing.document(piece)
        shown = data
        if data.startswith(b"{"):
            try:
                shown = self._answer.shown(data)
            except UnreadableBody:
                shown = data
            if not shown:
                return b""
        if shown is data and self._answer.is_first and not self._answer.leg.calls:
            self._is_empty = self._is_empty and not data
            return piece
        piece = framing.placed(piece, shown, is_first=self._is_empty) if data else piece
        self._is_empty = self._is_empty and not data
        return piece


class WholeReply:
    """An answer in one JSON document."""

    streamed = False

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._answer = Answer(tool, in_stream=False)
        self._raw = b""
        self._said: list[bytes] = []  # parts that the client sees, of the legs before
        self._rounds: list[Round] = []

    def feed(self, data: bytes) -> bytes:
        """Take bytes; nothing is shown before the end."""
        self._raw += data
        return b""

    def end_leg(self) -> bytes:
        """Return the whole answer if it ends here; without calls of ours, and without earlier legs, as it came.

        Raises ``UnreadableBody`` for a later leg that is no answer.
        """
        answer, raw = self._answer, self._raw
        try:
            shown = answer.shown(raw)
        except UnreadableBody:
            if not answer.is_first:
                raise
            return raw
        if answer.leg.goes_on:
            return b""
        if answer.is_first:
            return shown
        if not (answer.leg.finish or answer.leg.has_failed):
            raise UnreadableBody("a leg that is no answer")
        return answer.ended(raw, [*self._said, *answer.leg.said])

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``Leg.goes_on``."""
        return self._answer.leg.calls if self._answer.leg.goes_on else ()

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the contents."""
        leg = self._answer.leg
        self._rounds.append(gemini_turn.told(leg.parts(), self._tool, answers))
        self._said += leg.said
        self._raw = b""
        self._answer.next_leg()
        return gemini_turn.with_turn(body, self._rounds[-1])

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        return _untold(self._answer.leg, self._rounds, self._tool)

    def close(self) -> bytes:
        """Return what the client gets if the answer ends here."""
        return self._answer.ended(self._raw, [*self._said, *self._answer.leg.said])

    def failed(self, status: int, raw: bytes) -> bytes:  # noqa: ARG002  # the words say it all
        """Return the error document."""
        return gemini_turn.error_document(raw)

    def idle(self) -> bytes:
        """Return nothing: a document cannot begin before it is known."""
        return b""


def _untold(leg: Leg, rounds: Sequence[Round], tool: str) -> Untold | None:
    if leg.has_failed or not (leg.finish and (rounds or leg.is_open)):
        return None
    return gemini_turn.untold(rounds, leg.parts(), tool, leg.calls if leg.is_open else ())
