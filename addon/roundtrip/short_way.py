"""The short way of a piece of a streamed answer: from the provider's connection to what the client is sent.

mitmproxy hands each piece through a stream and a connection, with three generators each that all its layers run once
more for every command, and asks the headers for each piece anew. Nothing of that changes while a body is under way, so
here a piece is framed and sent at once. All that is otherwise, and every piece where mitmproxy's methods are not those
that we know, goes the long way.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers import http as layers
from mitmproxy.proxy.layers.http import Http1Server, HttpLayer, HttpStream

from headroom_mitm.roundtrip.passing import Commands, PassingStream

_KNOWN: dict[tuple[type, str], str] = {
    (layer.Layer, "handle_event"): "CommandCompleted Log Paused StopIteration _Layer__continue _Layer__debug"
    " _handle_event _paused _paused_event_queue append blocking command commands debug events isinstance next send",
    (HttpLayer, "_handle_event"): "AssertionError CloseConnection CommandCompleted ConnectionClosed ConnectionEvent"
    " DataReceived HTTPMode Http1Client Http1Connection Http1Server Http2Client Http2Server Http3Client Http3Server"
    " HttpStream KeyError MessageInjected QuicStreamEvent Start UpstreamMode address alpn client client_conn command"
    " command_sources commands connection connections context event_to_child events flow fork is_h3_alpn isinstance"
    " layers mode pop proxy_mode scheme server server_conn setdefault stream_id streams upstream via",
    (HttpLayer, "event_to_child"): "AssertionError Command DropStream GetHttpConnection KeyError OpenConnection"
    " ReceiveHttp RegisterHttpConnection RequestHeaders RequestWakeup SendHttp blocking command_sources commands"
    " connection connections event event_to_child get_connection handle_event isinstance make_stream pop"
    " register_connection stream_id streams",
    (HttpStream, "_handle_event"): "RequestData RequestEndOfMessage RequestHeaders RequestProtocolError RequestTrailers"
    " ResponseProtocolError Start client_state events handle_protocol_error isinstance server_state"
    " state_wait_for_request_headers",
    (HttpStream, "start_response_stream"): "Log ResponseHeaders SendHttp client commands context flow host request"
    " response server_state state_stream_response_body stream_id",
    (HttpStream, "state_stream_response_body"): "ResponseData ResponseEndOfMessage ResponseTrailers SendHttp bytes"
    " callable clear client content context data flow isinstance options response response_body_buf send_response"
    " store_streamed_bodies stream stream_id trailers",
    (Http1Server, "_handle_event"): "DataReceived HttpEvent buf data events isinstance passthrough send state",
    (Http1Server, "send"): "AssertionError CAN_WRITE CloseConnection ConnectionState NO_RESPONSE RESPONSES ResponseData"
    " ResponseEndOfMessage ResponseHeaders ResponseProtocolError SendData assemble_response_head code commands conn"
    " copy data get headers http1 http_status_code http_version is_http2 is_http3 isinstance len lower"
    " make_error_response mark_done message method reason request response state status_code status_codes stream_id"
    " upper",
}
"""What those of mitmproxy's methods name that pieces pass by. Tested with mitmproxy 11.0.2 and 12.2.3."""


def is_as_known(owner: type, name: str, known: Mapping[tuple[type, str], str] = _KNOWN) -> bool:
    """Say whether a method of mitmproxy's names nothing else than it did."""
    method = getattr(owner, name, None)
    return method is not None and {*inspect.unwrap(method).__code__.co_names} <= {*known[owner, name].split()}


IS_OPEN = all(is_as_known(*method) for method in _KNOWN)
"""mitmproxy does with a piece what it did, so that it can be passed by."""


class ShortStream(PassingStream):
    """A stream whose answer's pieces can go the short way, once its head has been sent."""

    _server_state: Callable[..., Any]
    _way: Callable[..., Any] | None = None
    """The state in which pieces go it; None: in no state."""
    _is_chunked = False

    def start_response_stream(self) -> Commands:
        """See ``HttpStream``."""
        yield from super().start_response_stream()
        keeps = getattr(self.context.options, "store_streamed_bodies", False)
        if IS_OPEN and self.debug is None and not keeps and self.flow.response is not None:
            self._is_chunked = "chunked" in self.flow.response.headers.get("transfer-encoding", "").lower()
            self._way = self._server_state

    def sent(self, data: bytes, client: layer.Layer | HttpStream) -> Iterable[commands.SendData] | None:
        """Return what the client's connection is sent for a piece of the answer; None: it must go the long way."""
        if self._way is not self._server_state or self._paused is not None or type(client) is not Http1Server:
            return None
        response = self.flow.response
        if response is None:
            return None
        stream = response.stream
        shown = stream(data) if callable(stream) else data
        pieces = (shown,) if isinstance(shown, bytes) else shown
        framed = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] if self._is_chunked else pieces
        return [commands.SendData(client.conn, piece) for piece in framed if piece]


class ShortLayer(HttpLayer):
    """Has pieces go the short way."""

    def _handle_event(self, event: events.Event) -> Commands:
        if type(event) is events.DataReceived and IS_OPEN:
            reader = self.connections.get(event.connection)
            if reader is not None:
                return self.event_to_child(reader, event)
        found: Commands = super()._handle_event(event)
        return found

    def event_to_child(self, child: layer.Layer | HttpStream, event: events.Event) -> Commands:
        """See ``HttpLayer``."""
        if type(event) is layers.ResponseData and isinstance(child, ShortStream):
            sent = child.sent(event.data, self.connections[self.context.client])
            if sent is not None:
                return sent  # type: ignore[return-value]  # who asks goes through it, and sends nothing back
        found: Commands = super().event_to_child(child, event)
        return found
