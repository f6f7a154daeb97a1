"""A server that speaks no Redis."""

import socket
import threading
from contextlib import suppress

REPLIES = (
    *(b"+OK\r\n", b"-ERR no\r\n", b"-LOADING x\r\n", b"-MOVED 1 127.0.0.1:1\r\n", b":1\r\n", b":x\r\n", b"$-1\r\n"),
    *(
        b"$3\r\nabc\r\n",
        b"$0\r\n\r\n",
        b"$x\r\n",
        b"*0\r\n",
        b"*-1\r\n",
        b"*1\r\n$3\r\nabc\r\n",
        b"*2\r\n:1\r\n$-1\r\n",
    ),
    *(
        b"*3\r\n$1\r\na\r\n:2\r\n*1\r\n+x\r\n",
        b"_\r\n",
        b"%1\r\n+a\r\n+b\r\n",
        b"HTTP/1.1 400 Bad\r\n\r\n",
        b"\r\n",
        b"\x00",
    ),
    *(
        b"*2\r\n$16\r\n0123456789abcdef\r\n$3\r\n1.5\r\n",
        b"*2\r\n+a\r\n",
        b"+\xff\xfe\r\n",
        b"#t\r\n",
        b"*1\r\n*1\r\n:1\r\n",
    ),
)
"""Of Redis' forms, and of none."""
MOST = 60
"""Commands of a batch, batches of a connection: nobody waits for an answer that does not come."""


class LyingServer:
    """Answers each batch with the next of some bytes, and the last of them for ever: more often than it was asked."""

    def __init__(self, *answers: bytes) -> None:
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            for number in range(MOST):
                if not client.recv(65_536):
                    return
                client.sendall(self._answers[min(number, len(self._answers) - 1)] * MOST)
