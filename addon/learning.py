"""What the learner sees and says: evidence in the store, outcomes from requests and retrievals, levels for new texts.

An outcome of a shortened text is a miss if the model asked for what was left out, ran the command or read the file
again, or failed to edit it, within a few turns; or it has lived that long without any of these. Each is counted once,
at the group and at the kind, in the store, so that all workers learn from all.
"""

import logging
import math
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from headroom_mitm import break_even, cache_terms
from headroom_mitm.compressors import Level
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Call, Digest, Key, Prompt, Rendering, Segment
from headroom_mitm.squash import BLOCK, BLOCKS, Balance, Case, Evidence, Shown, choose, group_of, miss, recent
from headroom_mitm.store.base import TallyStore

logger = logging.getLogger(__name__)

LIVED = 8
"""Model turns after which a shortened text that nobody missed has done its duty."""
MISSED_WITHIN = 4
"""Model turns within which the same command or file again means that the model went round us."""
_STILL_COUNTED = 3  # turns after ``LIVED`` in which that is still noticed: a client may send two turns at once
REFRESHED = 20.0
"""Seconds for which counts are remembered. What others have learnt meanwhile shows later."""
NO_PINS: Mapping[str, Level] = MappingProxyType({})
_REMEMBERED = 50_000
_SHELLS = re.compile(r"(?:^|_|\b)(?:bash|shell|exec|execute|terminal|command|run)(?:_|\b|$)|^Bash$", re.IGNORECASE)
_PROGRAM = re.compile(
    r"\s*(?:cd\s+\S+\s*(?:&&|;)\s*)?(?:\w+=\S+\s+)*(?:sudo\s+|npx\s+|uv\s+run\s+)?([\w.-]+)(?:\s+([a-z][a-z-]*))?"
)
_WITH_WORD = frozenset(
    [
        "aws",
        "cargo",
        "docker",
        "gh",
        "git",
        "go",
        "helm",
        "kubectl",
        "npm",
        "pip",
        "pnpm",
        "terraform",
        "yarn",
    ]
)
"""Programs whose first word says what they do."""
_PROGRAMS = _WITH_WORD | frozenset(
    [
        "cat",
        "curl",
        "dmesg",
        "du",
        "eslint",
        "find",
        "gcc",
        "gradle",
        "grep",
        "gunzip",
        "head",
        "jest",
        "journalctl",
        "jq",
        "less",
        "ls",
        "make",
        "mocha",
        "mvn",
        "mypy",
        "mysql",
        "nl",
        "node",
        "playwright",
        "podman",
        "ps",
        "psql",
        "pytest",
        "python",
        "rg",
        "ruff",
        "sed",
        "sqlite3",
        "systemctl",
        "tail",
        "tree",
        "tsc",
        "vitest",
        "wget",
        "zcat",
    ]
)
_FIELDS = ("outcomes", "misses", "asked", "before", "after")


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
        self._done: Recent[Key, bool] = Recent(_REMEMBERED)
        self._balance: Recent[Digest, float] = Recent(_REMEMBERED)
        self._lock = threading.Lock()

    def level(
        self, prompt: Prompt, segment: Segment, kind: str, size: int, *, pins: Mapping[str, Level] = NO_PINS
    ) -> Level:
        """Return how hard a new text of ``size`` tokens may be pressed; ``pins`` are the user's, by name."""
        pinned = _pinned(prompt.calls.get(segment.call_id), kind, pins)
        if pinned is not None:
            return pinned
        if (self._balance.get(prompt.head) or 0.0) < 0:
            return Level.LOSSLESS  # this conversation has lost more by asking than it has saved
        case = case_of(prompt, segment, kind, size)
        group, _ = self._evidence(_group_name(case.group))
        pooled, balance = self._evidence(_kind_name(kind))
        return choose(case, Shown(group, pooled, balance))

    def lived(self, prompt: Prompt, known: Mapping[Key, Rendering]) -> None:
        """Look at a conversation's shortened texts: which were missed, and which have lived long enough."""
        if all(rendering.lossless or self._done.get(key) is not None for key, rendering in known.items()):
            return
        after = _turns_after(prompt)
        for segment in prompt.segments:
            if segment.epoch:
                continue  # shortened when it was old already: what came before says nothing of it
            rendering = known.get(segment.key)
            if rendering is None or rendering.lossless or self._done.get(segment.key) is not None:
                continue
            trial = trial_of(prompt, segment, rendering)
            again = _again(prompt, segment, after)
            if again is not None:
                self._note(prompt, trial, brought=again, missed=True)
            elif LIVED <= after[segment.key] < LIVED + _STILL_COUNTED:
                self._note(prompt, trial, brought=0, missed=False)

    def asked(self, prompt: Prompt, originals: Mapping[str, Rendering], text_id: str, brought: int) -> None:
        """Note that the model asked for a text of this request by its id, and got so many tokens of it. May block."""
        rendering = originals.get(text_id)
        key = rendering.key if rendering is not None else None
        segment = next((segment for segment in prompt.segments if segment.key == key), None)
        if rendering is not None and segment is not None:
            self._note(prompt, trial_of(prompt, segment, rendering), brought=brought, missed=True)

    def _note(self, prompt: Prompt, trial: Trial, *, brought: int, missed: bool) -> None:
        with self._lock:
            first = self._done.get(trial.key) is None
            self._done.put(trial.key, missed)
        rendering = trial.rendering
        seen = Evidence(0, 0, brought, 0, 0)
        if first:
            seen = Evidence(1, float(missed), brought, rendering.tokens_before, rendering.tokens_after)
        saved = (rendering.tokens_before - rendering.tokens_after) * trial.case.worth if first else 0.0
        lost = miss(trial.case, brought) if missed else 0.0
        self._balance.put(prompt.head, (self._balance.get(prompt.head) or 0.0) + saved - lost)
        cost = rendering.tokens_after * trial.case.worth * first + lost
        # What lossless would have left is not known any more; what it usually leaves, is.
        plain = 0.6 * rendering.tokens_before * trial.case.worth * first
        try:
            self._add(_group_name(trial.group), Level(rendering.level), seen, Balance())
            self._add(_kind_name(trial.kind), Level(rendering.level), seen, Balance(cost, plain))
        except StoreUnavailable as error:
            logger.warning("store unavailable, an outcome is not learnt from: %s", error)

    def _evidence(self, name: str) -> tuple[Mapping[Level, Evidence], Balance]:
        now = self._clock()
        held = self._known.get(name)
        if held is not None and now - held[0] < REFRESHED:
            return held[1], held[2]
        try:
            evidence, balance = read(self._tallies, name)
        except StoreUnavailable as error:
            logger.warning("store unavailable, levels are chosen by what was known: %s", error)
            evidence, balance = held[1:] if held is not None else ({}, Balance())
        self._known.put(name, (now, evidence, balance))
        return evidence, balance

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
    total = tallies.read([name]).get(name, {})
    newest = _block(total)
    names = [f"{name}|{number}" for number in range(newest, max(-1, newest - BLOCKS), -1)]
    blocks = tallies.read(names)
    levels = {
        level: recent(
            Evidence(*(blocks.get(block, {}).get(f"{level.value}.{field}", 0.0) for field in _FIELDS))
            for block in names
        )
        for level in Level
    }
    shown = {level: evidence for level, evidence in levels.items() if evidence.outcomes}
    return shown, Balance(total.get("spent", 0.0), total.get("lossless", 0.0))


