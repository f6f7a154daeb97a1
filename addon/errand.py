"""A request on its way through the threads, and what whoever waits for it can ask."""

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from typing import Any

from headroom_mitm.aligner import Plan
from headroom_mitm.pipeline import Outcome, Policy, Ticket
from headroom_mitm.segments import Prompt
from headroom_mitm.wire.base import Wire


class Errand:
    """A request on its way through the threads, and who waits for it. Made in the event loop's thread."""

    def __init__(self, wire: Wire, body: bytes, policy: Policy) -> None:
        self.wire = wire
        self.body = body
        self.policy = policy
        self.ticket = Ticket()
        self.is_left = False
        """Nobody waits any more."""
        self._loop = asyncio.get_running_loop()
        self.done: asyncio.Future[Outcome | None] = self._loop.create_future()
        self._late: asyncio.Task[None] | None = None
        self._plan: tuple[Prompt, Plan] | None = None
        self._wants_plan = False
        self._news: asyncio.Future[None] = self._loop.create_future()
        self._lock = threading.Lock()

    async def is_done(self, seconds: float) -> bool:
        """Say whether it is done, after so many seconds at most."""
        if not self.done.done():
            await self._told(seconds)
        return self.done.done()

    async def recalled(self, seconds: float) -> None:
        """Return when it is known what is decided, or all is done; after so many seconds at most."""
        with self._lock:
            self._wants_plan = self._plan is None
        if self._wants_plan and not self.done.done():
            await self._told(seconds)

    def followed(self, step: "Future[Any]") -> None:
        """Take what a step has returned, which may be a step that another thread does."""
        if step.cancelled():
            return
        error = step.exception()
        found = step.result() if error is None else None
        if isinstance(found, Future):
            found.add_done_callback(self.followed)
            return
        with contextlib.suppress(RuntimeError):  # the proxy has ended meanwhile
            self._loop.call_soon_threadsafe(self._settle, found, error)

    def planned(self, prompt: Prompt, plan: Plan) -> bool:
        """Note what is decided; False: the body has left untouched meanwhile."""
        with self._lock:
            self._plan = prompt, plan
            if self._wants_plan:
                with contextlib.suppress(RuntimeError):  # the proxy has ended meanwhile
                    self._loop.call_soon_threadsafe(self._tell)
            return not self.is_left

    def left(self) -> tuple[Prompt, Plan] | None:
        """Note that nobody waits any more; return what is decided, if that is known."""
        with self._lock:
            self.is_left = True
        self._late = asyncio.ensure_future(_forgotten(self.done))  # what leaves raw now is still being noted
        return self._plan

    def _settle(self, found: Outcome | None, error: BaseException | None) -> None:
        if error is not None:
            self.done.set_exception(error)
        else:
            self.done.set_result(found)
        self._tell()

    async def _told(self, seconds: float) -> None:
        """Return when there are news, after so many seconds at most. ``asyncio.wait`` takes a turn of the loop more."""
        self._news = self._loop.create_future()
        late = self._loop.call_later(seconds, self._tell)
        try:
            await self._news
        finally:
            late.cancel()

    def _tell(self) -> None:
        if not self._news.done():
            self._news.set_result(None)


async def _forgotten(done: "asyncio.Future[Outcome | None]") -> None:
    """Take what nobody waits for, errors too."""
    await asyncio.wait({done})
    done.exception()
