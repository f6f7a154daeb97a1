"""Runs the pipeline over recorded requests, in their order, and reckons what each would have cost."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from headroom_mitm import breakpoints, ledger_money, prices
from headroom_mitm.aligner import Aligner
from headroom_mitm.audit import cache
from headroom_mitm.audit.recording import Recording
from headroom_mitm.caching import Wishes
from headroom_mitm.calibration import ASSUMED
from headroom_mitm.conversation import Conversation
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.hosts import takes_cache_key
from headroom_mitm.ledger_entry import Asked, Entry, entry
from headroom_mitm.ledger_figures import AUDIT
from headroom_mitm.ledger_misses import Misses
from headroom_mitm.ledger_money import Change, Priced, Sent
from headroom_mitm.ledger_sources import Composition, Sources, size_of
from headroom_mitm.pipeline import Outcome, Pipeline, Policy, Ticket
from headroom_mitm.prices import provider_of
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.segments import Digest, Prompt
from headroom_mitm.store import open_store
from headroom_mitm.usage import Counted
from headroom_mitm.volatile import Finding, Volatile
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire


@dataclass(frozen=True, slots=True)
class Measured:
    """One request, reckoned."""

    recording: Recording
    asked: Asked
    entry: Entry
    miss: str
    missed: int
    """Tokens that a cache could have given and did not."""
    lossless: Outcome
    default: Outcome
    fronts: tuple[Finding, ...]
    """What has changed in front of the conversation, each kind once."""
    is_simulated: bool
    """The provider's own figures are not known."""
    spent: float | None
    """Dollars, as it was; None where the price is not known."""
    with_lossless: float
    with_default: float
    with_markers: float
    """Dollars of the same, each with what is above it."""


