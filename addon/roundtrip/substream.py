"""The next leg of an answer runs as a stream of its own in mitmproxy's HTTP layer, inside the client's open one.

Why here: a stream callable is synchronous and the ``response`` hook comes too late to add bytes, so a leg cannot be
fetched in a hook. As a stream of the same layer it uses the same upstream connection and TLS settings, runs through all
hooks, is shown in mitmweb, buffers nothing, and is cancelled with the client.

This file uses private names of mitmproxy; ``missing_names`` says at load which are not there, and without them the tool
is never offered. Tested with mitmproxy 11.0.2 and 12.
"""

import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from mitmproxy import http
from mitmproxy.flow import Error
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy import context as proxy_context
from mitmproxy.proxy.layers import http as layers
from mitmproxy.proxy.layers.http import HttpEvent, HttpLayer, HttpStream

from headroom_mitm.roundtrip.decoding import readable
from headroom_mitm.roundtrip.exchange import Exchange, Leg
from headroom_mitm.roundtrip.passing import PassingStream
from headroom_mitm.roundtrip.way_in import TakingLayer, TakingStream

QUIET_SECONDS = 10.0
"""How long a client sees nothing while a leg is awaited. Some give up after three minutes without an event."""
MOST_ALARMS = 30
"""After so many times of that without a byte a leg is given up. The client tries again; it would not by itself, since
it sees signs of life."""
Commands = layer.CommandGenerator[None]
T = TypeVar("T", layers.RequestProtocolError, layers.ResponseProtocolError)

