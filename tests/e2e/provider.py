"""A stand-in for the LLM providers on loopback: strict, scripted by the test, and it keeps what it received."""

import asyncio
import dataclasses
import json
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import aiohttp.web
import strict_anthropic
import strict_gemini
import strict_openai_chat
import strict_openai_responses
import zstandard
from aiohttp.web import Request, StreamResponse
from answers import Answer, Json, RefusedError
from mitmproxy.net import encoding

# Path -> format, and whether the path itself says that the answer is streamed.
ROUTES: tuple[tuple[re.Pattern[str], ModuleType, bool], ...] = (
    (re.compile(r"/v1/messages"), strict_anthropic, False),
    (re.compile(r"(/api|/openai)?/v1/chat/completions"), strict_openai_chat, False),
    (re.compile(r"/v1/responses|/backend-api/codex/responses"), strict_openai_responses, False),
    (re.compile(r"/v1(beta)?/models/[^:]+:generateContent"), strict_gemini, False),
    (re.compile(r"/v1(beta)?/models/[^:]+:streamGenerateContent"), strict_gemini, True),
)


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it reached the provider, byte for byte."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    raw: bytes
    at: float
    """``time.perf_counter`` when the last byte was there."""

    def header(self, name: str) -> str:
        """Value of a header, empty if it is not there."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def body(self) -> bytes:
        """The body without its content-encoding."""
        coding = self.header("content-encoding") or "identity"
        if coding == "zstd":
            return zstandard.ZstdDecompressor().decompressobj().decompress(self.raw)
        decoded = encoding.decode(self.raw, coding)
        assert isinstance(decoded, bytes)
        return decoded

    @property
    def json(self) -> Json:
        """The body, parsed."""
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value


Step = Answer | Callable[[Received], Answer]
"""What the model answers to the next request, or how it makes it up from that request."""


class Provider:
    """Runs in a thread of its own. ``received`` and ``refused`` only grow."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.refused: list[str] = []
        """Why requests were answered with 400, as the real API would have."""
        self.port = 0
        self._script: list[Step] = []
        self._loop = asyncio.new_event_loop()
        self._gate = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def script(self, *steps: Step) -> Self:
        """Say what the model answers to the next requests, in order; afterwards it says ``ok``."""
        self._script = list(steps)
        return self

    def take_script(self) -> list[Step]:
        """Return what is still to be answered; until there is a new script the model says ``ok``."""
        steps, self._script = self._script, []
        return steps

    def release(self) -> None:
        """Let the stream that is held go on."""
        self._loop.call_soon_threadsafe(self._gate.set)

    @property
    def bodies(self) -> list[bytes]:
        """The decoded bodies received, in order."""
        return [request.body for request in self.received]

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Listen on a free port of loopback until the block ends."""
        self._thread.start()
        runner = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        try:
            yield self
        finally:
            self.release()
            asyncio.run_coroutine_threadsafe(runner.cleanup(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _listen(self) -> aiohttp.web.AppRunner:
        app = aiohttp.web.Application(client_max_size=2**30)
        app.router.add_route("*", "/{path:.*}", self._handle)
        # What arrives is kept as it came, so nothing is decoded on the way in.
        runner = aiohttp.web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1, access_log=None)
        await runner.setup()
        site = aiohttp.web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        return runner

    async def _handle(self, request: Request) -> StreamResponse:
        raw = await request.read()
        headers = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in request.raw_headers)
        received = Received(request.method, request.raw_path, headers, raw, time.perf_counter())
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self._socket(request, received)
        self.received.append(received)
        kept = strict_openai_responses.page(request.path) if request.method == "GET" else None
        if kept is not None:
            return aiohttp.web.json_response(kept)
        route = next((route for route in ROUTES if route[0].fullmatch(request.path)), None)
        if route is None:
            return aiohttp.web.json_response({"error": "no such path"}, status=404)
        return await self._reply(request, received, route[1], route[2])

    async def _reply(self, request: Request, received: Received, wire: Any, streamed: bool) -> StreamResponse:
        try:
            body = received.json
            wire.check(body)
        except (RefusedError, ValueError, AssertionError) as error:
            self.refused.append(str(error))
            return aiohttp.web.json_response(wire.refusal(400, str(error)), status=400)
        step = self._script.pop(0) if self._script else Answer()
        answer = step(received) if callable(step) else step
        if answer.status != 200:
            return aiohttp.web.json_response(wire.refusal(answer.status, "as scripted"), status=answer.status)
        if streamed and request.query.get("alt") != "sse":
            return await self._stream(request, answer, wire.items(body, answer), "application/json; charset=UTF-8")
        if streamed or body.get("stream"):
            return await self._stream(request, answer, wire.events(body, answer))
        return aiohttp.web.json_response(wire.whole(body, answer))

    async def _socket(self, request: Request, opened: Received) -> StreamResponse:
        """Answer frames that ask where prompts go; repeat all others, and all elsewhere."""
        socket = aiohttp.web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            data = message.data.encode() if message.type is aiohttp.WSMsgType.TEXT else message.data
            received = dataclasses.replace(opened, raw=data, at=time.perf_counter())
            self.received.append(received)
            is_request = ROUTES[2][0].fullmatch(request.path) and strict_openai_responses.ASKS in data
            for frame in self._frames(received) if is_request else [data]:
                await (socket.send_bytes if message.type is aiohttp.WSMsgType.BINARY else _text_to(socket))(frame)
        return socket

    def _frames(self, received: Received) -> Iterator[bytes]:
        """The answer to a frame that is a request."""
        wire = strict_openai_responses
        body = received.json
        try:
            wire.check_frame(body)
        except (RefusedError, AssertionError) as error:
            self.refused.append(str(error))
            yield wire.refused_frame(400, str(error))
            return
        warm_up = body.get("generate") is False
        step = Answer(()) if warm_up else self._script.pop(0) if self._script else Answer()
        answer = step(received) if callable(step) else step
        if answer.status != 200:
            yield wire.refused_frame(answer.status, "as scripted")
        else:
            yield from wire.frames(body, answer)

    async def _stream(
        self,
        request: Request,
        answer: Answer,
        events: Iterator[bytes],
        content_type: str = "text/event-stream; charset=utf-8",
    ) -> StreamResponse:
        self._gate.clear()
        headers = {"content-type": content_type, "cache-control": "no-cache"}
        response = StreamResponse(headers=headers)
        await response.prepare(request)
        for number, event in enumerate(events):
            if number == answer.hold:
                await self._gate.wait()
            if number == answer.cut:
                assert request.transport is not None
                request.transport.abort()
                break
            if answer.pause and number:
                await asyncio.sleep(answer.pause)
            await response.write(event)
        else:
            await response.write_eof()
        return response


def _text_to(socket: aiohttp.web.WebSocketResponse) -> Callable[[bytes], Awaitable[None]]:
    return lambda data: socket.send_str(data.decode())
