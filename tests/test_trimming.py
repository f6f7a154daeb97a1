"""Memory that is free goes back to the system, now and then."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from headroom_mitm import recent
from headroom_mitm.recent import AGES, Recent
from headroom_mitm.trimming import Collector, Trimmer, trimming


def live(trim: Callable[[], None] | None, fade: Callable[[], None], enough: asyncio.Event) -> Awaitable[int]:
    """Let a trimmer run until there is enough; return how many tasks are left."""

    async def run() -> int:
        trimmer = Trimmer(trim, 0.0, fade)
        trimmer.running()
        trimmer.running()
        await enough.wait()
        trimmer.done()
        trimmer.done()
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    return run()


@pytest.mark.parametrize("trims", [True, False], ids=["glibc", "another C library"])
def test_it_goes_on_until_the_proxy_ends(*, trims: bool) -> None:
    """Memories fade where nothing can be trimmed, too: first, so that what they held is given back."""
    calls: list[str] = []

    async def run() -> int:
        enough, loop = asyncio.Event(), asyncio.get_running_loop()

        def fade() -> None:
            calls.append("fade")
            if calls.count("fade") == 2:
                loop.call_soon_threadsafe(enough.set)

        return await live((lambda: calls.append("trim")) if trims else None, fade, enough)

    assert asyncio.run(run()) == 1
    assert calls[:3] == (["fade", "trim", "fade"] if trims else ["fade", "fade"])


def test_the_collector_takes_a_thousandth_of_the_time() -> None:
    """However much there is to look through."""
    now, calls = [0.0], []

    def collect() -> None:
        calls.append(now[0])
        now[0] += 0.1

    collector = Collector(collect, lambda: now[0])
    for _ in range(5):
        collector()
        now[0] += 60
    assert calls == pytest.approx([0.0, 120.1, 240.2])


def test_memories_of_the_addon_are_what_fades() -> None:
    """Only what can be had again elsewhere."""
    fading: Recent[str, int] = Recent(10, fades=True)
    lasting: Recent[str, int] = Recent(10)
    for memory in (fading, lasting):
        memory.put("a", 1)
    for _ in range(AGES + 1):
        recent.fade()
    assert (fading.get("a"), lasting.get("a")) == (None, 1)


def test_glibc_has_it() -> None:
    """Elsewhere there is nothing to call."""
    trim = trimming()
    assert trim is None or trim() in (0, 1)


HEAPS = """
import ctypes, sys, threading
from headroom_mitm import trimming
trimming.share_heap()
barrier = threading.Barrier(8)
def take():
    barrier.wait()
    held = [bytearray(60_000) for _ in range(50)]
    barrier.wait()
threads = [threading.Thread(target=take) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
file = libc.fopen(b"/dev/stdout", b"w")
libc.malloc_info(0, ctypes.c_void_p(file))
libc.fflush(ctypes.c_void_p(file))
"""


def test_threads_share_a_heap() -> None:
    """Where they would have one each."""
    run = subprocess.run([sys.executable, "-c", HEAPS], capture_output=True, text=True, check=False)
    assert trimming() is None or len(re.findall(r"<heap nr=", run.stdout)) == 1
