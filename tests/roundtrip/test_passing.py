"""What a stream holds goes with it, whenever the cyclic collector comes."""

import gc
import weakref
from collections.abc import Callable, Iterator

import pytest
from layer_driver import Driver, Hook, flow_of
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy import commands

from headroom_mitm import checked_types
from headroom_mitm.roundtrip.passing import PIECE
from headroom_mitm.roundtrip.substream import WatchLayers


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Keep the cyclic collector away, and check types as the plugin has it done."""
    checked_types.take_over()
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    checked_types.give_back()


class Scene:
    """A client's request that nobody watches, and what there is of its flow."""

    def __init__(self, *, stream: bool = False) -> None:
        self.stream = stream
        self.flows: list[weakref.ref[HTTPFlow]] = []
        self.driver = Driver(WatchLayers(lambda _: None, lambda _: None), self._hook)
        self.driver.ask()

    def _hook(self, hook: Hook) -> bool:
        if hook.name == "requestheaders":
            self.flows.append(weakref.ref(flow_of(hook)))
        elif hook.name == "responseheaders":
            response = flow_of(hook).response
            assert response is not None
            response.stream = self.stream
        return True


def _ends(scene: Scene) -> None:
    scene.driver.answer(b"{}")


def _server_leaves(scene: Scene) -> None:
    scene.driver.answer(b"{}", more=True)
    scene.driver.leaves(scene.driver.servers[-1])


def _client_leaves(scene: Scene) -> None:
    scene.driver.answer(b"{}", more=True)
    scene.driver.leaves(scene.driver.client)


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "in pieces"])
@pytest.mark.parametrize("end", [_ends, _server_leaves, _client_leaves])
def test_a_flow_goes_with_its_stream(end: Callable[[Scene], None], *, stream: bool) -> None:
    scene = Scene(stream=stream)
    (flow,) = scene.flows
    assert flow() is not None
    end(scene)
    assert flow() is None


@pytest.mark.usefixtures("uncollected")
def test_a_connection_goes_on_when_a_stream_is_gone() -> None:
    scene = Scene()
    for number in range(1, 4):
        scene.driver.answer(b"{}")
        assert scene.driver.sent[scene.driver.client].count(b"HTTP/1.1 200") == number
        assert [flow() for flow in scene.flows] == [None] * number
        scene.driver.ask()


def test_a_state_is_the_streams_own() -> None:
    """mitmproxy compares states, and calls them."""
    scene = Scene()
    (stream,) = scene.driver.layer.streams.values()
    assert stream.client_state == stream.state_done
    assert stream.client_state != stream.server_state


@pytest.mark.parametrize("size", [0, 1, PIECE, PIECE + 1, 3 * PIECE])
def test_a_request_arrives_whole(size: int) -> None:
    """However many pieces it leaves in."""
    scene = Scene()
    scene.driver.answer(b"{}")
    sent, body = len(scene.driver.sent[scene.driver.servers[-1]]), bytes(number % 251 for number in range(size))
    scene.driver.from_client(b"POST http://provider/ HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % size + body)
    assert scene.driver.sent[scene.driver.servers[-1]][sent:].partition(b"\r\n\r\n")[2] == body


def test_no_large_piece_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, sizes = Scene(), []
    scene.driver.answer(b"{}")
    do = scene.driver._do  # the place where all commands pass

    def look(command: object) -> None:
        if isinstance(command, commands.SendData):
            sizes.append(len(command.data))
        do(command)

    monkeypatch.setattr(scene.driver, "_do", look)
    body = bytes(3 * PIECE + 1)
    scene.driver.from_client(b"POST http://a/ HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
    assert sizes[1:] == [PIECE, PIECE, PIECE, 1]
