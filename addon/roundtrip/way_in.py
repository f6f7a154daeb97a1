"""The short way of a piece of a request's body: from the client's connection to what its stream has collected.

An agent sends its whole history with each turn: megabytes, in pieces of 64 KB. mitmproxy copies each of them into the
connection's buffer and out of it again, and hands it on through the generators of all its layers; those of a tunnel
come twice. Nothing is said to such a piece, so here it is collected at once. What may end the body, and all that is
otherwise, goes the long way.
"""

import itertools
from collections.abc import Iterator
from typing import Any, cast

import h11
from h11._readers import ContentLengthReader
from h11._receivebuffer import ReceiveBuffer
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http import Http1Server, HttpStream

from headroom_mitm.roundtrip.passing import Commands
from headroom_mitm.roundtrip.short_way import IS_OPEN, ShortLayer, ShortStream, is_as_known

_KNOWN: dict[tuple[type, str], str] = {
    (Http1Server, "read_body"): "AssertionError CloseConnection ConnectionClosed Data DataReceived EndOfMessage"
    " Http1Server NotImplementedError ProtocolError ReceiveData ReceiveEndOfMessage ReceiveHttp ReceiveProtocolError"
    " body_reader buf bytes code commands conn data events h11 headers isinstance mark_done method read_eof request"
    " stream_id upper",
    (ContentLengthReader, "__call__"): "Data EndOfMessage _remaining len maybe_extract_at_most",
    (HttpStream, "state_consume_request_body"): "HttpRequestHook HttpResponseHeadersHook RequestData"
    " RequestEndOfMessage RequestHeaders RequestTrailers SendHttp bytes check_body_size check_killed clear client_state"
    " content context data flow isinstance make_server_connection raw_content request request_body_buf response"
    " send_response server state_done stream_id time timestamp_end timestamp_start trailers",
    (HttpStream, "check_body_size"): "Error ErrorCode HttpErrorHook HttpRequestHeadersHook HttpResponseHeadersHook"
    " REQUEST_TOO_LARGE RESPONSE_TOO_LARGE RequestData RequestProtocolError ResponseData ResponseProtocolError SendHttp"
    " ValueError body_size_limit bytes clear client client_state context error expected_http_body_size flow"
    " handle_event human len live options parse_size request request_body_buf response response_body_buf server"
    " server_state start_request_stream start_response_stream state_errored stream stream_id stream_large_bodies",
    (Http1Server, "passthrough"): "ConnectionClosed DataReceived Http1Server ReceiveData ReceiveHttp"
    " RequestEndOfMessage ResponseEndOfMessage data events isinstance stream_id",
    (HttpStream, "passthrough"): "CloseConnection CloseTcpConnection ConnectionClosed DataReceived ErrorCode"
    " PASSTHROUGH_CLOSE RequestData RequestEndOfMessage RequestProtocolError ResponseData ResponseEndOfMessage"
    " ResponseProtocolError SendData SendHttp child_layer client commands connection context data events flow"
    " handle_event isinstance response server status_code stream_id",
}
"""What those of mitmproxy's and h11's methods name that pieces pass by. Tested with mitmproxy 11.0.2 and 12.2.3."""
_IS_OPEN = IS_OPEN and all(is_as_known(*method, _KNOWN) for method in _KNOWN)


class Tunnel:
    """What a client's tunnel leads to: it is given what comes before the layers around it are, if they need be at all.

    They only pass on what is said to it, and mostly nothing is.
    """

    def __init__(self, inside: layer.Layer) -> None:
        self._inside = inside
        self._said: Iterator[commands.Command] | None = None

    def takes(self, event: events.DataReceived) -> bool:
        """Say whether there is nothing to be said to it. Otherwise the layers around must be given it, too."""
        said = iter(self._inside.handle_event(event))
        for first in said:
            self._said = itertools.chain((first,), said)
            return False
        return True

    def handle_event(self, event: events.Event) -> Iterator[commands.Command]:
        """See ``Layer``."""
        if self._said is None:
            return self._inside.handle_event(event)
        said, self._said = self._said, None
        return said


class _Piece:
    """What h11 finds of a body: a piece, if more is to come."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def maybe_extract_at_most(self, count: int) -> bytes | None:
        """See h11's ``ReceiveBuffer``."""
        return self._data if len(self._data) < count else None


class TakingStream(ShortStream):
    """A stream that can be given pieces of its request by the short way."""

    child_layer: Any  # a layer, or a tunnel that stands for one

    def takes(self, reader: Http1Server, event: events.DataReceived) -> bool:
        """Say whether all is done that is to be done with what has come from the client; if not, nothing is."""
        if self._paused is not None:
            return False
        if reader.state == reader.read_body:
            return self._collects(reader, event.data)
        if reader.state != reader.passthrough:
            return False
        if type(self.child_layer) is layer.NextLayer:
            self.child_layer = Tunnel(self.child_layer)
        return type(self.child_layer) is Tunnel and self.child_layer.takes(event)

    def _collects(self, reader: Http1Server, piece: bytes) -> bool:
        options, found = self.context.options, cast("ReceiveBuffer", _Piece(piece))
        if (
            type(reader.body_reader) is ContentLengthReader
            and not reader.buf
            and self.client_state == self.state_consume_request_body
            and not (options.stream_large_bodies or options.body_size_limit)
            and type(reader.body_reader(found)) is h11.Data
        ):
            self.request_body_buf += piece
            return True
        return False


class TakingLayer(ShortLayer):
    """Gives its streams pieces of their requests by the short way."""

    def handle_event(self, event: events.Event) -> Commands:
        """See ``Layer``."""
        if type(event) is events.DataReceived and _IS_OPEN and event.connection is self.context.client:
            reader = self.connections.get(event.connection)
            if type(reader) is Http1Server and self._paused is None and self.debug is None:
                stream = self.streams.get(reader.stream_id)
                if isinstance(stream, TakingStream) and stream.takes(reader, event):
                    return _nothing()
        found: Commands = super().handle_event(event)
        return found


def _nothing() -> Commands:
    yield from ()
