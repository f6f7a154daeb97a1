"""Follows each prompt from its request to the end of its answer, for the ledger; touches flows, as the plugin does.

Nothing waits for it: an answer passes as it came, and what it took is read from it at the end, in the ledger's thread.
"""

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from mitmproxy import ctx, hooks, http

from headroom_mitm.addressed import host_of
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.journal import Journal
from headroom_mitm.ledger_entry import Asked
from headroom_mitm.ledger_figures import AUDIT, CHANGED, HOLDOUT
from headroom_mitm.ledger_writer import Finished
from headroom_mitm.pipeline import Outcome, Policy
from headroom_mitm.roundtrip.decoding import decoder
from headroom_mitm.segments import Digest
from headroom_mitm.service import Service
from headroom_mitm.usage import Counted
from headroom_mitm.wire.reported import Listener

logger = logging.getLogger(__name__)

FIGURES = "headroom"
"""In the metadata of a flow: what became of its request, see ``ledger_entry.figures``."""
MOST_OPEN = 10_000
"""Requests that are followed at once. Answers of others are not counted."""
LONGEST = 64 * 2**20
"""Bytes of an answer that is not streamed, and is read."""

Key = tuple[str, str]
"""A flow's id, and the conversation on its socket; that is empty for what is no socket."""


class _Open:
    __slots__ = ("asked", "ear", "retrieved")

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.ear: Listener | None = None
        self.retrieved: Sequence[str] = ()


class Metering:
    """Listens to answers. All methods are quick, are called in the event loop's thread, and never raise."""

    def __init__(self, service: Callable[[http.HTTPFlow], Service | None]) -> None:
        self.journal: Journal | None = None
        """Where a line is written for each request."""
        self._service = service
        self._open: dict[Key, _Open] = {}
        self._shown: list[http.HTTPFlow] = []

    def begin(self, flow: http.HTTPFlow, wire: str, policy: Policy, outcome: Outcome | None, stream: str = "") -> None:
        """Take note of a prompt that leaves; ``outcome`` is None where it could not be read, or not in time."""
        service = self._service(flow)
        if service is None or len(self._open) >= MOST_OPEN:
            return
        arm = CHANGED if policy.change else AUDIT
        if policy.change and outcome is not None and not outcome.is_free:
            arm = HOLDOUT
        asked = Asked(
            at=service.clock(),
            host=host_of(flow.request),
            path=flow.request.path,
            wire=wire,
            agent=flow.request.headers.get("user-agent", ""),
            arm=arm,
            account=policy.account,
            prompt=outcome.prompt if outcome is not None else None,
            known=outcome.known if outcome is not None else {},
            added=outcome.added if outcome is not None else (),
        )
        self._open[flow.id, stream] = _Open(asked)

    def ear(self, flow: http.HTTPFlow, *, streamed: bool) -> Listener | None:
        """Return what is to hear the answer, its content encoding undone; None where nobody wants to know."""
        one = self._open.get((flow.id, ""))
        if one is None:
            return None
        one.ear = Listener(one.asked.wire, streamed=streamed)
        return one.ear

    def retrieves(self, flow: http.HTTPFlow, retrieved: Sequence[str], stream: str = "") -> None:
        """Take the list to which the ids of what the model reads will be added."""
        one = self._open.get((flow.id, stream))
        if one is not None:
            one.retrieved = retrieved

    def passing(self, flow: http.HTTPFlow) -> bool | Callable[[bytes], list[bytes]]:
        """Return what lets the pieces of an answer through as they come, and hears them."""
        response = flow.response
        decode = decoder(response.headers.get("content-encoding", "")) if response is not None else None
        ear = self.ear(flow, streamed=True) if decode is not None else None
        if ear is None or decode is None:
            return True
        return _through(ear, decode)

    def over(self, flow: http.HTTPFlow) -> None:
        """Take note that an answer has passed, whole or not."""
        one, response = self._open.pop((flow.id, ""), None), flow.response
        if one is None or response is None or response.status_code != HTTPStatus.OK:
            return
        self._finish(flow, one, one.ear or _Whole(one.asked.wire, response))

    def heard(self, flow: http.HTTPFlow, stream: str, frame: bytes) -> None:
        """Take the last frame of a leg in a socket."""
        one = self._open.get((flow.id, stream))
        if one is not None:
            one.ear = one.ear or Listener(one.asked.wire, streamed=True)
            one.ear.next_leg()
            one.ear.hear(frame)

    def over_in_socket(self, flow: http.HTTPFlow, stream: str) -> None:
        """Take note that an answer in a socket is over."""
        one = self._open.pop((flow.id, stream), None)
        if one is not None and one.ear is not None:
            self._finish(flow, one, one.ear)

    def forget(self, flow: http.HTTPFlow) -> None:
        """Take note that a flow is over, and nothing more comes in it."""
        for key in [key for key in self._open if key[0] == flow.id]:
            del self._open[key]

    def _finish(self, flow: http.HTTPFlow, one: _Open, ear: "Listener | _Whole") -> None:
        service = self._service(flow)
        if service is None:
            return
        loop, journal = asyncio.get_running_loop(), self.journal
        if one.asked.arm == HOLDOUT:
            for answer_id in ear.answer_ids():
                service.shared.holdout.answered(answer_id, held=True)

        def done(figures: dict[str, Any]) -> None:
            if one.asked.prompt is not None and figures["conversation"] is not None:
                name = Digest(bytes.fromhex(figures["conversation"]))
                service.holdings.finished(name, one.asked.prompt, one.asked.known.values(), one.asked.account)
            if journal is not None:
                journal.note(figures, one.asked.at)
            try:
                loop.call_soon_threadsafe(self._show, flow, figures)
            except RuntimeError:
                return  # the proxy has ended meanwhile

        finished = Finished(one.asked, ear.counted, tuple(one.retrieved), done, ear.answer_ids)
        service.shared.lull.put_off(functools.partial(service.shared.writer.note, finished))

    def _show(self, flow: http.HTTPFlow, figures: dict[str, Any]) -> None:
        """Tell the flow, and screens that show it."""
        flow.metadata[FIGURES] = figures
        flow.comment = comment(figures)
        logger.info("headroom: %s", flow.comment)
        if not self._shown:
            asyncio.get_running_loop().call_soon(self._update)  # with others that end now: all addons are asked
        self._shown.append(flow)

    def _update(self) -> None:
        shown, self._shown = self._shown, []
        ctx.master.addons.trigger(hooks.UpdateHook(shown))


