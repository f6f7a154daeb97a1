"""What becomes of a request that comes by the short way is what mitmproxy itself would make of it."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layer_driver import Driver, Hook, flow_of
from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import TCPLayer
from mitmproxy.proxy.layers import http as layers
from mitmproxy.proxy.layers.http import HttpLayer, HTTPMode, HttpStream

from headroom_mitm.roundtrip import way_in
from headroom_mitm.roundtrip.short_way import is_as_known
from headroom_mitm.roundtrip.substream import WatchLayers

BODY = bytes(range(256)) * 3
HEAD = b"POST http://provider/v1/messages HTTP/1.1\r\nhost: provider\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def with_length(body: bytes, further: bytes = b"") -> bytes:
    return HEAD + further + b"content-length: %d\r\n\r\n" % len(body) + body


def chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 100] for at in range(0, len(body), 100)]
    framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return HEAD + b"transfer-encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n"


SENT: dict[str, bytes] = {
    "with a length": with_length(BODY),
    "chunked": chunked(BODY),
    "none": with_length(b""),
    "one byte": with_length(b"x"),
    "two requests": with_length(BODY) + with_length(BODY[::-1]),
    "more than its length": with_length(BODY) + b"garbage",
    "expected": with_length(BODY, b"expect: 100-continue\r\n"),
    "of no known length": HEAD + b"content-length: many\r\n\r\n" + BODY,
}


def streamed(flow: http.HTTPFlow) -> None:
    flow.request.stream = True


def changed(flow: http.HTTPFlow) -> None:
    flow.request.stream = lambda data: data.upper()


def killed(flow: http.HTTPFlow) -> None:
    flow.kill()


def answered(flow: http.HTTPFlow) -> None:
    flow.response = http.Response.make(418, b"no")


def other_length(flow: http.HTTPFlow) -> None:
    flow.request.headers["content-length"] = "1"


def left(_: http.HTTPFlow) -> None:
    """Do nothing."""


OTHERS: dict[str, Callable[[http.HTTPFlow], None]] = {
    name.__name__: name for name in (left, streamed, changed, killed, answered, other_length)
}
LIMITS: dict[str, dict[str, Any]] = {
    "no limit": {},
    "limited": {"body_size_limit": "500"},
    "large ones streamed": {"stream_large_bodies": "500"},
    "limited later": {"body_size_limit": "10k"},
}


class Plain:
    """Leaves layers as they are."""

    def next_layer(self, _: object) -> None:
        """See ``WatchLayers``."""


class Scene(Driver):
    """A client, another addon, and all that comes of what the client sends."""

    def __init__(self, watch: Any, *, inside: Callable[[Any], layer.Layer] | None = None) -> None:
        self.watch, self.inside = watch, inside
        self.other = left
        self.bodies: list[bytes | None] = []
        self.logged: list[str] = []
        super().__init__(watch, self._on_hook_of)

    def sends(self, pieces: Sequence[bytes]) -> None:
        """Send this, and let every server answer at last."""
        for piece in pieces:
            self.from_client(piece)
        for _ in self.servers:
            self.from_server(ANSWER)

    @property
    def all(self) -> object:
        """All that others can see."""
        return self.hooks, self.bodies, self.logged, self.is_open(self.client), [*self.sent.values()]

    def _on_hook_of(self, hook: Hook) -> bool:
        if isinstance(hook, layer.NextLayerHook) and self.inside is not None:
            hook.data.layer = self.inside(hook.data.context)
            self.watch.next_layer(hook.data)
        elif hook.name == "requestheaders":
            self.other(flow_of(hook))
        elif hook.name == "request":
            request = flow_of(hook).request
            assert request.timestamp_end is not None
            self.bodies.append(request.raw_content)
        return True

    def _do(self, command: Any) -> None:
        if isinstance(command, commands.Log):
            self.logged.append(command.message)
        super()._do(command)


def watched() -> WatchLayers:
    return WatchLayers(lambda _: None, lambda _: None)


def both(**said: Any) -> Iterator[Scene]:
    return (Scene(watch, **said) for watch in (Plain(), watched()))


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    edges = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(edges)]


CUTS = st.lists(st.integers(0, 3000), max_size=8)


@given(sent=st.sampled_from(sorted(SENT)), other=st.sampled_from(sorted(OTHERS)), places=CUTS)
def test_a_request_is_the_same_however_it_comes(sent: str, other: str, places: list[int]) -> None:
    plain, short = both()
    for scene in (plain, short):
        scene.other = OTHERS[other]
        scene.sends(cut(SENT[sent], places))
    assert short.all == plain.all


@pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("sent", SENT)
def test_limits_hold(sent: str, limit: dict[str, Any]) -> None:
    plain, short = both()
    for scene in (plain, short):
        scene.layer.context.options.update(**limit)
        scene.sends(cut(SENT[sent], range(0, 1000, 90)))
    assert short.all == plain.all


@pytest.mark.parametrize("limit", [{"body_size_limit": "400"}, {"stream_large_bodies": "400"}], ids=["size", "streams"])
def test_limits_that_come_while_a_body_does_hold_at_once(limit: dict[str, Any]) -> None:
    plain, short = both()
    for scene in (plain, short):
        begin, piece, _ = cut(SENT["with a length"], (300, 600))
        scene.from_client(begin)
        scene.layer.context.options.update(**limit)
        scene.from_client(piece)
    assert short.all == plain.all
    assert len(short.hooks) > 1 or short.servers


def test_what_is_still_in_the_buffer_comes_first() -> None:
    scene = Scene(watched())
    begin, rest = cut(SENT["with a length"], (-300,))
    scene.from_client(begin)
    scene.layer.connections[scene.client].buf += rest[:100]  # type: ignore[attr-defined]
    scene.sends([rest[100:200], rest[200:]])
    assert scene.bodies == [BODY]


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("place", [5, 90, 300, len(BODY)])
def test_a_client_may_leave_at_any_time(sent: str, place: int) -> None:
    plain, short = both()
    for scene in (plain, short):
        for piece in cut(SENT[sent][:place], range(0, 1000, 90)):
            scene.from_client(piece)
        scene.leaves(scene.client)
    assert short.all == plain.all


INSIDES: dict[str, Callable[[Any], layer.Layer]] = {
    "requests": lambda context: HttpLayer(context, HTTPMode.transparent),
    "anything": TCPLayer,
}
OPENING = b"CONNECT provider:80 HTTP/1.1\r\nhost: provider:80\r\n\r\n"


@pytest.mark.parametrize("inside", INSIDES.values(), ids=INSIDES)
@given(sent=st.sampled_from(sorted(SENT)), places=CUTS)
def test_a_tunnel_leads_to_the_same(inside: Callable[[Any], layer.Layer], sent: str, places: list[int]) -> None:
    plain, short = both(inside=inside)
    for scene in (plain, short):
        scene.from_client(OPENING)
        scene.sends(cut(SENT[sent], places))
        scene.leaves(scene.client)
    assert short.all == plain.all
    assert plain.servers or sent == "of no known length"


@pytest.mark.parametrize("opening", [(), (OPENING,)], ids=["open", "in a tunnel"])
@pytest.mark.parametrize(("watch", "times"), [(Plain(), 4), (watched(), 1)], ids=["mitmproxy", "short"])
def test_only_the_last_piece_goes_mitmproxys_own_way(
    opening: tuple[bytes, ...], watch: Any, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, pieces = Scene(watch, inside=INSIDES["requests"] if opening else None), _pieces_collected(monkeypatch)
    head, body = SENT["with a length"][: -len(BODY)], cut(BODY, (200, 400, 600))
    scene.sends([*opening, head, *body])
    assert pieces == body[-times:]
    assert scene.bodies == [BODY]


def test_a_mitmproxy_that_is_not_known_does_it_all_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way_in, "_IS_OPEN", False)
    scene, pieces = Scene(watched()), _pieces_collected(monkeypatch)
    scene.sends(cut(SENT["with a length"], (400, 600)))
    assert len(pieces) == 3


def test_this_mitmproxy_is_known() -> None:
    assert way_in._IS_OPEN


@pytest.mark.parametrize(("owner", "name"), way_in._KNOWN)
def test_a_method_that_does_something_else_is_not_known(
    owner: type, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, lambda self, event: self.somewhere_else(event))
    assert not is_as_known(owner, name, way_in._KNOWN)


def _pieces_collected(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return the list that pieces get into which come to mitmproxy's own stream."""
    pieces, usual = [], HttpStream.state_consume_request_body

    def look(stream: HttpStream, event: events.Event) -> Any:
        if isinstance(event, layers.RequestData):
            pieces.append(event.data)
        return usual(stream, event)

    monkeypatch.setattr(HttpStream, "state_consume_request_body", look)
    return pieces
