"""A real redis-server for tests."""

import shutil
import subprocess
import threading
from pathlib import Path

import pytest
import redis
from ports import free_port


class RedisServer:
    """A redis-server of the test's own. It keeps nothing on disk, so that a restart forgets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self, *options: str) -> None:
        """Return when it takes connections; ``options`` come last and win."""
        program = shutil.which("redis-server")
        if program is None:
            pytest.fail(
                "redis-server is not installed: scripts/test installs it, or install your system's package of it"
            )
        arguments = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--dir", str(self.folder), *options]
        self._run([program, *arguments], "Ready to accept connections")

    def start_sentinel(self, config: Path) -> None:
        """Return when it watches; the server is then not one for data."""
        program = shutil.which("redis-server")
        assert program is not None
        self._run([program, str(config), "--sentinel"], "Sentinel ID is")

    def flush(self) -> None:
        """Forget all."""
        with redis.Redis(port=self.port) as client:
            client.flushall()

    def delete(self, pattern: str) -> None:
        """Remove what has such a name, as an eviction does."""
        with redis.Redis(port=self.port) as client:
            client.delete(*client.keys(pattern))

    @property
    def is_running(self) -> bool:
        return self._process is not None

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._wait(self._process)

    def kill(self) -> None:
        """End it with no chance to say goodbye."""
        if self._process is not None:
            self._process.kill()
            self._wait(self._process)

    def send(self, number: int) -> None:
        """Send it a signal: one that is stopped takes connections and does not answer."""
        assert self._process is not None
        self._process.send_signal(number)

    def _run(self, command: list[str], ready: str) -> None:
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if ready in line:
                # What it says from now on must not fill the pipe.
                self._reader = threading.Thread(target=self._process.stdout.read, daemon=True)
                self._reader.start()
                return
        pytest.fail(f"redis-server did not start:\n{''.join(said)}")

    def _wait(self, process: subprocess.Popen[str]) -> None:
        process.wait(timeout=10)
        if self._reader is not None:
            self._reader.join()
        assert process.stdout is not None
        process.stdout.close()
        self._process = None
