"""Prompts that leave in the frames of a WebSocket, and the model's calls in the frames that come back.

Touches flows, as the plugin does: a frame is no request, and mitmproxy has hooks and a command of their own for it. All
of them are public. Other frames, other sockets on the same hosts, and whatever a fault of ours meets pass as they came.
"""

import dataclasses
import functools
import logging
from collections.abc import Callable

from mitmproxy import ctx, http
from mitmproxy.websocket import WebSocketMessage

from headroom_mitm.addressed import header
from headroom_mitm.metering import Metering
from headroom_mitm.pipeline import Outcome, Policy
from headroom_mitm.roundtrip.copies import looked_for
from headroom_mitm.roundtrip.exchange import Exchange
from headroom_mitm.roundtrip.links import LinkedWire, link_behind, originals_in
from headroom_mitm.roundtrip.talk import Talk, Watched, ascii_only
from headroom_mitm.service import Service
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire
from headroom_mitm.wire.replies import FRAMES, Frames
from headroom_mitm.wire.reply import Kept
from headroom_mitm.wire.reported import is_end
from headroom_mitm.wording import TOOL_NAME

logger = logging.getLogger(__name__)

SOCKET = "headroom_socket"
"""In the metadata of a flow: the format of the prompts in its frames."""
LARGEST = 64 * 2**20
"""Bytes. A larger frame, as a few compressed bytes may stand for, is not looked at."""
KEPT_FRAMES = 32
"""mitmproxy keeps all frames of a socket for as long as it lives, which can be days."""


@dataclasses.dataclass(frozen=True, slots=True)
class Use:
    """What may be done with the frames of a socket."""

    service: Service
    wire: Wire
    policy: Policy
    seconds: float


class Sockets:
    """Rewrites frames."""

    def __init__(
        self,
        wire_of: Callable[[http.HTTPFlow], Wire | None],
        use_of: Callable[[http.HTTPFlow, Wire], Use | None],
        metering: Metering,
    ) -> None:
        """Take what says of a socket what its frames hold, and what may be done with them; None: not ours."""
        self._wire_of = wire_of
        self._use_of = use_of
        self._metering = metering
        self._talks: dict[str, Talk] = {}
        self._is_over = False

    def done(self) -> None:
        """Note that the proxy ends: its clients ask whoever comes next."""
        self._is_over = True

    def request(self, flow: http.HTTPFlow) -> None:
        """Note what a socket is for as it is opened: where its connection leads may be changed later."""
        if header(flow.request, b"upgrade").lower() == "websocket":
            wire = self._wire_of(flow)
            if wire is not None and wire.name in FRAMES:
                flow.metadata[SOCKET] = wire.name

    async def websocket_message(self, flow: http.HTTPFlow) -> None:
        """Look at a frame. Whatever goes wrong here, it passes as it came."""
        if flow.websocket is None or SOCKET not in flow.metadata:
            return
        message = flow.websocket.messages[-1]
        try:
            name = flow.metadata[SOCKET]
            use, frames = self._use_of(flow, BY_NAME[name]), FRAMES[name]
            if use is None or not message.is_text:
                return
            talk = self._talks.setdefault(flow.id, Talk())
            if not message.from_client:
                await self._heard(flow, message, use, frames, talk)
            elif not message.injected:
                await self._asked(flow, message, use, frames, talk)
            del flow.websocket.messages[:-KEPT_FRAMES]
        except Exception:
            if self._is_over and message.from_client:
                message.drop()  # as a request that comes then: its past may have left in another form than it came in
                return
            logger.exception("headroom: a frame passes as it came")

    def websocket_end(self, flow: http.HTTPFlow) -> None:
        """Forget a socket."""
        self._metering.forget(flow)
        if talk := self._talks.pop(flow.id, None):
            for forget in talk.on_end:
                forget()

    async def _asked(
        self, flow: http.HTTPFlow, message: WebSocketMessage, use: Use, frames: Frames, talk: Talk
    ) -> None:
        frame, service = message.content, use.service
        if len(frame) > LARGEST or not frames.asks(frame):
            return
        wire, linked, outcome = await service.leaving(use.wire, frame, use.policy, use.seconds)
        sent = outcome.body if outcome is not None else linked
        if outcome is not None:
            _note(flow, use, outcome)
        beginning = frame if frames.is_warm_up(frame) else b""
        watched = _watched(service, wire, outcome, frames, beginning, talk) if outcome is not None else None
        stream = frames.stream_of(frame)
        talk.watch(stream, watched)
        self._metering.begin(flow, wire.name, use.policy, outcome, stream)
        if watched is not None:
            self._metering.retrieves(flow, watched.exchange.retrieved, stream)
        if sent != frame:
            message.content = ascii_only(sent)

    async def _heard(
        self, flow: http.HTTPFlow, message: WebSocketMessage, use: Use, frames: Frames, talk: Talk
    ) -> None:
        frame = message.content
        ends = is_end(frame)
        if not (talk.is_watched or ends):
            return
        stream = frames.stream_of(frame)
        if ends:
            self._metering.heard(flow, stream, frame)
        heard = talk.hear(stream, frame)
        if ends and heard.goes_on is None:
            self._metering.over_in_socket(flow, stream)
        shown = heard.shown
        if heard.expands is not None:
            shown += await use.service.advance(heard.expands.expand)
        if heard.goes_on is not None:
            following = await _following(use.service, heard.goes_on)
            if following:
                ctx.master.commands.call("inject.websocket", flow, False, ascii_only(following), True)  # noqa: FBT003
            else:
                shown += talk.fail(stream)
        if heard.concludes is not None:
            shown += await _concluded(use.service, heard.concludes)
        if not shown:
            message.drop()
        elif shown != frame:
            message.content = ascii_only(shown)


