"""Whether a worker takes requests, for the balancer before it, and how one is taken out without cutting a stream."""

import asyncio
import contextlib
import logging
import signal
import time
from http import HTTPStatus

from mitmproxy import connection, ctx, http

from headroom_mitm import tokens
from headroom_mitm.answers import LEG_OF
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.sockets import SOCKET
from headroom_mitm.wire.replies import FRAMES
from headroom_mitm.wire.reported import is_end

logger = logging.getLogger(__name__)

PATH = "/health"
_LEAVE = getattr(signal, "SIGUSR1", None)
"""None on Windows."""
TOLD_SECONDS = 5.0
"""A balancer that looks every second has seen then that it is to send nothing more: no client finds the door shut."""
MOST_SECONDS = 900.0
"""So long an answer may go on that began before; agents give up earlier."""
ASKS_SECONDS = 10.0
"""So long a client that has connected may take until it asks: two handshakes come first."""


class Awaited:
    """Knows who waits for an answer, and who may be about to ask."""

    def __init__(self) -> None:
        self.answers: set[tuple[str, str]] = set()
        """By flow, and by the conversation in a socket."""
        self._silent: dict[str, float] = {}
        """When clients have connected that have asked nothing yet."""
        self._has_changed = asyncio.Event()

    def client_connected(self, client: connection.Client) -> None:
        """Somebody may be about to ask."""
        self._silent[client.id] = time.monotonic()

    def client_disconnected(self, client: connection.Client) -> None:
        """Somebody is gone."""
        self._silent.pop(client.id, None)
        self._has_changed.set()

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """An answer is awaited."""
        if LEG_OF not in flow.metadata:
            self.answers.add((flow.id, ""))
            self._silent.pop(flow.client_conn.id, None)

    def response(self, flow: http.HTTPFlow) -> None:
        """An answer is over."""
        self._end(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """An answer is over, badly."""
        self._end(flow)

    def websocket_message(self, flow: http.HTTPFlow) -> None:
        """A frame asks for an answer, or ends one. One that is dropped is not the last that the client sees."""
        if flow.websocket is None or SOCKET not in flow.metadata:
            return
        message, frames = flow.websocket.messages[-1], FRAMES[flow.metadata[SOCKET]]
        with contextlib.suppress(UnreadableBody):
            if message.from_client and frames.asks(message.content):
                self.answers.add((flow.id, frames.stream_of(message.content)))
            elif not message.from_client and not message.dropped and is_end(message.content):
                self._end(flow, frames.stream_of(message.content))

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """Nothing comes in this socket any more."""
        for _, stream in [key for key in self.answers if key[0] == flow.id]:
            self._end(flow, stream)

    async def nobody(self) -> None:
        """Return when nobody waits, and all who have connected have asked or had the time to."""
        while (left := self._given()) is not None or self.answers:
            self._has_changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._has_changed.wait()

    def _given(self) -> float | None:
        """For how long who has connected first may still ask, in seconds; None: all have, or had the time to."""
        since = time.monotonic() - ASKS_SECONDS
        self._silent = {client: at for client, at in self._silent.items() if at > since}
        return min(self._silent.values()) - since if self._silent else None

    def _end(self, flow: http.HTTPFlow, stream: str = "") -> None:
        self.answers.discard((flow.id, stream))
        self._has_changed.set()


class Health:
    """Answers ``GET /health`` on the proxy's own port, and leaves on SIGUSR1 when the last answer is over.

    A worker that has just been started, on a machine that is busy, would let its first prompts pass as they came.
    """

    def __init__(self) -> None:
        self._awaited = Awaited()
        self._leaving: asyncio.Task[None] | None = None
        self.addons = [self._awaited]

    def running(self) -> None:
        """Listen to who asks to leave."""
        if _LEAVE is not None:
            with contextlib.suppress(RuntimeError, ValueError):  # only a process's first thread is told of signals
                asyncio.get_running_loop().add_signal_handler(_LEAVE, self.drain)

    def done(self) -> None:
        """Listen no longer."""
        if _LEAVE is not None:
            with contextlib.suppress(RuntimeError, ValueError):
                asyncio.get_running_loop().remove_signal_handler(_LEAVE)

    def request(self, flow: http.HTTPFlow) -> None:
        """Say how it is, to whoever asks the proxy itself: there is nothing in it that others may not know."""
        request = flow.request
        # Who asks through the proxy for another's page of that name gives a whole address.
        if request.method != "GET" or request.path != PATH or request.authority or request.scheme != "http":
            return
        status, text = self._state
        flow.response = http.Response.make(status, text, {"content-type": "text/plain", "cache-control": "no-store"})

    @property
    def _state(self) -> tuple[int, str]:
        if self._leaving is not None:
            return HTTPStatus.SERVICE_UNAVAILABLE, "leaving\n"
        if not tokens.encoding.cache_info().currsize:  # the service loads it as it begins
            return HTTPStatus.SERVICE_UNAVAILABLE, "starting\n"
        return HTTPStatus.OK, "ok\n"

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Have a client that is answered while we leave ask on elsewhere: its connection ends with the answer."""
        response = flow.response
        if self._leaving is None or response is None or response.status_code < HTTPStatus.OK:
            return
        if flow.request.http_version.startswith("HTTP/1"):
            response.headers["connection"] = "close"

    def drain(self) -> None:
        """Tell the balancer, then take no new connections; end when no answer is awaited any more."""
        if self._leaving is None:
            logger.info("headroom: leaving, %d answers are awaited", len(self._awaited.answers))
            self._leaving = asyncio.get_running_loop().create_task(self._leave())

    async def _leave(self) -> None:
        await asyncio.sleep(TOLD_SECONDS)
        ctx.options.update(server=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOST_SECONDS):
                await self._awaited.nobody()
        ctx.master.shutdown()
