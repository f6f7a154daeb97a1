"""Workers, HAProxy, a store and the stand-in provider on loopback, and agents that talk through them."""

import base64
import contextlib
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import redis
from answers import Answer, Say, answer
from client import Client
from conversations import measurements, request, results_of, turn
from provider import Provider, Received
from proxy import ADDON, Mitmdump
from redis_server import RedisServer
from redis_sets import Cluster
from working.balancer import BALANCERS, Balancer, free_port

SAYS = "All is well, and this is the end of it."


@dataclass(slots=True)
class Fleet:
    """What runs."""

    provider: Provider
    workers: list[Mitmdump]
    balancer: Balancer
    servers: Sequence[RedisServer]
    front: Mitmdump
    """Not a process: where agents connect."""

    @property
    def cpu(self) -> dict[str, float]:
        """What each kind of process has computed so far, in milliseconds; the last kind is this one."""
        redis_cpu = 0.0
        for server in self.servers:
            with redis.Redis(port=server.port) as client:
                found = client.info("cpu")
            redis_cpu += 1000 * (found["used_cpu_sys"] + found["used_cpu_user"])
        workers = sum(worker.cpu_milliseconds for worker in self.workers)
        mine = 1000 * time.process_time()
        return {"workers": workers, "redis": redis_cpu, "haproxy": self.balancer.cpu_milliseconds, "agents": mine}

    def asked_of_redis(self) -> dict[str, int]:
        """Commands, bytes to and from it, and bytes that it holds, so far; nodes talk to each other on another port."""
        found = {"commands": 0, "in": 0, "out": 0, "held": 0}
        for server in self.servers:
            with redis.Redis(port=server.port) as client:
                if client.info("replication")["role"] != "master":
                    continue
                stats = client.info("stats")
                calls = client.info("commandstats")
                found["held"] += int(client.info("memory")["used_memory_dataset"])
            ours = (name for name in calls if name.partition("_")[2].split("|")[0] not in NOT_OURS)
            found["commands"] += sum(int(calls[name]["calls"]) for name in ours)
            found["in"] += int(stats["total_net_input_bytes"]) - int(stats.get("total_net_repl_input_bytes", 0))
            found["out"] += int(stats["total_net_output_bytes"]) - int(stats.get("total_net_repl_output_bytes", 0))
        return found


NOT_OURS = frozenset({"info", "replconf", "psync", "ping", "cluster", "command", "client", "hello"})
"""Commands of replicas, of clients that connect, and of who counts."""


@contextlib.contextmanager
def stored(kind: str, folder: Path) -> Iterator[tuple[str, Sequence[RedisServer]]]:
    """Run a kind of store; yield its URL and its servers."""
    folder.mkdir()
    if kind == "sqlite":
        yield str(folder / "store.sqlite"), ()
        return
    servers = Cluster(folder) if kind == "cluster" else RedisServer(folder)
    try:
        servers.start()
        yield servers.url, servers.servers if isinstance(servers, Cluster) else [servers]
    finally:
        servers.stop()


@contextlib.contextmanager
def running(count: int, kind: str, folder: Path, balancer_kind: str = "haproxy") -> Iterator[Fleet]:
    """Run so many workers, and all else."""
    folder.mkdir()
    key = base64.b64encode(os.urandom(32)).decode()
    with contextlib.ExitStack() as stack:
        url, servers = stack.enter_context(stored(kind, folder / "store"))
        provider = stack.enter_context(Provider().running())
        workers: list[Mitmdump] = []
        for number in range(count):
            options = {"headroom_store": url, "headroom_deadline": "30"}  # what is asked is not how busy the machine is
            home = folder / f"home{number}"
            worker = Mitmdump(home, folder / "confdir", provider.port, (ADDON,), options, {"HEADROOM_KEY": key})
            stack.callback(worker.stop)
            workers.append(worker.start())
        front = Mitmdump(folder, folder / "confdir", provider.port, port=free_port())
        balancer = BALANCERS[balancer_kind](folder, front.port, [worker.port for worker in workers])
        stack.callback(balancer.stop)
        yield Fleet(provider, workers, balancer.start(), servers, front)


@dataclass(slots=True)
class Tally:
    """What agents have seen."""

    answered: int = 0
    lost: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def talk(fleet: Fleet, number: int, goes_on: Iterator[object], tally: Tally, *, keeps: bool = False) -> None:
    """Be an agent: each turn over a new connection, or all over one; an answer that fails is lost."""
    messages = [{"role": "user", "content": f"Question of agent {number}"}]
    client = Client(fleet.front)
    for count, _ in enumerate(goes_on):
        began = time.perf_counter()
        try:
            reply = client.post("/v1/messages", request(messages, stream=True))
            said = "".join(str(event.get("delta", {}).get("text", "")) for event in reply.events)  # type: ignore[attr-defined]
            fault = "" if reply.status == 200 and said == SAYS else f"{reply.status} {reply.body[-200:]!r}"
        except (OSError, ValueError, HTTPException) as error:
            fault = repr(error)
        with tally.lock:
            tally.seconds.append(time.perf_counter() - began)
            tally.answered += not fault
            if fault:
                tally.lost.append(fault)
        if fault or not keeps:
            client.close()
        messages += turn(f"toolu_{number}_{count}", measurements(150, salt=f"{number}-{count}"))
    client.close()


def says(pause: float) -> Answer:
    """What the model answers, in some ten events."""
    return answer(Say(SAYS), pause=pause)


def breaks(received: Sequence[Received]) -> int:
    """Count texts that reached the provider in another form than before."""
    sent: dict[str, str] = {}
    count = 0
    for one in received:
        for call, text in results_of(one.json).items():
            count += sent.get(call, text) != text
            sent[call] = text
    return count


def met(workers: Sequence[Mitmdump]) -> list[int]:
    """Return how many prompts each worker has passed on."""
    return [sum(": POST " in line for line in worker.lines) for worker in workers]


def warnings(workers: Sequence[Mitmdump]) -> list[str]:
    """Return what workers have warned of, and how often."""
    told = (re.sub(r"\d+", "N", line.partition("headroom: ")[2]) for worker in workers for line in worker.lines)
    counts = Counter(text for text in told if text.startswith(("store", "N new", "a body of", "the ledger", "what")))
    return [f"{count} times: {text}" for text, count in counts.most_common()]
