"""A plain client behind the proxy: it sends the bytes it is given, and says when which bytes came back."""

import contextlib
import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from proxy import Mitmdump

ANTHROPIC = "api.anthropic.com"
PATIENCE = 30  # seconds without a byte


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    pieces: tuple[bytes, ...] = ()
    """The body as it arrived."""

    @property
    def json(self) -> dict[str, object]:
        """The body, parsed."""
        value = json.loads(self.body)
        assert isinstance(value, dict)
        return value

    @property
    def events(self) -> list[dict[str, object]]:
        """The data of all server-sent events, in order."""
        return list(sse_data(self.body))


def sse_data(body: bytes) -> Iterator[dict[str, object]]:
    """Yield the JSON of each server-sent event; comments and ``[DONE]`` are passed over."""
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        data = b"\n".join(line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:"))
        if data and data != b"[DONE]":
            yield json.loads(data)


@dataclass(slots=True)
class Client:
    """One connection to one host, kept open as clients do."""

    proxy: Mitmdump
    host: str = ANTHROPIC
    _connection: http.client.HTTPSConnection | None = field(default=None)

    def connect(self) -> http.client.HTTPSConnection:
        """Return the open connection: through the proxy, trusting only its CA."""
        if self._connection is None:
            context = ssl.create_default_context(cafile=str(self.proxy.ca))
            self._connection = http.client.HTTPSConnection(
                "127.0.0.1", self.proxy.port, timeout=PATIENCE, context=context
            )
            self._connection.set_tunnel(self.host, 443)
        return self._connection

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def post(
        self,
        path: str,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        on_piece: Callable[[bytes], None] = lambda _: None,
        method: str = "POST",
    ) -> Reply:
        """Send a request; ``on_piece`` is called with each piece of the answer when it arrives."""
        connection = self.connect()
        sent = {"content-type": "application/json", "x-api-key": "sk-ant-api03-test", **(headers or {})}
        connection.request(method, path, body, sent)
        response = connection.getresponse()
        pieces = []
        while piece := response.read1(1 << 16):
            pieces.append(piece)
            on_piece(piece)
        response.close()  # read1 does not tell the connection that it may be used again
        found = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, found, b"".join(pieces), tuple(pieces))

    def get(self, path: str) -> Reply:
        """Read what the provider keeps."""
        return self.post(path, b"", method="GET")

    def post_cut(self, path: str, body: bytes) -> bytes:
        """Send a request whose answer breaks off; return what came of it."""
        received = bytearray()
        with contextlib.suppress(http.client.HTTPException, OSError):
            self.post(path, body, on_piece=received.extend)
        self.close()
        return bytes(received)

    def seconds(self, path: str, body: bytes, headers: Mapping[str, str] | None = None) -> float:
        """How long a request and its answer take."""
        began = time.perf_counter()
        self.post(path, body, headers)
        return time.perf_counter() - began


Connect = Callable[..., Client]
"""The fixture: ``connect(proxy, host)``."""


def certificate_through(proxy: Mitmdump, port: int) -> bytes:
    """The certificate (DER) that a client of ``localhost:port`` meets behind the proxy."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE) as connection:
        connection.sendall(b"CONNECT localhost:%d HTTP/1.1\r\nhost: localhost:%d\r\n\r\n" % (port, port))
        answer = connection.recv(4096)
        assert b" 200 " in answer.split(b"\r\n")[0] + b" ", answer
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with context.wrap_socket(connection, server_hostname="localhost") as secured:
            found = secured.getpeercert(binary_form=True)
    assert found is not None
    return found
