"""Real stores: a file below ``tmp_path``, and a redis-server on a free port of the loopback."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from hand_clock import HandClock
from redis_server import RedisServer
from redis_sets import Cluster, Replicated

from headroom_mitm.store import Store, open_store

OpenStore = Callable[..., Store]
Servers = TypeVar("Servers", Replicated, Cluster)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for all tests that do not stop it. What one test leaves there, another may meet."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sentinels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replicated]:
    """A primary, a replica and three Sentinels, for all tests that end none of them."""
    yield from running(Replicated(tmp_path_factory.mktemp("sentinels")))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Three primaries with a replica each, for all tests that end none of them."""
    yield from running(Cluster(tmp_path_factory.mktemp("cluster")))


def running(servers: Servers) -> Iterator[Servers]:
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()


@pytest.fixture(params=["sqlite", "redis", "sentinel", "cluster"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty store is."""
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    fixtures = {"redis": "redis_server", "sentinel": "sentinels", "cluster": "cluster"}
    servers = request.getfixturevalue(fixtures[request.param])
    servers.flush()
    return str(servers.url)


@pytest.fixture
def own_sentinels(tmp_path: Path) -> Iterator[Replicated]:
    """The same as ``sentinels``, of which a test may end some."""
    yield from running(Replicated(tmp_path))


@pytest.fixture
def own_cluster(tmp_path: Path) -> Iterator[Cluster]:
    """The same as ``cluster``, of which a test may end some."""
    yield from running(Cluster(tmp_path))


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


@pytest.fixture
def clock() -> HandClock:
    return HandClock()
