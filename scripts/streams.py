"""What the addon does to streams: time to the first event and delay of each, beside mitmdump that streams by itself.

All get the same load in turn: many streams at once, 40 events each, 50 ms apart, over TLS on loopback. Every answer is
watched by the addon, since the requests declare tools; none of them calls ours. A second mitmdump of the same kind
tells what is noise, for the first event and for the delay of all: each ratio is the median of the rounds, with the
lowest and the highest of them. What is computed for a stream, from its connection to its end, is told as well: time is
also spent waiting where a machine has other things to do. With ``--rate`` streams begin one after the other instead, as
users have them: so many a second, at random. With ``--think`` the provider takes so long to its first event, as a model
does that reads a prompt.
"""

import argparse
import asyncio
import functools
import itertools
import json
import random
import re
import ssl
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))

from client import ANTHROPIC
from proxy import ADDON, Mitmdump, running

EVENTS, PAUSE = 40, 0.05
SENT_AT = re.compile(rb"sent (\d+);")
STREAMS = """
def responseheaders(flow):
    flow.response.stream = "event-stream" in flow.response.headers.get("content-type", "")
"""
_numbers = itertools.count()


def body(*, is_new: bool) -> bytes:
    """Return a request: the same as all others, or the first of a conversation that nobody has begun yet."""
    asked = f"Tell me story {next(_numbers)}." if is_new else "Tell me a story."
    return json.dumps(
        {
            "model": "m",
            "max_tokens": 1000,
            "stream": True,
            "tools": [{"name": "Bash", "input_schema": {"type": "object"}}],
            "messages": [{"role": "user", "content": asked}],
        }
    ).encode()


