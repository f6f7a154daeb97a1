"""A redis-server behind a relay that holds answers back: for a while each, or for ever after so many questions."""

import contextlib
import socket
import threading
import time
from pathlib import Path

from redis_server import RedisServer


class SlowRedis:
    """What connects to ``url`` talks to a real server; how late its answers come can be changed at any moment."""

    def __init__(self, folder: Path) -> None:
        self.server = RedisServer(folder)
        self.delay = 0.0
        """Seconds before each piece of an answer."""
        self.answered = 0
        """Pieces of answers that have passed."""
        self.most = float("inf")
        """So many pieces pass; the rest is held back for ever."""
        self.cuts = False
        """The rest ends its connection instead."""
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"
        self._open: list[socket.socket] = []
        self._lock = threading.Lock()

    def start(self) -> None:
        self.server.start()
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self._listening.close()
        for one in self._open:
            one.close()
        self.server.stop()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self.server.port))
                self._open += [near, far]
                threading.Thread(target=self._pass, args=(near, far), daemon=True).start()
                threading.Thread(target=self._answer, args=(far, near), daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)

    def _answer(self, source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 20):
                time.sleep(self.delay)
                with self._lock:
                    is_lost = self.answered >= self.most
                    self.answered += not is_lost
                if not is_lost:
                    to.sendall(data)
                elif self.cuts:
                    break
            to.shutdown(socket.SHUT_WR)
