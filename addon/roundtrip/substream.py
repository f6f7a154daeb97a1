"""The next leg of an answer runs as a stream of its own in mitmproxy's HTTP layer, inside the client's open one.

Why here: a stream callable is synchronous and the ``response`` hook comes too late to add bytes, so a leg cannot be
fetched in a hook. As a stream of the same layer it uses the same upstream connection and TLS settings, runs through all
hooks, is shown in mitmweb, buffers nothing, and is cancelled with the client.

This file uses private names of mitmproxy; ``missing_names`` says at load which are not there, and without them the tool
is never offered. Tested with mitmproxy 11.0.2 and 12.
"""

import itertools
import logging
from collections.abc import Callable
from dataclasses import dataclass

from mitmproxy import http
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy import context as proxy_context
from mitmproxy.proxy.layers import http as layers
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream
from mitmproxy.proxy.layers.http._base import HttpEvent

from headroom_mitm.roundtrip.exchange import Exchange

logger = logging.getLogger(__name__)

Commands = layer.CommandGenerator[None]

_USED: dict[type, tuple[str, ...]] = {
    HttpLayer: ("make_stream", "event_to_child", "streams", "connections"),
    HttpStream: ("_handle_event", "state_stream_response_body", "send_response", "check_killed", "state_done"),
}
_EXPORTED = (
    "ReceiveHttp", "SendHttp", "RequestHeaders", "RequestData", "RequestEndOfMessage", "RequestProtocolError",
    "ResponseHeaders", "ResponseData", "ResponseEndOfMessage", "ResponseProtocolError",
)  # fmt: skip
_leg_ids = itertools.count(-1, -1)  # clients' streams are positive, mitmproxy's own replays use 1


def missing_names() -> list[str]:
    """Return what this mitmproxy lacks of what this file needs; instance attributes are looked for in constructors."""
    missing = [f"layers.http.{name}" for name in _EXPORTED if not hasattr(layers, name)]
    for owner, names in _USED.items():
        known = {*dir(owner), *owner.__init__.__code__.co_names}  # type: ignore[misc]  # a class of mitmproxy's, never a subclass
        missing += [f"{owner.__name__}.{name}" for name in names if name not in known]
    return missing


class Job:
    """What a stream needs to know of a watched answer."""

    def __init__(self, flow: http.HTTPFlow, exchange: Exchange) -> None:
        self.flow = flow
        self.exchange = exchange
        self.next_flow: http.HTTPFlow | None = None
        """Set by the hook: the request of the next leg. None: it could not be made."""


JobOf = Callable[[http.HTTPFlow], Job | None]
"""Says whether the answer to a client's flow is watched."""


@dataclass
class HeadroomAdvanceHook(commands.StartHook):
    """The answer's leg is over and called our tool: set ``job.next_flow``. mitmproxy wants exactly one field."""

    job: Job


@dataclass
class LegEvent(HttpEvent):
    """Something that a leg's stream would have sent to the client."""

    event: HttpEvent


