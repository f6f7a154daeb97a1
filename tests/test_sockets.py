"""What the hooks do to the frames of a socket, and what they leave behind."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from mitmproxy import command, http
from mitmproxy.flow import Flow
from mitmproxy.test import taddons, tflow
from mitmproxy.websocket import WebSocketMessage
from sample_compressors import PHRASE, SMALL, rows
from sample_conversations import SHORTENS
from wsproto.frame_protocol import Opcode

from headroom_mitm import sockets
from headroom_mitm.metering import Metering
from headroom_mitm.pipeline import Policy
from headroom_mitm.router import Router
from headroom_mitm.service import Service
from headroom_mitm.sockets import KEPT_FRAMES, SOCKET, Sockets, Use
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire
from headroom_mitm.wording import TOOL_NAME

T = TypeVar("T")
WIRE = BY_NAME["openai_responses"]
TOOLS = [{"type": "function", "name": "shell", "parameters": {}}]
CALL = {"type": "function_call", "call_id": "call_1", "name": TOOL_NAME, "arguments": "{}"}
COMPLETED = {"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [CALL]}}


class Injected:
    """Takes what is to be injected, as mitmproxy's own command would."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    @command.command("inject.websocket")
    def take(self, flow: Flow, to_client: bool, message: bytes, is_text: bool) -> None:
        """Keep it."""
        assert not to_client
        self.frames.append(message)


class Proxy:
    """The hooks in mitmproxy's own test context, with a store of their own and compressors that shorten."""

    def __init__(self, path: Path, policy: Policy | None = Policy()) -> None:  # noqa: B008  # it is frozen
        self.service = Service(str(path / "store.sqlite"), Router(SHORTENS))
        self.policy = policy
        self.sockets = Sockets(self._wire_of, self._use_of, Metering(lambda _: self.service))
        self.injected = Injected()
        self.context = taddons.context(self.sockets, self.injected)

    def _wire_of(self, flow: http.HTTPFlow) -> Wire | None:
        return WIRE if "responses" in flow.request.path else None

    def _use_of(self, flow: http.HTTPFlow, wire: Wire) -> Use | None:
        return Use(self.service, wire, self.policy, 50) if self.policy is not None else None

    async def passes(
        self, flow: http.HTTPFlow, content: bytes, *, to_client: bool = False, injected: bool = False
    ) -> WebSocketMessage:
        """Let a frame pass the hook."""
        assert flow.websocket is not None
        message = WebSocketMessage(Opcode.TEXT, not to_client, content, injected=injected)
        flow.websocket.messages.append(message)
        await self.sockets.websocket_message(flow)
        return message


def run(tmp_path: Path, work: Callable[[Proxy], Awaitable[T]], policy: Policy | None = Policy()) -> T:  # noqa: B008
    async def inside() -> T:
        proxy = Proxy(tmp_path, policy)
        try:
            return await work(proxy)
        finally:
            proxy.service.close()

    return asyncio.run(inside())


def opened(proxy: Proxy, path: str = "/v1/responses", upgrade: str = "websocket") -> http.HTTPFlow:
    flow = tflow.twebsocketflow()
    assert flow.websocket is not None
    flow.websocket.messages.clear()
    flow.request.path = path
    flow.request.headers["upgrade"] = upgrade
    proxy.sockets.request(flow)
    return flow


def asking(*items: object, **members: object) -> bytes:
    return json.dumps({"type": "response.create", "model": "m", "tools": TOOLS, "input": items, **members}).encode()


RESULT = {"type": "function_call_output", "call_id": "call_0", "output": rows(SMALL)}


def test_a_frame_that_asks_is_rewritten(tmp_path: Path) -> None:
    async def work(proxy: Proxy) -> bytes:
        return (await proxy.passes(opened(proxy), asking(RESULT))).content

    sent = json.loads(run(tmp_path, work))
    assert [tool["name"] for tool in sent["tools"]] == ["shell", TOOL_NAME]
    assert sent["input"][0]["output"] == rows(SMALL).replace(PHRASE, "WELL")


def test_where_the_connection_leads_does_not_matter_once_it_is_open(tmp_path: Path) -> None:
    async def work(proxy: Proxy) -> bytes:
        flow = opened(proxy)
        flow.request.path = "/elsewhere"
        return (await proxy.passes(flow, asking(RESULT))).content

    assert TOOL_NAME.encode() in run(tmp_path, work)


@pytest.mark.parametrize(
    ("path", "upgrade", "policy"),
    [("/v1/realtime", "websocket", Policy()), ("/v1/responses", "h2c", Policy()), ("/v1/responses", "WebSocket", None)],
    ids=["another path", "no socket", "not allowed"],
)
def test_other_sockets_are_left_alone(tmp_path: Path, path: str, upgrade: str, policy: Policy | None) -> None:
    async def work(proxy: Proxy) -> tuple[bytes, int]:
        flow = opened(proxy, path, upgrade)
        for _ in range(2 * KEPT_FRAMES):
            message = await proxy.passes(flow, asking(RESULT))
        assert flow.websocket is not None
        return message.content, len(flow.websocket.messages)

    assert run(tmp_path, work, policy) == (asking(RESULT), 2 * KEPT_FRAMES)


