"""The addon: but for sockets, the only file that touches a flow. Where it fails, the original goes out."""

import asyncio
import functools
import logging
import time
from collections.abc import Callable, Sequence

from mitmproxy import connection, ctx, exceptions, http
from mitmproxy.addonmanager import Loader

from headroom_mitm import defaults, settings
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.hosts import GEMINI, detect, is_streamed_by
from headroom_mitm.permission import Permission
from headroom_mitm.pipeline import Outcome
from headroom_mitm.roundtrip import destination
from headroom_mitm.roundtrip.copies import looked_for
from headroom_mitm.roundtrip.exchange import Exchange, is_event_stream
from headroom_mitm.roundtrip.links import link_behind, originals_in
from headroom_mitm.roundtrip.substream import Job, WatchLayers, missing_names
from headroom_mitm.service import Service
from headroom_mitm.settings import Settings
from headroom_mitm.sockets import Sockets, Use
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire
from headroom_mitm.wire.replies import REPLIES
from headroom_mitm.wire.reply import Answered, HiddenCall, Keeping, Kept, Reply
from headroom_mitm.wire.retelling import Telling, Untold
from headroom_mitm.wording import TOOL_NAME

logger = logging.getLogger(__name__)

LEG_OF = "headroom_leg_of"
"""In the metadata of a later leg's flow: the id of the client's flow."""
PROMPT = "headroom_prompt"
"""In the metadata of a prompt's flow: its format."""
TRIES_AGAIN_IF_CUT = "claude-cli/"
"""Claude Code asks again where a stream breaks off, but ends the turn after an error event. Seen with 2.1."""
LARGEST_BODY = 64 * 2**20
"""Bytes as sent. A larger body is not looked at."""


