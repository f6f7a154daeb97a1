"""Streamed answers of Anthropic's Messages API: calls of our tool are taken out, and the legs become one message.

Events that are shown leave byte for byte; only block indexes (without gaps, clients keep blocks in a list) and, behind
the first leg, what the whole answer reports are rewritten. What is not as documented is passed on, never guessed at.
Source: docs.anthropic.com, "Streaming messages".
"""

import functools
import re
from collections.abc import Iterable, Sequence

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import anthropic_turn, document, sse
from headroom_mitm.wire.anthropic_account import Account, encoded, reported, with_members
from headroom_mitm.wire.anthropic_turn import Json, Said, object_at
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.retelling import Round, Untold
from headroom_mitm.wire.splice import splice

_PING = sse.written("ping", b'{"type":"ping"}')
_DELTA = b"event: content_block_delta\n"
"""Begins nearly all events."""
_DELTAS = re.compile(rb"(?:event: content_block_delta\ndata: \{[^\r\n]*+\n\n)++")
_EACH = re.compile(rb"event: content_block_delta\ndata: [^\n]*+\n\n")
_WORDS = re.compile(
    rb'event: content_block_start\ndata: \{"type": ?"content_block_start", ?"index": ?\d+, ?'
    rb'"content_block": ?\{"type": ?"(?:text|thinking)"[^\r\n]*\}\}[^\S\r\n]*\n\n\Z'
)
_STOP = sse.written("message_stop", b'{"type":"message_stop"}')


class Leg:
    """What one answer of the provider has brought so far, and how its blocks are numbered for the client."""

    def __init__(self, tool: str, first_index: int, *, is_first: bool) -> None:
        self._tool = tool
        self.is_first = is_first
        self._first_index = first_index
        self.next_index = first_index
        """Of the blocks the client sees, over all legs."""
        self.events: list[bytes] = []
        """Of blocks."""
        self.hidden: set[int] = set()
        """Indexes of the calls of our tool."""
        self.client_is_called = False
        self.stop_reason = ""
        self.is_whole = False
        self.held = b""
        """The end of an answer of which something must be kept before the client may go on."""

    @property
    def goes_on(self) -> bool:
        """Calls of our tool alone end it. Where the client is called too, the turn is the client's.

        Any other reason to stop (the limit of tokens, a refusal, a pause) may have cut the call, and is the client's
        to deal with.
        """
        return bool(self.hidden) and not self.client_is_called and self.stop_reason == "tool_use"

    @property
    def is_renumbered(self) -> bool:
        """Not all of its blocks keep their numbers."""
        return bool(self.hidden or self._first_index)

    @property
    def is_open(self) -> bool:
        """It calls the client, and us as well."""
        return bool(self.hidden) and self.client_is_called and self.stop_reason == "tool_use"

    def block_start(self, event: bytes) -> bytes:
        """Return the event as the client gets it."""
        self.events.append(event)
        if not self.is_renumbered and _begins_words(event):
            self.next_index += 1
            return event
        data, members = _members(event)
        index = _index(data, members)
        if index is None or "content_block" not in members:
            return event
        block = document.members(data, members["content_block"])
        if document.member_string(data, block, "type") == "tool_use":
            if document.member_string(data, block, "name") == self._tool:
                self.hidden.add(index)
                return b""
            self.client_is_called = True
        self.next_index += 1
        return self._renumbered(event) if self.is_renumbered else event

    def block_event(self, event: bytes) -> bytes:
        """Return the event of a block that has begun as the client gets it."""
        self.events.append(event)
        # Nearly all events of nearly all answers: nothing is hidden, so every block keeps its number.
        return self._renumbered(event) if self.is_renumbered else event

    def end(self, event: bytes) -> bytes:
        """Return an event that ends the message as the client gets it now."""
        if self.goes_on:
            return b""
        if self.is_first and not self.is_open:
            return event
        self.held += event
        return b""

    def said(self) -> Said:
        """Return what the model has said. Raises ``UnreadableBody``."""
        said = Said(self._tool)
        for block in anthropic_turn.assembled(self.events).values():
            said.add(anthropic_turn.written(block))
        return said

    def _renumbered(self, event: bytes) -> bytes:
        data, members = _members(event)
        index = _index(data, members)
        if index is None:
            return event
        if index in self.hidden:
            return b""
        shown = self._first_index + index - sum(hidden < index for hidden in self.hidden)
        return event if shown == index else _changed(event, data, [Edit(members["index"], b"%d" % shown)])


