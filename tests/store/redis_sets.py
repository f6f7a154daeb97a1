"""Several redis-servers on loopback as one store: a primary with a replica under three Sentinels, and a Cluster."""

import contextlib
import random
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
from redis_server import RedisServer

SERVICE = "headroom"
_WAITED_SECONDS = 40
_POLLED_SECONDS = 0.05
_FAILURE_MILLISECONDS = "500"


class Replicated:
    """A primary, a replica and three Sentinels that put the replica in its place within a second or two."""

    def __init__(self, folder: Path) -> None:
        self.servers = [_server(folder / f"server{number}") for number in range(2)]
        self.sentinels = [_server(folder / f"sentinel{number}") for number in range(3)]
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        self.url = f"redis+sentinel://{hosts}/{SERVICE}"

    def start(self) -> None:
        primary, replica = self.servers
        primary.start("--repl-diskless-sync-delay", "0")
        replica.start("--replicaof", "127.0.0.1", str(primary.port))
        for sentinel in self.sentinels:
            config = sentinel.folder / "sentinel.conf"
            config.write_text(
                f"port {sentinel.port}\nbind 127.0.0.1\ndir {sentinel.folder}\n"
                f"sentinel monitor {SERVICE} 127.0.0.1 {primary.port} 2\n"
                f"sentinel down-after-milliseconds {SERVICE} {_FAILURE_MILLISECONDS}\n"
                f"sentinel failover-timeout {SERVICE} 2000\n",
                encoding="ascii",
            )
            sentinel.start_sentinel(config)
        until(lambda: all(self._is_complete(sentinel) for sentinel in self.sentinels))

    def flush(self) -> None:
        with redis.Redis(port=self.primary.port) as client:
            client.flushall()

    @property
    def primary(self) -> RedisServer:
        """As the first Sentinel sees it."""
        with redis.Redis(port=self.sentinels[0].port, decode_responses=True) as client:
            _, port = client.sentinel_get_master_addr_by_name(SERVICE)
        return next(server for server in self.servers if server.port == int(port))

    def stop(self) -> None:
        for server in (*self.sentinels, *self.servers):
            server.stop()

    def _is_complete(self, sentinel: RedisServer) -> bool:
        with redis.Redis(port=sentinel.port, decode_responses=True) as client:
            seen = client.sentinel_master(SERVICE)
        return bool(seen["num-slaves"] == 1 and seen["num-other-sentinels"] == len(self.sentinels) - 1)


class Cluster:
    """Three primaries with a replica each."""

    def __init__(self, folder: Path) -> None:
        self.servers = [_server(folder / f"node{number}") for number in range(6)]
        for server, port in zip(self.servers, _ports_with_bus(6), strict=True):
            server.port = port
        self.url = "redis+cluster://" + ",".join(self._addresses[:3])

    def start(self) -> None:
        for server in self.servers:
            server.start(
                *("--cluster-enabled", "yes", "--cluster-config-file", str(server.folder / "nodes.conf")),
                *("--cluster-node-timeout", _FAILURE_MILLISECONDS, "--repl-diskless-sync-delay", "0"),
                *("--appendonly", "no", "--cluster-replica-validity-factor", "0"),
            )
        program = shutil.which("redis-cli")
        assert program is not None, "redis-cli comes with redis-server (redis-tools)"
        create = [program, "--cluster", "create", *self._addresses, "--cluster-replicas", "1", "--cluster-yes"]
        subprocess.run(create, check=True, stdout=subprocess.DEVNULL, timeout=_WAITED_SECONDS)
        until(lambda: all(self._is_complete(server) for server in self.servers))

    def flush(self) -> None:
        for server in self.primaries:
            with redis.Redis(port=server.port) as client:
                client.flushall()

    @property
    def primaries(self) -> list[RedisServer]:
        return [server for server in self.servers if server.is_running and _role(server) == "master"]

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    @property
    def _addresses(self) -> list[str]:
        return [f"127.0.0.1:{server.port}" for server in self.servers]

    def _is_complete(self, server: RedisServer) -> bool:
        with redis.Redis(port=server.port, decode_responses=True) as client:
            state, nodes = client.cluster("info"), client.cluster("nodes")
            is_linked = _role(server) == "master" or client.info("replication")["master_link_status"] == "up"
        replicas = sum("slave" in node["flags"] for node in nodes.values())
        return bool(state["cluster_state"] == "ok" and replicas == 3 and is_linked)


def until(is_so: Callable[[], bool], seconds: float = _WAITED_SECONDS) -> float:
    """Return when it is so, and how many seconds that took. What cannot be reached yet is not so yet."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        with contextlib.suppress(redis.RedisError):
            if is_so():
                return time.monotonic() - began
        threading.Event().wait(_POLLED_SECONDS)
    raise TimeoutError(f"not so within {seconds:g} s")


def _role(server: RedisServer) -> str:
    with redis.Redis(port=server.port, decode_responses=True) as client:
        return str(client.info("replication")["role"])


def _server(folder: Path) -> RedisServer:
    folder.mkdir(parents=True)
    return RedisServer(folder)


def _ports_with_bus(count: int) -> Iterator[int]:
    """Yield free ports of which those 10,000 higher are free as well: nodes talk to each other there.

    All are below those that the system gives to connections: none can take them meanwhile.
    """
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(12_000, 22_000)
        with contextlib.suppress(OSError), _taken(port), _taken(port + 10_000):
            found.add(port)
    yield from found


@contextlib.contextmanager
def _taken(port: int) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", port)):
        yield