class WatchedStream(HttpStream):
    """A client's stream whose answer can go on with further legs."""

    def __init__(self, context: proxy_context.Context, stream_id: int, job_of: JobOf) -> None:
        super().__init__(context, stream_id)
        self._job_of = job_of
        self._leg: int | None = None
        self._leg_response: http.Response | None = None
        self._refusal = b""

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, LegEvent):
            yield from self._leg_event(event.event)
            return
        if self._leg is not None and isinstance(event, layers.RequestProtocolError):
            # The client has gone: cancel the leg, which cancels upstream.
            leg, self._leg = self._leg, None
            yield layers.ReceiveHttp(layers.RequestProtocolError(leg, event.message, event.code))
            self.server_state = self.state_done
        yield from super()._handle_event(event)

    def state_stream_response_body(self, event: events.Event) -> Commands:
        """Hold back the end of a streamed answer that is to go on."""
        job = self._job_of(self.flow) if isinstance(event, layers.ResponseEndOfMessage) else None
        if job is None or not job.exchange.reply.streamed:
            yield from super().state_stream_response_body(event)
            return
        yield from self._leg_is_over(job)

    def send_response(self, already_streamed: bool = False) -> Commands:  # noqa: FBT001, FBT002  # mitmproxy's signature
        """Hold back a whole answer that is to go on."""
        job = None if already_streamed else self._job_of(self.flow)
        if job is None or job.exchange.reply.streamed:
            yield from super().send_response(already_streamed)
            return
        job.exchange.reply.feed(self.flow.response.content or b"" if self.flow.response else b"")
        yield from self._leg_is_over(job)

    def _leg_is_over(self, job: Job) -> Commands:
        """Send what is left of a leg, then begin the next one or end the client's message."""
        exchange = job.exchange
        last = exchange.reply.end_leg()
        if exchange.wants_next_leg:
            yield from self._show(job, last)
            yield from self._begin_leg(job)
        else:
            yield from self._end(job, last + (exchange.reply.close() if exchange.must_close else b""))

    def _begin_leg(self, job: Job) -> Commands:
        job.next_flow = None
        yield HeadroomAdvanceHook(job)
        if (yield from self.check_killed(True)):
            return
        flow = job.next_flow
        if flow is None:
            yield from self._end(job, job.exchange.reply.failed(500, b""), status=500)
            return
        self._leg, self._leg_response, self._refusal = next(_leg_ids), None, b""
        parent = self.context.layers[self.context.layers.index(self) - 1]
        assert isinstance(parent, WatchedLayer)
        parent.legs[self._leg] = self
        yield layers.ReceiveHttp(layers.RequestHeaders(self._leg, flow.request, end_stream=False, replay_flow=flow))
        yield layers.ReceiveHttp(layers.RequestData(self._leg, flow.request.raw_content or b""))
        yield layers.ReceiveHttp(layers.RequestEndOfMessage(self._leg))

    def _leg_event(self, event: HttpEvent) -> Commands:
        """Take what a leg brings."""
        job = self._job_of(self.flow)
        if self._leg is None or job is None:
            return
        if isinstance(event, layers.ResponseHeaders):
            self._leg_response = event.response
        elif isinstance(event, layers.ResponseData):
            yield from self._leg_data(job, event.data)
        elif isinstance(event, layers.ResponseProtocolError):
            self._leg = None
            yield from self._end(job, job.exchange.reply.failed(502, b""), status=502)
        elif isinstance(event, layers.ResponseEndOfMessage):
            self._leg = None
            if self._leg_response is not None and self._leg_response.status_code != 200:
                status = self._leg_response.status_code
                yield from self._end(job, job.exchange.reply.failed(status, self._refusal), status=status)
            else:
                yield from self._leg_is_over(job)

    def _leg_data(self, job: Job, data: bytes) -> Commands:
        if self._leg_response is not None and self._leg_response.status_code == 200:
            yield from self._show(job, job.exchange.reply.feed(data))
        else:
            self._refusal += data

    def _show(self, job: Job, data: bytes) -> Commands:
        """Send bytes to the client, if its answer is streamed. Never none: that would end a chunked body."""
        if data and job.exchange.reply.streamed:
            yield layers.SendHttp(layers.ResponseData(self.stream_id, data), self.context.client)

    def _end(self, job: Job, last: bytes, status: int = 200) -> Commands:
        """End the client's message the normal way."""
        if job.exchange.reply.streamed:
            yield from self._show(job, last)
            yield from super().state_stream_response_body(layers.ResponseEndOfMessage(self.stream_id))
            return
        assert self.flow.response
        if status != 200 and self._leg_response is not None:
            self.flow.response = self._leg_response.copy()
            self.flow.response.stream = False
        elif status != 200:
            self.flow.response.status_code = status
        if self.flow.response.content != last:
            self.flow.response.content = last
        yield from super().send_response()


class WatchedLayer(HttpLayer):
    """Gives what a leg sends to "the client" to the stream that the leg belongs to."""

    legs: dict[int, WatchedStream]
    job_of: JobOf

    def make_stream(self, stream_id: int) -> Commands:
        """Make the client's streams watched ones, and a leg's an ordinary one."""
        context = self.context.fork()
        is_leg = stream_id in self.legs
        self.streams[stream_id] = (
            HttpStream(context, stream_id) if is_leg else WatchedStream(context, stream_id, self.job_of)
        )
        yield from self.event_to_child(self.streams[stream_id], events.Start())

    def event_to_child(self, child: layer.Layer | HttpStream, event: events.Event) -> Commands:
        """Turn a leg's events for the client round."""
        to_client = child is self.connections.get(self.context.client)
        if to_client and isinstance(event, HttpEvent) and event.stream_id in self.legs:
            parent = self.legs[event.stream_id]
            if isinstance(event, (layers.ResponseEndOfMessage, layers.ResponseProtocolError)):
                del self.legs[event.stream_id]
            yield from super().event_to_child(parent, LegEvent(event.stream_id, event))
        else:
            yield from super().event_to_child(child, event)


class WatchLayers:
    """An addon that makes every HTTP layer a watched one, and notes the ids of the client connections that have one.

    It must come after mitmproxy's own NextLayer.
    """

    def __init__(self, job_of: JobOf, note: Callable[[str], None]) -> None:
        self._job_of = job_of
        self._note = note

    def next_layer(self, nextlayer: layer.NextLayer) -> None:
        """Look through all layers: reverse mode builds whole stacks at once."""
        below = nextlayer.layer.context.layers if nextlayer.layer else []
        for found in (*nextlayer.context.layers, *below):
            if type(found) is HttpLayer:
                found.__class__ = WatchedLayer
                assert isinstance(found, WatchedLayer)
                found.legs = {}
                found.job_of = self._job_of
                self._note(found.context.client.id)