def _pinned(call: Call | None, kind: str, pins: Mapping[str, Level]) -> Level | None:
    names = [*([family(call), call.name] if call is not None and pins else []), kind]
    return next((pins[name] for name in names if name in pins), None)


def family(call: Call) -> str:
    """Return what calls are counted together: the tool, and of a shell's the program, if it is one that all know."""
    if not _SHELLS.search(call.name):
        return call.name
    match = _PROGRAM.match(call.subject)
    if match is None or match[1] not in _PROGRAMS:
        return call.name
    word = f" {match[2]}" if match[2] and match[1] in _WITH_WORD else ""
    return f"{call.name}:{match[1]}{word}"


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


def _again(prompt: Prompt, segment: Segment, after: Mapping[Key, int]) -> int | None:
    """Return the tokens of a later result that shows the same again soon; None if there is none."""
    call = prompt.calls.get(segment.call_id)
    if call is None or not call.subject:
        return None
    for other in prompt.segments:
        if other.span.start <= segment.span.start or after[segment.key] - after[other.key] > MISSED_WITHIN:
            continue
        other_call = prompt.calls.get(other.call_id)
        if other_call is not None and (other_call.name, other_call.subject) == (call.name, call.subject):
            return break_even.tokens_of(other.size)
    return None


def _turns_after(prompt: Prompt) -> dict[Key, int]:
    """Return how many results of other turns stand behind each text: about one for each turn of the model."""
    seen: set[str] = set()
    found: dict[Key, int] = {}
    for segment in reversed(prompt.segments):
        found[segment.key] = len(seen) - (segment.call_id in seen)
        seen.add(segment.call_id)
    return found


def _group_name(group: str) -> str:
    return f"learn|group|{group}"


def _kind_name(kind: str) -> str:
    return f"learn|kind|{kind}"


def _block(total: Mapping[str, float]) -> int:
    return int(total.get("outcomes", 0.0)) // BLOCK


def known_names(names: Iterable[str]) -> list[str]:
    """Return the groups and kinds among names of sums: those that are no block of another."""
    return [name for name in names if name.startswith("learn|") and not name.rpartition("|")[2].isdigit()]
