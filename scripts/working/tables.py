"""What one, two, four workers do with the same load, and what becomes of requests while all workers are replaced."""

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from working.fleet import Fleet, Tally, breaks, met, running, says, talk, warnings

TURNS = 16
PAUSE = 0.05
"""Seconds between events, in the rolling restart: an answer takes half a second."""
HEADINGS = (
    "workers", "answered", "by each", "breaks", "requests a second", "median", "99 %", "busy cores",
    "CPU a request: workers", "Redis", "HAProxy", "agents, provider", "Redis commands a request", "KiB to it",
    "from it", "kept in it",
)  # fmt: skip


def tabulate(counts: Sequence[int], agents: int, store: str, rounds: int, folder: Path) -> None:
    """Print a row for each number of workers, in turn."""
    print("| " + " | ".join(HEADINGS) + " |\n|" + "--:|" * len(HEADINGS), flush=True)
    for number in range(rounds):
        for count in counts:
            with running(count, store, folder / f"run{number}-{count}") as fleet:
                print(f"| {count} | {' | '.join(measured(fleet, agents))} |", flush=True)


def measured(fleet: Fleet, agents: int) -> list[str]:
    """Let agents talk; return a row."""
    warm = Tally()
    talk(fleet, 10_000, iter(range(3 * len(fleet.workers))), warm)  # all have read what they need
    fleet.provider.script(*[says(0.0)] * (agents * TURNS))
    base, cpu, asked = met(fleet.workers), fleet.cpu, fleet.asked_of_redis()
    tally, began = Tally(), time.perf_counter()
    talks = [threading.Thread(target=talk, args=(fleet, one, iter(range(TURNS)), tally)) for one in range(agents)]
    for one in talks:
        one.start()
    for one in talks:
        one.join()
    took, count = time.perf_counter() - began, len(tally.seconds)
    cpu = {name: now - cpu[name] for name, now in fleet.cpu.items()}
    asked = {name: now - asked[name] for name, now in fleet.asked_of_redis().items()}
    shares = " ".join(str(now - before) for now, before in zip(met(fleet.workers), base, strict=True))
    p99 = statistics.quantiles(tally.seconds, n=100)[98]
    print(*tally.lost[:5], *warnings(fleet.workers), sep="\n", end="")
    return [
        f"{tally.answered} of {agents * TURNS}", shares, str(breaks(fleet.provider.received)), f"{count / took:.0f}",
        f"{1000 * statistics.median(tally.seconds):.0f} ms", f"{1000 * p99:.0f} ms",
        f"{sum(cpu.values()) / took / 1000:.2f}", *(f"{spent / count:.1f} ms" for spent in cpu.values()),
        f"{asked['commands'] / count:.1f}", *(f"{asked[name] / count / 1024:.1f}" for name in ("in", "out", "held")),
    ]  # fmt: skip


def roll(count: int, agents: int, store: str, balancer: str, folder: Path) -> None:
    """Replace all workers under traffic, one after another, and print what became of it."""
    with running(count, store, folder / "run", balancer) as fleet:
        fleet.provider.script(*[says(PAUSE)] * 100_000)
        tally, enough = Tally(), threading.Event()
        agents_at_work = [
            threading.Thread(
                target=talk, args=(fleet, one, _until(enough), tally), kwargs={"keeps": bool(one % 2)}, daemon=True
            )
            for one in range(agents)
        ]
        for one in agents_at_work:
            one.start()
        _pass(tally, 3 * agents)
        took = []
        for worker in fleet.workers:
            began = time.perf_counter()
            worker.send_drain()
            status = worker.exit_status()
            worker.start()
            while not fleet.balancer.all_up():
                threading.Event().wait(0.1)
            took.append(f"{time.perf_counter() - began:.1f} s{'' if status == 0 else f' (status {status})'}")
            _pass(tally, 2 * agents)
        enough.set()
        for one in agents_at_work:
            one.join()
        print("| workers replaced | each took | requests | answered | lost | breaks | by each, over both lives |")
        print("|--:|---|--:|--:|--:|--:|---|")
        cells = (len(took), ", ".join(took), len(tally.seconds), tally.answered, len(tally.lost))
        shares = " ".join(map(str, met(fleet.workers)))
        print(f"| {' | '.join(map(str, cells))} | {breaks(fleet.provider.received)} | {shares} |")
        print(*tally.lost[:10], *warnings(fleet.workers), sep="\n")


def _until(enough: threading.Event) -> Iterator[None]:
    while not enough.is_set():
        yield
        enough.wait(0.1)


def _pass(tally: Tally, count: int) -> None:
    """Wait for so many more answers."""
    goal = tally.answered + count
    while tally.answered < goal and not tally.lost:
        threading.Event().wait(0.05)