class Headroom:
    """Rewrites requests to LLM hosts on their way out."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._service: Service | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._permission = Permission()
        self._answers = Answers(lambda: self._service)
        self.addons = [self._answers, Sockets(self._wire_in, self._use_of)]
        """mitmproxy calls the hooks of these, too."""

    def load(self, loader: Loader) -> None:
        """Declare the options."""
        settings.declare(loader)

    def configure(self, updated: set[str]) -> None:
        """Read the options; open another store if they name one."""
        if self._settings is not None and not any(name.startswith("headroom_") for name in updated):
            return
        before, chosen = self._settings, settings.read(ctx.options)
        if before is None or before.store != chosen.store:
            self._open(chosen.store)
        self._settings = chosen
        if before is None:
            defaults.keep_to_loopback(ctx.options)
            defaults.use_own_authority(ctx.options, chosen)
        elif before.hosts != chosen.hosts:
            defaults.limit_hosts(ctx.options, chosen, before)

    def running(self) -> None:
        """Decrypt no other hosts than LLMs', and look after the store."""
        if self._settings is not None:
            defaults.limit_hosts(ctx.options, self._settings)
        self._start_sweeping()

    async def request(self, flow: http.HTTPFlow) -> None:
        """Rewrite a prompt. Whatever goes wrong here, the original leaves."""
        try:
            await self._rewrite(flow)
        except Exception:
            logger.exception("headroom: a request passes untouched")

    def done(self) -> None:
        """Give back threads and files."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._service is not None:
            self._service.close()

    async def _rewrite(self, flow: http.HTTPFlow) -> None:
        chosen, service = self._settings, self._service
        if chosen is None or service is None or not _is_from_client(flow):
            return
        wire = wire_of(flow.request, chosen)
        if wire is None:
            return
        flow.metadata[PROMPT] = wire.name
        answerable = self._answers.can_watch(flow, wire)
        policy = self._permission.policy(flow.request.pretty_host, flow.request.headers, chosen, answerable=answerable)
        body = body_of(flow.request) if policy is not None else None
        if policy is None or body is None:
            return
        wire, linked = await service.linked(wire, body, chosen.deadline)
        outcome = await service.rewrite(wire, linked, policy, chosen.deadline)
        if outcome is None:
            if linked is not body:
                put_body(flow.request, linked)
            return
        note = f"{wire.name} {outcome.prompt.model} · {outcome.tokens_before} -> {outcome.tokens_after} tok"
        flow.comment = f"headroom: {note}" if policy.change else f"headroom: {note} (audit, nothing changed)"
        logger.info(flow.comment)
        if outcome.offered:
            self._answers.expect(flow, wire, outcome)
        if outcome.body is not body:
            put_body(flow.request, outcome.body)  # the last thing that happens

    def _use_of(self, flow: http.HTTPFlow, wire: Wire) -> Use | None:
        """Say what may be done with the frames of a socket; None: nothing at all."""
        chosen, service = self._settings, self._service
        if chosen is None or service is None:
            return None
        policy = self._permission.policy(flow.request.pretty_host, flow.request.headers, chosen, answerable=True)
        return Use(service, wire, policy, chosen.deadline) if policy is not None else None

    def _wire_in(self, flow: http.HTTPFlow) -> Wire | None:
        """Return the format that frames of a socket are in, as it is being opened."""
        return wire_of(flow.request, self._settings, "POST") if self._settings is not None else None

    def _open(self, store: str) -> None:
        try:
            service = Service(store, clock=settings.clock())
        except ValueError as error:
            raise exceptions.OptionsError(f"headroom_store: {error}") from None
        old, self._service = self._service, service
        if old is not None:
            old.close()
            self._start_sweeping()

    def _start_sweeping(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._service is not None:
            self._sweeper = asyncio.get_running_loop().create_task(self._service.sweep_for_ever())


class Answers:
    """Lets events through as they come, and answers the model's calls for what was left out."""

    def __init__(self, service: Callable[[], Service | None]) -> None:
        self._service = service
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
        expected = self._expected.pop(flow.id, None)
        if LEG_OF in flow.metadata:
            flow.response.stream = True
        elif expected is not None and flow.response.status_code == 200:
            self._watch(flow, flow.response, *expected)
        elif _is_stream(flow, flow.response) and not flow.response.stream:
            flow.response.stream = True  # mitmproxy would hold it back until it is whole

    async def headroom_advance(self, job: Job) -> None:
        """Answer the calls of a leg that is over, and prepare the next leg's request: the same but for its body."""
        service = self._service()
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
        flow.comment = f"headroom: leg {job.exchange.rounds + 1} of an answer"
        job.next_flow = flow

    async def headroom_conclude(self, job: Job) -> None:
        """Keep what the client has not seen of an answer, before it can ask on."""
        service = self._service()
        if service is None:
            return
        try:
            await service.advance(job.exchange.conclude)
        except Exception:
            logger.exception("headroom: hidden rounds of an answer are not told again")

    def response(self, flow: http.HTTPFlow) -> None:
        """An answer is over."""
        job = self._jobs.pop(flow.id, None)
        if job is not None and job.exchange.retrieved:
            flow.comment += f" · {len(job.exchange.retrieved)} retrieved"
            logger.info("headroom: the model read %s", ", ".join(job.exchange.retrieved))

    def error(self, flow: http.HTTPFlow) -> None:
        """An answer is over, badly."""
        self._jobs.pop(flow.id, None)
        self._expected.pop(flow.id, None)

    def _watch(self, flow: http.HTTPFlow, response: http.Response, wire: Wire, outcome: Outcome) -> None:
        service, streamed, replies = self._service(), _is_stream(flow, response), REPLIES[wire.name]
        if service is None:
            response.stream = streamed
            return
        reply = Guarded((replies.streamed if streamed else replies.whole)(TOOL_NAME))
        exchange = Exchange(reply, outcome.body, originals_in(wire, outcome.originals), service.read)
        exchange.in_events = _in_events(response)
        exchange.breaks_off = flow.request.headers.get("user-agent", "").startswith(TRIES_AGAIN_IF_CUT)
        exchange.on_served = functools.partial(service.asked, outcome)
        exchange.on_kept = lambda kept: service.link(link_behind(kept, wire, outcome.prompt, outcome.originals))
        exchange.on_untold = lambda rounds: service.retold.keep(flow.metadata[PROMPT], outcome.prompt, rounds)
        exchange.copies = looked_for(wire.name, originals_in(wire, outcome.originals), streamed=streamed)
        # mitmproxy itself decodes what it holds until it is whole.
        if streamed and not exchange.begin_leg(response.headers.get("content-encoding", "")):
            logger.warning("headroom: an answer in an unknown encoding is not watched")
            response.stream = True
            return
        self._jobs[flow.id] = Job(flow, exchange)
        response.stream = _pieces(exchange) if streamed else False
        if streamed:
            _free_of_length(flow.request, response)


