"""A real redis-server for tests."""

import shutil
import socket
import subprocess
from pathlib import Path

import pytest


class RedisServer:
    """A redis-server of the test's own. It keeps nothing on disk, so that a restart forgets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[str] | None = None

    def start(self, *options: str) -> None:
        """Return when it takes connections; ``options`` come last and win."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail(
                "redis-server is not installed: scripts/test installs it, or install your system's package of it"
            )
        arguments = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(self.folder), *options]
        self._process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if "Ready to accept connections" in line:
                return
        pytest.fail(f"redis-server did not start:\n{''.join(said)}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=10)
            self._process = None
