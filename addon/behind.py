"""What a request does not wait for where the store is a distant one: a thread of its own does it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.foresight import Foresight
from headroom_mitm.pipeline import Outcome
from headroom_mitm.store.base import Staging

AGAIN_SECONDS = 2.1
"""After so long a store that has not answered is asked again; a client takes longer to come back with results."""
logger = logging.getLogger(__name__)

Given = TypeVar("Given")
Made = TypeVar("Made")


class Behind:
    """Where the store is a near one, nothing is put off. Thread-safe."""

    def __init__(self, staging: Staging, foresight: Foresight, thread: ThreadPoolExecutor) -> None:
        self._staging = staging
        self._foresight = foresight
        self._thread = thread
        self._pressed: asyncio.TimerHandle | None = None

    def warm(self, start: str) -> None:
        """Have sums read whose names begin so, before a request needs them."""
        self._thread.submit(_tried, lambda: self._staging.warm(start))

    def within(self, step: Callable[[Given], Made], of: Given, patience: float) -> Made:
        """Do a step of a request with what it looks up, and have what can wait be done later."""
        with self._staging.begun(patience):
            return step(of)

    def later(self, work: Callable[[], None]) -> None:
        """Do something that asks the store, however near it is, and that nobody waits for."""
        self._thread.submit(_tried, work)

    def press(self, work: Callable[[], None], is_due: Callable[[], bool]) -> None:
        """Keep what has left while the store did not answer: soon, before the conversation comes to another worker.

        Quick where there is nothing to keep. For the event loop's thread.
        """
        if self._pressed is None and (is_due() or self._staging.certainty.is_in_doubt):
            self._pressed = asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._again, work, is_due)

    def left(self, outcome: Outcome | None) -> None:
        """Tell the store what a request that has left did not wait for."""
        if self._staging.owes:
            self._thread.submit(_tried, lambda: self._tell(outcome))

    def do(self, work: Callable[[], None]) -> None:
        """Do something that asks the store and that nobody waits for."""
        if self._staging.is_on:
            self._thread.submit(_tried, work)
        else:
            work()

    def _again(self, work: Callable[[], None], is_due: Callable[[], bool]) -> None:
        self._pressed = None
        with contextlib.suppress(RuntimeError):  # the proxy has ended meanwhile
            self._thread.submit(_tried, work)
            self.press(work, is_due)

    def _tell(self, outcome: Outcome | None) -> None:
        self._staging.flush()
        if outcome is not None and outcome.is_free:  # else it is told what texts would have become
            self._foresight.restore(outcome.prompt, outcome.known.values())


def _tried(work: Callable[[], None]) -> None:
    try:
        work()
    except StoreUnavailable as error:
        logger.warning("headroom: store unavailable, what could wait waits on: %s", error)
