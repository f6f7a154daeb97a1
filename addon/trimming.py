"""Gives memory back: what conversations need that nobody goes on with, and what the C library's allocator keeps.

Threads of ours have heaps of their own in glibc, and a heap shrinks by itself only where its end is free: after a rush
it would keep for good what the rush took. mitmproxy's streams lead back to themselves, and what they hold goes when the
cyclic collector comes, which is the rarer the fewer objects a request leaves behind, however large.
"""

import asyncio
import contextlib
import ctypes
import gc
import time
from collections.abc import Callable

from headroom_mitm import recent

_M_ARENA_MAX = -8  # in glibc's malloc.h

_PAUSES = 999
"""So many times as long as the collector takes, it does not come again."""
EVERY_SECONDS = 60.0
"""What was unused for ``recent.AGES`` times as long is forgotten.

Memory that was given back is taken again page by page: where an agent asks every few seconds with a conversation of
2 MB behind it, that takes some milliseconds if free memory goes back in between.
"""


def trimming() -> Callable[[], object] | None:
    """Return what gives all free memory back, quick and without the interpreter's lock; None where there is none."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return None
    trim.argtypes = [ctypes.c_size_t]
    return lambda: trim(0)


def share_heap() -> None:
    """Have threads to come take memory from one heap, not each from one of its own: what one gives back, all can use.

    Nobody waits for it: nearly all is taken under the interpreter's lock.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)


class Collector:
    """Has the cyclic collector come, for a thousandth of the time at most: nothing else runs meanwhile."""

    def __init__(self, collect: Callable[[], object] = gc.collect, clock: Callable[[], float] = time.monotonic) -> None:
        self._collect = collect
        self._clock = clock
        self._due = clock()

    def __call__(self) -> None:
        """Collect, if it is due."""
        began = self._clock()
        if began < self._due:
            return
        self._collect()
        ended = self._clock()
        self._due = ended + _PAUSES * (ended - began)


class Trimmer:
    """Does so now and then, for as long as the proxy runs."""

    def __init__(
        self,
        trim: Callable[[], object] | None,
        seconds: float = EVERY_SECONDS,
        fade: Callable[[], object] = recent.fade,
        collect: Callable[[], object] | None = None,
    ) -> None:
        self._trim = trim
        self._collect = collect or Collector()
        self._fade = fade
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        """Begin."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._trim_for_ever())

    def done(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _trim_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await asyncio.to_thread(self._fade)
            await asyncio.to_thread(self._collect)
            if self._trim is not None:
                await asyncio.to_thread(self._trim)