class Auditor:
    """Takes requests in the order in which they were made. What the pipeline keeps goes to a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self._now = time.time()
        self._lossless = _Arm(folder / "lossless.sqlite", Policy(lossy=False), self._clock)
        self._default = _Arm(folder / "default.sqlite", Policy(), self._clock)
        self._sources = Sources()
        self._misses = Misses()
        self._volatile = Volatile()
        self._hidden: dict[Digest, int] = {}
        self._seen: dict[Digest, cache.Seen] = {}

    def close(self) -> None:
        """Give back files."""
        self._lossless.close()
        self._default.close()

    def measured(self, recording: Recording) -> Measured | None:
        """Return what one request comes to; None for a body that cannot be read."""
        self._now = recording.at
        wire = BY_NAME[recording.wire]
        try:
            lossless = self._lossless.run(wire, recording)
            default = self._default.run(wire, recording)
        except UnreadableBody:
            return None
        if lossless is None or default is None:
            return None
        asked = _asked(recording, lossless)
        made_of = self._sources.of(lossless.prompt)
        return self._reckoned(recording, asked, made_of, lossless, default)

    def _clock(self) -> float:
        return self._now

    def _reckoned(
        self, recording: Recording, asked: Asked, made_of: Composition, lossless: Outcome, default: Outcome
    ) -> Measured:
        prompt, key = lossless.prompt, asked.key or recording.thread
        before = self._seen.get(key)
        self._seen[key] = cache.seen(prompt, recording.at)
        legs = recording.legs
        is_simulated = not any(leg.input for leg in legs)
        marked = recording.is_partial
        if is_simulated:
            plain = cache.simulated(prompt, made_of, recording.at, before, marked=marked)
            legs = (cache.with_output(plain, legs),)
        made = entry(asked, legs, 0, made_of, ASSUMED)
        miss = self._misses.of(asked, made, made_of)
        first = legs[0]
        hidden = self._hidden_in(recording, made_of, first)
        missed = max(0, min(hidden + made_of.sent_before, first.input) - first.read) if miss else 0
        priced = Priced(provider_of(recording.host, asked.model), asked.model, asked.day)
        with_markers = first
        sets_none = prompt.blocks is not None and not marked and not breakpoints.lifetimes(prompt)
        if sets_none and not (first.read or first.write_5m or first.write_1h):
            with_markers = cache.simulated(prompt, made_of, recording.at, before, marked=True)
            with_markers = _scaled(with_markers, first)
        return Measured(
            recording,
            asked,
            made,
            miss,
            missed,
            lossless,
            default,
            tuple(self._volatile.observe(prompt, Conversation.of(prompt), recording.at)),
            is_simulated,
            _dollars(first, priced),
            _dollars(_reduced(first, lossless, made_of, hidden), priced) or 0.0,
            _dollars(_reduced(first, default, made_of, hidden), priced) or 0.0,
            _dollars(_reduced(with_markers, default, made_of, hidden), priced) or 0.0,
        )

    def _hidden_in(self, recording: Recording, made_of: Composition, first: Counted) -> int:
        """Return the tokens that a client's log does not hold: what a conversation's first request took beyond it."""
        if not recording.is_partial:
            return 0
        return self._hidden.setdefault(recording.thread, max(0, first.input - made_of.total))


class _Arm:
    """A pipeline with a store of its own."""

    def __init__(self, file: Path, policy: Policy, clock: Callable[[], float]) -> None:
        self._store = open_store(str(file), clock=clock)
        self._policy = policy
        self._pipeline = Pipeline(Aligner(self._store, clock), Router(), Retold(self._store, clock), clock)

    def run(self, wire: Wire, recording: Recording) -> Outcome | None:
        """Return what leaves instead of a request. Raises ``UnreadableBody``."""
        wishes = Wishes(takes_key=takes_cache_key(recording.host))
        policy = replace(self._policy, account=recording.thread, caching=wishes)
        prompt, plan = self._pipeline.plan(wire, recording.body, policy)
        if plan.is_settled:
            return self._pipeline.settled(wire, plan, policy)
        return self._pipeline.complete(wire, prompt, plan, policy, Ticket())

    def close(self) -> None:
        """Give back the file."""
        self._pipeline.keep()
        self._store.close()


def _asked(recording: Recording, outcome: Outcome) -> Asked:
    return Asked(
        at=recording.at,
        host=recording.host,
        path=recording.path,
        wire=recording.wire,
        agent=recording.agent,
        arm=AUDIT,
        account=recording.thread,
        prompt=outcome.prompt,
        known=outcome.known,
    )


def _reduced(counted: Counted, outcome: Outcome, made_of: Composition, hidden: int) -> Counted:
    """Return how a prompt would have been counted with us, by the ledger's own rule, the other way round."""
    prompt = outcome.prompt
    behind = made_of.sent_before
    changes = [
        Change(hidden + at, before, saved, is_old=at < behind)
        for at, before, saved in _savings(prompt, outcome, made_of)
    ]
    return ledger_money.without(counted, Sent(hidden + made_of.total, hidden + behind if behind else 0, changes))


def _savings(prompt: Prompt, outcome: Outcome, made_of: Composition) -> list[tuple[float, float, float]]:
    """Return where texts stand, their tokens, and how many fewer they become; what is added counts against."""
    found: list[tuple[int, float, float]] = []
    for segment in prompt.segments:
        rendering = outcome.known.get(segment.key)
        if rendering is not None and not rendering.is_raw:
            saved = rendering.tokens_before - rendering.tokens_after
            found.append((segment.span.start, float(rendering.tokens_before), float(saved)))
    added: Mapping[int, int] = size_of(outcome.added)
    found += [(at, 0.0, -float(size)) for at, size in added.items()]
    places = made_of.before(prompt, [at for at, _, _ in found])
    return [(place, before, saved) for place, (_, before, saved) in zip(places, found, strict=True)]


def _scaled(counted: Counted, reported: Counted) -> Counted:
    """Return the same in the provider's tokens."""
    scale = reported.input / counted.input if counted.input else 1.0
    return Counted(
        fresh=round(counted.fresh * scale),
        read=round(counted.read * scale),
        write_5m=round(counted.write_5m * scale),
        write_1h=round(counted.write_1h * scale),
        output=reported.output,
    )


def _dollars(counted: Counted, priced: Priced) -> float | None:
    rates = priced.rates(counted.input)
    return prices.dollars(counted, rates) if rates is not None else None