def test_a_call_is_answered_by_a_frame_of_our_own_which_is_not_looked_at_again(tmp_path: Path) -> None:
    async def work(proxy: Proxy) -> None:
        flow = opened(proxy)
        await proxy.passes(flow, asking())
        assert (await proxy.passes(flow, json.dumps(COMPLETED).encode(), to_client=True)).dropped
        (frame,) = proxy.injected.frames
        assert json.loads(frame)["previous_response_id"] == "resp_1"
        assert (await proxy.passes(flow, frame, injected=True)).content == frame
        shown = await proxy.passes(flow, json.dumps(COMPLETED).replace("call_1", "call_2").encode(), to_client=True)
        assert shown.dropped
        assert len(proxy.injected.frames) == 2

    run(tmp_path, work)


def test_only_the_last_frames_are_kept(tmp_path: Path) -> None:
    async def work(proxy: Proxy) -> list[bytes]:
        flow = opened(proxy)
        for number in range(3 * KEPT_FRAMES):
            await proxy.passes(flow, b'{"number":%d}' % number, to_client=bool(number % 2))
        assert flow.websocket is not None
        return [message.content for message in flow.websocket.messages]

    numbers = range(2 * KEPT_FRAMES, 3 * KEPT_FRAMES)
    assert run(tmp_path, work) == [b'{"number":%d}' % number for number in numbers]


@pytest.mark.parametrize("content", [b'{"type":"response.create"', b'"response.create"', b"\xff response.create"])
def test_what_cannot_be_read_passes_as_it_came(tmp_path: Path, content: bytes) -> None:
    async def work(proxy: Proxy) -> tuple[bytes, bool]:
        message = await proxy.passes(opened(proxy), content)
        return message.content, message.dropped

    assert run(tmp_path, work) == (content, False)


def test_a_closed_store_stops_no_frame(tmp_path: Path) -> None:
    """A fault of ours, whatever it is."""

    async def work(proxy: Proxy) -> bytes:
        flow = opened(proxy)
        proxy.service.close()
        return (await proxy.passes(flow, asking(RESULT))).content

    assert run(tmp_path, work) == asking(RESULT)


def test_what_asks_after_the_end_is_held_back(tmp_path: Path) -> None:
    """It would leave as it came, and its past may have left in another form; the client asks whoever comes next."""

    async def work(proxy: Proxy) -> tuple[WebSocketMessage, WebSocketMessage]:
        flow = opened(proxy)
        proxy.service.close()
        proxy.sockets.done()
        return await proxy.passes(flow, asking(RESULT)), await proxy.passes(flow, b'{"type":"response.cancel"}')

    asked, other = run(tmp_path, work)
    assert (asked.dropped, other.dropped) == (True, False)


def test_a_socket_that_has_ended_leaves_nothing(tmp_path: Path) -> None:
    async def work(proxy: Proxy) -> bool:
        flow = opened(proxy)
        await proxy.passes(flow, asking())
        proxy.sockets.websocket_end(flow)
        assert flow.metadata[SOCKET]
        return (await proxy.passes(flow, json.dumps(COMPLETED).encode(), to_client=True)).dropped

    assert run(tmp_path, work) is False


@pytest.mark.parametrize("lasts", [False, True], ids=["kept by the socket", "kept by the provider"])
def test_what_can_be_gone_on_from_in_a_socket_only_goes_with_it(tmp_path: Path, *, lasts: bool) -> None:
    answer = {"id": "resp_1", "status": "completed", "output": [], "store": lasts}

    async def work(proxy: Proxy) -> tuple[bool, bool]:
        flow, links = opened(proxy), proxy.service.links
        await proxy.passes(flow, asking(store=lasts))
        await proxy.passes(
            flow, json.dumps({"type": "response.completed", "response": answer}).encode(), to_client=True
        )
        before = links.knows("resp_1")
        proxy.sockets.websocket_end(flow)
        return before, links.knows("resp_1")

    assert run(tmp_path, work) == (True, lasts)


def test_a_frame_that_unfolds_to_too_much_passes_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """mitmproxy has unfolded it; nothing is read or copied of it."""
    frame = asking(RESULT)
    monkeypatch.setattr(sockets, "LARGEST", len(frame) - 1)

    async def work(proxy: Proxy) -> WebSocketMessage:
        return await proxy.passes(opened(proxy), frame)

    message = run(tmp_path, work)
    assert (message.content is frame, message.dropped) == (True, False)
