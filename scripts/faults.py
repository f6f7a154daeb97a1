"""What becomes of traffic when something breaks: real proxies and stores, a stand-in provider, fault after fault.

In each run a few agents talk at once, each in a conversation of its own that grows by a result of 4,000 tokens a turn,
and ask again where an answer fails, as agents do. A third into the run the fault begins, later it ends. Counted are
requests of the agents, how many were answered in full, how many never were, and breaks: texts that reached the provider
in another form than before, so that its prompt cache would not hold. Two rows are no faults: 10,000 conversations, and
a day of a clock that is set. `scripts/faults.py NAME ...` runs some of them; `--list` names them. Disk faults mount a
small file system of their own, so they need root.
"""

import argparse
import contextlib
import functools
import json
import logging
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "store"))

from answers import Answer, Say, answer
from client import Client
from conversations import measurements, request, results_of, turn
from long_runs import breaks_in, day, many
from provider import Provider, Received
from proxy import ADDON, Mitmdump
from redis_server import RedisServer
from redis_sets import Cluster, Replicated
from slow_redis import SlowRedis

SET_CLOCK = Path(__file__).resolve().parent.parent / "tests" / "e2e" / "set_clock.py"
AGENTS = 6
PATIENCE = 40.0
"""Seconds for which an agent asks again."""
RUN_SECONDS, FAULT_AT, FAULT_SECONDS = 10.0, 3.0, 2.5
Servers = RedisServer | Replicated | Cluster | SlowRedis
SAYS = "All is well, and this is the end of it."


@dataclass(slots=True)
class Bench:
    """What a fault may lay hands on."""

    folder: Path
    provider: Provider
    proxy: Mitmdump
    clock: Path
    servers: Servers | None = None
    frozen: RedisServer | None = None
    patience: float = PATIENCE
    says: Answer = field(default_factory=lambda: answer(Say(SAYS), pause=0.01))

    @property
    def database(self) -> Path:
        """The embedded store's file."""
        return self.proxy.home / ".headroom" / "store.sqlite"


@dataclass(frozen=True, slots=True)
class Fault:
    """How something breaks, and how it is put right; either may do nothing."""

    name: str
    begin: Callable[[Bench], None]
    end: Callable[[Bench], None] = lambda _: None
    store: Callable[[Path], Servers] | None = None
    """Makes the shared store; without it the embedded one is used."""
    on_small_disk: bool = False
    seconds: float = RUN_SECONDS
    """For so long the agents talk."""


@dataclass(slots=True)
class Tally:
    """What the agents have seen."""

    asked: int = 0
    again: int = 0
    answered: int = 0
    lost: int = 0
    answered_at: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def kill_proxy(bench: Bench) -> None:
    """Kill -9, and start it again at once, as a supervisor does."""
    bench.proxy.kill()
    bench.proxy.start()


def kill_proxy_often(bench: Bench) -> None:
    """Do so at five moments of a request's life."""
    chance = random.Random(7)
    for _ in range(5):
        kill_proxy(bench)
        reached, gives_up = len(bench.provider.received) + 3, time.monotonic() + bench.patience / 2
        while len(bench.provider.received) < reached and time.monotonic() < gives_up:
            time.sleep(chance.uniform(0.0, 0.1))


def fill_disk(bench: Bench) -> None:
    """Leave no byte."""
    with contextlib.suppress(OSError), (bench.proxy.home / "filler").open("wb") as file:
        while True:
            file.write(bytes(2**16))
            file.flush()


def empty_disk(bench: Bench) -> None:
    """Leave room again."""
    (bench.proxy.home / "filler").unlink()


def mounted(how: str) -> Callable[[Bench], None]:
    """Return what has the disk be read-only, or writable again."""
    return lambda bench: void(subprocess.run(["mount", "-o", f"remount,{how}", str(bench.proxy.home)], check=True))


def restarted(change: Callable[[Bench], None]) -> Callable[[Bench], None]:
    """Return what changes something while the proxy is not there."""

    def restart(bench: Bench) -> None:
        bench.proxy.stop()
        change(bench)
        bench.proxy.start()

    return restart


def damage(bench: Bench) -> None:
    """Overwrite much of the database, and of what is not in it yet, while it is in use."""
    for path in (bench.database, Path(f"{bench.database}-wal")):
        with path.open("r+b") as file:
            for at in range(0, path.stat().st_size, 4096):
                file.seek(at)
                file.write(random.randbytes(512))


def set_clock(days: float) -> Callable[[Bench], None]:
    """Return what moves the proxy's clock."""
    return lambda bench: void(bench.clock.write_text(str(days * 86_400), encoding="ascii"))


def answer_with(says: Callable[[], Answer]) -> Callable[[Bench], None]:
    """Return what has the provider answer otherwise."""

    def change(bench: Bench) -> None:
        bench.says = says()

    return change


