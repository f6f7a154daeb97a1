"""One client request whose answer is watched: the calls of our tool are answered, leg by leg. Sans-IO."""

import copy
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from headroom_mitm import tokens
from headroom_mitm.errors import MissingOriginal, StoreUnavailable, UnreadableBody
from headroom_mitm.roundtrip.answering import serve
from headroom_mitm.roundtrip.decoding import Decode, decoder
from headroom_mitm.segments import Digest, Rendering
from headroom_mitm.wire.reply import Answered, HiddenCall, Kept, Reply, is_failing, is_keeping, is_passing
from headroom_mitm.wire.retelling import Copies, Round, Telling, Untold

logger = logging.getLogger(__name__)

MOST_ROUNDS = 8
"""Legs that may follow the first one. A model that asks on and on is told to stop, and then is stopped."""
MOST_TOKENS = 40_000
"""Tokens that the calls of one answer may bring: ten pages. A model that reads on and on fills its own context."""
MOST_TRIES = 4
"""How often a leg of a stream is asked for. Its client cannot try again as it would: it has seen half an answer."""
LONGEST_PAUSE = 30.0
"""Seconds. A provider that asks for a longer one is told of to the client."""
LONGEST_REFUSAL = 2**20
"""Bytes of an error of the provider's that are kept."""


class Ear(Protocol):
    """Listens to an answer, leg by leg. Quick, and never raises."""

    def feed(self, data: bytes) -> None:
        """Take a piece of a leg, without its content encoding."""
        ...

    def next_leg(self) -> None:
        """Another leg begins, or the last one does again."""
        ...


