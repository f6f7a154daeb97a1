"""Several workers behind HAProxy on one Redis: do conversations that hop between them hold, and what do more bring.

Agents open a new connection for each request, so each may reach another worker. Counted are requests a second, their
latency, how many workers each conversation has met, and breaks: texts that reached the provider in another form than
before. All of it, agents and provider too, runs on this machine: `haproxy` and `redis-server` have to be installed.
"""

import argparse
import base64
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "store"))

from client import Client
from conversations import measurements, request, results_of, turn
from provider import Provider
from proxy import ADDON, Mitmdump
from redis_server import RedisServer
from redis_sets import Cluster

TURNS = 8
CONFIG = """
defaults
    mode tcp
    timeout connect 5s
    timeout client 60s
    timeout server 60s
listen proxy
    bind 127.0.0.1:{port}
    balance roundrobin
    option httpchk
    http-check send meth GET uri /health ver HTTP/1.1 hdr Host worker
{workers}
"""


@contextlib.contextmanager
def balanced(folder: Path, workers: Sequence[Mitmdump], port: int) -> Iterator[None]:
    """Run HAProxy before workers."""
    lines = [f"    server w{number} 127.0.0.1:{one.port} check inter 500ms" for number, one in enumerate(workers)]
    config = folder / "haproxy.cfg"
    config.write_text(CONFIG.format(port=port, workers="\n".join(lines)), encoding="ascii")
    process = subprocess.Popen(["haproxy", "-f", config], stderr=subprocess.DEVNULL)
    try:
        time.sleep(1.5)  # the first checks
        yield
    finally:
        process.terminate()
        process.wait()


def talk(proxy: Mitmdump, number: int, turns: int, seconds: list[float]) -> None:
    """Be an agent for some turns."""
    messages = [{"role": "user", "content": f"Question of agent {number}"}]
    for count in range(turns):
        client = Client(proxy)
        body = request(messages)
        began = time.perf_counter()
        reply = client.post("/v1/messages", body)
        seconds.append(time.perf_counter() - began)
        client.close()
        if reply.status != 200:
            raise RuntimeError(reply.body[:200])
        messages += turn(f"toolu_{number}_{count}", measurements(150, salt=f"{number}-{count}"))


def met(workers: Sequence[Mitmdump]) -> list[int]:
    """Return how many prompts each worker has passed on, those that warm up too."""
    return [sum(": POST " in line for line in worker.lines) for worker in workers]


def breaks(provider: Provider) -> int:
    """Count texts that reached the provider in another form than before."""
    sent: dict[str, str] = {}
    count = 0
    for one in provider.received:
        for call, text in results_of(one.json).items():
            count += sent.get(call, text) != text
            sent[call] = text
    return count


def run(count: int, agents: int, store: RedisServer | Cluster, folder: Path) -> str:
    """Let agents talk through some workers; return a row."""
    folder.mkdir()
    key = base64.b64encode(os.urandom(32)).decode()
    store.flush()
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(Provider().running())
        workers: list[Mitmdump] = []
        for number in range(count):
            options = {"headroom_store": store.url}
            home = folder / f"home{number}"
            worker = Mitmdump(home, folder / "confdir", provider.port, (ADDON,), options, {"HEADROOM_KEY": key})
            stack.callback(worker.stop)
            workers.append(worker.start())
        front = Mitmdump(folder, folder / "confdir", provider.port, port=free_port())
        stack.enter_context(balanced(folder, workers, front.port))
        talk(front, 10_000, 2 * count, [])  # all have read what they need
        before = sum(worker.cpu_milliseconds for worker in workers)
        latencies: dict[int, list[float]] = defaultdict(list)
        threads = [
            threading.Thread(target=talk, args=(front, number, TURNS, latencies[number])) for number in range(agents)
        ]
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
        cpu = sum(worker.cpu_milliseconds for worker in workers) - before
        broken = breaks(provider)
    whole = sorted(second for some in latencies.values() for second in some)
    p50, p99 = statistics.median(whole), whole[int(len(whole) * 0.99)]
    figures = (f"{len(whole) / took:.0f}", f"{1000 * p50:.0f} ms", f"{1000 * p99:.0f} ms", f"{cpu / len(whole):.1f} ms")
    shares = " ".join(map(str, met(workers)))
    return f"| {count} | {len(whole)} of {agents * TURNS} | {shares} | {broken} | {' | '.join(figures)} |"


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def main() -> None:
    """Run with 1, 2 and 4 workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=12)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4])
    parser.add_argument("--cluster", action="store_true", help="a Redis Cluster, 3 + 3, instead of one server")
    asked = parser.parse_args()
    print("| workers | answered | by each | breaks | requests a second | median | 99 % | CPU of workers a request |")
    print("|--:|--:|---|--:|--:|--:|--:|--:|", flush=True)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        (folder / "redis").mkdir()
        store = Cluster(folder / "cluster") if asked.cluster else RedisServer(folder / "redis")
        stack.callback(store.stop)
        store.start()
        for count in asked.workers:
            print(run(count, asked.agents, store, folder / f"run{count}"), flush=True)


if __name__ == "__main__":
    main()