def usual() -> Answer:
    """Answer as before the fault."""
    return answer(Say(SAYS), pause=0.01)


def to_server(what: Callable[[RedisServer], object]) -> Callable[[Bench], None]:
    """Return what does something to the only server. Killed and started again, it has forgotten all."""

    def change(bench: Bench) -> None:
        assert isinstance(bench.servers, RedisServer)
        what(bench.servers)

    return change


def sent(what: signal.Signals) -> Callable[[Bench], None]:
    """Return what has the only server take connections and never answer, or go on."""
    return to_server(lambda server: server.send(what))


def slow_down(seconds: float) -> Callable[[Bench], None]:
    """Return what has each of the server's answers come later."""

    def change(bench: Bench) -> None:
        assert isinstance(bench.servers, SlowRedis)
        bench.servers.delay = seconds

    return change


def freeze_primary(bench: Bench) -> None:
    """Have the server that is written to, or one of them, take connections and never answer."""
    assert isinstance(bench.servers, Replicated | Cluster)
    one = bench.servers.primary if isinstance(bench.servers, Replicated) else bench.servers.primaries[0]
    one.send(signal.SIGSTOP)
    bench.frozen = one


def thaw_primary(bench: Bench) -> None:
    """Let it go on: it finds another in its place."""
    assert bench.frozen is not None
    bench.frozen.send(signal.SIGCONT)


def kill_primary(bench: Bench) -> None:
    """Kill the server that is written to: the Sentinels put its replica in its place."""
    assert isinstance(bench.servers, Replicated)
    bench.servers.primary.kill()


def kill_node(bench: Bench) -> None:
    """Kill a primary of the Cluster: its replica takes over."""
    assert isinstance(bench.servers, Cluster)
    bench.servers.primaries[0].kill()


def void(_: object) -> None:
    """Return nothing, whatever came."""


def one_server(folder: Path) -> RedisServer:
    """Make a server."""
    folder.mkdir()
    return RedisServer(folder)


def slow_server(folder: Path) -> SlowRedis:
    """Make a server whose answers can be held back."""
    folder.mkdir()
    return SlowRedis(folder)


FAULTS: tuple[Fault, ...] = (
    Fault("none", void),
    Fault("proxy killed (-9), started again", kill_proxy),
    Fault("proxy killed (-9) five times", kill_proxy_often, seconds=40),
    Fault("proxy killed, store in Redis", kill_proxy, store=one_server),
    Fault("disk full", fill_disk, empty_disk, on_small_disk=True),
    Fault("disk full from a restart on", restarted(fill_disk), restarted(empty_disk), on_small_disk=True),
    Fault("disk read-only from a restart on", restarted(mounted("ro")), restarted(mounted("rw")), on_small_disk=True),
    Fault("database overwritten", damage),
    Fault("clock a day ahead, and back", set_clock(1), lambda bench: void(bench.clock.unlink())),
    Fault("clock a year back, and ahead", set_clock(-365), lambda bench: void(bench.clock.unlink())),
    Fault("Redis killed, started empty", to_server(RedisServer.kill), to_server(RedisServer.start), store=one_server),
    Fault("Redis frozen", sent(signal.SIGSTOP), sent(signal.SIGCONT), store=one_server),
    Fault("Redis slow (0.3 s)", slow_down(0.3), slow_down(0), store=slow_server),
    Fault("Redis slower than its time-out", slow_down(1.4), slow_down(0), store=slow_server),
    Fault("Sentinel failover", kill_primary, store=Replicated),
    Fault("Sentinel primary frozen", freeze_primary, thaw_primary, store=Replicated),
    Fault("Cluster node killed", kill_node, store=Cluster),
    Fault("Cluster node frozen", freeze_primary, thaw_primary, store=Cluster),
    Fault("slow upstream", answer_with(lambda: answer(Say(SAYS), pause=0.4)), answer_with(usual)),
    Fault("upstream resets connections", answer_with(lambda: answer(Say(SAYS), cut=2)), answer_with(usual)),
    Fault("upstream overloaded (529)", answer_with(lambda: answer(status=529)), answer_with(usual)),
)


def talk(bench: Bench, number: int, until: float, tally: Tally) -> None:
    """Be an agent until a point in time."""
    client = Client(bench.proxy)
    messages = [{"role": "user", "content": f"Question of agent {number}"}]
    count = 0
    while ask(client, request(messages, stream=True), tally, bench.patience) and time.monotonic() < until:
        messages += turn(f"toolu_{number}_{count}", measurements(150, salt=f"{number}-{count}"))
        count += 1
        time.sleep(0.15)
    client.close()


