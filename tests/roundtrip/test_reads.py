"""A client's bytes come as they were sent, in pieces that mitmproxy takes whole."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest
from mitmproxy import tls
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.connection import Client
from mitmproxy.options import Options
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.proxy.server import SimpleConnectionHandler
from mitmproxy.test import taddons

from headroom_mitm.roundtrip.reads import TAKEN, Reads, limit

SENT = bytes(range(251)) * 4_000  # a megabyte
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connected() -> AsyncIterator[tuple[Ends, asyncio.StreamWriter]]:
    """Give what the proxy has of a connection, and what its client writes to."""
    accepted: asyncio.Queue[Ends] = asyncio.Queue()
    server = await asyncio.start_server(lambda *ends: accepted.put_nowait(ends), "127.0.0.1", 0)
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    ends = await accepted.get()
    yield ends, writer
    for one in (writer, ends[1]):
        one.close()
        await one.wait_closed()
    server.close()


async def _sizes_read(reader: asyncio.StreamReader) -> list[int]:
    """Return how many bytes lie there each time that something has come."""
    received, sizes = b"", []
    while len(received) < len(SENT):
        piece = await reader.read(len(SENT))
        sizes.append(len(piece))
        received += piece
    assert received == SENT
    return sizes


def _established(client: Client) -> tls.TlsData:
    return tls.TlsData(client, Context(client, Options()))


@pytest.mark.parametrize("is_known", [True, False], ids=["decrypted", "gone already"])
def test_a_piece_is_what_mitmproxy_takes(*, is_known: bool) -> None:
    async def read() -> list[int]:
        proxy = Proxyserver()
        with taddons.context(proxy):
            async with connected() as ((reader, writer), client):
                handler = SimpleConnectionHandler(reader, writer, Options(), ProxyMode.parse("regular"), {})
                if is_known:
                    proxy.connections[handler.client.id] = handler
                usual = writer.transport.max_size
                Reads().tls_established_client(_established(handler.client))
                assert writer.transport.max_size == (TAKEN if is_known else usual)
                client.write(SENT)
                return await _sizes_read(reader)

    sizes = asyncio.run(read())
    assert not is_known or max(sizes) <= TAKEN


@pytest.mark.parametrize("transport", [None, SimpleNamespace(), SimpleNamespace(max_size=100)], ids=repr)
def test_what_is_no_such_connection_is_left_alone(transport: object) -> None:
    before = vars(transport).copy() if transport is not None else None
    limit(transport)
    assert transport is None or vars(transport) == before
