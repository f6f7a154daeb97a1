"""Chat completions that do not stream: calls of our tool are taken out, and the legs become one message.

What is shown leaves as the last leg has it, but for id, date, what adds up, and what the legs before it said.
Source: the OpenAI API reference, "Chat completion object".
"""

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document, openai_chat_turn, raw_object
from headroom_mitm.wire.openai_account import joined_tokens, moderated
from headroom_mitm.wire.openai_chat_turn import BREAK, GOES_ON, USAGE, Json
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.retelling import Round, Untold
from headroom_mitm.wire.splice import member_edits, splice
from headroom_mitm.wire.usage import Usage

_HEAD = ("id", "created", "model")


class WholeReply:
    """An answer in one JSON document. Some servers part one message into several choices."""

    streamed = False

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._usage = Usage(USAGE)
        self._raw = b""
        self._is_first = True
        self._head: dict[str, bytes] = {}
        self._top: dict[str, Span] = {}
        self._messages: list[Span] = []  # of the leg
        self._tokens: list[Span] = []  # of the leg, with their probabilities
        self._tokens_before: Any = None
        self._moderation: Any = None
        self._earlier: dict[str, bytes] = {}  # what the legs before have said
        self._details = 0
        self._calls_ours = self._calls_client = False
        self._finish: set[str] = set()
        self._message: Json | None = None
        self._rounds: list[Round] = []  # the legs before

    def feed(self, data: bytes) -> bytes:
        """Take bytes; nothing is shown before the end."""
        self._raw += data
        return b""

    def end_leg(self) -> bytes:
        """Return the whole answer if it ends here; without calls of ours, and without earlier legs, as it came.

        Raises ``UnreadableBody`` for a later leg that is no completion.
        """
        self._message = None
        try:
            self._read()
        except UnreadableBody:
            if not self._is_first:
                raise
            return self._raw
        if self._calls_ours and not self._calls_client and self._finish.issubset(GOES_ON):
            self._message = _said(self._raw, self._messages)
            return b""
        return self._raw if self._is_first and not self._calls_ours else self._merged()

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, in an answer that has not stopped for another reason."""
        return openai_chat_turn.hidden_calls(self._message, self._tool) if self._message is not None else ()

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the messages."""
        message, self._message = self._message or _said(self._raw, self._messages), None
        self._rounds.append(openai_chat_turn.told(message, self._tool, answers))
        for place in self._messages:
            self._earlier = self._joined(_shown(self._raw, place, self._tool))
        for place in self._tokens:
            self._tokens_before = joined_tokens(self._tokens_before, document.value(self._raw, place))
        self._is_first, self._raw = False, b""
        self._usage.next_leg()
        return openai_chat_turn.with_turn(body, self._rounds[-1])

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        is_open = self._calls_ours and self._calls_client and self._finish.issubset(GOES_ON)
        if not (self._messages and (self._rounds or is_open)):
            return None
        return openai_chat_turn.untold(self._rounds, _said(self._raw, self._messages), self._tool, is_open=is_open)

    def close(self) -> bytes:
        """Return what the client gets if the answer ends here."""
        return self._merged(finish=b'"stop"')

    def failed(self, status: int, raw: bytes) -> bytes:  # noqa: ARG002  # the words say it all
        """Return the error document."""
        return openai_chat_turn.error_document(raw)

    def idle(self) -> bytes:
        """Return nothing: a document cannot begin before it is known."""
        return b""

    def _read(self) -> None:
        """Take note of a leg."""
        raw = self._raw
        self._calls_ours = self._calls_client = False
        self._messages, self._tokens, self._finish = [], [], set()
        self._top = document.members(raw, document.whole(raw))
        if "choices" not in self._top:
            raise UnreadableBody("no choices")
        if self._is_first:
            self._head = {name: raw[slice(*self._top[name])] for name in _HEAD if name in self._top}
        if "usage" in self._top and document.is_object(raw, self._top["usage"]):
            self._usage.note(document.value(raw, self._top["usage"]))
        if "moderation" in self._top:
            self._moderation = moderated(self._moderation, document.value(raw, self._top["moderation"]))
        for place in document.items(raw, self._top["choices"]):
            choice = document.members(raw, place)
            self._finish.add(document.member_string(raw, choice, "finish_reason"))
            if "message" in choice and document.is_object(raw, choice["message"]):
                message = raw_object.at(raw, choice["message"])
                names = [_name(call) for call in _calls(message)]
                self._messages.append(choice["message"])
                self._tokens += [choice["logprobs"]] if "logprobs" in choice else []
                self._calls_ours |= self._tool in names
                self._calls_client |= any(name != self._tool for name in names)
                self._calls_client |= message.get("function_call", b"null") != b"null"

    def _joined(self, message: dict[str, bytes]) -> dict[str, bytes]:
        """Return a message with what the legs before it have said."""
        joined = {**self._earlier, **message}
        if message.get("reasoning_details", b"").startswith(b"["):
            joined["reasoning_details"], self._details = openai_chat_turn.shifted(
                message["reasoning_details"], self._details
            )
        texts = [said.get("content", b"null") for said in (self._earlier, message)]
        if message.get("annotations", b"").startswith(b"["):
            by = openai_chat_turn.characters(texts[0]) + len(BREAK) * openai_chat_turn.needs_break(*texts)
            joined["annotations"] = openai_chat_turn.cited_behind(message["annotations"], by)
        for name in self._earlier.keys() & message.keys() - {"role", "tool_calls"}:
            joined[name] = _sum(name, self._earlier[name], joined[name])
        return joined

    def _merged(self, finish: bytes = b"") -> bytes:
        """Return the leg with what all legs have said, under the first one's id."""
        raw, top = self._raw, self._top
        edits = [Edit(top[name], value) for name, value in self._head.items() if name in top]
        if "usage" in top and document.is_object(raw, top["usage"]):
            usage = self._usage.shown(document.value(raw, top["usage"]))
            edits.append(Edit(top["usage"], msgspec.json.encode(usage)))
        if self._moderation is not None and not self._is_first:
            edits += member_edits(document.whole(raw), top, {"moderation": msgspec.json.encode(self._moderation)})
        if self._tokens_before is not None and self._tokens:
            tokens = joined_tokens(self._tokens_before, document.value(raw, self._tokens[0]))
            edits.append(Edit(self._tokens[0], msgspec.json.encode(tokens)))
        for number, place in enumerate(self._messages):
            message = (
                self._joined(_shown(self._raw, place, self._tool))
                if number == 0
                else _shown(self._raw, place, self._tool)
            )
            edits.append(Edit(place, raw_object.written(message)))
        if finish:
            choices = (document.members(raw, place) for place in document.items(raw, top["choices"]))
            edits += [Edit(choice["finish_reason"], finish) for choice in choices if "finish_reason" in choice]
        return splice(raw, edits)


