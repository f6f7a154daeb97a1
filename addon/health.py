"""Whether a worker takes requests, for the balancer before it, and how one is taken out without cutting a stream."""

import asyncio
import contextlib
import logging
import signal

from mitmproxy import ctx, http

from headroom_mitm.answers import LEG_OF

logger = logging.getLogger(__name__)

PATH = "/health"
_LEAVE = getattr(signal, "SIGUSR1", None)
"""None on Windows."""
TOLD_SECONDS = 3.0
"""A balancer that looks every second has seen then that it is to send nothing more: no client finds the door shut."""
MOST_SECONDS = 900.0
"""So long an answer may go on that began before; agents give up earlier."""


class Health:
    """Answers ``GET /health`` on the proxy's own port, and leaves on SIGUSR1 when the last answer is over."""

    def __init__(self) -> None:
        self._answering: set[str] = set()
        self._is_over = asyncio.Event()
        self._leaving: asyncio.Task[None] | None = None

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

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """An answer is awaited."""
        if LEG_OF not in flow.metadata:
            self._answering.add(flow.id)

    def response(self, flow: http.HTTPFlow) -> None:
        """An answer is over."""
        self._end(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """An answer is over, badly."""
        self._end(flow)

    def request(self, flow: http.HTTPFlow) -> None:
        """Say how it is, to whoever asks the proxy itself: there is nothing in it that others may not know."""
        request = flow.request
        # Who asks through the proxy for another's page of that name gives a whole address.
        if request.method != "GET" or request.path != PATH or request.authority or request.scheme != "http":
            return
        status, text = (503, "leaving\n") if self._leaving else (200, "ok\n")
        flow.response = http.Response.make(status, text, {"content-type": "text/plain", "cache-control": "no-store"})

    def drain(self) -> None:
        """Tell the balancer, then take no new connections; end when no answer is awaited any more."""
        if self._leaving is None:
            logger.info("headroom: leaving, %d answers are awaited", len(self._answering))
            self._leaving = asyncio.get_running_loop().create_task(self._leave())

    def _end(self, flow: http.HTTPFlow) -> None:
        self._answering.discard(flow.id)
        self._is_over.set()

    async def _leave(self) -> None:
        await asyncio.sleep(TOLD_SECONDS)
        ctx.options.update(server=False)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MOST_SECONDS):
                while self._answering:
                    self._is_over.clear()
                    await self._is_over.wait()
        ctx.master.shutdown()
