"""Streamed chat completions: calls of our tool are taken out, and the legs become one message.

Chunks that are shown leave byte for byte; behind a call of ours, or in a later leg, only what does not fit is
rewritten: numbers of calls, id and date, role, usage. What is not as documented is passed on, never guessed at.
Source: the OpenAI API reference, "Chat completion chunk".
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document, openai_chat_turn, raw_object, sse
from headroom_mitm.wire.openai_account import moderated
from headroom_mitm.wire.openai_chat_calls import Calls
from headroom_mitm.wire.openai_chat_turn import BREAK, GOES_ON, USAGE, Json
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.retelling import Round, Untold
from headroom_mitm.wire.splice import splice
from headroom_mitm.wire.usage import Usage

_DONE = b"[DONE]"
_COMMENT = b": keep-alive\n\n"
# What all chunks of one answer have in common.
_HEAD = ("id", "created", "model")
_REASONS = ("finish_reason", "native_finish_reason")
_NOTHING_YET = frozenset((b'""', b"0", b"null"))
# What a chunk has that is more than one more piece of text, or of the arguments of a call of the client's.
_NEWS = re.compile(rb'"(?:name|function_call|error|finish_reason|usage|moderation)"\s*+:\s*+(?!null)')
_CHUNKS = re.compile(rb"(?:data: \{[^\r\n]*+\n\n)++")
_BETWEEN = b"\n\ndata: "
_NEWS_OR_CALL = re.compile(rb'"(?:tool_calls|function_call|error|finish_reason|usage|moderation)"\s*+:\s*+(?!null)')


class Seen:
    """What the client has seen, over all legs."""

    def __init__(self) -> None:
        self._usage = Usage(USAGE)
        self._head: dict[str, bytes] = {}
        self._moderation: Any = None
        self.is_first = True
        self._has_role = False
        self._text = b"null"  # the last piece of content
        self._length = 0  # characters of text before this leg
        self._details = 0  # number of the next item of reasoning, behind those of the legs before

    def next_leg(self, deltas: Iterable[bytes]) -> None:
        """A leg is over, and another one begins."""
        self._usage.next_leg()
        self.is_first, self._text, by = False, b"null", self._details
        for delta in map(raw_object.of, deltas):
            self._length += openai_chat_turn.characters(delta.get("content", b"null"))
            if delta.get("content", b"null") not in raw_object.EMPTY:
                self._text = delta["content"]
            if delta.get("reasoning_details", b"").startswith(b"["):
                self._details = max(self._details, openai_chat_turn.shifted(delta["reasoning_details"], by)[1])

    def is_unmoved_by(self, data: bytes, calls: Calls) -> bool:
        """Say whether a chunk is sure to be shown as it is: nearly all of them are, and most answers have no more."""
        pattern = _NEWS_OR_CALL if calls.ours or calls.undecided else _NEWS
        return self.is_first and len(self._head) == len(_HEAD) and self._has_role and not pattern.search(data)

    def frame(self, data: bytes, top: dict[str, Span]) -> list[Edit]:
        """Note what a chunk says of the whole answer; return what of it must change."""
        if self.is_first:
            raws = {name: data[slice(*top[name])] for name in _HEAD if name in top}
            self._head |= {name: raw for name, raw in raws.items() if raw not in _NOTHING_YET}
        edits = [Edit(top[name], self._head[name]) for name in _HEAD if name in top and name in self._head]
        for holder in (top, _object(data, top.get("x_groq"))):
            place = holder.get("usage")
            if place is not None and document.is_object(data, place):
                usage = document.value(data, place)
                self._usage.note(usage)
                edits.append(Edit(place, msgspec.json.encode(self._usage.shown(usage))))
        if "moderation" in top:
            self._moderation = moderated(self._moderation, document.value(data, top["moderation"]))
            edits.append(Edit(top["moderation"], msgspec.json.encode(self._moderation)))
        return [] if self.is_first else [edit for edit in edits if data[slice(*edit.span)] != edit.raw]

    def fit(self, delta: dict[str, bytes], *, changed: bool) -> None:
        """Make a piece of the message fit what stands before it."""
        if self._has_role and (changed or not self.is_first):
            delta.pop("role", None)
        self._has_role |= "role" in delta
        text = delta.get("content", b"null")
        if text not in raw_object.EMPTY:
            if openai_chat_turn.needs_break(self._text, text):
                delta["content"] = msgspec.json.encode(BREAK)[:-1] + text[1:]
                self._length += len(BREAK)
            self._text = b"null"
        if self._length and delta.get("annotations", b"").startswith(b"["):
            delta["annotations"] = openai_chat_turn.cited_behind(delta["annotations"], self._length)
        if delta.get("reasoning_details", b"").startswith(b"["):
            delta["reasoning_details"] = openai_chat_turn.shifted(delta["reasoning_details"], self._details)[0]


class Leg:
    """What one answer of the provider has brought so far."""

    def __init__(self, tool: str, seen: Seen) -> None:
        self._seen = seen
        self.calls = Calls(tool)
        self.chunks: list[bytes] = []
        self.finish = ""
        self.has_failed = False
        self.held: list[bytes] = []
        """Events with nothing but beginnings of calls that may be ours."""
        self.ending: list[bytes] = []
        """Events that end a message which goes on; the client does not see them, unless it is closed."""

    @property
    def goes_on(self) -> bool:
        """Calls of our tool alone end it. Where the client is called too, the turn is the client's."""
        return self.calls.ours and not self.calls.clients and self.finish in GOES_ON

    @property
    def is_open(self) -> bool:
        """It calls the client, and us as well."""
        return self.calls.ours and self.calls.clients and self.finish in GOES_ON

    def deltas(self) -> Iterator[bytes]:
        """Yield the pieces of the message as they came."""
        for data in self.chunks:
            for place in _choices(data, document.members(data, document.whole(data))):
                choice = document.members(data, place)
                if "delta" in choice and _is_watched(data, choice):
                    yield data[slice(*choice["delta"])]

    def choice(self, data: bytes, place: Span) -> tuple[list[Edit], bool]:
        """Return what changes in a choice, and whether it says anything then."""
        choice = document.members(data, place)
        delta = choice.get("delta")
        if delta is None or not _is_watched(data, choice):
            return [], True
        finish = document.member_string(data, choice, "finish_reason")
        self.finish = finish or self.finish
        members = raw_object.at(data, delta)
        shown = self._delta(members, is_last=bool(finish))
        edits = [Edit(delta, raw_object.written(shown))] if shown != members else []
        if self.goes_on:
            edits += [Edit(choice[name], b"null") for name in _REASONS if name in choice]
        ends = bool(finish) and not self.goes_on
        return edits, ends or not edits or not raw_object.EMPTY.issuperset(shown.values())

    def _delta(self, members: dict[str, bytes], *, is_last: bool) -> dict[str, bytes]:
        """Return a piece of the message as the client gets it."""
        shown = dict(members)
        calls = members.get("tool_calls", b"")
        self.calls.clients |= members.get("function_call", b"null") != b"null"
        left = self.calls.shown(calls) if calls.startswith(b"[") else calls
        released = self.calls.released() if is_last else []
        if released:
            left = raw_object.listed([*(raw_object.items(left) if left.startswith(b"[") else []), *released])
        if left != calls:
            shown["tool_calls"] = left
            if left == b"[]":
                del shown["tool_calls"]
        self._seen.fit(shown, changed=left != calls)
        return shown


