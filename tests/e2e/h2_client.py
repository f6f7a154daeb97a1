"""A client that speaks HTTP/2 through the proxy: one connection, several requests at once."""

import socket
import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import h2.config
import h2.connection
import h2.events
from client import ANTHROPIC, PATIENCE
from proxy import Mitmdump


class Http2Client:
    """Open for the length of a ``with`` block."""

    def __init__(self, proxy: Mitmdump, host: str = ANTHROPIC) -> None:
        self._host = host
        plain = socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE)
        plain.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nhost: {host}:443\r\n\r\n".encode())
        assert b" 200 " in plain.recv(4096)
        context = ssl.create_default_context(cafile=str(proxy.ca))
        context.set_alpn_protocols(["h2"])
        self._socket = context.wrap_socket(plain, server_hostname=host)
        assert self._socket.selected_alpn_protocol() == "h2"
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self._connection.initiate_connection()
        self._send()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def post(self, path: str, bodies: Sequence[bytes]) -> list[bytes]:
        """Send requests all at once; return the bodies of their answers."""
        answers = {self._begin(path, body): b"" for body in bodies}
        waiting = set(answers)
        while waiting:
            for event in self._connection.receive_data(self._socket.recv(1 << 16)):
                if isinstance(event, h2.events.DataReceived):
                    assert event.data is not None
                    answers[event.stream_id] += event.data
                    self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded | h2.events.StreamReset):
                    waiting.discard(event.stream_id)
            self._send()
        return list(answers.values())

    def reset(self, path: str, body: bytes, after: bytes) -> None:
        """Send a request and give it up when these bytes have come."""
        stream_id, received = self._begin(path, body), b""
        while after not in received:
            for event in self._connection.receive_data(self._socket.recv(1 << 16)):
                if isinstance(event, h2.events.DataReceived):
                    assert event.data is not None
                    received += event.data
        self._connection.reset_stream(stream_id)
        self._send()

    def _begin(self, path: str, body: bytes) -> int:
        stream_id: int = self._connection.get_next_available_stream_id()
        head = {":method": "POST", ":path": path, ":authority": self._host, ":scheme": "https"}
        head |= {"content-type": "application/json", "x-api-key": "sk-ant-api03-test"}
        self._connection.send_headers(stream_id, list(head.items()))
        self._connection.send_data(stream_id, body, end_stream=True)
        self._send()
        return stream_id

    def _send(self) -> None:
        self._socket.sendall(self._connection.data_to_send())
