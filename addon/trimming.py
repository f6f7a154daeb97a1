"""Gives memory back that the C library's allocator keeps: after a rush it would keep for good what the rush took.

Threads of ours have heaps of their own in glibc, and a heap shrinks by itself only where its end is free.
"""

import asyncio
import ctypes
from collections.abc import Callable

EVERY_SECONDS = 60.0


def trimming() -> Callable[[], object] | None:
    """Return what gives all free memory back, quick and without the interpreter's lock; None where there is none."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return None
    trim.argtypes = [ctypes.c_size_t]
    return lambda: trim(0)


class Trimmer:
    """Does so now and then, for as long as the proxy runs."""

    def __init__(self, trim: Callable[[], object] | None, seconds: float = EVERY_SECONDS) -> None:
        self._trim = trim
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        """Begin."""
        if self._trim is not None and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._trim_for_ever(self._trim))

    def done(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _trim_for_ever(self, trim: Callable[[], object]) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await asyncio.to_thread(trim)