class StreamedReply:
    """An answer in chunks. Only the first choice is watched: where there are several, the tool is not offered."""

    streamed = True

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._seen = Seen()
        self._splitter = sse.Splitter()
        self._leg = Leg(tool, self._seen)
        self._message: Json | None = None
        self._rounds: list[Round] = []  # the legs before
        self._end = b""  # of an answer of which something must be kept before the client may go on
        self.has_failed = False
        """See ``Failing``."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the current leg; return what the client may see now."""
        said: list[bytes] = []
        for event in self._splitter.feed(data):
            shown, leg = self._shown(event), self._leg
            self.has_failed = leg.has_failed
            if leg.finish and (leg.is_open or not self._seen.is_first):
                self._end += shown  # something of the answer is to be kept before its end is shown
            else:
                said.append(shown)
        return b"".join(said)

    def passes(self, data: bytes) -> bool:
        """Take chunks with one more piece of text, or of the arguments of a client's call; see ``Passing``."""
        leg = self._leg
        if leg.finish or not self._splitter.is_between or _CHUNKS.fullmatch(data) is None:
            return False
        if not self._seen.is_unmoved_by(data, leg.calls):
            return False
        leg.chunks += data[6:-2].split(_BETWEEN)
        return True

    def end_leg(self) -> bytes:
        """Return what an upstream that breaks off has left; see ``Reply`` for where that is an error."""
        leg, rest = self._leg, self._splitter.rest()
        rest = self._shown(rest) if rest else b""
        if leg.calls.undecided:
            rest = b"".join(leg.held) + rest
        self._message = None
        if leg.goes_on:
            self._message = openai_chat_turn.message_of(leg.deltas())
            return b""
        if leg.finish or leg.has_failed or (self._seen.is_first and not leg.calls.ours):
            return self._end + rest
        raise UnreadableBody("a leg that breaks off")

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``Leg.goes_on``; arguments as the model wrote them."""
        return openai_chat_turn.hidden_calls(self._message, self._tool) if self._message is not None else ()

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the messages."""
        message = self._message or openai_chat_turn.message_of(self._leg.deltas())
        self._rounds.append(openai_chat_turn.told(message, self._tool, answers))
        self._message = None
        self._seen.next_leg(self._leg.deltas())
        self._splitter, self._leg = sse.Splitter(), Leg(self._tool, self._seen)
        return openai_chat_turn.with_turn(body, self._rounds[-1])

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        leg = self._leg
        if leg.has_failed or not (leg.finish and (self._rounds or leg.is_open)):
            return None
        return openai_chat_turn.untold(
            self._rounds, openai_chat_turn.message_of(leg.deltas()), self._tool, is_open=leg.is_open
        )

    def close(self) -> bytes:
        """End the message as if the model had finished."""
        ending = self._leg.ending
        is_done = any(sse.data_of(event) == _DONE for event in ending)
        return b"".join(_closing(self._seen, event) for event in ending) + (b"" if is_done else b"data: %s\n\n" % _DONE)

    def failed(self, status: int, raw: bytes) -> bytes:  # noqa: ARG002  # the words say it all
        """Return an error as a chunk, in the provider's own words; nothing where it had none."""
        said = openai_chat_turn.error_said(raw)
        return b"data: %s\n\n" % said if said else b""

    def idle(self) -> bytes:
        """Return a comment, by which several servers say that they are still there."""
        return _COMMENT

    def _shown(self, event: bytes) -> bytes:
        """Return the event as the client gets it."""
        data = sse.data_of(event)
        try:
            if data.startswith(b"{"):
                return self._chunk(event, data)
        except UnreadableBody:
            return event
        if event.startswith(b":") and not (data or self._seen.is_first or self._leg.chunks):
            return b""  # a mere sign of life: a leg of which the client has seen nothing may be asked for again
        if data == _DONE and self._leg.goes_on:
            self._leg.ending.append(event)
            return b""
        return event

    def _chunk(self, event: bytes, data: bytes) -> bytes:
        if not self._leg.finish and self._seen.is_unmoved_by(data, self._leg.calls):
            self._leg.chunks.append(data)
            return event
        leg, top = self._leg, document.members(data, document.whole(data))
        leg.has_failed |= data[slice(*top.get("error", (0, 0)))] not in (b"", b"null")
        edits = self._seen.frame(data, top)
        was_over, places = leg.goes_on, _choices(data, top)
        leg.chunks.append(data)
        kept = not places
        for place in () if was_over else places:
            changes, says = leg.choice(data, place)
            edits += changes
            kept |= says
        if leg.goes_on:
            leg.ending.append(event)
        if was_over or not kept:
            leg.held = [*leg.held, event] if leg.calls.undecided else []
            return b""
        return sse.with_data(event, splice(data, edits)) if edits else event


def _closing(seen: Seen, event: bytes) -> bytes:
    """Return an event from the end of a message that did not end, as an end."""
    data = sse.data_of(event)
    if not data.startswith(b"{"):
        return event
    top = document.members(data, document.whole(data))
    edits = seen.frame(data, top)
    for place in _choices(data, top):
        choice = document.members(data, place)
        edits += [Edit(choice["delta"], b"{}")] if "delta" in choice else []
        if document.member_string(data, choice, "finish_reason"):
            edits += [Edit(choice[name], b'"stop"') for name in _REASONS if name in choice]
    return sse.with_data(event, splice(data, edits))


def _is_watched(data: bytes, choice: dict[str, Span]) -> bool:
    """Say whether it is the first choice, and has a piece of the message."""
    index = data[slice(*choice.get("index", (0, 0)))]
    return index in (b"", b"0") and document.is_object(data, choice["delta"])


def _choices(data: bytes, top: dict[str, Span]) -> list[Span]:
    place = top.get("choices")
    return document.items(data, place) if place is not None and document.is_list(data, place) else []


def _object(data: bytes, place: Span | None) -> dict[str, Span]:
    return document.members(data, place) if place is not None and document.is_object(data, place) else {}
