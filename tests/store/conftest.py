"""Real stores: a file below ``tmp_path``, and a redis-server on a free port of the loopback."""

import contextlib
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headroom_mitm.store import Store, open_store

OpenStore = Callable[..., Store]


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


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests that do not stop it. What one test leaves there, another may meet."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that a test may stop and start. It is not running yet."""
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def opened() -> Iterator[OpenStore]:
    """``open_store``; what it opened is closed after the test."""
    with contextlib.ExitStack() as stack:

        def opened(url: str, **options: object) -> Store:
            return stack.enter_context(contextlib.closing(open_store(url, **options)))  # type: ignore[arg-type]

        yield opened


class HandClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()
