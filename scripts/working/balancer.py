"""HAProxy before workers on loopback, by docs/deploy/haproxy.cfg as it stands: only addresses and ports are ours."""

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

CONFIG = Path(__file__).resolve().parent.parent.parent / "docs" / "deploy" / "haproxy.cfg"


def config(port: int, workers: Sequence[int], socket_path: Path, text: str | None = None) -> str:
    """Return what docs/deploy/haproxy.cfg says, for a port and workers of this machine."""
    text = CONFIG.read_text(encoding="ascii") if text is None else text
    text, replaced = re.subn(r"(?m)^(\s*)bind .*$", rf"\g<1>bind 127.0.0.1:{port}", text)
    lines = "\n".join(f"    server w{number} 127.0.0.1:{one}" for number, one in enumerate(workers, 1))
    text, servers = re.subn(r"(?m)^\s*server \S+ \S+.*$\n?", "", text)
    text, sockets = re.subn(r"(?m)^(\s*stats socket )\S+", rf"\g<1>{socket_path}", text)
    if not (replaced == 1 and servers and sockets == 1):
        raise ValueError("haproxy.cfg is not what it was")
    return f"{text.rstrip()}\n{lines}\n"


class Balancer:
    """HAProxy, from ``start`` to ``stop``."""

    def __init__(self, folder: Path, port: int, workers: Sequence[int]) -> None:
        self.port = port
        self._file, self._socket = folder / "haproxy.cfg", folder / "admin.sock"
        self._file.write_text(config(port, workers, self._socket), encoding="ascii")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Check the file, run it, and return when all workers take requests."""
        program = shutil.which("haproxy") or "/usr/sbin/haproxy"
        subprocess.run([program, "-c", "-q", "-f", self._file], check=True)
        self._process = subprocess.Popen([program, "-f", self._file], stderr=subprocess.DEVNULL)
        while not self._socket.exists() or {"UP"} != set(self.states().values()):
            if self._process.poll() is not None:
                raise RuntimeError("HAProxy has ended")
            threading.Event().wait(0.1)
        return self

    def states(self) -> dict[str, str]:
        """What HAProxy has found of each worker: UP once a check has passed."""
        rows = [line.split(",") for line in self.ask("show stat").splitlines() if line.startswith("workers,")]
        # Before the first check a worker counts as up, with no result of one.
        return {row[1]: row[17] if row[36] else "not looked at" for row in rows if row[1] != "BACKEND"}

    def connections(self) -> dict[str, int]:
        """How many connections each worker has had."""
        rows = [line.split(",") for line in self.ask("show stat").splitlines() if line.startswith("workers,")]
        return {row[1]: int(row[7]) for row in rows if row[1] != "BACKEND"}

    def ask(self, command: str) -> str:
        """Say something to HAProxy's socket."""
        with socket.socket(socket.AF_UNIX) as connection:
            try:
                connection.connect(str(self._socket))
            except OSError:
                return ""
            connection.sendall(command.encode() + b"\n")
            pieces = []
            while piece := connection.recv(65_536):
                pieces.append(piece)
        return b"".join(pieces).decode()

    @property
    def cpu_milliseconds(self) -> float:
        """What its processes have computed; one is the first one's child."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