_USED: dict[type, tuple[str, ...]] = {
    HttpLayer: ("make_stream", "event_to_child", "streams", "connections", "command_sources"),
    HttpStream: (
        "_handle_event", "state_stream_response_body", "send_response", "check_killed", "check_body_size", "stream_id",
        "handle_protocol_error", "state_done", "state_errored", "client_state", "server_state", "response_body_buf",
        "flow_done", "child_layer",
    ),
}  # fmt: skip
_EXPORTED = (
    "ReceiveHttp", "SendHttp", "DropStream", "HttpErrorHook", "RequestHeaders", "RequestData", "RequestEndOfMessage",
    "RequestProtocolError", "ResponseHeaders", "ResponseData", "ResponseEndOfMessage", "ResponseProtocolError",
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
        self._last_flow: http.HTTPFlow | None = None

    def take_next_flow(self) -> http.HTTPFlow | None:
        """Return the request of the next leg, once."""
        flow, self.next_flow = self.next_flow, None
        self._last_flow = flow
        return flow

    @property
    def is_killed(self) -> bool:
        """Somebody has killed the request that was taken last."""
        error = self._last_flow.error if self._last_flow is not None else None
        return error is not None and error.msg == Error.KILLED_MESSAGE

    def same_flow(self) -> http.HTTPFlow | None:
        """Return the request that was taken last, to be made again."""
        last = self._last_flow
        if last is None:
            return None
        self._last_flow = flow = http.HTTPFlow(last.client_conn, last.server_conn)
        flow.request, flow.metadata, flow.comment = last.request.copy(), dict(last.metadata), last.comment
        flow.request.timestamp_start = time.time()
        return flow


JobOf = Callable[[http.HTTPFlow], Job | None]
"""Says whether the answer to a client's flow is watched."""


@dataclass
class HeadroomAdvanceHook(commands.StartHook):
    """The answer's leg is over and called our tool: set ``job.next_flow``. mitmproxy wants exactly one field."""

    job: Job


@dataclass
class HeadroomConcludeHook(commands.StartHook):
    """The answer is over, and the client has not got its end: keep what it has not seen. One field, see above."""

    job: Job


@dataclass
class LegEvent(HttpEvent):
    """Something that a leg's stream would have sent to the client."""

    event: HttpEvent


class LegStream(PassingStream):
    """A leg's own stream. All of its request is here, and where its answer goes is not its to decide."""

    def check_body_size(self, request: bool) -> layer.CommandGenerator[bool]:  # noqa: ARG002, FBT001  # mitmproxy's signature
        """Let every hook see the request before it leaves."""
        yield from ()
        return False

    def handle_protocol_error(self, event: layers.RequestProtocolError | layers.ResponseProtocolError) -> Commands:
        """Cancel upstream when the client has gone, without a hook of its own: the client's stream has one.

        With two hooks at once mitmproxy 12 may lose the connection before it is closed: its task, already cancelled,
        waits for the lock behind them, and is cancelled a second time when the client's connection ends.
        """
        if isinstance(event, layers.ResponseProtocolError):
            yield from super().handle_protocol_error(event)
            return
        if self.server_state not in (self.state_done, self.state_errored):
            yield layers.SendHttp(event, self.context.server)
        self.flow.error, self.flow.live = Error(event.message), False
        self.client_state = self.server_state = self.state_errored
        yield layers.DropStream(self.stream_id)
        self.leave()


class LegwiseStream(TakingStream):
    """A client's stream that can have further legs sent."""

    def __init__(
        self, context: proxy_context.Context, stream_id: int, job_of: JobOf, legs: "dict[int, LegwiseStream]"
    ) -> None:
        super().__init__(context, stream_id)
        self._job_of = job_of
        self._legs = legs
        self._leg: Leg | None = None
        self._leg_response: http.Response | None = None
        self._alarm: commands.RequestWakeup | None = None
        self._pause: commands.RequestWakeup | None = None  # before a leg that has failed is asked for again
        self._is_quiet = False
        self._silence = 0  # alarms since the leg has brought anything

    def _begin_leg(self, job: Job) -> Commands:
        yield HeadroomAdvanceHook(job)
        yield from self._send_leg(job, job.take_next_flow(), 1)

    def _send_leg(self, job: Job, flow: http.HTTPFlow | None, tries: int) -> Commands:
        if (yield from self.check_killed(emit_error_hook=True)):
            return
        if flow is None:
            yield from self._end(job, job.exchange.fail(500, b""))
            return
        leg = Leg(next(_leg_ids), job.exchange, tries)
        self._leg, self._leg_response, self._legs[leg.id] = leg, None, self
        self._is_quiet, self._silence = False, 0
        yield from self._keep_alive(job)
        yield layers.ReceiveHttp(layers.RequestHeaders(leg.id, flow.request, end_stream=False, replay_flow=flow))
        yield layers.ReceiveHttp(layers.RequestData(leg.id, flow.request.raw_content or b""))
        yield layers.ReceiveHttp(layers.RequestEndOfMessage(leg.id))

    def _leg_has_failed(self, job: Job, leg: Leg) -> Commands:
        """Ask again after a while, or end the answer."""
        if leg.pause is None or job.is_killed:
            self._leg = None
            yield from self._end(job, job.exchange.fail(502, b""))
        else:
            self._pause = commands.RequestWakeup(leg.pause)
            yield self._pause

    def _cancel(self, event: layers.RequestProtocolError) -> Commands:
        """The client has gone: cancel the leg, which cancels upstream."""
        leg, self._leg = self._leg, None
        if leg is not None and self._pause is None:
            yield layers.ReceiveHttp(layers.RequestProtocolError(leg.id, event.message, event.code))
            self._legs.pop(leg.id, None)
        self._pause = None
        # The first leg is long over: mitmproxy has nothing to cancel for it, and would not say that it has failed.
        self.flow.error = Error(event.message)
        yield layers.HttpErrorHook(self.flow)
        self.server_state = self.state_done

    def _give_up(self, job: Job, leg: Leg) -> Commands:
        """Cancel a leg that brings nothing, and end the answer as one that has failed."""
        self._leg = None
        yield layers.ReceiveHttp(_gone(layers.RequestProtocolError, leg.id, "no answer from the provider"))
        self._legs.pop(leg.id, None)
        yield from self._end(job, job.exchange.fail(504, b""))

    def _keep_alive(self, job: Job) -> Commands:
        """Show a client that has seen nothing for a while that its answer goes on, and look again later."""
        if self._is_quiet:
            yield from self._show(job, job.exchange.idle())
        self._is_quiet, self._alarm = True, commands.RequestWakeup(QUIET_SECONDS)
        yield self._alarm

    def _show(self, job: Job, data: bytes) -> Commands:
        """Send bytes to the client, if its answer is streamed. Never none: that would end a chunked body."""
        if data and job.exchange.streamed:
            self._is_quiet = False
            if getattr(self.context.options, "store_streamed_bodies", False):
                self.response_body_buf += data  # mitmproxy 12 keeps the first leg's by itself
            yield layers.SendHttp(layers.ResponseData(self.stream_id, data), self.context.client)

    def _end(self, job: Job, last: bytes) -> Commands:
        """End the client's message the normal way."""
        if job.exchange.breaks_off and job.exchange.status != 200:
            broken = _gone(layers.ResponseProtocolError, self.stream_id, "a leg of the answer has failed")
            yield from self.handle_protocol_error(broken)
            return
        if job.exchange.streamed:
            yield from self._show(job, last)
            yield from super().state_stream_response_body(layers.ResponseEndOfMessage(self.stream_id))
            return
        self.flow.response = _ended(self.flow.response, self._leg_response, job.exchange.status)
        self.flow.response.content = last
        yield from super().send_response()


class WatchedStream(LegwiseStream):
    """A client's stream whose answer can go on with further legs.

    What comes for every event hands over to mitmproxy's own generators, and does not run them: each layer between is
    gone through once more for each command.
    """

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, LegEvent):
            return self._leg_event(event.event)
        if isinstance(event, events.Wakeup):
            return self._wakeup(event)
        if isinstance(event, layers.RequestProtocolError) and self._leg is not None:
            return self._cancelled(event)
        commands: Commands = super()._handle_event(event)
        return commands

    def _cancelled(self, event: layers.RequestProtocolError) -> Commands:
        yield from self._cancel(event)
        yield from super()._handle_event(event)

    def _wakeup(self, event: events.Wakeup) -> Commands:
        job, leg = self._job_of(self.flow), self._leg
        if job is None:
            return
        if leg is not None and event.command is self._pause:
            self._pause = None
            yield from self._send_leg(job, job.same_flow(), leg.tries + 1)
        elif leg is not None and event.command is self._alarm:
            self._silence += self._pause is None
            yield from self._keep_alive(job) if self._silence < MOST_ALARMS else self._give_up(job, leg)

    def state_stream_response_body(self, event: events.Event) -> Commands:
        """Hold back the end of a streamed answer that is to go on."""
        job = self._job_of(self.flow) if isinstance(event, layers.ResponseEndOfMessage) else None
        if job is None or not job.exchange.streamed:
            commands: Commands = super().state_stream_response_body(event)
            return commands
        return self._leg_is_over(job, job.exchange.end_leg())

    def check_body_size(self, request: bool) -> layer.CommandGenerator[bool]:  # noqa: FBT001  # mitmproxy's signature
        """Hold a watched document until it is whole, whatever is to be done with large ones."""
        job = None if request else self._job_of(self.flow)
        if job is not None and not job.exchange.streamed:
            return False
        return (yield from super().check_body_size(request))

    def send_response(self, already_streamed: bool = False) -> Commands:  # noqa: FBT001, FBT002  # mitmproxy's signature
        """Hold back a whole answer that is to go on."""
        response, job = self.flow.response, self._job_of(self.flow)
        if response is None or job is None or already_streamed or job.exchange.streamed:
            yield from super().send_response(already_streamed)
            return
        body = readable(response.headers.get("content-encoding", ""), response.raw_content or b"")
        if body is None:
            yield from super().send_response()
            return
        last = job.exchange.feed(body) + job.exchange.end_leg()
        if last == body:
            yield from super().send_response()  # in its own encoding
        else:
            yield from self._leg_is_over(job, last)

    def _leg_is_over(self, job: Job, last: bytes) -> Commands:
        """Send what is left of a leg, then begin the next one or end the client's message."""
        if (yield from self.check_killed(emit_error_hook=True)):
            return
        if job.exchange.wants_next_leg:
            yield from self._show(job, last)
            yield from self._begin_leg(job)
        else:
            if job.exchange.must_conclude:
                yield HeadroomConcludeHook(job)
                last += job.exchange.rest
            yield from self._end(job, last)

    def _leg_event(self, event: HttpEvent) -> Commands:
        """Take what a leg brings."""
        leg, job = self._leg, self._job_of(self.flow)
        if leg is None or job is None:
            return
        self._silence = 0
        if isinstance(event, layers.ResponseHeaders):
            self._leg_response, headers = event.response, event.response.headers
            said = (headers.get(name, "") for name in ("content-type", "content-encoding", "retry-after"))
            leg.begin(event.response.status_code, *said)
        elif isinstance(event, layers.ResponseData):
            yield from self._show(job, leg.feed(event.data))
        elif isinstance(event, layers.ResponseProtocolError):
            yield from self._leg_has_failed(job, leg)
        elif isinstance(event, layers.ResponseEndOfMessage):
            if leg.has_failed and leg.pause is not None:
                yield from self._leg_has_failed(job, leg)
                return
            self._leg = None
            yield from self._leg_is_over(job, leg.end())


