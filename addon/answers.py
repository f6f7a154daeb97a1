"""Answers of LLM hosts: events go through as they come, and calls for what was left out are answered in between."""

import functools
import logging
import time
from collections.abc import Callable, Mapping

from mitmproxy import connection, ctx, http
from mitmproxy.addonmanager import Loader

from headroom_mitm.addressed import by_name
from headroom_mitm.hosts import GEMINI, is_streamed_by
from headroom_mitm.metering import Metering
from headroom_mitm.pipeline import Outcome
from headroom_mitm.roundtrip import destination
from headroom_mitm.roundtrip.copies import looked_for
from headroom_mitm.roundtrip.exchange import Exchange, is_event_stream
from headroom_mitm.roundtrip.guarded import Guarded
from headroom_mitm.roundtrip.links import link_behind, originals_in
from headroom_mitm.roundtrip.substream import Job, WatchLayers, missing_names
from headroom_mitm.service import Service
from headroom_mitm.wire.base import Wire
from headroom_mitm.wire.replies import REPLIES
from headroom_mitm.wording import TOOL_NAME

logger = logging.getLogger(__name__)

LEG_OF = "headroom_leg_of"
"""In the metadata of a later leg's flow: the id of the client's flow."""
PROMPT = "headroom_prompt"
"""In the metadata of a prompt's flow: its format."""
TRIES_AGAIN_IF_CUT = "claude-cli/"
"""Claude Code asks again where a stream breaks off, but ends the turn after an error event. Seen with 2.1."""


