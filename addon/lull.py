"""What nobody waits for is kept until no request comes for a while: in a rush it would take the time of those who wait.

All that computes shares the interpreter's lock with the event loop, and to change hands costs both. Garbage waits as
well, up to a bound: what is made in a rush lives on, and would be gone through again and again.
"""

import asyncio
import gc
from collections.abc import Callable

QUIET_SECONDS = 0.2
"""For so long no request has come, and no answer has begun. Where hundreds of streams begin at once, as much passes
between their requests and the first answer."""
LONGEST_SECONDS = 1.0
"""What was put off is done after these, however busy it is."""
MOST = 100
"""Things that are put off at once, light ones aside. They hold the requests that they are about."""
_USUAL = gc.get_threshold()
_MOST_GARBAGE = 50_000
"""Objects more than at the last collection: as many as some 200 streams have that begin."""


class Lull:
    """For the event loop's thread alone."""

    def __init__(self) -> None:
        self._kept: list[Callable[[], None]] = []
        self._heavy = 0
        self._since = self._stirred = 0.0  # by the event loop's clock
        self._timer: asyncio.TimerHandle | None = None

    def stir(self) -> None:
        """Take note that somebody waits: a request comes, or the answer to one begins."""
        self._stirred = asyncio.get_running_loop().time()
        self._wait()

    def put_off(self, work: Callable[[], None], *, is_light: bool = False) -> None:
        """Have something done that is quick, or that hands over to a thread; in the order in which it was put off.

        ``is_light``: it holds no request, such as a line for the log.
        """
        self._kept.append(work)
        self._heavy += not is_light
        if self._heavy >= MOST:
            self.end()
        else:
            self._wait()

    def end(self) -> None:
        """Do all that was put off now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            gc.set_threshold(*_USUAL)
        kept, self._kept, self._heavy = self._kept, [], 0
        for work in kept:
            work()

    def _wait(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._since = loop.time()
            self._timer = loop.call_later(QUIET_SECONDS, self._look)
            gc.set_threshold(_MOST_GARBAGE, *_USUAL[1:])

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        due = min(self._stirred + QUIET_SECONDS, self._since + LONGEST_SECONDS)
        if loop.time() < due:
            self._timer = loop.call_at(due, self._look)
        else:
            self.end()