class StreamedReply:
    """An answer in events."""

    streamed = True

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._account = Account()
        self._splitter = sse.Splitter()
        self._leg = Leg(tool, 0, is_first=True)
        self._said: Said | None = None  # of a leg that is over, if the answer goes on
        self._rounds: list[Round] = []  # the legs before
        self._last_delta = b""
        self.has_failed = False
        """See ``Failing``."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the current leg; return what the client may see now."""
        return b"".join(map(self._shown, self._splitter.feed(data)))

    def passes(self, data: bytes) -> bool:
        """Take pieces of blocks that keep their numbers; see ``Passing``."""
        if self._leg.is_renumbered or not self._splitter.is_between or _DELTAS.fullmatch(data) is None:
            return False
        self._leg.events += (data,) if data.find(b"\n\n") == len(data) - 2 else _EACH.findall(data)
        return True

    def end_leg(self) -> bytes:
        """Return what an upstream that breaks off has left; see ``Reply`` for where that is an error."""
        leg, rest = self._leg, self._splitter.rest()
        if sse.is_whole(rest):
            rest = self._shown(rest)
        self._said = leg.said() if leg.is_whole and leg.goes_on else None
        if self._said is not None:
            return b""
        if leg.is_whole or self.has_failed or (leg.is_first and not leg.hidden):
            return (leg.held if leg.is_whole else b"") + rest
        raise UnreadableBody("a leg that breaks off")

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``Leg.goes_on``; arguments as the model wrote them."""
        return self._said.calls if self._said is not None else ()

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the messages."""
        said = self._said or self._leg.said()
        self._rounds.append(said.answered(answers))
        self._said, self._splitter = None, sse.Splitter()
        self._leg = Leg(self._tool, self._leg.next_index, is_first=False)
        self._account.next_leg()
        return anthropic_turn.with_turn(body, self._rounds[-1], self._account.container)

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        leg = self._leg
        if not (leg.is_whole and (self._rounds or leg.is_open)):
            return None
        said = leg.said()
        return Untold(tuple(self._rounds), tuple(said.calls) if leg.is_open else (), said.answered)

    def close(self) -> bytes:
        """End the message as if the model had finished."""
        data, members = _members(self._last_delta)
        delta = {**object_at(data, members.get("delta")), "stop_reason": "end_turn"}
        return _delta_with(self._last_delta, self._account, delta) + _STOP

    def failed(self, status: int, raw: bytes) -> bytes:
        """Return an error event in the provider's own words; nothing where it had none."""
        error = anthropic_turn.error_in_stream(status, raw)
        return sse.written("error", error) if error else b""

    def idle(self) -> bytes:
        """Return the event by which the provider says that it is still there."""
        return _PING

    def _shown(self, event: bytes) -> bytes:
        """Return the event as the client gets it."""
        try:
            if event.startswith(_DELTA) and event.count(b"event:") == 1:
                return self._leg.block_event(event)
            match _kind(event):
                case "content_block_start":
                    return self._leg.block_start(event)
                case kind if kind.startswith("content_block_"):
                    return self._leg.block_event(event)
                case "message_start":
                    return _begun(self._account, event, is_first=self._leg.is_first)
                case "message_delta":
                    return self._message_delta(event)
                case "message_stop":
                    self._leg.is_whole = True
                    return self._leg.end(event)
                case "ping" if not (self._leg.is_first or self._leg.events):
                    return b""  # a leg of which the client has seen nothing may be asked for again
                case kind:
                    self.has_failed |= kind == "error"
                    return event
        except UnreadableBody:
            return event

    def _message_delta(self, event: bytes) -> bytes:
        data, members = _members(event)
        delta = object_at(data, members.get("delta"))
        self._account.note(reported(data, members))
        self._leg.stop_reason = delta.get("stop_reason") or self._leg.stop_reason
        self._last_delta = event
        return self._leg.end(event if self._leg.is_first else _delta_with(event, self._account, delta))


def _begun(account: Account, event: bytes, *, is_first: bool) -> bytes:
    """Return the event that begins a message as the client gets it."""
    if is_first:
        account.later(functools.partial(_reported_first, event))
        return event
    account.note(_reported_first(event))
    return b""


def _reported_first(event: bytes) -> Json:
    """Return what the event reports that begins a message."""
    data, members = _members(event)
    message = members.get("message")
    return reported(data, document.members(data, message) if message is not None else {})


def _delta_with(event: bytes, account: Account, delta: Json) -> bytes:
    """Return a ``message_delta`` as the end of all legs, with this delta."""
    data, members = _members(event)
    said = reported(data, members)
    told = {**said, **({"delta": delta} if delta else {})}
    changes = {name: value for name, value in {**told, **account.shown(told)}.items() if value != said.get(name)}
    return _with_data(event, data, with_members(data, members, encoded(changes)))


def _kind(event: bytes) -> str:
    """Return the name of an event, or the type of its data where it has none."""
    name = sse.name_of(event)
    if name or not sse.data_of(event):
        return name
    data, members = _members(event)
    return document.member_string(data, members, "type")


def _begins_words(event: bytes) -> bool:
    """Say whether a block begins that is surely no call, told by how the provider writes it."""
    return _WORDS.match(event) is not None and b"tool_use" not in event and b"\\" not in event


def _members(event: bytes) -> tuple[bytes, dict[str, Span]]:
    data = sse.data_of(event)
    if not data.startswith(b"{"):
        raise UnreadableBody("no object")
    return data, document.members(data, document.whole(data))


def _index(data: bytes, members: dict[str, Span]) -> int | None:
    index = document.value(data, members["index"]) if "index" in members else None
    return index if isinstance(index, int) else None


def _changed(event: bytes, data: bytes, edits: Iterable[Edit]) -> bytes:
    """Return the event with edits to its data; all else of it stays."""
    return _with_data(event, data, splice(data, list(edits)))


def _with_data(event: bytes, data: bytes, changed: bytes) -> bytes:
    before, found, behind = event.partition(data)
    return before + changed + behind if found else sse.written(sse.name_of(event), changed)