def _watched(
    service: Service, wire: Wire, outcome: Outcome, frames: Frames, beginning: bytes, talk: Talk
) -> Watched | None:
    """Return what watches the answer; None where there is nothing to see. A beginning has an empty one."""
    is_declared = outcome.offered or (isinstance(wire, LinkedWire) and wire.is_declared)
    if not (is_declared or beginning):
        return None
    reply = frames.reply(TOOL_NAME)
    exchange = Exchange(reply, outcome.body, originals_in(wire, outcome.originals), service.read)

    def note(kept: Kept) -> None:
        link = link_behind(kept, wire, outcome.prompt, outcome.originals)
        service.link(dataclasses.replace(link, is_declared=link.is_declared and is_declared, beginning=beginning))
        talk.on_end.append(functools.partial(service.links.forget, kept.shown_id))

    exchange.on_kept = note
    exchange.on_served = functools.partial(service.asked, outcome)
    exchange.copies = looked_for(wire.name, originals_in(wire, outcome.originals), streamed=True, in_frames=True)
    exchange.on_untold = lambda rounds: service.retold.keep(wire.name, outcome.prompt, rounds)
    return Watched(exchange, reply)


async def _following(service: Service, exchange: Exchange) -> bytes:
    """Return the frame that goes on with an answer; nothing if there is a fault of ours."""
    try:
        return await service.advance(exchange.advance)
    except Exception:
        logger.exception("headroom: an answer cannot go on")
        return b""


async def _concluded(service: Service, exchange: Exchange) -> bytes:
    """Keep what the client has not seen of an answer, before it can ask on; return what belongs behind its end."""
    try:
        await service.advance(exchange.conclude)
    except Exception:
        logger.exception("headroom: hidden rounds of an answer are not told again")
    return exchange.rest


def _note(flow: http.HTTPFlow, use: Use, outcome: Outcome) -> None:
    note = f"{use.wire.name} {outcome.prompt.model} · about {outcome.before} -> {outcome.after} tok"
    flow.comment = f"headroom: {note}" if outcome.is_free else f"headroom: {note} (audit, nothing changed)"
    logger.info(flow.comment)
