"""What the learner sees and says: evidence in the store, outcomes from requests and retrievals, levels for new texts.

An outcome of a shortened text is a miss if the model asked for what was left out, ran the command or read the file
again, or failed to edit it, within a few turns; or it has lived that long without any of these. What failed right
behind a text is counted, too, of shortened ones and of whole ones: only the difference says something. Each outcome is
counted once, at the group and at the kind, in the store, so that all workers learn from all.
"""

import logging
import math
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from headroom_mitm import break_even, cache_terms
from headroom_mitm.compressors import Level
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.families import family
from headroom_mitm.outcomes import Behind
from headroom_mitm.recent import HOUR, Recent
from headroom_mitm.router import LOSSY_GAIN, PARTS
from headroom_mitm.segments import Amount, Call, Digest, Key, Prompt, Rendering, Segment
from headroom_mitm.sizes import about
from headroom_mitm.squash import BLOCK, BLOCKS, Balance, Case, Evidence, Shown, choose, group_of, left, miss, recent
from headroom_mitm.store.base import TallyStore

logger = logging.getLogger(__name__)

LEARNT = "learn|"
"""What the names of all sums begin with that are kept here."""
LIVED = 8
"""Model turns after which a shortened text that nobody missed has done its duty."""
_STILL_COUNTED = 3  # turns after ``LIVED`` in which that is still noticed: a client may send two turns at once
_LOOKED_BACK = LIVED + _STILL_COUNTED - 1
REFRESHED = 20.0
"""Seconds for which counts are remembered. What others have learnt meanwhile shows later."""
NO_PINS: Mapping[str, Level] = MappingProxyType({})
_REMEMBERED = 50_000
_FIELDS = ("outcomes", "misses", "asked", "before", "after", "errors")


@dataclass(frozen=True, slots=True)
class Trial:
    """A text that was shortened, on its way to an outcome."""

    key: Key
    group: str
    kind: str
    rendering: Rendering
    case: Case


class Learner:
    """One for all requests; thread-safe. A store that does not answer leaves it at what it knew."""

    def __init__(self, tallies: TallyStore, clock: Callable[[], float]) -> None:
        self._tallies = tallies
        self._clock = clock
        self._known: Recent[str, tuple[float, Mapping[Level, Evidence], Balance]] = Recent(_REMEMBERED)
        self._done: Recent[Key, bool] = Recent(_REMEMBERED, fades=True, ages=HOUR)
        self._balance: Recent[Digest, float] = Recent(_REMEMBERED)
        self._lock = threading.Lock()

    def level(
        self, prompt: Prompt, segment: Segment, kind: str, size: Amount, *, pins: Mapping[str, Level] = NO_PINS
    ) -> Level:
        """Return how hard a new text of about ``size`` tokens may be pressed; ``pins`` are the user's, by name."""
        pinned = _pinned(prompt.calls.get(segment.call_id), kind, pins)
        if pinned is not None:
            return pinned
        if (self._balance.get(prompt.head) or 0.0) < 0:
            return Level.LOSSLESS  # this conversation has lost more by asking than it has saved
        case = case_of(prompt, segment, kind, about(size))
        return choose(case, self._shown(case))

    def lived(self, prompt: Prompt, known: Mapping[Key, Rendering]) -> None:
        """Look at what became of a conversation's texts: which were missed, and which have lived long enough."""
        behind = Behind(prompt, _LOOKED_BACK)
        noted: set[str] = set()
        for segment in behind.recent:
            rendering = known.get(segment.key)
            if rendering is None or not _is_counted(rendering) or self._done.get(segment.key) is not None:
                continue
            if segment.epoch:
                continue  # shortened when it was old already: what came before says nothing of it
            after = behind.of(segment)
            missed = after.missed and not rendering.lossless
            if missed or after.turns >= LIVED:
                trial = trial_of(prompt, segment, rendering)
                brought = after.brought if missed else 0
                noted |= self._note(prompt, trial, brought=brought, missed=missed, error=after.error)
        self._held(name for name in noted if self._known.get(name) is not None)  # before a request has to wait for it

    def asked(self, prompt: Prompt, originals: Mapping[str, Rendering], text_id: str, brought: int) -> None:
        """Note that the model asked for a text of this request by its id, and got so many tokens of it. May block."""
        rendering = originals.get(text_id)
        key = rendering.key if rendering is not None else None
        segment = next((segment for segment in prompt.segments if segment.key == key), None)
        if rendering is not None and segment is not None:
            if segment not in Behind(prompt, _LOOKED_BACK):
                self._done.put_first(segment.key, value=True)  # counted by the process that was there
            self._note(prompt, trial_of(prompt, segment, rendering), brought=brought, missed=True)

    def _note(self, prompt: Prompt, trial: Trial, *, brought: int, missed: bool, error: bool = False) -> set[str]:
        """Note an outcome; return the names of what it counts for."""
        with self._lock:
            first = self._done.get(trial.key) is None
            self._done.put(trial.key, missed)
        rendering, case = trial.rendering, trial.case
        seen = Evidence(asked=brought)
        if first:
            seen = Evidence(
                1, float(missed), brought, rendering.tokens_before, rendering.tokens_after, errors=float(error)
            )
        lost = miss(case, brought) if missed else 0.0
        cost = rendering.tokens_after * case.worth * first + lost
        # What lossless would have left is not known of a text that was shortened; what it usually leaves, is.
        share = left(Level.LOSSLESS, self._shown(case), case.kind)
        plain = cost if rendering.lossless else share * rendering.tokens_before * case.worth * first
        self._balance.put(prompt.head, (self._balance.get(prompt.head) or 0.0) + plain - cost)
        group, kind = _group_name(trial.group), _kind_name(trial.kind)
        try:
            self._add(group, Level(rendering.level), seen, Balance())
            self._add(kind, Level(rendering.level), seen, Balance(cost, plain))
        except StoreUnavailable as reason:
            logger.warning("store unavailable, an outcome is not learnt from: %s", reason)
        return {group, kind}

    def _shown(self, case: Case) -> Shown:
        """Return what is known of a text's group and kind."""
        group, kind = _group_name(case.group), _kind_name(case.kind)
        held = self._held((group, kind))
        return Shown(held[group][0], *held[kind])

    def _held(self, names: Iterable[str]) -> dict[str, tuple[Mapping[Level, Evidence], Balance]]:
        """Return what is known of groups and kinds, asking the store now and then only."""
        now = self._clock()
        held = {name: self._known.get(name) for name in names}
        stale = [name for name, known in held.items() if known is None or now - known[0] >= REFRESHED]
        try:
            found = read_all(self._tallies, stale) if stale else {}
        except StoreUnavailable as error:
            logger.warning("store unavailable, levels are chosen by what was known: %s", error)
            found = {name: known[1:] if (known := held[name]) is not None else ({}, Balance()) for name in stale}
        for name, (evidence, balance) in found.items():
            self._known.put(name, (now, evidence, balance))
            held[name] = now, evidence, balance
        return {name: known[1:] if known is not None else ({}, Balance()) for name, known in held.items()}

    def _add(self, name: str, level: Level, seen: Evidence, balance: Balance) -> None:
        block = _block(self._tallies.read([name]).get(name, {}))
        amounts = {f"{level.value}.{field}": amount for field, amount in zip(_FIELDS, seen.values(), strict=True)}
        total = {"outcomes": seen.outcomes, "spent": balance.spent, "lossless": balance.lossless}
        self._tallies.add({name: total, f"{name}|{block}": amounts})
        if seen.outcomes and block >= BLOCKS:
            self._tallies.forget([f"{name}|{block - BLOCKS}"])
        held = self._known.get(name)
        if held is not None:
            self._known.put(name, (-math.inf, *held[1:]))  # looked up again before the next choice


