"""A worker that leaves knows who still waits for an answer, and who is about to ask."""

import asyncio
import json
from collections.abc import Callable

import pytest
from mitmproxy import http
from mitmproxy.test import tflow
from mitmproxy.websocket import WebSocketMessage
from wsproto.frame_protocol import Opcode

from headroom_mitm.answers import LEG_OF
from headroom_mitm.health import Awaited
from headroom_mitm.sockets import SOCKET
from headroom_mitm.wire.replies import FRAMES

ASKS = {"type": "response.create", "input": []}
ENDS = {"type": "response.completed", "response": {"id": "resp_1"}}


def socket() -> http.HTTPFlow:
    flow = tflow.twebsocketflow()
    flow.metadata[SOCKET] = next(iter(FRAMES))
    return flow


def frame(awaited: Awaited, flow: http.HTTPFlow, value: object, *, from_client: bool, dropped: bool = False) -> None:
    assert flow.websocket is not None
    message = WebSocketMessage(Opcode.TEXT, from_client, json.dumps(value).encode(), dropped=dropped)
    flow.websocket.messages.append(message)
    awaited.websocket_message(flow)


def is_free(awaited: Awaited) -> bool:
    """Say whether a worker could leave now."""

    async def tried() -> bool:
        try:
            await asyncio.wait_for(awaited.nobody(), 0.01)
        except TimeoutError:
            return False
        return True

    return asyncio.run(tried())


def test_nobody_waits_at_first() -> None:
    assert is_free(Awaited())


@pytest.mark.parametrize("end", [Awaited.response, Awaited.error], ids=["answered", "failed"])
def test_a_request_is_awaited_until_its_answer_is_over(end: Callable[[Awaited, http.HTTPFlow], None]) -> None:
    awaited, flow = Awaited(), tflow.tflow()
    awaited.requestheaders(flow)
    assert not is_free(awaited)
    end(awaited, flow)
    assert is_free(awaited)


def test_legs_of_an_answer_are_not_awaited_by_themselves() -> None:
    awaited, flow = Awaited(), tflow.tflow()
    flow.metadata[LEG_OF] = "first"
    awaited.requestheaders(flow)
    assert is_free(awaited)


def test_who_has_connected_may_ask() -> None:
    """Until it hangs up, or has been answered."""
    awaited, flow = Awaited(), tflow.tflow()
    awaited.client_connected(flow.client_conn)
    assert not is_free(awaited)
    awaited.requestheaders(flow)
    awaited.response(flow)
    assert is_free(awaited)
    awaited.client_connected(flow.client_conn)
    awaited.client_disconnected(flow.client_conn)
    assert is_free(awaited)


def test_who_does_not_ask_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headroom_mitm.health.ASKS_SECONDS", 0.0)
    awaited = Awaited()
    awaited.client_connected(tflow.tflow().client_conn)
    assert is_free(awaited)


def test_an_answer_in_a_socket_is_awaited() -> None:
    """Its last frame is the one that the client sees: what is dropped goes on in another leg."""
    awaited, flow = Awaited(), socket()
    frame(awaited, flow, {"type": "response.cancel"}, from_client=True)
    assert is_free(awaited)
    frame(awaited, flow, ASKS, from_client=True)
    frame(awaited, flow, {"type": "response.created"}, from_client=False)
    frame(awaited, flow, ENDS, from_client=False, dropped=True)
    assert not is_free(awaited)
    frame(awaited, flow, ENDS, from_client=False)
    assert is_free(awaited)


def test_conversations_of_one_socket_are_told_apart() -> None:
    awaited, flow = Awaited(), socket()
    for stream in ("a", "b"):
        frame(awaited, flow, {**ASKS, "stream_id": stream}, from_client=True)
    frame(awaited, flow, {**ENDS, "stream_id": "a"}, from_client=False)
    assert awaited.answers == {(flow.id, "b")}


def test_a_socket_that_ends_leaves_nothing() -> None:
    awaited, flow = Awaited(), socket()
    frame(awaited, flow, ASKS, from_client=True)
    frame(awaited, flow, "no frame of ours", from_client=True)
    awaited.websocket_end(flow)
    assert is_free(awaited)
