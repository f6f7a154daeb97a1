"""Frames of a WebSocket: what asks is known, and an answer in frames is the answer in events."""

import json

import pytest
from responses_events import OURS, Json, answer_of, call, event, events, text

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire import sse
from headroom_mitm.wire.openai_responses_frames import FramesReply, asks, is_warm_up, stream_of
from headroom_mitm.wire.reply import Answered, HiddenCall, Kept

FRAME: Json = {"type": "response.create", "model": "m", "store": False, "stream_id": "a", "input": []}


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (b'{"type":"response.create"}', True),
        (b'{"input":[],"type" : "response.create"}', True),
        (b'{"type":"response.cancel","x":"response.create"}', False),
        (b'{"type":"session.update"}', False),
        (b"[]", False),
        (b"", False),
        (b'{"x":{"type":"response.create"}}', False),
    ],
)
def test_what_asks(frame: bytes, *, expected: bool) -> None:
    assert asks(frame) is expected


@pytest.mark.parametrize("frame", [b'"response.create"', b'{"type":"response.create"', b"response.create"])
def test_what_cannot_be_read_asks_for_nothing(frame: bytes) -> None:
    with pytest.raises(UnreadableBody):
        asks(frame)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [(b'{"generate":false}', True), (b'{"generate":true}', False), (b"{}", False), (b'{"generate":null}', False)],
)
def test_a_warm_up_wants_no_answer(frame: bytes, *, expected: bool) -> None:
    assert is_warm_up(frame) is expected


def test_conversations_are_told_by_a_name() -> None:
    assert [stream_of(raw) for raw in (b'{"stream_id":"a"}', b'{"stream_id":null}', b"{}")] == ["a", "", ""]


def frames(*items: Json, **members: object) -> list[bytes]:
    return [sse.data_of(data) for data in events(*items, **members)]


def fed(reply: FramesReply, given: list[bytes]) -> bytes:
    """What the client gets, written as events."""
    assert not reply.is_over
    shown = [*map(reply.feed, given), reply.end_leg()]
    assert reply.is_over
    return b"".join(sse.written(json.loads(frame)["type"], frame) for frame in shown if frame)


def test_legs_become_one_answer_and_the_next_frame_names_the_last() -> None:
    """The provider keeps an answer for the socket, whatever it stores."""
    reply = FramesReply(OURS)
    shown = fed(reply, frames(text("a"), call("call_1"), id="resp_1"))
    assert reply.kept is None
    following = json.loads(reply.next_body(json.dumps(FRAME).encode(), [Answered(reply.hidden[0], "one")]))
    output = {"type": "function_call_output", "call_id": "call_1", "output": "one"}
    assert following == {**FRAME, "input": [output], "previous_response_id": "resp_1"}
    shown += fed(reply, frames(text("b", 2), call("call_2"), call("call_3", "shell"), id="resp_2"))
    assert [item["id"] for item in answer_of(shown)["output"]] == ["msg_0", "msg_2", "fc_call_3"]
    assert not reply.hidden
    assert reply.kept == Kept("resp_1", "resp_2", (HiddenCall("call_2", b'{"id": "0a1b2c3d"}'),), lasts=False)


def test_an_answer_that_fails_is_over() -> None:
    error = b'{"type":"error","status":503,"error":{"code":null}}'
    reply = FramesReply(OURS)
    assert (reply.feed(error), reply.is_over, reply.kept) == (error, True, None)
    failed = json.loads(FramesReply(OURS).failed(500, b""))
    assert (failed["type"], failed["code"]) == ("error", "server_error")


def test_an_answer_can_be_closed() -> None:
    reply = FramesReply(OURS)
    shown = fed(reply, frames(text("a"), call("call_1"))) + sse.written("response.completed", reply.close())
    assert answer_of(shown)["output"] == [text("a")]
    assert reply.kept is not None


def test_frames_that_are_no_events_pass() -> None:
    reply = FramesReply(OURS)
    odd = [b"", b"[]", b'{"type":', event("response.new", 3).partition(b"data: ")[2].strip()]
    assert [reply.feed(frame) for frame in odd] == odd
    assert reply.idle() == b""