def event(name: str, **data: object) -> bytes:
    """Return an event as the provider writes it."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def story() -> list[bytes]:
    """Return an answer's events; those with text say when they were sent."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "content": [], "usage": {"input_tokens": 9}}
    delta = {"type": "text_delta", "text": "sent @@; and so it went on for a while"}
    return [
        event("message_start", message=message),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *[event("content_block_delta", index=0, delta=delta)] * EVENTS,
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": EVENTS}),
        event("message_stop"),
    ]


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, think: float = 0.0) -> None:
    """Answer one request, after so many seconds, slowly, and close."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    await reader.readexactly(int(length[1]) if length else 0)
    await asyncio.sleep(think)
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n")
    for piece in story():
        if b"@@" in piece:
            await asyncio.sleep(PAUSE)
        writer.write(piece.replace(b"@@", b"%d" % time.monotonic_ns()))
        await writer.drain()
    writer.close()


@asynccontextmanager
async def connected(proxy: Mitmdump) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to the provider's name, through the proxy."""
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(f"CONNECT {ANTHROPIC}:443 HTTP/1.1\r\nhost: {ANTHROPIC}\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    await writer.start_tls(ssl.create_default_context(cafile=str(proxy.ca)), server_hostname=ANTHROPIC)
    try:
        yield reader, writer
    finally:
        writer.close()


async def listen(proxy: Mitmdump, ready: asyncio.Barrier, request: bytes, at: float) -> tuple[float, list[float]]:
    """Return the time to the first event and the delays of all with text, in milliseconds.

    ``at``: seconds after all are connected.
    """
    async with connected(proxy) as (reader, writer):
        await ready.wait()
        await asyncio.sleep(at)
        began, first, delays, seen = time.monotonic_ns(), 0.0, [], b""
        head = f"POST /v1/messages HTTP/1.1\r\nhost: {ANTHROPIC}\r\nx-api-key: k\r\n"
        writer.write(f"{head}content-length: {len(request)}\r\n\r\n".encode() + request)
        while piece := await reader.read(65_536):
            now = time.monotonic_ns()
            first = first or (now - began) / 1e6
            seen += piece
            found = list(SENT_AT.finditer(seen))
            delays += [(now - int(match[1])) / 1e6 for match in found]
            seen = seen[found[-1].end() :] if found else seen
            if b"message_stop" in seen:
                break
    return first, delays


class Measured:
    """Of one proxy, in milliseconds."""

    def __init__(self) -> None:
        self.rounds: list[float] = []
        """Median time to the first event, of each round."""
        self.delays: list[float] = []
        """Median delay of an event, of each round."""
        self.computed: list[float] = []
        """For one stream, of each round."""

    @property
    def first(self) -> float:
        """Time to the first event."""
        return statistics.median(self.rounds)

    @property
    def delay(self) -> float:
        """Delay of an event."""
        return statistics.median(self.delays)

    def against(self, other: "Measured") -> tuple[str, str]:
        """Say how much longer the first event takes than with another proxy, and each event."""
        return _ratios(self.rounds, other.rounds), _ratios(self.delays, other.delays)


def _ratios(ones: Sequence[float], others: Sequence[float]) -> str:
    ratios = [one / other for one, other in zip(ones, others, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def beginnings(count: int, rate: float, seed: int) -> list[float]:
    """Return when streams begin, in seconds: all at once for a rate of 0."""
    chance = random.Random(seed)
    return list(itertools.accumulate(chance.expovariate(rate) if rate else 0.0 for _ in range(count)))


async def measure(
    proxies: list[Mitmdump], count: int, rounds: int, *, is_new: bool = True, rate: float = 0.0
) -> list[Measured]:
    """Return what each proxy takes. ``rate``: streams that begin in a second; 0: all at once."""
    results = [Measured() for _ in proxies]
    for number in range(rounds):
        for which in range(len(proxies)) if number % 2 else reversed(range(len(proxies))):
            proxy, found = proxies[which], results[which]
            ready, before = asyncio.Barrier(count), proxy.cpu_milliseconds
            streams = [listen(proxy, ready, body(is_new=is_new), at) for at in beginnings(count, rate, number)]
            heard = await asyncio.gather(*streams)
            found.rounds.append(statistics.median(first for first, _ in heard))
            found.delays.append(statistics.median(delay for _, late in heard for delay in late))
            found.computed.append((proxy.cpu_milliseconds - before) / count)
    return results


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 50, 200], help="how many at once")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions of each")
    parser.add_argument("--alike", action="store_true", help="all ask the same, so all but the first are known")
    parser.add_argument("--rate", type=float, default=0.0, help="streams that begin in a second, at random")
    parser.add_argument("--think", type=float, default=0.0, help="seconds that the provider takes to its first event")
    chosen = parser.parse_args()
    answering = functools.partial(answer, think=chosen.think)
    server = await asyncio.start_server(answering, "127.0.0.1", 0, backlog=1000)
    port = server.sockets[0].getsockname()[1]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plain = folder / "streams.py"
        plain.write_text(STREAMS, encoding="utf-8")
        proxies = [
            stack.enter_context(running(Mitmdump(folder / name, folder / "confdir", port, (script,)), show_log=False))
            for name, script in (("plain", plain), ("again", plain), ("ours", ADDON))
        ]
        print(f"{'streams, ms':13}", end="")
        for head in ("first", "delay"):
            print(f"{head:>8}{'ours':>8}  {'plain again':21}{'ours':21}", end="")
        print(*(f"{head:>7}" for head in ("CPU", "ours", "MiB", "ours")))
        await measure(proxies, 1, 2, is_new=not chosen.alike)  # what is loaded with the first request is not told
        for count in chosen.streams:
            one, again, ours = await measure(proxies, count, chosen.rounds, is_new=not chosen.alike, rate=chosen.rate)
            (first_again, delay_again), (first, delay) = again.against(one), ours.against(one)
            print(f"{count:<13}{one.first:8.2f}{ours.first:8.2f}  {first_again:21}{first:21}", end="")
            print(f"{one.delay:8.2f}{ours.delay:8.2f}  {delay_again:21}{delay:21}", end="")
            computed = (statistics.median(found.computed) for found in (one, ours))
            memory = (proxies[which].resident_kib / 1024 for which in (0, 2))
            print(*(f"{cell:7.2f}" for cell in (*computed, *memory)), flush=True)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
