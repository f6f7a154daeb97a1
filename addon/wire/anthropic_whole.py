"""Answers of Anthropic's Messages API that do not stream: calls of our tool are taken out, the legs become one message.

Blocks that are shown leave byte for byte, and so does all else of the last leg but its id and what it reports.
Source: docs.anthropic.com, "Messages".
"""

from collections.abc import Sequence
from typing import Any

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Span
from headroom_mitm.wire import anthropic_turn, document
from headroom_mitm.wire.anthropic_account import Account, encoded, reported, with_members
from headroom_mitm.wire.anthropic_turn import Said
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.retelling import Round, Untold


class WholeReply:
    """An answer in one JSON document."""

    streamed = False

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._account = Account()
        self._raw = b""
        self._id = b""
        self._legs = 0
        self._members: dict[str, Span] = {}
        self._said = Said(tool)
        self._rounds: list[Round] = []  # the legs before
        self._shown: list[bytes] = []  # of all legs
        self._goes_on = self._is_open = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes; nothing is shown before the end."""
        self._raw += data
        return b""

    def end_leg(self) -> bytes:
        """Return the whole answer if it ends here; without calls of ours, and without earlier legs, as it came.

        Raises ``UnreadableBody`` for a later leg that is no message.
        """
        self._legs += 1
        self._said, self._goes_on, self._is_open = Said(self._tool), False, False
        try:
            client_is_called = self._read()
            stop_reason = document.member_string(self._raw, self._members, "stop_reason")
        except UnreadableBody:
            if self._legs > 1:
                raise
            return self._raw
        must_answer = bool(self._said.calls) and stop_reason == "tool_use"
        self._goes_on, self._is_open = must_answer and not client_is_called, must_answer and client_is_called
        if self._goes_on:
            return b""
        return self._raw if self._legs == 1 and not self._said.calls else self._merged()

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``Leg.goes_on``."""
        return self._said.calls if self._goes_on else ()

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the messages."""
        self._raw = b""
        self._rounds.append(self._said.answered(answers))
        self._account.next_leg()
        return anthropic_turn.with_turn(body, self._rounds[-1], self._account.container)

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        calls = tuple(self._said.calls) if self._is_open else ()
        return Untold(tuple(self._rounds), calls, self._said.answered) if self._rounds or calls else None

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
        self._account.note(reported(raw, self._members))
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
        calls_before = len(self._said.calls)
        self._said.add(raw)
        if len(self._said.calls) > calls_before:
            return False
        self._shown.append(raw)
        return document.member_string(raw, document.members(raw, document.whole(raw)), "type") == "tool_use"

    def _merged(self, **changes: Any) -> bytes:
        """Return the leg with the blocks of all legs, under the first one's id."""
        told = self._account.shown(reported(self._raw, self._members))
        content = b"[%s]" % b",".join(self._shown)
        values = {**encoded({**told, **changes}), "content": content, "id": self._id}
        if not self._id:
            del values["id"]
        return with_members(self._raw, self._members, values)
