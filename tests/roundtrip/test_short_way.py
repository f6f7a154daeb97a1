"""What a client gets by the short way is what mitmproxy itself would send."""

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from layer_driver import Driver, Hook, flow_of
from mitmproxy import http
from mitmproxy.proxy.layers import http as layers
from mitmproxy.proxy.layers.http import Http1Server, HttpLayer

from headroom_mitm.roundtrip import short_way
from headroom_mitm.roundtrip.substream import WatchLayers

BODY = (b"event: a\ndata: 1\n\n", b"event: b\ndata: 2\n\nevent: c", b"\ndata: 3\n\n")
FRAMINGS: dict[str, tuple[bytes, Callable[[bytes], bytes], bytes]] = {
    "chunked": (b"transfer-encoding: chunked", lambda piece: b"%x\r\n%b\r\n" % (len(piece), piece), b"0\r\n\r\n"),
    "with a length": (b"content-length: %d" % len(b"".join(BODY)), bytes, b""),
    "until it is closed": (b"connection: close", bytes, b""),
}


def _held() -> Callable[[bytes], list[bytes]]:
    held: list[bytes] = []

    def pieces(data: bytes) -> list[bytes]:
        held.append(data)
        return [] if data else [b"".join(held)]

    return pieces


STREAMS: dict[str, Any] = {
    "as it comes": True,
    "changed": lambda: lambda data: data.upper(),
    "in two": lambda: lambda data: [data[:5], data[5:]] if data else [],
    "held back to the end": _held,
    "nothing": lambda: lambda _: [],
}


class Plain:
    """Leaves layers as they are."""

    def next_layer(self, _: object) -> None:
        """See ``WatchLayers``."""


class Scene:
    """A client's request whose answer is streamed."""

    def __init__(self, watch: Any, stream: Any, **options: Any) -> None:
        self.stream = stream
        self.flows: list[http.HTTPFlow] = []
        self.driver = Driver(watch, self._hook)
        known = {name: value for name, value in options.items() if name in self.driver.layer.context.options}
        self.driver.layer.context.options.update(**known)
        self.driver.ask()

    def _hook(self, hook: Hook) -> bool:
        if hook.name == "responseheaders":
            response = flow_of(hook).response
            assert response is not None
            response.stream = self.stream() if callable(self.stream) else self.stream
            self.flows.append(flow_of(hook))
        return True

    def answered(self, framing: str) -> bytes:
        """Return all that the client is sent for an answer that comes in pieces."""
        head, framed, end = FRAMINGS[framing]
        self.driver.from_server(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n" + head + b"\r\n\r\n")
        for piece in BODY:
            self.driver.from_server(framed(piece))
        self.driver.from_server(end)
        if framing == "until it is closed":
            self.driver.leaves(self.driver.servers[-1])
        return self.driver.sent[self.driver.client]


def watched() -> WatchLayers:
    return WatchLayers(lambda _: None, lambda _: None)


@pytest.mark.parametrize("framing", FRAMINGS)
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_the_client_gets_what_mitmproxy_sends(framing: str, stream: Any) -> None:
    plain, short = Scene(Plain(), stream), Scene(watched(), stream)
    assert type(plain.driver.layer) is HttpLayer
    assert short.answered(framing) == plain.answered(framing)
    assert short.driver.hooks == plain.driver.hooks
    assert short.driver.is_open(short.driver.client) == plain.driver.is_open(plain.driver.client)


@pytest.mark.parametrize("framing", FRAMINGS)
def test_bodies_that_are_to_be_kept_are_kept(framing: str) -> None:
    """An option of mitmproxy 12; before it none is kept."""
    scenes = [Scene(watch, True, store_streamed_bodies=True) for watch in (Plain(), watched())]
    plain, short = (scene.answered(framing) and scene.flows[0].response for scene in scenes)
    assert plain
    assert short
    assert short.raw_content == plain.raw_content


@pytest.mark.parametrize("framing", FRAMINGS)
def test_pieces_pass_mitmproxys_own_way_by(framing: str) -> None:
    assert _pieces_sent_by_mitmproxy(Scene(Plain(), True), framing) == len(BODY)
    assert _pieces_sent_by_mitmproxy(Scene(watched(), True), framing) == 0


def test_a_mitmproxy_that_is_not_known_does_it_all_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(short_way, "IS_OPEN", False)
    assert _pieces_sent_by_mitmproxy(Scene(watched(), True), "chunked") == len(BODY)


def test_this_mitmproxy_is_known() -> None:
    assert short_way.IS_OPEN


@pytest.mark.parametrize(("owner", "name"), short_way._KNOWN)
def test_a_method_that_does_something_else_is_not_known(
    owner: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, lambda self, event: self.somewhere_else(event))
    assert not short_way.is_as_known(owner, name)


def _pieces_sent_by_mitmproxy(scene: Scene, framing: str) -> int:
    """Return how many pieces of the body go through the generator that frames them."""
    frames: list[FrameType] = []

    def look(frame: FrameType, event: str, _: object) -> None:
        is_begun = event == "call" and frame.f_code is Http1Server.send.__code__ and frame not in frames
        if is_begun and isinstance(frame.f_locals["event"], layers.ResponseData):
            frames.append(frame)

    sys.setprofile(look)
    try:
        scene.answered(framing)
    finally:
        sys.setprofile(None)
    return len(frames)