def _through(ear: Listener, decode: Callable[[bytes], bytes]) -> Callable[[bytes], list[bytes]]:
    is_readable = True

    def piece(data: bytes) -> list[bytes]:
        nonlocal is_readable
        if is_readable and data:
            try:
                ear.feed(decode(data))
            except UnreadableBody as error:
                is_readable = False
                logger.info("headroom: the usage of an answer cannot be read: %s", error)
        return [data] if data else []

    return piece


class _Whole:
    """An answer that was not streamed, and is read when somebody asks."""

    def __init__(self, wire: str, response: http.Response) -> None:
        self._wire = wire
        self._raw = response.raw_content or b""
        self._decode = decoder(response.headers.get("content-encoding", ""))

    def counted(self) -> tuple[Counted, ...]:
        """See ``Listener``."""
        return self._heard.counted()

    def answer_ids(self) -> tuple[str, ...]:
        """See ``Listener``."""
        return self._heard.answer_ids()

    @functools.cached_property
    def _heard(self) -> Listener:
        ear = Listener(self._wire, streamed=False)
        if self._decode is not None and len(self._raw) <= LONGEST:
            try:
                ear.feed(self._decode(self._raw))
            except UnreadableBody as error:
                logger.info("headroom: the usage of an answer cannot be read: %s", error)
        return ear


def comment(figures: dict[str, Any]) -> str:
    """Return the line that a flow is shown with: what is not known is not in it."""
    before, after = figures["prompt_before"], figures["prompt_after"]
    parts = [f"{figures['provider'] or figures['format']} {figures['model']}"]
    if before is not None:
        parts.append(f"{_short(before)} -> {_short(after)} tok")
    else:
        parts.append(f"{_short(figures['texts_before'])} -> {_short(figures['texts_after'])} tok of results")
    if figures["cache"] is not None:
        parts.append(f"cache {figures['cache']:.0%}".replace("%", " %"))
    if figures["saved"] is not None and figures["arm"] == CHANGED:
        sign = "-" if figures["saved"] < 0 else ""
        parts.append(f"{sign}${abs(figures['saved']):.3f} saved")
    if figures["retrieved"]:
        parts.append(f"{len(figures['retrieved'])} retrieved")
    if figures["arm"] != CHANGED:
        parts.append("held out" if figures["arm"] == HOLDOUT else "audit, nothing changed")
    return " · ".join(parts)


def _short(tokens: int) -> str:
    return f"{tokens / 1000:.1f}k" if tokens >= 1000 else str(tokens)
