"""Workers that are started with mitmdump's own arguments, behind one port: a fleet in place of one proxy."""

import base64
import contextlib
import http.client
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from redis_server import RedisServer
from redis_sets import Cluster
from working.balancer import HaProxy, free_port

ONE_REQUEST = Path(__file__).resolve().parent / "one_request.py"
MITMDUMP = Path(sys.executable).parent / "mitmdump"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be started."""

    count: int
    store: str
    """cluster, redis, or a URL."""
    port: int
    header: str
    """Names the conversation, in requests."""
    summary: Path | None
    arguments: Sequence[str]
    """For each mitmdump."""


class Served:
    """A mitmdump with a port and a home of its own."""

    def __init__(self, folder: Path, arguments: Sequence[str], environment: dict[str, str]) -> None:
        folder.mkdir()
        self.port, self.met = free_port(), folder / "met"
        self.met.touch()
        named = {"HEADROOM_HOME": str(folder), "WORKER_MET": str(self.met)}
        where = ["--listen-host", "127.0.0.1", "--listen-port", str(self.port)]
        # Our script comes first: the others may answer a request themselves.
        self.process = subprocess.Popen(
            [MITMDUMP, *where, "-s", ONE_REQUEST, *arguments], env={**os.environ, **environment, **named}
        )

    def wait(self) -> None:
        """Return when it says that it takes requests."""
        while self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
                connection.request("GET", "/health", headers={"host": "worker"})
                if connection.getresponse().status == 200:
                    connection.close()
                    return
            threading.Event().wait(0.1)
        raise RuntimeError("a worker has ended")

    def stop(self) -> None:
        """End it, and return when it is gone."""
        self.process.terminate()
        self.process.wait()


def serve(wish: Wish) -> None:
    """Run until a signal says that it is enough; then tell who has met whom."""
    enough = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: enough.set())
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        url = _store(wish.store, folder / "servers", stack)
        environment = {"HEADROOM_KEY": base64.b64encode(os.urandom(32)).decode(), "WORKER_HEADER": wish.header}
        arguments = [*wish.arguments, "--set", f"headroom_store={url}"]
        workers: list[Served] = []
        for number in range(wish.count):
            worker = Served(folder / f"worker{number}", arguments, environment)
            stack.callback(worker.stop)
            workers.append(worker)
            worker.wait()  # one after another: the first one makes the authority
        balancer = HaProxy(folder, wish.port, [worker.port for worker in workers])
        stack.callback(balancer.stop)
        balancer.start()
        enough.wait()
        # Before anything else: who waits for our end may not be patient.
        told = summary([worker.met.read_text(encoding="utf-8").splitlines() for worker in workers])
        (wish.summary or Path("/dev/stdout")).write_text(told, encoding="utf-8")


def summary(met: Sequence[Sequence[str]]) -> str:
    """Say how many requests each worker has had, how many workers each conversation, and how often it hopped."""
    requests = sorted((float(at), name, number) for number, lines in enumerate(met) for at, _, name in map(_cut, lines))
    workers: dict[str, list[int]] = defaultdict(list)
    for _, name, number in requests:
        workers[name].append(number)
    counts = Counter(len(set(some)) for some in workers.values())
    shares = "\n".join(f"worker {number}: {len(lines)} requests" for number, lines in enumerate(met, 1))
    told = "\n".join(f"{count} conversations met {some} workers" for some, count in sorted(counts.items()))
    hops = sum(one != other for some in workers.values() for one, other in pairwise(some))
    followers = sum(len(some) - 1 for some in workers.values())
    return f"{shares}\n{told}\n{hops} of {followers} requests reached another worker than the one before\n"


def _cut(line: str) -> tuple[str, str, str]:
    return line.partition(" ")


def _store(kind: str, folder: Path, stack: contextlib.ExitStack) -> str:
    if kind not in ("cluster", "redis"):
        return kind
    folder.mkdir()
    servers = Cluster(folder) if kind == "cluster" else RedisServer(folder)
    stack.callback(servers.stop)
    servers.start()
    return servers.url