class WatchedLayer(TakingLayer):
    """Gives what a leg sends to "the client" to the stream that the leg belongs to."""

    legs: dict[int, LegwiseStream]
    job_of: JobOf

    def make_stream(self, stream_id: int) -> Commands:
        """Make the client's streams watched ones, and a leg's an ordinary one."""
        context = self.context.fork()
        is_leg = stream_id < 0
        self.streams[stream_id] = (
            LegStream(context, stream_id) if is_leg else WatchedStream(context, stream_id, self.job_of, self.legs)
        )
        yield from self.event_to_child(self.streams[stream_id], events.Start())

    def event_to_child(self, child: layer.Layer | HttpStream, event: events.Event) -> Commands:
        """Turn a leg's events for the client round. No other stream has a negative id, so none reaches the client."""
        if isinstance(event, HttpEvent) and event.stream_id < 0 and child is self.connections.get(self.context.client):
            return self._turned(event)
        return super().event_to_child(child, event)

    def _turned(self, event: HttpEvent) -> Commands:
        is_over = isinstance(event, (layers.ResponseEndOfMessage, layers.ResponseProtocolError))
        parent = self.legs.pop(event.stream_id, None) if is_over else self.legs.get(event.stream_id)
        if parent is not None:
            yield from super().event_to_child(parent, LegEvent(event.stream_id, event))


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
                found.__dict__.update(legs={}, job_of=self._job_of)
                self._note(found.context.client.id)


def _ended(first: http.Response | None, last: http.Response | None, status: int) -> http.Response:
    """Return the response of an answer that is not streamed: the last leg's where it tells what went wrong."""
    response = first or http.Response.make(status)
    if status != 200 and last is not None and last.status_code == status:
        response = last.copy()
    elif status != 200:
        response.status_code, response.reason = status, HTTPStatus(status).phrase
    response.stream = False
    response.headers.pop("content-encoding", None)
    return response


def _gone(kind: type[T], stream_id: int, message: str) -> T:
    """Return what tells one side that the other is gone. Its code is a status in mitmproxy 11, and a name in 12."""
    return kind(stream_id, message, kind.code)