class Guarded:
    """A reply that a fault of ours does not stop: the first leg goes on as it comes, a later one is called broken."""

    def __init__(self, reply: Reply) -> None:
        self.streamed = reply.streamed
        self._reply = reply
        self._keeping = reply if isinstance(reply, Keeping) else None
        self._is_first = True
        self._is_raw = False
        self._waiting = b""  # what came and was not shown yet

    def feed(self, data: bytes) -> bytes:
        """See ``Reply``."""
        if self._is_raw:
            return data
        self._waiting += data
        try:
            shown = self._reply.feed(data)
        except Exception:
            logger.exception("headroom: an answer is not understood")
            return self._fault()
        if shown:
            self._waiting = b"" if self._waiting.endswith(shown) else self._waiting.rpartition(shown)[2]
        return shown

    def end_leg(self) -> bytes:
        """See ``Reply``."""
        if self._is_raw:
            return b""
        try:
            return self._reply.end_leg()
        except UnreadableBody:
            raise
        except Exception:
            logger.exception("headroom: an answer is not understood")
            return self._fault()

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """See ``Reply``."""
        return () if self._is_raw else self._reply.hidden

    @property
    def kept(self) -> Kept | None:
        """See ``Keeping``."""
        return self._keeping.kept if self._keeping is not None and not self._is_raw else None

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        return self._reply.untold if isinstance(self._reply, Telling) and not self._is_raw else None

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """See ``Reply``."""
        self._is_first, self._waiting = False, b""
        return self._reply.next_body(body, answers)

    def close(self) -> bytes:
        """See ``Reply``."""
        return self._reply.close()

    def failed(self, status: int, raw: bytes) -> bytes:
        """See ``Reply``."""
        return self._reply.failed(status, raw)

    def idle(self) -> bytes:
        """See ``Reply``."""
        return self._reply.idle()

    def _fault(self) -> bytes:
        if not self._is_first:
            raise UnreadableBody("a fault of ours in a later leg")
        self._is_raw = True
        return self._waiting


def wire_of(request: http.Request, chosen: Settings, method: str = "") -> Wire | None:
    """Return the format of a request, told by host and path; None if it is not for us.

    ``method`` is that of prompts where the request itself has another one, as those that open a WebSocket.
    """
    name = detect(request.pretty_host, request.port, method or request.method, request.path, chosen.hosts)
    return BY_NAME[name] if name else None


def body_of(request: http.Request) -> bytes | None:
    """Return a request's body without its content encoding; None if there is none, or it cannot be decoded."""
    raw = request.raw_content
    if not raw or len(raw) > LARGEST_BODY:
        return None
    try:
        return request.get_content(strict=True)
    except ValueError as error:
        logger.info("headroom: a body passes untouched: %s", error)
        return None


def put_body(request: http.Request, body: bytes) -> None:
    """Set a body as it is. Encoding it again would cost more than it saves: a second for a megabyte of br."""
    request.headers.pop("content-encoding", None)
    request.content = body


def _is_from_client(flow: http.HTTPFlow) -> bool:
    """Say whether this is a request that a client makes now, whole: no replay, no later leg, not answered already."""
    return not (flow.is_replay or flow.response or flow.error or flow.request.stream or LEG_OF in flow.metadata)


def _in_events(response: http.Response) -> bool:
    return is_event_stream(response.headers.get("content-type", ""))


def _is_stream(flow: http.HTTPFlow, response: http.Response) -> bool:
    """Say whether an answer comes in pieces. Gemini's may be those of a JSON array: only the path tells."""
    wire = flow.metadata.get(PROMPT)
    return wire is not None and (_in_events(response) or (wire == GEMINI and is_streamed_by(flow.request.path)))


def _free_of_length(request: http.Request, response: http.Response) -> None:
    """Let a body become longer or shorter than announced, and plain."""
    response.headers.pop("content-encoding", None)
    announced = response.headers.pop("content-length", None)
    if announced is not None and request.http_version == response.http_version == "HTTP/1.1":
        response.headers["transfer-encoding"] = "chunked"


def _pieces(exchange: Exchange) -> Callable[[bytes], bytes | list[bytes]]:
    """Return what mitmproxy calls with each piece of a stream. It gives no empty piece: HTTP/1 would end the body."""

    def pieces(data: bytes) -> list[bytes]:
        shown = exchange.feed(data) if data else b""
        return [shown] if shown else []

    return pieces
