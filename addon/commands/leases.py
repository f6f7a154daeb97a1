"""A proxy that lives as long as somebody uses it: who does holds a connection to it, and with the last one it ends.

A connection ends with the process that holds it, however that process dies, so nothing has to be looked after.
"""

import asyncio
import contextlib
import json
import os
import secrets
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

VARIABLE = "HEADROOM_LEASES"
"""Tells a new proxy, as JSON, the file to be found by and the settings it was started with."""
_SECONDS_TO_FIRST = 60.0
"""How long a proxy waits for whoever started it."""
_SECONDS_TO_END = 10.0
_GREETING = b"ok\n"


@dataclass(frozen=True, slots=True)
class Address:
    """Where such a proxy is, and the word that it wants to hear. Its file is readable to the user alone."""

    proxy: str
    port: int
    word: str
    settings: tuple[str, ...]
    """With which ``--set`` it was started: others may want others."""

    def write(self, file: Path) -> None:
        """Write it, whole from the first moment that it can be seen."""
        temporary = file.with_suffix(".tmp")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(asdict(self), out)
        temporary.replace(file)

    @classmethod
    def read(cls, file: Path) -> "Address | None":
        """Return what the file says; None if it is not there or not whole."""
        try:
            told = json.loads(file.read_text(encoding="utf-8"))
            return cls(str(told["proxy"]), int(told["port"]), str(told["word"]), tuple(told["settings"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


class Lease:
    """Keeps a proxy alive until it is given back."""

    def __init__(self, connection: socket.socket, address: Address) -> None:
        self._connection = connection
        self.proxy = address.proxy

    @classmethod
    def take(cls, address: Address) -> "Lease | None":
        """Return a lease; None if the proxy has ended, or is about to."""
        host = urlsplit(address.proxy).hostname or "127.0.0.1"
        try:
            connection = socket.create_connection((host, address.port), timeout=_SECONDS_TO_END)
        except OSError:
            return None
        with contextlib.suppress(OSError):
            connection.sendall(address.word.encode() + b"\n")
            if connection.recv(len(_GREETING)) == _GREETING:
                return cls(connection, address)
        connection.close()
        return None

    def give_back(self) -> None:
        """Let go. If nobody else uses the proxy, return when it has ended."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_WR)
            self._connection.recv(1)  # the other side closes: at once, or with its process
        self._connection.close()


class Leases:
    """The proxy's side, inside its event loop."""

    def __init__(self, file: Path, settings: tuple[str, ...], end: Callable[[], None]) -> None:
        self._file = file
        self._settings = settings
        self._end = end
        self._word = secrets.token_urlsafe()
        self._held = 0
        self._server: asyncio.Server | None = None
        self._last: list[asyncio.StreamWriter] = []

    async def open(self, proxy: str) -> None:
        """Wait for users, and say where."""
        host = urlsplit(proxy).hostname
        self._server = await asyncio.start_server(self._serve, host, 0)
        port = self._server.sockets[0].getsockname()[1]
        Address(proxy, port, self._word, self._settings).write(self._file)
        asyncio.get_running_loop().call_later(_SECONDS_TO_FIRST, self._end_if_unused)

    def close(self) -> None:
        """Be found no more."""
        for file in (self._file, self._file.with_suffix(".log")):
            with contextlib.suppress(OSError):  # some systems do not remove what is open
                file.unlink(missing_ok=True)
        if self._server is not None:
            self._server.close()

    def forget(self) -> None:
        """Let the last user go, as the end of the process does."""
        for writer in self._last:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._knows_the_word(reader):
            writer.close()
            return
        self._held += 1
        with contextlib.suppress(OSError):
            writer.write(_GREETING)
            await reader.read()  # until the other side ends
        self._held -= 1
        if self._held:
            writer.close()
            return
        self._last.append(writer)  # stays open until this process is gone: whoever was last is waiting for that
        self._end_if_unused()

    async def _knows_the_word(self, reader: asyncio.StreamReader) -> bool:
        try:
            said = await reader.readline()
        except (OSError, ValueError):
            return False
        return secrets.compare_digest(said.rstrip(b"\n"), self._word.encode())

    def _end_if_unused(self) -> None:
        if not self._held:
            self.close()
            self._end()
