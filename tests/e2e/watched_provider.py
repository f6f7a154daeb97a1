"""A stand-in provider that knows its connections, notices when a request is given up, and writes streams oddly."""

import asyncio
import threading
import zlib
from collections.abc import Callable, Iterator

import aiohttp.web
from aiohttp.web import Request, StreamResponse
from answers import Answer
from provider import Provider

EVENT_STREAM = "text/event-stream; charset=utf-8"


class WatchedProvider(Provider):
    """``peers`` has the connection of each request; ``given_up`` is set when a request ends before its answer."""

    def __init__(self) -> None:
        super().__init__()
        self.peers: list[object] = []
        self.given_up = threading.Event()
        self.ignores = 0
        """Number of the request that is never answered; the first is 1."""
        self.on_ignored: Callable[[], None] = lambda: None
        self.gzips = False
        """Streams are compressed, whatever the request accepts."""
        self.announces_length = False
        """Streams are sent in one piece with its length."""

    async def _listen(self) -> aiohttp.web.AppRunner:
        app = aiohttp.web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", self._watch)
        runner = aiohttp.web.AppRunner(
            app, auto_decompress=False, shutdown_timeout=0.1, access_log=None, handler_cancellation=True
        )
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    async def _watch(self, request: Request) -> StreamResponse:
        assert request.transport is not None
        self.peers.append(request.transport.get_extra_info("peername"))
        try:
            if len(self.peers) == self.ignores:
                self.on_ignored()
                await asyncio.Event().wait()
            return await self._handle(request)
        except (asyncio.CancelledError, ConnectionError):
            self.given_up.set()
            raise

    async def _stream(self, request: Request, answer: Answer, events: Iterator[bytes]) -> StreamResponse:
        if self.gzips:
            return await self._gzipped(request, events)
        if self.announces_length:
            body = b"".join(events)
            return aiohttp.web.Response(body=body, headers={"content-type": EVENT_STREAM})
        return await super()._stream(request, answer, events)

    async def _gzipped(self, request: Request, events: Iterator[bytes]) -> StreamResponse:
        response = StreamResponse(headers={"content-type": EVENT_STREAM, "content-encoding": "gzip"})
        await response.prepare(request)
        state = zlib.compressobj(wbits=31)
        for event in events:
            await response.write(state.compress(event) + state.flush(zlib.Z_SYNC_FLUSH))
        await response.write(state.flush())
        await response.write_eof()
        return response