def ask(client: Client, body: bytes, tally: Tally, patience: float) -> bool:
    """Ask until there is a whole answer; say whether there was one."""
    with tally.lock:
        tally.asked += 1
    gives_up = time.monotonic() + patience
    while time.monotonic() < gives_up:
        with contextlib.suppress(OSError, ValueError, HTTPException):
            reply = client.post("/v1/messages", body)
            if reply.status == 200 and is_whole(reply.body):
                with tally.lock:
                    tally.answered += 1
                    tally.answered_at.append(time.perf_counter())
                return True
        client.close()
        with tally.lock:
            tally.again += 1
        time.sleep(0.2)
    with tally.lock:
        tally.lost += 1
    return False


def is_whole(events: bytes) -> bool:
    """Say whether an answer has come to its end, and says what the provider said."""
    texts = "".join(
        json.loads(line[5:]).get("delta", {}).get("text", "")
        for line in events.decode().split("\n")
        if line.startswith("data:")
    )
    return b"message_stop" in events and texts == SAYS


def shortened_again(received: Sequence[Received], since: float) -> float | None:
    """Return when, after a point in time, the first new result left in a shorter form."""
    seen: set[str] = set()
    for one in received:
        with contextlib.suppress(ValueError, AssertionError, KeyError):
            for call, text in results_of(one.json).items():
                is_new = call not in seen
                seen.add(call)
                if is_new and one.at > since and len(text) < 6_000:
                    return one.at
    return None


@contextlib.contextmanager
def standing(fault: Fault, folder: Path) -> Iterator[Bench]:
    """Set up what a fault needs."""
    home, clock = folder / "home", folder / "clock"
    home.mkdir()
    with contextlib.ExitStack() as stack:
        if fault.on_small_disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(home)], check=True)
            stack.callback(subprocess.run, ["umount", "-l", str(home)], check=False)
        servers = fault.store(folder / "servers") if fault.store else None
        if servers is not None:
            stack.callback(servers.stop)
            servers.start()
        provider = stack.enter_context(Provider().running())
        options = {"headroom_store": servers.url} if servers else {}
        scripts, environment = (SET_CLOCK, ADDON), {"SET_CLOCK_FILE": str(clock)}
        proxy = Mitmdump(home, folder / "confdir", provider.port, scripts, options, environment)
        stack.callback(proxy.stop)
        proxy.start()
        bench = Bench(folder, provider, proxy, clock, servers)
        provider.script(*[lambda _: bench.says] * 20_000)
        yield bench


def run(fault: Fault, folder: Path, patience: float = PATIENCE) -> list[str]:
    """Let agents talk while a fault comes and goes; return a row of the table."""
    tally = Tally()
    with standing(fault, folder) as bench:
        bench.patience = patience
        until = time.monotonic() + fault.seconds
        agents = [threading.Thread(target=talk, args=(bench, number, until, tally)) for number in range(AGENTS)]
        for agent in agents:
            agent.start()
        time.sleep(FAULT_AT)
        began = time.perf_counter()
        fault.begin(bench)
        time.sleep(max(0.0, FAULT_SECONDS - (time.perf_counter() - began)))
        fault.end(bench)
        for agent in agents:
            agent.join()
        received = list(bench.provider.received)
        (folder / "proxy.log").write_text(bench.proxy.log, encoding="utf-8")
    back = next((at for at in sorted(tally.answered_at) if at > began), None)
    again = shortened_again(received, began)
    seconds = [f"{at - began:.1f} s" if at is not None else "never" for at in (back, again)]
    counts = (tally.asked, tally.answered, tally.again, tally.lost, breaks_in(received))
    return [fault.name, *map(str, counts), *seconds, ""]


LONG = {"10,000 conversations": many, "24 h of a clock": day}
HEADINGS = ["fault", "requests", "answered", "asked again", "lost", "breaks", "answers after", "shortens after", ""]


def main() -> None:
    """Run the faults that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of names")
    parser.add_argument("--list", action="store_true", help="only print the names")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds; more where a machine is busy")
    parser.add_argument("--keep", type=Path, help="a folder for homes and logs")
    asked = parser.parse_args()
    works = {fault.name: functools.partial(run, fault, patience=asked.patience) for fault in FAULTS} | LONG
    chosen = {name: work for name, work in works.items() if not asked.names or any(one in name for one in asked.names)}
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)  # connections that break are what this is about
    if asked.list:
        print(*chosen, sep="\n")
        return
    print("| " + " | ".join(HEADINGS) + " |\n|" + "---|" * len(HEADINGS), flush=True)
    for number, (name, work) in enumerate(chosen.items()):
        folder = Path(tempfile.mkdtemp(prefix=f"fault{number}-", dir=asked.keep))
        try:
            row = work(folder)
        except subprocess.CalledProcessError:
            row = [name, "not run: mounting needs root"]
        print("| " + " | ".join(row) + " |", flush=True)
        if asked.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
