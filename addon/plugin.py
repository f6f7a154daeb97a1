"""The addon, from options to requests. Where it fails, the original goes out."""

import asyncio
import functools
import gc
import logging

from mitmproxy import ctx, exceptions, http
from mitmproxy.addonmanager import Loader

from headroom_mitm import asked_addons, checked_types, defaults, settings
from headroom_mitm.addressed import by_name, header, host_of
from headroom_mitm.answers import LEG_OF, PROMPT, Answers
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.health import Health
from headroom_mitm.hosts import detect
from headroom_mitm.journal import Journal
from headroom_mitm.kept_answers import KeptAnswers
from headroom_mitm.metering import Metering
from headroom_mitm.permission import Permission
from headroom_mitm.presence import Presence
from headroom_mitm.printed import Printed
from headroom_mitm.roundtrip.decoding import decoded
from headroom_mitm.roundtrip.reads import Reads
from headroom_mitm.service import Service, drawn
from headroom_mitm.settings import Settings
from headroom_mitm.sockets import Sockets, Use
from headroom_mitm.tenants import Tenants
from headroom_mitm.trimming import Trimmer, share_heap, trimming
from headroom_mitm.web.inspection import Inspections
from headroom_mitm.web.inspector import Inspector
from headroom_mitm.web.site import Site
from headroom_mitm.web.tour import Tour
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire

logger = logging.getLogger(__name__)

LARGEST_BODY = 64 * 2**20
"""Bytes, as sent and as they are without their encoding. A larger body is not looked at."""