class Exchange:
    """Holds what the next leg needs. ``advance`` and ``conclude`` may block; all else is quick, and never raises."""

    def __init__(
        self, reply: Reply, body: bytes, originals: Mapping[str, Rendering], read: Callable[[Digest], str]
    ) -> None:
        self.rounds = 0
        self.retrieved: list[str] = []
        """Ids that were served."""
        self.status = 200
        """What a client that has seen nothing yet is to be told: another one if the answer has failed."""
        self.breaks_off = False
        """A stream that has failed is cut, as the provider's would be. Set before, whatever the provider has said."""
        self.in_events = reply.streamed
        """The provider sends events. What is streamed otherwise is a JSON array."""
        self.on_served: Callable[[str, int], None] = lambda *_: None
        """Told the id of a text that the model has asked for, and how many tokens of it it got. May block."""
        self.on_kept: Callable[[Kept], None] = lambda _: None
        """Called as soon as the answer has ended, before the client can know it; quick. Not where nothing is kept."""
        self.on_untold: Callable[[tuple[Round, ...]], None] = lambda _: None
        """Called by ``conclude`` with all legs of an answer of which the client has not seen all. May block."""
        self.ear: Ear | None = None
        """Hears all attempts at all legs, as they come."""
        self.copies: Copies | None = None
        """Holds back what the client's calls are to do with texts of ours."""
        self.must_conclude = False
        """The answer is over, and ``conclude`` must come before the client gets the end of it."""
        self.rest = b""
        """What the client gets after ``conclude``, behind what ``end_leg`` has returned."""
        self._untold: Untold | None = None
        self.streamed = reply.streamed
        """The client reads events as they come."""
        self._reply = reply
        self._keeping = reply if is_keeping(reply) else None
        self._failing = reply if is_failing(reply) else None
        self._passing = reply if is_passing(reply) else None
        self.leg_has_failed = False
        """The provider says so in the leg itself."""
        self._body = body
        self._originals = originals
        self._read = read
        self._decode: Decode = bytes
        self._failure = b""
        self._has_reported = False
        self._brought = 0  # tokens
        self._before_leg: tuple[Reply, Copies | None] | None = None  # what it begins with each time it is asked for

    @property
    def wants_next_leg(self) -> bool:
        """The leg that is over called our tool, and the answer may go on."""
        return self.status == 200 and self.rounds <= MOST_ROUNDS and bool(self._reply.hidden)

    def begin_leg(self, encoding: str) -> bool:
        """Take note of a leg's content encoding; False: it is not one that we know, or the answer is too deep."""
        decode = decoder(encoding)
        self._decode = decode or bytes
        if self._before_leg is not None:
            if self.ear is not None:
                self.ear.next_leg()
            try:
                self._reply, self.copies = copy.deepcopy(self._before_leg)
            except RecursionError:  # who calls this stands deeper than who called ``advance``
                return False
            self._keeping = self._reply if is_keeping(self._reply) else None
            self._failing = self._reply if is_failing(self._reply) else None
            self._passing = self._reply if is_passing(self._reply) else None
        return decode is not None

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the current leg as they came; return what the client may see now."""
        if self.status != 200:
            return b""
        if (
            self._decode is bytes
            and not self.leg_has_failed
            and self._passing is not None
            and self._passing.passes(data)
        ):
            if self.ear is not None:
                self.ear.feed(data)
            return data if self.copies is None else self.copies.feed(data)
        try:
            plain = self._decode(data)
            if self.ear is not None:
                self.ear.feed(plain)
            shown = self._reply.feed(plain)
        except UnreadableBody as error:
            return _broken(self, error)
        self.leg_has_failed = self._failing is not None and self._failing.has_failed
        self._report()
        return self.copies.feed(shown) if self.copies is not None else shown

    def end_leg(self) -> bytes:
        """Take note that the leg is over; return what the client may still see, all of it where nothing is streamed."""
        if self.status != 200:
            return b"" if self.streamed else self._failure
        try:
            last = self._reply.end_leg()
            calls = self._reply.hidden
        except UnreadableBody as error:
            return _broken(self, error)
        if self.rounds > MOST_ROUNDS and calls:
            last += self._reply.close()
        self._report()
        if self.wants_next_leg:
            return last
        self._untold = _untold_of(self._reply)
        if self.copies is not None:
            last = self.copies.end(last)
            self.rest = self.copies.held
        self.must_conclude = self._untold is not None or bool(self.rest)
        return last

    def fail(self, status: int, raw: bytes) -> bytes:
        """Return what tells the client that its answer has failed: ``raw`` if the provider sent an error. Only once.

        Nothing where a stream is to break off instead, see ``breaks_off``.
        """
        if self.status != 200:
            return b"" if self.streamed else self._failure
        self.status = status if status >= 400 else 502
        if not (self.breaks_off and self.streamed):
            self._failure = self._reply.failed(self.status, raw)
        self.breaks_off = self.streamed and not self._failure
        return self._failure

    def idle(self) -> bytes:
        """Return what shows a client that waits that the answer goes on."""
        return self._reply.idle() if self.status == 200 else b""

    def advance(self) -> bytes:
        """Answer the calls of the leg that is over; return the body of the request for the next leg.

        Raises ``UnreadableBody`` where the answer cannot go on.
        """
        self.rounds += 1
        answers = [self._answer(call) for call in self._reply.hidden]
        self._body = self._reply.next_body(self._body, answers)
        try:
            self._before_leg = copy.deepcopy((self._reply, self.copies))
        except RecursionError:
            raise UnreadableBody("values too deep for a copy") from None
        return self._body

    def expand(self) -> bytes:
        """Return what is held back of a frame, with the originals. May block."""
        if self.copies is None:
            return b""
        return self.copies.expanded(lambda text: _original_of(text, self._originals, self._read))

    def conclude(self) -> None:
        """Answer the calls that no further leg answers, have kept what the client has not seen, fetch what it needs."""
        if self.copies is not None and self.rest:
            self.rest = self.expand()
        untold, self._untold = self._untold, None
        if untold is not None:
            self.on_untold((*untold.before, untold.last([self._answer(call) for call in untold.calls])))

    def _report(self) -> None:
        if self._has_reported or self._keeping is None:
            return
        try:
            kept = self._keeping.kept
        except UnreadableBody:
            return  # nobody can go on from it
        if kept is not None:
            self._has_reported = True
            self.on_kept(kept)

    def _answer(self, call: HiddenCall) -> Answered:
        if self.rounds > MOST_ROUNDS:
            text = f"This answer has asked {MOST_ROUNDS} times for left out text, which is the limit. Go on without."
            return Answered(call, text, is_error=True)
        if self._brought >= MOST_TOKENS:
            text = f"This answer has read {self._brought} tokens of left out text, and {MOST_TOKENS} is the limit."
            return Answered(call, f"{text} Go on with what you have.", is_error=True)
        answered, text_id = serve(call, self._originals, self._read)
        if text_id:
            brought = tokens.count(answered.text)
            self._brought += brought
            self.on_served(text_id, brought)
            self.retrieved.append(text_id)
        return answered


_PASSING = frozenset({429, 500, 502, 503, 504, 529})


class Leg:
    """A further request to the provider, and what comes back."""

    def __init__(self, leg_id: int, exchange: Exchange, tries: int = 1) -> None:
        self.id = leg_id
        self.tries = tries
        """So many with this one."""
        self._retry_after = ""
        self._has_shown = False
        self._exchange = exchange
        self._is_readable = False
        self._status = 502
        self._encoding = ""
        self._refusal = b""  # the body of an answer that cannot go to the client as it is
        self._error = b""  # what the client would get of a leg that has failed before it has got anything

    def begin(self, status: int, content_type: str, encoding: str, retry_after: str = "") -> None:
        """Take what the headers say: only what the first leg was can follow it."""
        self._status, self._encoding, self._retry_after = status, encoding, retry_after
        fits = status == 200 and is_event_stream(content_type) == self._exchange.in_events
        self._is_readable = fits and self._exchange.begin_leg(encoding)

    def feed(self, data: bytes) -> bytes:
        """Take a piece of the body as it came; return what the client may see now."""
        if self._is_readable:
            shown = self._exchange.feed(data)
            if shown and not self._has_shown and self._exchange.leg_has_failed:
                self._error += shown
                return b""
            self._has_shown |= bool(shown)
            return shown
        self._refusal += data[: LONGEST_REFUSAL - len(self._refusal)]
        return b""

    @property
    def pause(self) -> float | None:
        """Seconds after which the same may be asked for again, now that it has failed; None where it may not."""
        may_pass = self._status in _PASSING or (self._is_readable and not self._has_shown)
        if not (self._exchange.streamed and may_pass and self.tries < MOST_TRIES and not self._has_shown):
            return None
        wanted = float(self._retry_after) if self._retry_after.isdecimal() else 0.0
        pause = max(wanted, 0.25 * 2**self.tries)
        return pause if pause <= LONGEST_PAUSE else None

    @property
    def has_failed(self) -> bool:
        """The provider has answered, and refused; or said before all else that it cannot go on."""
        return not self._is_readable or bool(self._error)

    def end(self) -> bytes:
        """Return what the client may still see."""
        if self._is_readable:
            return self._error + self._exchange.end_leg()
        return self._exchange.fail(self._status, _decoded(self._refusal, self._encoding))


def _broken(exchange: Exchange, error: UnreadableBody) -> bytes:
    logger.warning("headroom: an answer ends with an error for the client: %s", error)
    return exchange.fail(502, b"")


def _untold_of(reply: Reply) -> Untold | None:
    try:
        return reply.untold if isinstance(reply, Telling) else None
    except UnreadableBody as error:
        logger.warning("headroom: hidden rounds of an answer are not told again: %s", error)
        return None


def _original_of(text: str, originals: Mapping[str, Rendering], read: Callable[[Digest], str]) -> str | None:
    found = next((known for known in originals.values() if known.text == text), None)
    try:
        return read(found.original) if found is not None else None
    except (MissingOriginal, StoreUnavailable):
        return None


def is_event_stream(content_type: str) -> bool:
    """Say whether a body comes as events."""
    return "text/event-stream" in content_type.lower()


def _decoded(data: bytes, encoding: str) -> bytes:
    decode = decoder(encoding)
    try:
        return decode(data) if decode is not None else b""
    except UnreadableBody:
        return b""
