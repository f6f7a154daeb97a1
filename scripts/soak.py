"""Hours of constant load through a proxy: does what it takes stay what it was? Memory, files, threads, store, latency.

Agents of all formats talk to the stand-in provider through mitmdump with the addon, on loopback: streams and whole
answers, HTTP and WebSockets, results of many kinds, each new. Conversations grow, end and begin anew, and the model
asks for what was left out. After a warm-up, in which memories of bounded size fill, the slope of resident memory is
told with its interval of 95 %. The verdict is flat where the interval ends below the limit, nothing was lost, and no
prompt that went before changed; else the exit status is 1. `--plain` has mitmdump without the addon, for comparison,
and `--memories 0.02` the addon with caches so small that they are full within minutes: what grows then is a leak.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import redis

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "store"))

from provider import Provider
from proxy import ADDON, Mitmdump
from redis_server import RedisServer
from redis_sets import Cluster
from soaking.load import Agents, Seen
from soaking.trend import Trend, least_squares, minutes, trend
from working.fleet import warnings

PROBE = Path(__file__).resolve().parent / "soaking" / "probe.py"
EVERY_SECONDS = 5.0
MOST_GROWTH = 8.0
"""MiB an hour, for resident memory."""
MOST_FILES = 1.0
"""An hour, for file descriptors and for threads."""
MOST_SLOWER = 1.5
"""The median latency of the last third over that of the first, after the warm-up."""


@dataclass(slots=True)
class Sample:
    """What was seen at a time."""

    at: float
    """Seconds since the load began."""
    resident: float
    """MiB."""
    files: int
    threads: int
    store: float
    """MiB, on disk or in Redis."""
    answered: int
    inside: dict[str, Any] = field(default_factory=dict)
    """What the probe has written last."""


def resident(pid: int) -> tuple[float, int]:
    """Return memory in MiB, and threads."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024, int(status.partition("Threads:")[2].split()[0])


def store_size(home: Path, servers: RedisServer | Cluster | None) -> float:
    """Return what the store takes, in MiB."""
    if servers is None:
        return sum(path.stat().st_size for path in (home / ".headroom").glob("store.sqlite*")) / 2**20
    nodes = servers.primaries if isinstance(servers, Cluster) else [servers]
    whole = 0
    for node in nodes:
        with redis.Redis(port=node.port) as client:
            whole += int(client.info("memory")["used_memory"])
    return whole / 2**20


def last_line(path: Path) -> dict[str, Any]:
    """Return what the probe has written last."""
    if not path.exists():
        return {}
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65_536))
        lines = file.read().splitlines()
    with contextlib.suppress(ValueError, IndexError):
        found: dict[str, Any] = json.loads(lines[-1])
        return found
    return {}


@dataclass(slots=True)
class Soak:
    """A run."""

    proxy: Mitmdump
    servers: RedisServer | Cluster | None
    probe: Path
    agents: Agents
    out: Path | None
    samples: list[Sample] = field(default_factory=list)
    began: float = 0.0

    async def run(self, seconds: float) -> None:
        """Have the agents talk, and look now and then."""
        self.began = time.monotonic()
        looking = asyncio.create_task(self._look())
        await self.agents.run(seconds)
        looking.cancel()

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            self.samples.append(self._sample())
            if self.out is not None:
                with self.out.open("a", encoding="utf-8") as file:  # some bytes
                    file.write(json.dumps(asdict(self.samples[-1])) + "\n")
            if len(self.samples) % 60 == 0:
                print(progress(self.samples[-1], self.agents.seen), flush=True)

    def _sample(self) -> Sample:
        pid = self.proxy.pid
        memory, threads = resident(pid)
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        size = store_size(self.proxy.home, self.servers)
        at, answered = time.monotonic() - self.began, self.agents.seen.answered
        return Sample(at, memory, files, threads, size, answered, last_line(self.probe))