class Headroom:
    """Rewrites requests to LLM hosts on their way out."""

    def __init__(self) -> None:
        self._settings: Settings | None = None
        self._service: Service | None = None
        self._is_over = False
        self._tenants = Tenants(lambda whole, tenant: Service(whole, clock=settings.clock(), tenant=tenant))
        self._sweeper: asyncio.Task[None] | None = None
        self._permission = Permission()
        self._metering = Metering(self._serving)
        self._answers = Answers(self._serving, self._metering)
        tour = Tour(lambda: self._service, lambda: self._settings, Inspections())
        self._inspector = Inspector(tour.sources.inspections, tour.today)
        self.addons = [
            self._answers,
            self._inspector,
            Sockets(self._wire_in, self._use_of, self._metering),
            Reads(),
            KeptAnswers(self._serving, lambda: self._settings),
            Presence(lambda: self._settings),
            Printed(),
            Health(),
            Trimmer(trimming()),
            Site(lambda: tour.sources),
        ]
        """mitmproxy calls the hooks of these, too."""

    def load(self, loader: Loader) -> None:
        """Declare the options. No thread of ours runs yet."""
        settings.declare(loader)
        if not settings.are_heaps_chosen():
            share_heap()

    def configure(self, updated: set[str]) -> None:
        """Read the options; open another store if they name one."""
        if self._settings is not None and not any(name.startswith("headroom_") for name in updated):
            return
        before, chosen = self._settings, settings.read(ctx.options)
        if before is None or before.store != chosen.store:
            self._open(chosen.store)
        self._settings = chosen
        self._metering.journal = Journal(chosen.log) if chosen.log is not None else None
        if before is None:
            defaults.keep_to_loopback(ctx.options)
            defaults.use_own_authority(ctx.options, chosen)
        elif before.hosts != chosen.hosts:
            defaults.limit_hosts(ctx.options, chosen, before)

    def running(self) -> None:
        """Say who can use the proxy, decrypt no other hosts than LLMs', and look after the store."""
        defaults.tell_of_open_doors(ctx.options)
        if self._settings is not None:
            defaults.limit_hosts(ctx.options, self._settings)
        self._start_sweeping()
        asked_addons.take_over(ctx.master.addons)
        checked_types.take_over()
        gc.collect()
        gc.freeze()  # what is loaded now stays: collections that pass it by cost large texts a twentieth less

    async def request(self, flow: http.HTTPFlow) -> None:
        """Rewrite a prompt. Whatever goes wrong here, the original leaves."""
        try:
            await self._rewrite(flow)
        except Exception:
            if self._is_over and flow.killable:
                flow.kill()  # the end cuts it anyway, and its past may have left in another form than the original's
                return
            logger.exception("headroom: a request passes untouched")

    def done(self) -> None:
        """Give back threads and files."""
        asked_addons.give_back(ctx.master.addons)
        checked_types.give_back()
        self._is_over = True
        if self._sweeper is not None:
            self._sweeper.cancel()
        self._tenants.close()
        if self._service is not None:
            self._service.close()

    async def _rewrite(self, flow: http.HTTPFlow) -> None:
        chosen, service = self._settings, self._serving(flow)
        if chosen is None or service is None or not _is_from_client(flow):
            return
        wire = wire_of(flow.request, chosen)
        if wire is None:
            return
        flow.metadata[PROMPT] = wire.name
        answerable = self._answers.can_watch(flow, wire)
        policy = self._permission.policy(host_of(flow.request), by_name(flow.request), chosen, answerable=answerable)
        body = body_of(flow.request) if policy is not None else None
        if policy is None or body is None:
            return
        policy = drawn(policy, service, chosen.holdout)
        wire, linked, outcome = await service.leaving(wire, body, policy, chosen.deadline)
        soon = asyncio.get_running_loop().call_soon  # when the request has been sent, and before its answer
        soon(self._metering.begin, flow, wire.name, policy, outcome)
        if outcome is None:
            if linked is not body:
                put_body(flow.request, linked)
            return
        note = f"{wire.name} {outcome.prompt.model} · about {outcome.before} -> {outcome.after} tok"
        flow.comment = f"headroom: {note}" if outcome.is_free else f"headroom: {note} (audit, nothing changed)"
        self._inspector.mark(flow, outcome)
        if outcome.before:
            # To write a line takes a tenth of what a whole request does.
            service.shared.lull.put_off(functools.partial(logger.info, flow.comment), is_light=True)
        soon(self._inspector.note, flow, outcome, policy.account)
        if outcome.offered:
            self._answers.expect(flow, wire, outcome)
        if outcome.body is not body:
            put_body(flow.request, outcome.body)  # the last thing that happens

    def _use_of(self, flow: http.HTTPFlow, wire: Wire) -> Use | None:
        """Say what may be done with the frames of a socket; None: nothing at all."""
        chosen, service = self._settings, self._serving(flow)
        if chosen is None or service is None:
            return None
        policy = self._permission.policy(host_of(flow.request), by_name(flow.request), chosen, answerable=True)
        return (
            Use(service, wire, drawn(policy, service, chosen.holdout), chosen.deadline) if policy is not None else None
        )

    def _wire_in(self, flow: http.HTTPFlow) -> Wire | None:
        """Return the format that frames of a socket are in, as it is being opened."""
        return wire_of(flow.request, self._settings, "POST") if self._settings is not None else None

    def _serving(self, flow: http.HTTPFlow) -> Service | None:
        """Return what works for the user whom a flow comes from."""
        return self._tenants.of(flow.metadata, self._service) if self._service is not None else None

    def _open(self, store: str) -> None:
        try:
            service = Service(store, clock=settings.clock(), keys=settings.keys(store))
        except ValueError as error:
            raise exceptions.OptionsError(f"headroom_store: {error}") from None
        self._tenants.close()
        old, self._service = self._service, service
        if old is not None:
            old.close()
            self._start_sweeping()

    def _start_sweeping(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._service is not None:
            self._sweeper = asyncio.get_running_loop().create_task(self._service.sweep_for_ever())


def wire_of(request: http.Request, chosen: Settings, method: str = "") -> Wire | None:
    """Return the format of a request, told by host and path; None if it is not for us.

    ``method`` is that of prompts where the request itself has another one, as those that open a WebSocket.
    """
    name = detect(host_of(request), request.port, method or request.method, request.path, chosen.hosts)
    return BY_NAME[name] if name else None


def body_of(request: http.Request) -> bytes | None:
    """Return a request's body without its content encoding; None if there is none, or it cannot be decoded."""
    raw = request.raw_content
    if not raw or len(raw) > LARGEST_BODY:
        return None
    try:
        return decoded(header(request, b"content-encoding"), raw, LARGEST_BODY)
    except UnreadableBody as error:
        logger.info("headroom: a body passes untouched: %s", error)
        return None


def put_body(request: http.Request, body: bytes) -> None:
    """Set a body as it is. Encoding it again would cost more than it saves: a second for a megabyte of br."""
    headers, request.raw_content = request.headers, body
    names = {name.lower() for name, _ in headers.fields}  # mitmproxy goes through all of them for each question
    if b"content-encoding" in names:
        del headers["content-encoding"]
    if b"transfer-encoding" not in names:
        headers["content-length"] = str(len(body))


def _is_from_client(flow: http.HTTPFlow) -> bool:
    """Say whether this is a request that a client makes now, whole: no replay, no later leg, not answered already."""
    return not (flow.is_replay or flow.response or flow.error or flow.request.stream or LEG_OF in flow.metadata)
