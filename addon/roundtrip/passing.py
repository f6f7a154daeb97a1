"""A stream that is gone as soon as it is over, and the bodies of its flow with it.

Those of mitmproxy lead back to themselves: they wait for the cyclic collector, which looks at how many objects there
are, not at how large they are. Meanwhile others take memory beside them, so that the process keeps more than it needs.

A large request is handed to its connection in pieces: what OpenSSL is given at once it encrypts into a buffer that
grows to its size, is copied as it grows, and stays so large for as long as the connection lives.
"""

import contextlib
from collections.abc import Callable, Iterator
from types import MethodType
from typing import Any

from mitmproxy.proxy import events, layer
from mitmproxy.proxy.layers import http as layers
from mitmproxy.proxy.layers.http import HttpStream

Commands = layer.CommandGenerator[None]
State = Callable[[events.Event], Commands]
PIECE = 262_144
"""Bytes of a request that are handed over at once. Each piece takes some 20 us."""


class _State:
    """What a stream does with its next event: a method of its own, kept without the stream that it belongs to."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"_{name}"

    def __get__(self, stream: "PassingStream", owner: type | None = None) -> State:
        return MethodType(getattr(stream, self._name), stream)

    def __set__(self, stream: "PassingStream", state: MethodType) -> None:
        setattr(stream, self._name, state.__func__)


class PassingStream(HttpStream):
    """Nothing of its own holds it once it is over. One that goes on as a WebSocket or a tunnel is not."""

    client_state: Any = _State()
    server_state: Any = _State()

    def state_consume_request_body(self, event: events.Event) -> Commands:
        """See ``HttpStream``."""
        found: Commands = super().state_consume_request_body(event)
        return _in_pieces(found) if isinstance(event, layers.RequestEndOfMessage) else found

    def flow_done(self) -> Commands:
        """See ``HttpStream``."""
        yield from super().flow_done()
        if self.child_layer is None:
            self.leave()

    def handle_protocol_error(self, event: layers.RequestProtocolError | layers.ResponseProtocolError) -> Commands:
        """See ``HttpStream``."""
        yield from super().handle_protocol_error(event)
        self.leave()

    def leave(self) -> None:
        """Have the context that is the stream's alone not lead back to it."""
        if self in self.context.layers:
            self.context.layers.remove(self)


def _in_pieces(found: Commands) -> Commands:
    """Yield the same commands, and the body in pieces. What answers a command goes to who has given it."""
    reply = None
    with contextlib.suppress(StopIteration):
        while True:
            command = found.send(reply)
            if isinstance(command, layers.SendHttp) and isinstance(command.event, layers.RequestData):
                yield from (layers.SendHttp(piece, command.connection) for piece in _pieces(command.event))
                reply = None
            else:
                reply = yield command


def _pieces(data: layers.RequestData) -> Iterator[layers.RequestData]:
    if len(data.data) <= PIECE:
        yield data
        return
    for at in range(0, len(data.data), PIECE):
        yield layers.RequestData(data.stream_id, data.data[at : at + PIECE])