def _said(raw: bytes, messages: Sequence[Span]) -> Json:
    """Return a leg's message."""
    return openai_chat_turn.message_of(raw[slice(*place)] for place in messages)


def _shown(raw: bytes, place: Span, tool: str) -> dict[str, bytes]:
    """Return a message without calls of our tool."""
    message = raw_object.at(raw, place)
    calls = _calls(message)
    left = [call for call in calls if _name(call) != tool]
    if len(left) < len(calls):
        message["tool_calls"] = raw_object.listed(left)
        if not left:
            del message["tool_calls"]
    return message


def _calls(message: dict[str, bytes]) -> list[bytes]:
    calls = message.get("tool_calls", b"")
    return raw_object.items(calls) if calls.startswith(b"[") else []


def _name(call: bytes) -> str:
    function = raw_object.of(call).get("function", b"")
    return raw_object.string(raw_object.of(function), "name") if function.startswith(b"{") else ""


def _sum(name: str, first: bytes, second: bytes) -> bytes:
    """Return what a member of two legs is in one message."""
    if raw_object.EMPTY.intersection((first, second)):
        return second if first in raw_object.EMPTY else first
    if name == "content" and openai_chat_turn.needs_break(first, second):
        second = msgspec.json.encode(BREAK)[:-1] + second[1:]
    if first.startswith(b'"') and second.startswith(b'"'):
        return first[:-1] + second[1:]
    return openai_chat_turn.dumped(openai_chat_turn.merged(json.loads(first), json.loads(second)))