class Answers:
    """Lets events through as they come, and answers the model's calls for what was left out."""

    def __init__(self, service: Callable[[http.HTTPFlow], Service | None], metering: Metering) -> None:
        self._service = service
        self._metering = metering
        self._expected: dict[str, tuple[Wire, Outcome]] = {}
        self._jobs: dict[str, Job] = {}
        self._watched: set[str] = set()
        self._lacks = missing_names()
        self._watching = WatchLayers(lambda flow: self._jobs.get(flow.id), self._watched.add)

    def load(self, _: Loader) -> None:
        """Come after mitmproxy's own NextLayer, and before the first client: it listens before all is running."""
        if self._lacks:
            logger.warning("headroom: nothing will be left out, since mitmproxy lacks %s", ", ".join(self._lacks))
        else:
            ctx.master.addons.add(self._watching)

    def done(self) -> None:
        """Make room for the next one: mitmproxy loads a script again when its file changes."""
        if self._watching in ctx.master.addons:
            ctx.master.addons.remove(self._watching)

    def can_watch(self, flow: http.HTTPFlow, wire: Wire) -> bool:
        """Say whether a call of our tool in the answer to this flow can be answered."""
        return wire.name in REPLIES and flow.client_conn.id in self._watched

    def expect(self, flow: http.HTTPFlow, wire: Wire, outcome: Outcome) -> None:
        """Watch the answer to a flow. It must be readable, so it is asked for without compression."""
        request = flow.request
        request.headers["accept-encoding"] = "identity"
        destination.note(flow.metadata, request)
        self._expected[flow.id] = wire, outcome

    def client_disconnected(self, client: connection.Client) -> None:
        """Forget a connection."""
        self._watched.discard(client.id)

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Let events through, and watch what is expected."""
        if flow.response is None:
            return
        expected, service = self._expected.pop(flow.id, None), self._service(flow)
        if service is not None and PROMPT in flow.metadata:
            service.shared.lull.stir()
        if LEG_OF in flow.metadata:
            flow.response.stream = True
        elif service is not None and expected is not None and flow.response.status_code == 200:
            self._watch(service, flow, flow.response, *expected)
        elif _is_stream(flow, flow.response.headers) and not flow.response.stream:
            flow.response.stream = self._metering.passing(flow)  # mitmproxy would hold it back until it is whole

    async def headroom_advance(self, job: Job) -> None:
        """Answer the calls of a leg that is over, and prepare the next leg's request: the same but for its body."""
        service = self._service(job.flow)
        if service is None:
            return
        try:
            body = await service.advance(job.exchange.advance)
        except Exception:
            logger.exception("headroom: an answer cannot go on")
            return
        flow = http.HTTPFlow(job.flow.client_conn, job.flow.server_conn)
        flow.request = job.flow.request.copy()
        destination.restore(job.flow.metadata, flow.request)
        flow.request.timestamp_start = time.time()
        flow.request.content = body
        flow.metadata[LEG_OF] = job.flow.id
        flow.comment = f"headroom: leg {job.exchange.rounds + 1} of the answer to {job.flow.id}"
        job.next_flow = flow

    async def headroom_conclude(self, job: Job) -> None:
        """Keep what the client has not seen of an answer, before it can ask on."""
        service = self._service(job.flow)
        if service is None:
            return
        try:
            await service.advance(job.exchange.conclude)
        except Exception:
            logger.exception("headroom: hidden rounds of an answer are not told again")

    def response(self, flow: http.HTTPFlow) -> None:
        """An answer is over."""
        job = self._jobs.pop(flow.id, None)
        self._metering.over(flow)
        if job is not None and job.exchange.retrieved:
            logger.info("headroom: the model read %s", ", ".join(job.exchange.retrieved))

    def error(self, flow: http.HTTPFlow) -> None:
        """An answer is over, badly."""
        self._jobs.pop(flow.id, None)
        self._expected.pop(flow.id, None)
        self._metering.over(flow)

    def _watch(
        self, service: Service, flow: http.HTTPFlow, response: http.Response, wire: Wire, outcome: Outcome
    ) -> None:
        headers, replies = by_name(response), REPLIES[wire.name]
        streamed = _is_stream(flow, headers)
        reply = Guarded((replies.streamed if streamed else replies.whole)(TOOL_NAME))
        exchange = Exchange(reply, outcome.body, originals_in(wire, outcome.originals), service.read)
        exchange.ear = self._metering.ear(flow, streamed=streamed)
        exchange.in_events = _in_events(headers)
        exchange.breaks_off = flow.request.headers.get("user-agent", "").startswith(TRIES_AGAIN_IF_CUT)
        exchange.on_served = functools.partial(service.asked, outcome)
        exchange.on_kept = lambda kept: service.link(link_behind(kept, wire, outcome.prompt, outcome.originals))
        name = flow.metadata[PROMPT]  # by what leads back to the flow, all of it would wait for the cyclic collector
        exchange.on_untold = lambda rounds: service.retold.keep(name, outcome.prompt, rounds)
        exchange.copies = looked_for(wire.name, originals_in(wire, outcome.originals), streamed=streamed)
        # mitmproxy itself decodes what it holds until it is whole.
        if streamed and not exchange.begin_leg(headers.get("content-encoding", "")):
            logger.warning("headroom: an answer in an unknown encoding is not watched")
            response.stream = True
            return
        self._jobs[flow.id] = Job(flow, exchange)
        self._metering.retrieves(flow, exchange.retrieved)
        response.stream = _pieces(exchange) if streamed else False
        if streamed:
            _free_of_length(flow.request, response, headers)


def _in_events(headers: Mapping[str, str]) -> bool:
    return is_event_stream(headers.get("content-type", ""))


def _is_stream(flow: http.HTTPFlow, headers: Mapping[str, str]) -> bool:
    """Say whether an answer comes in pieces. Gemini's may be those of a JSON array: only the path tells."""
    wire = flow.metadata.get(PROMPT)
    return wire is not None and (_in_events(headers) or (wire == GEMINI and is_streamed_by(flow.request.path)))


def _free_of_length(request: http.Request, response: http.Response, headers: Mapping[str, str]) -> None:
    """Let a body become longer or shorter than announced, and plain."""
    for name in ("content-encoding", "content-length"):
        if name in headers:
            del response.headers[name]
    if "content-length" in headers and request.http_version == response.http_version == "HTTP/1.1":
        response.headers["transfer-encoding"] = "chunked"


def _pieces(exchange: Exchange) -> Callable[[bytes], bytes | list[bytes]]:
    """Return what mitmproxy calls with each piece of a stream. It gives no empty piece: HTTP/1 would end the body."""

    def pieces(data: bytes) -> list[bytes]:
        shown = exchange.feed(data) if data else b""
        return [shown] if shown else []

    return pieces
