"""Fixtures: a stand-in provider, real mitmdumps with and without our addon, clients behind them."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from client import Client, Connect
from forked import Copy
from ports import free_port
from provider import Provider
from proxy import ADDON, Mitmdump, Start, running

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A provider that has received nothing yet."""
    with Provider().running() as stand_in:
        yield stand_in


@pytest.fixture(scope="session")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One CA for all proxies: the first one makes it."""
    return tmp_path_factory.mktemp("confdir")


@pytest.fixture
def start(provider: Provider, confdir: Path, tmp_path: Path) -> Iterator[Start]:
    """Start mitmdumps: ``start(headroom_mode="lossless")`` with our addon, ``start(addon=False)`` without.

    All of one test share a home, and therefore a store. They end with the test.
    """
    with ExitStack() as stack:

        def start_one(*, addon: bool = True, **options: str) -> Mitmdump:
            # Tests are about what is decided, not about how busy the machine is.
            ours = {"headroom_deadline": "50", **options} if addon else options
            scripts = (ADDON,) if addon else ()
            mitmdump = Mitmdump(tmp_path / "home", confdir, provider.port, scripts, ours, launch=Copy)
            return stack.enter_context(running(mitmdump))

        yield start_one


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis server of this test's own."""
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert any("Ready to accept connections" in line for line in server.stdout)
        yield f"redis://127.0.0.1:{port}/0"
        server.terminate()


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open a client's connection through a proxy; it is closed with the test."""
    with ExitStack() as stack:

        def connect_one(proxy: Mitmdump, host: str = "api.anthropic.com") -> Client:
            client = Client(proxy, host)
            stack.callback(client.close)
            return client

        yield connect_one
