"""Not faults, but what shows only in numbers or with time: 10,000 conversations, and a day that passes in minutes."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from answers import Say, answer
from client import Client
from conversations import measurements, request, results_of, turn
from provider import Provider, Received
from proxy import ADDON, Mitmdump

CONVERSATIONS = 10_000
MET_AGAIN = 300
DAY, STEP = 86_400, 240.0
"""Seconds of the simulated clock: between two steps everything stays in a provider's cache of five minutes."""
BUSY, SLEEPY, SLEEPS = 4, 4, 20
"""Agents that ask in every step, and agents that ask in every twentieth."""
TURNS = 40
"""Of a busy agent's conversation."""
MONTH = 31 * DAY
_ANSWERS = 30_000


@dataclass(slots=True)
class Count:
    """What was asked and answered."""

    asked: int = 0
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, client: Client, body: bytes) -> None:
        """Ask once."""
        with self.lock:
            self.asked += 1
        with contextlib.suppress(OSError, ValueError):
            if client.post("/v1/messages", body).status == 200:
                with self.lock:
                    self.answered += 1


@contextlib.contextmanager
def proxied(folder: Path, store: str = "") -> Iterator[tuple[Provider, Mitmdump, Path]]:
    """Run a proxy whose clock is a file."""
    clock = folder / "clock"
    with contextlib.ExitStack() as stack:
        provider = stack.enter_context(Provider().running())
        provider.script(*[answer(Say("All is well."))] * _ANSWERS)
        options = {"headroom_store": store} if store else {}
        environment = {"HEADROOM_CLOCK_FILE": str(clock)}
        proxy = Mitmdump(folder / "home", folder / "confdir", provider.port, (ADDON,), options, environment)
        stack.callback(proxy.stop)
        proxy.start()
        yield provider, proxy, clock


def many(folder: Path) -> list[str]:
    """Have 10,000 conversations of two requests each, and meet some of the first again in the end."""
    count = Count()
    with proxied(folder) as (provider, proxy, _):
        before = proxy.resident_kib

        def converse(numbers: range) -> None:
            client = Client(proxy)
            for number in numbers:
                for messages in conversation(number):
                    count.ask(client, request(messages))
            client.close()

        with ThreadPoolExecutor(6) as agents:
            list(agents.map(converse, [range(n, CONVERSATIONS, 6) for n in range(6)]))
            list(agents.map(converse, [range(n, MET_AGAIN, 6) for n in range(6)]))
        broken = breaks_in(provider.received)
        grown = (proxy.resident_kib - before) / 1024
    remark = f"store {store_bytes(folder) / 2**20:.0f} MB, memory {grown:+.0f} MB"
    return row("10,000 conversations, the first 300 met again", count, broken, remark)


def conversation(number: int) -> Iterator[list[dict[str, object]]]:
    """Yield what is sent in each of two requests."""
    first: list[dict[str, object]] = [{"role": "user", "content": f"Question {number}"}]
    yield first
    yield [*first, *turn(f"toolu_{number}", measurements(120, salt=str(number)))]


def day(folder: Path) -> list[str]:
    """Have agents talk for a simulated day, some without a pause, some every 80 minutes; then let a month pass."""
    count, broken, sizes, memory = Count(), 0, [], []
    with proxied(folder) as (provider, proxy, clock):
        began = time.time()
        busy = [Agent(proxy, f"busy{number}") for number in range(BUSY)]
        sleepy = [Agent(proxy, f"sleepy{number}") for number in range(SLEEPY)]
        for step in range(int(DAY / STEP)):
            clock.write_text(str(began + step * STEP), encoding="ascii")
            awake = [*busy, *(sleepy if step % SLEEPS == 0 else [])]
            if step % SLEEPS == 0:
                broken += breaks_in(provider.received)
                provider.received[:] = [one for one in provider.received if b"Question of busy" in one.raw][-BUSY:]
            for agent in awake:
                agent.ask(count, 3 if agent in sleepy else 1)
            if step % SLEEPS == 0:
                sizes.append(store_bytes(folder))
                memory.append(proxy.resident_kib)
        broken += breaks_in(provider.received)
        for agent in (*busy, *sleepy):
            agent.client.close()
        proxy.stop()
        clock.write_text(str(began + DAY + MONTH), encoding="ascii")
        proxy.start()
        left = swept(folder)
    half = len(memory) // 2
    grown = (memory[-1] - memory[half]) / 1024
    remark = (
        f"store {sizes[-1] / 2**20:.1f} MB, a month later {left / 2**20:.1f}; memory {grown:+.0f} MB in the 2nd half"
    )
    return row("24 h in 360 steps of a clock", count, broken, remark)


class Agent:
    """Talks on and on; begins anew after some turns."""

    def __init__(self, proxy: Mitmdump, name: str) -> None:
        self.client = Client(proxy)
        self._name = name
        self._turns = 0
        self._messages: list[dict[str, object]] = []

    def ask(self, count: Count, times: int) -> None:
        """Ask some times, each time with another result."""
        for _ in range(times):
            number = self._turns % TURNS
            if number == 0:
                self._messages = [{"role": "user", "content": f"Question of {self._name}, {self._turns}"}]
            else:
                call = f"toolu_{self._name}_{self._turns}"
                self._messages += turn(call, measurements(100, salt=call))
            self._turns += 1
            count.ask(self.client, request(self._messages))


def breaks_in(received: Sequence[Received]) -> int:
    """Count texts that reached the provider in another form than before."""
    sent: dict[str, str] = {}
    count = 0
    for one in received:
        with contextlib.suppress(ValueError, AssertionError, KeyError):
            for call, text in results_of(one.json).items():
                count += sent.get(call, text) != text
                sent[call] = text
    return count


def store_bytes(folder: Path) -> int:
    """Return the size of the embedded store's files."""
    return sum(path.stat().st_size for path in (folder / "home" / ".headroom").glob("store.sqlite*"))


def swept(folder: Path) -> int:
    """Return the size of the store once it has been swept, as the proxy does when it starts."""
    size, until = store_bytes(folder), time.monotonic() + 30
    while store_bytes(folder) == size and time.monotonic() < until:
        time.sleep(0.2)
    time.sleep(1)
    return store_bytes(folder)


def row(name: str, count: Count, broken: int, remark: str) -> list[str]:
    """Return a row of the table."""
    lost = count.asked - count.answered
    return [name, str(count.asked), str(count.answered), "0", str(lost), str(broken), "-", "-", remark]
