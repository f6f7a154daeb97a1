"""Gives memory back: what conversations need that nobody goes on with, and what the C library's allocator keeps.

Threads of ours have heaps of their own in glibc, and a heap shrinks by itself only where its end is free: after a rush
it would keep for good what the rush took.
"""

import asyncio
import contextlib
import ctypes
from collections.abc import Callable

from headroom_mitm import recent

_M_ARENA_MAX = -8  # in glibc's malloc.h

EVERY_SECONDS = 60.0
"""What was unused for ``recent.AGES`` times as long is forgotten."""


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


class Trimmer:
    """Does so now and then, for as long as the proxy runs."""

    def __init__(
        self,
        trim: Callable[[], object] | None,
        seconds: float = EVERY_SECONDS,
        fade: Callable[[], object] = recent.fade,
    ) -> None:
        self._trim = trim
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
            if self._trim is not None:
                await asyncio.to_thread(self._trim)
