"""Answers of Anthropic's Messages API that do not stream: calls of our tool are taken out, the legs become one message.

Blocks that are shown leave byte for byte, and so does all else of the last leg but its id and usage.
Source: docs.anthropic.com, "Messages".
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import anthropic_turn, document
from headroom_mitm.wire.anthropic_turn import Usage, object_at
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.splice import splice


class WholeReply:
    """An answer in one JSON document."""

    streamed = False

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._usage = Usage()
        self._raw = b""
        self._id = b""
        self._legs = 0
        self._members: dict[str, Span] = {}
        self._turn: list[bytes] = []  # the leg's blocks
        self._shown: list[bytes] = []  # of all legs
        self._calls: list[HiddenCall] = []
        self._goes_on = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes; nothing is shown before the end."""
        self._raw += data
        return b""

    def end_leg(self) -> bytes:
        """Return the whole answer if it ends here; without calls of ours, and without earlier legs, as it came.

        Raises ``UnreadableBody`` for a later leg that is no message.
        """
        self._legs += 1
        self._calls, self._turn, self._goes_on = [], [], False
        try:
            client_is_called = self._read()
            stop_reason = document.member_string(self._raw, self._members, "stop_reason")
        except UnreadableBody:
            if self._legs > 1:
                raise
            return self._raw
        self._goes_on = bool(self._calls) and not client_is_called and stop_reason == "tool_use"
        if self._goes_on:
            return b""
        return self._raw if self._legs == 1 and not self._calls else self._merged()

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``Leg.goes_on``."""
        return self._calls if self._goes_on else ()

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the messages."""
        self._raw = b""
        return anthropic_turn.with_turn(body, self._turn, answers)

    def close(self) -> bytes:
        """Return what the client gets if the answer ends here."""
        return self._merged(stop_reason="end_turn")

    def failed(self, status: int, raw: bytes) -> bytes:  # noqa: ARG002  # the words say it all
        """Return the error document."""
        return anthropic_turn.error_document(raw)

    def idle(self) -> bytes:
        """Return nothing: a document cannot begin before it is known."""
        return b""

    def _read(self) -> bool:
        """Take the blocks of a leg; return whether the client is called."""
        raw = self._raw
        self._members = document.members(raw, document.whole(raw))
        self._usage.begin(object_at(raw, self._members.get("usage")))
        if self._legs == 1 and "id" in self._members:
            self._id = raw[slice(*self._members["id"])]
        if "content" not in self._members:
            raise UnreadableBody("no content")
        client_is_called = False
        for place in document.items(raw, self._members["content"]):
            client_is_called |= self._take(raw[slice(*place)])
        return client_is_called

    def _take(self, raw: bytes) -> bool:
        """Take a block; return whether it calls the client."""
        block = document.members(raw, document.whole(raw))
        kind, is_call = document.member_string(raw, block, "type"), False
        text = document.value(raw, block["text"]) if "text" in block else None
        if not anthropic_turn.is_blank(kind, text):
            self._turn.append(raw)
        if kind == "tool_use":
            if document.member_string(raw, block, "name") == self._tool:
                arguments = raw[slice(*block["input"])] if "input" in block else b""
                self._calls.append(HiddenCall(document.member_string(raw, block, "id"), arguments))
                return False
            is_call = True
        self._shown.append(raw)
        return is_call

    def _merged(self, **changes: Any) -> bytes:
        """Return the leg with the blocks of all legs, under the first one's id."""
        usage = self._usage.shown(object_at(self._raw, self._members.get("usage")))
        values = {name: msgspec.json.encode(value) for name, value in {"usage": usage, **changes}.items()}
        values |= {"content": b"[%s]" % b",".join(self._shown), "id": self._id}
        places = self._members
        return splice(self._raw, [Edit(places[name], raw) for name, raw in values.items() if name in places])