def progress(sample: Sample, seen: Seen) -> str:
    """Return a line for who waits."""
    lost = f"{len(seen.lost)} lost, {seen.breaks} breaks"
    return (
        f"{sample.at / 60:5.0f} min: {sample.resident:.1f} MiB, {sample.files} files, {sample.answered} answers, {lost}"
    )


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is not as it should be; nothing: it is flat."""

    faults: tuple[str, ...]

    def __str__(self) -> str:
        return "not flat: " + "; ".join(self.faults) if self.faults else "flat"


def judged(slopes: dict[str, Trend], slower: float, lost: int, breaks: int) -> Verdict:
    """Judge a run. An interval that is too wide to tell is a fault, too."""
    limits = {"memory": MOST_GROWTH, "files": MOST_FILES, "threads": MOST_FILES}
    faults = [f"{name} {slopes[name]}, more than {most:g}" for name, most in limits.items() if slopes[name].high > most]
    if slower > MOST_SLOWER:
        faults.append(f"answers take {slower:.2f} times as long in the end")
    if lost or breaks:
        faults.append(f"{lost} lost, {breaks} breaks")
    return Verdict(tuple(faults))


def slope_of(samples: Sequence[Sample], name: str) -> Trend:
    """Return how a figure has changed, by the medians of minutes."""
    return trend(minutes([(sample.at / 3600, getattr(sample, name)) for sample in samples]))


def percentiles(seconds: Sequence[float]) -> str:
    """Return the median and the slowest of a hundred, in milliseconds."""
    if len(seconds) < 2:
        return "none"
    return f"{1000 * statistics.median(seconds):.0f} / {1000 * statistics.quantiles(seconds, n=100)[98]:.0f}"


def report(soak: Soak, warm_up: float) -> Verdict:
    """Print what was found; return the verdict."""
    seen, samples = soak.agents.seen, [sample for sample in soak.samples if sample.at >= warm_up]
    slopes = {"memory": slope_of(samples, "resident"), "files": slope_of(samples, "files")}
    slopes["threads"] = slope_of(samples, "threads")
    whole = soak.samples[-1].at
    answers = [(at - soak.began, *rest) for at, *rest in seen.answers]
    print(
        f"\n{seen.answered} answers in {whole / 60:.0f} min ({seen.answered / whole:.2f}/s), {seen.begun} conversations"
    )
    print("by format:", ", ".join(f"{name} {count}" for name, count in sorted(seen.turns.items())))
    print(f"{seen.retrieved} retrievals, {len(seen.lost)} lost, {seen.breaks} breaks, "
          f"{len(soak.agents.model.provider.refused)} refused")  # fmt: skip
    print(f"after {warm_up / 60:.0f} min of warm-up, slopes with 95 %:")
    print(f"  memory, MiB: {slopes['memory']}; least squares "
          f"{least_squares([(s.at / 3600, s.resident) for s in samples]):+.2f}")  # fmt: skip
    print(f"  files: {slopes['files']}; threads: {slopes['threads']}; store, MiB: {slope_of(samples, 'store')}")
    print("\n| minutes | memory | files | threads | store | ledger waits | to provider p50 / p99 | whole p50 / p99 |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|")
    parts = 12
    for part in range(parts):
        low, high = whole * part / parts, whole * (part + 1) / parts
        here = [sample for sample in soak.samples if low <= sample.at < high] or soak.samples[-1:]
        times = [rest for at, *rest in answers if low <= at < high]
        last, waits = here[-1], max(sample.inside.get("ledger", 0) for sample in here)
        cells = (f"{high / 60:.0f}", f"{last.resident:.1f}", last.files, last.threads, f"{last.store:.1f}", waits)
        print("|", " | ".join(map(str, cells)), "|", percentiles([one for one, _ in times]), "|",
              percentiles([other for _, other in times]), "|")  # fmt: skip
    third = (whole - warm_up) / 3
    first = [other for at, _, other in answers if warm_up <= at < warm_up + third]
    final = [other for at, _, other in answers if at >= whole - third]
    slower = statistics.median(final) / statistics.median(first) if first and final else 0.0
    for text in (*seen.lost[:20], *seen.broken[:20], *soak.agents.model.provider.refused[:20]):
        print(" ", text)
    return judged(slopes, slower, len(seen.lost) + len(soak.agents.model.provider.refused), seen.breaks)


def servers_of(url: str, folder: Path) -> RedisServer | Cluster | None:
    """Return the servers behind a kind of store."""
    if url == "redis":
        folder.mkdir()
        return RedisServer(folder)
    return Cluster(folder) if url == "cluster" else None


def main() -> int:
    """Run for some hours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--rate", type=float, default=4.0, help="requests a second")
    parser.add_argument("--agents", type=int, default=24, help="conversations at once")
    parser.add_argument("--warm-up", type=float, default=0.25, help="share of the time that is not judged")
    parser.add_argument("--store", choices=("sqlite", "redis", "cluster"), default="sqlite")
    parser.add_argument(
        "--memories", type=float, default=1.0, metavar="SHARE", help="of their size that caches are left"
    )
    parser.add_argument("--plain", action="store_true", help="mitmdump alone")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="an option of mitmdump")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="environment of mitmdump")
    parser.add_argument("--out", type=Path, help="append a line of JSON for each sample")
    asked = parser.parse_args()
    logging.getLogger("aiohttp").setLevel(logging.CRITICAL)
    options = dict(option.split("=", 1) for option in asked.set)
    environment = dict(one.split("=", 1) for one in asked.env)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        servers = servers_of(asked.store, folder / "servers")
        if servers is not None:
            stack.callback(servers.stop)
            servers.start()
            options["headroom_store"] = servers.url
        provider = stack.enter_context(Provider().running())
        probe = folder / "probe.jsonl"
        scripts = (PROBE,) if asked.plain else (ADDON, PROBE)
        environment |= {"SOAK_PROBE": str(probe), "SOAK_MEMORIES": str(asked.memories)}
        proxy = Mitmdump(folder / "home", folder / "confdir", provider.port, scripts, options, environment)
        stack.callback(proxy.stop)
        proxy.start()
        soak = Soak(proxy, servers, probe, Agents(proxy, provider, asked.rate, asked.agents), asked.out)
        asyncio.run(soak.run(asked.hours * 3600))
        verdict = report(soak, asked.hours * 3600 * asked.warm_up)
        print("\nwarnings in the log:", *(warnings([proxy]) or ["none"]), sep="\n  ")
    print(f"\nverdict: {verdict}")
    return bool(verdict.faults)


if __name__ == "__main__":
    sys.exit(main())