def read(tallies: TallyStore, name: str) -> tuple[Mapping[Level, Evidence], Balance]:
    """Return what is known of a group or a kind, by level. Raises ``StoreUnavailable``."""
    return read_all(tallies, [name])[name]


def read_all(tallies: TallyStore, names: Sequence[str]) -> dict[str, tuple[Mapping[Level, Evidence], Balance]]:
    """Return what is known of groups and kinds, in two questions to the store at most. See ``read``."""
    totals = tallies.read(names) if names else {}
    newest = {name: _block(total) for name, total in totals.items()}
    blocks = {
        name: [f"{name}|{one}" for one in range(last, max(-1, last - BLOCKS), -1)] for name, last in newest.items()
    }
    counts = tallies.read([block for of_name in blocks.values() for block in of_name]) if blocks else {}
    return {
        name: _told(totals.get(name, {}), [counts.get(block, {}) for block in blocks.get(name, ())]) for name in names
    }


def _told(
    total: Mapping[str, float], blocks: Sequence[Mapping[str, float]]
) -> tuple[Mapping[Level, Evidence], Balance]:
    levels = {
        level: recent(Evidence(*(block.get(f"{level.value}.{field}", 0.0) for field in _FIELDS)) for block in blocks)
        for level in Level
    }
    shown = {level: evidence for level, evidence in levels.items() if evidence.outcomes}
    return shown, Balance(total.get("spent", 0.0), total.get("lossless", 0.0))


def _is_counted(rendering: Rendering) -> bool:
    """Say whether a text was one of which something could have been left out, whether it was or not."""
    if not rendering.lossless:
        return True
    is_form = not rendering.is_raw and rendering.base is None and rendering.compressor != PARTS
    return is_form and rendering.tokens_before > LOSSY_GAIN


def _pinned(call: Call | None, kind: str, pins: Mapping[str, Level]) -> Level | None:
    if not pins:
        return None
    names = [*([family(call), call.name] if call is not None else []), kind]
    return next((pins[name] for name in names if name in pins), None)


def case_of(prompt: Prompt, segment: Segment, kind: str, size: int) -> Case:
    """Return what is to be weighed for a text."""
    call = prompt.calls.get(segment.call_id)
    return Case(
        group=group_of(family(call) if call is not None else "", kind, size),
        kind=kind,
        size=size,
        prefix=break_even.tokens_of(len(prompt.body)),
        price=cache_terms.price(prompt.model),
        turns=break_even.further_requests(len(prompt.calls)),
        seed=segment.key,
    )


def trial_of(prompt: Prompt, segment: Segment, rendering: Rendering) -> Trial:
    """Return the trial that a shortened text is."""
    kind = rendering.compressor.partition("/")[0]
    case = case_of(prompt, segment, kind, rendering.tokens_before)
    return Trial(segment.key, case.group, kind, rendering, case)


def _group_name(group: str) -> str:
    return f"{LEARNT}group|{group}"


def _kind_name(kind: str) -> str:
    return f"{LEARNT}kind|{kind}"


def _block(total: Mapping[str, float]) -> int:
    return int(total.get("outcomes", 0.0)) // BLOCK


def known_names(names: Iterable[str]) -> list[str]:
    """Return the groups and kinds among names of sums: those that are no block of another."""
    return [name for name in names if name.startswith(LEARNT) and not name.rpartition("|")[2].isdigit()]
