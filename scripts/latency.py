"""Added latency of the addon over plain mitmdump: medians of one run, both in turn, and memory after 1,000 requests.

Time is from the first byte a client sends to the last byte the provider has, on loopback with TLS to the proxy.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))

from client import Client
from conversations import history, log, request, rows
from provider import Provider
from proxy import ADDON, Mitmdump, running

KILOBYTE = 1_000
PER_ROW, PER_LINE = 140, 71  # bytes of ``rows`` and ``log``


def small() -> Iterator[bytes]:
    """Yield new conversations of 10 KB."""
    number = 0
    while True:
        number += 1
        yield request([{"role": "user", "content": f"Task {number}. " + "Please look at this. " * 470}])


def long_conversation() -> Iterator[bytes]:
    """Yield one conversation turn by turn: 25 results of 20 KB, then one new small message each time."""
    results = [log(20 * KILOBYTE // PER_LINE, salt=f"turn{number}") for number in range(25)]
    for count in range(1, len(results) + 1):
        yield request(history(*results[:count]))
    messages = history(*results)
    while True:
        messages += [
            {"role": "assistant", "content": f"Step {len(messages)} is done."},
            {"role": "user", "content": f"Go on with step {len(messages)}."},
        ]
        yield request(messages)


def new_result(make: Callable[[str], str]) -> Iterator[bytes]:
    """Yield new conversations, each with a result that nobody has seen."""
    number = 0
    while True:
        number += 1
        yield request(history(make(f"{number:05}")))


@dataclass(frozen=True)
class Case:
    """A row of the table."""

    name: str
    bodies: Iterator[bytes]
    warm_up: int = 3


def cases() -> tuple[Case, ...]:
    """What is measured."""
    return (
        Case("10 KB request", small()),
        Case("500 KB conversation, one new small message", long_conversation(), warm_up=26),
        Case("one new 100 KB JSON result", new_result(lambda salt: rows(100 * KILOBYTE // PER_ROW, salt=salt))),
        Case("one new 100 KB log result", new_result(lambda salt: log(100 * KILOBYTE // PER_LINE, salt=salt))),
    )


def milliseconds(provider: Provider, client: Client, body: bytes) -> float:
    """How long one request takes to the provider."""
    provider.received.clear()
    began = time.perf_counter()
    client.post("/v1/messages", body)
    return (provider.received[0].at - began) * 1000


def measure(provider: Provider, clients: list[Client], case: Case, count: int) -> str:
    """One row: medians through each proxy in turn, and what the last body became."""
    times: list[list[float]] = [[] for _ in clients]
    size = [0, 0]
    for number in range(case.warm_up + count):
        body = next(case.bodies)
        order = (0, 1) if number % 2 else (1, 0)
        for which in order:
            taken = milliseconds(provider, clients[which], body)
            size[which] = len(provider.received[0].raw)
            if number >= case.warm_up:
                times[which].append(taken)
    plain, ours = (statistics.median(found) for found in times)
    slowest = statistics.quantiles(times[1], n=20)[-1]
    cells = f"{plain:8.1f} {ours:8.1f} {ours - plain:8.1f} {slowest:8.1f} {size[0]:9,} {size[1]:9,}"
    return f"{case.name:44} {cells}"


def memory(provider: Provider, clients: list[Client], count: int) -> str:
    """Resident memory of both after many requests."""
    small_ones, long_one = small(), long_conversation()
    for number in range(count):
        body = next(long_one if number % 10 == 0 else small_ones)
        for client in clients:
            provider.received.clear()
            client.post("/v1/messages", body)
    plain, ours = (client.proxy.resident_kib / 1024 for client in clients)
    return f"memory after {count:,} more requests: plain {plain:.0f} MiB, ours {ours:.0f} MiB"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=40, help="requests per case and proxy")
    parser.add_argument("--requests", type=int, default=1000, help="requests before memory is read")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="an option of the addon")
    parser.add_argument("--json", type=Path, help="write the rows here too")
    chosen = parser.parse_args()
    options = dict(option.split("=", 1) for option in chosen.set)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(Provider().running())
        proxies = [
            Mitmdump(folder / name, folder / "confdir", provider.port, scripts, values)
            for name, scripts, values in (("plain", (), {}), ("ours", (ADDON,), options))
        ]
        clients = [Client(stack.enter_context(running(proxy, show_log=False))) for proxy in proxies]
        heads = ("plain", "ours", "added", "ours p95")
        print(
            f"{f'milliseconds, medians of {chosen.count}':44}", *(f"{head:>8}" for head in heads), "bytes in, bytes out"
        )
        rows_of_table = [measure(provider, clients, case, chosen.count) for case in cases()]
        for row in rows_of_table:
            print(row, flush=True)
        rows_of_table.append(memory(provider, clients, chosen.requests))
        print(rows_of_table[-1])
    if chosen.json:
        chosen.json.write_text(json.dumps(rows_of_table, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
