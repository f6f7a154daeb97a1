"""A fault of ours never shows the client bytes twice, a call of our tool, or half an answer as a whole one."""

import json
from typing import Any

import pytest

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.roundtrip.guarded import Guarded
from headroom_mitm.wire.anthropic_reply import StreamedReply
from headroom_mitm.wire.reply import Answered
from headroom_mitm.wording import TOOL_NAME

BODY = b'{"messages":[{"role":"user","content":"x"}]}'


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def block(number: int, **members: Any) -> bytes:
    return event("content_block_start", index=number, content_block=members) + event("content_block_stop", index=number)


START = event("message_start", message={"usage": {"input_tokens": 1}})
SAID, MORE = block(0, type="text", text="a"), block(2, type="text", text="b")
OURS = block(1, type="tool_use", id="toolu_1", name=TOOL_NAME, input={})
END = event("message_delta", delta={"stop_reason": "tool_use"}) + event("message_stop")
WRONG = event("wrong")
PIECE = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "more"})


class Faulty(StreamedReply):
    """A reply with a fault."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes, but not all."""
        shown = super().feed(data)
        if b"wrong" in data:
            raise KeyError(data)
        return shown


@pytest.mark.parametrize(
    "pieces",
    [[START, WRONG, SAID], [START + SAID[:9], SAID[9:] + WRONG, END], [WRONG], [START, SAID + WRONG[:-4], WRONG[-4:]]],
    ids=["between", "cut", "first", "in pieces"],
)
def test_behind_a_fault_all_goes_on_as_it_comes(pieces: list[bytes]) -> None:
    reply = Guarded(Faulty("ours"))
    assert b"".join(map(reply.feed, pieces)) + reply.end_leg() == b"".join(pieces)
    assert reply.hidden == ()


def test_nothing_is_shown_twice_behind_what_was_changed() -> None:
    """A block behind a hidden one has another number; what was shown of it stays shown."""
    reply = Guarded(Faulty(TOOL_NAME))
    shown = b"".join(map(reply.feed, (START, SAID, OURS, MORE, WRONG, END)))
    assert shown == START + SAID + MORE.replace(b'"index": 2', b'"index": 1') + WRONG + END


@pytest.mark.parametrize(
    ("before", "passes"),
    [
        ([START, SAID], True),
        ([START, PIECE * 3], True),
        ([START, SAID[:9]], False),
        ([START, OURS], False),
        ([WRONG], False),
    ],
    ids=["between events", "behind others", "within one", "behind a call of ours", "behind a fault"],
)
def test_a_piece_passes_at_a_look_where_nothing_waits_and_nothing_is_hidden(
    before: list[bytes], *, passes: bool
) -> None:
    reply = Guarded(Faulty(TOOL_NAME))
    for piece in before:
        reply.feed(piece)
    assert reply.passes(PIECE) is passes
    assert reply.passes(PIECE + PIECE) is passes
    assert not reply.passes(PIECE + END)


@pytest.mark.parametrize("pieces", [[START, SAID, OURS, WRONG], [START, SAID, OURS + WRONG]], ids=["waits", "at once"])
def test_a_call_of_ours_that_waits_makes_a_fault_an_error(pieces: list[bytes]) -> None:
    reply = Guarded(Faulty(TOOL_NAME))
    *before, last = pieces
    assert b"".join(map(reply.feed, before)) == START + SAID
    with pytest.raises(UnreadableBody):
        reply.feed(last)


def test_a_fault_in_a_later_leg_is_an_error() -> None:
    reply = Guarded(Faulty(TOOL_NAME))
    reply.feed(START + OURS + END)
    assert reply.end_leg() == b""
    reply.next_body(BODY, [Answered(call, "") for call in reply.hidden])
    with pytest.raises(UnreadableBody):
        reply.feed(START + WRONG)
