"""What changes in front of a conversation although it should not: whatever stands behind it is paid again.

Requests are compared by their bytes, and looked into only where these differ. Nothing is said of two requests that may
not belong together: a conversation is known by its beginning and the model's first answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from headroom_mitm import cache_terms, tokens
from headroom_mitm.conversation import Conversation, size
from headroom_mitm.front_changes import Change, changes
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Blocks, Digest, Prompt

REMEMBERED = 64_000_000
"""Bytes of tools and system prompts that are kept to compare with."""
_KEPT = 2
"""Fronts that a conversation is known with: some clients ask for two things in turn, each with a front of its own."""

Front = tuple[tuple[str, bytes], ...]
"""Names and bytes of what the provider reads before the conversation."""


@dataclass(frozen=True, slots=True)
class Talk:
    """What is known of a conversation."""

    fronts: tuple[Front, ...]
    """The newest first."""
    seen: float
    size: int
    """Bytes of its messages when it was seen last."""
    told: frozenset[str] = frozenset()
    """Kinds of changes that were reported."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A change, and what it has cost."""

    change: Change
    tokens: int
    """Behind it, roughly: they had to be written again."""


class Volatile:
    """Watches the fronts of conversations. Thread-safe; of two requests at once the later one counts."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._talks: Recent[Digest, Talk] = Recent(capacity, lambda talk: _weight(talk.fronts), fades=True)
        self._begun: Recent[Digest, Talk] = Recent(capacity // 4, lambda talk: _weight(talk.fronts), fades=True)

    def observe(self, prompt: Prompt, conversation: Conversation, now: float) -> list[Finding]:
        """Return what has changed since the conversation's previous request, each kind once."""
        if conversation.name is None:
            self._begin(prompt, conversation.beginning, now)
            return []
        talk = self._talks.get(conversation.name) or self._begun_as(conversation.beginning)
        if talk is None:
            self._talks.put(conversation.name, Talk((_front(prompt),), now, size(prompt)))
            return []
        front = _front(prompt, talk.fronts[0])
        findings = [] if front in talk.fronts else self._compared(talk, front, prompt, now)
        told = talk.told.union(finding.change.kind for finding in findings)
        others = tuple(known for known in talk.fronts if known != front)[: _KEPT - 1]
        self._talks.put(conversation.name, Talk((front, *others), now, size(prompt), told))
        return findings

    def _compared(self, talk: Talk, front: Front, prompt: Prompt, now: float) -> list[Finding]:
        if now - talk.seen >= _lifetime(prompt):
            return []  # nothing was left that a change could have cost
        old = talk.fronts[0]
        if [name for name, _ in old] != [name for name, _ in front]:
            return []
        found: list[Finding] = []
        behind = talk.size
        for (name, before), (_, after) in reversed(list(zip(old, front, strict=True))):
            for change in changes(name, before, after) if before is not after else ():
                if change.kind not in talk.told:
                    found.insert(0, Finding(change, tokens.estimate(behind + len(before) - change.at)))
            behind += len(before)
        return found

    def _begin(self, prompt: Prompt, beginning: Digest, now: float) -> None:
        talk = self._begun.get(beginning)
        known = talk.fronts if talk else ()
        front = _front(prompt, known[0] if known else ())
        others = tuple(other for other in known if other != front)[: _KEPT - 1]
        self._begun.put(beginning, Talk((front, *others), now, size(prompt)))

    def _begun_as(self, beginning: Digest) -> Talk | None:
        """Return the conversation's first request, where only one can have been it."""
        talk = self._begun.get(beginning)
        return talk if talk is not None and len(talk.fronts) == 1 else None


def _front(prompt: Prompt, known: Front = ()) -> Front:
    """Return the front of a request; parts that are equal to known ones are these very objects."""
    parts: list[tuple[str, bytes]] = []
    for number, (name, (start, end)) in enumerate(prompt.front):
        raw = prompt.body[start:end]
        if number < len(known) and known[number] == (name, raw):
            parts.append(known[number])
        else:
            parts.append((name, raw))
    return tuple(parts)


def _weight(fronts: tuple[Front, ...]) -> int:
    return sum(len(raw) for front in fronts for _, raw in front)


def _lifetime(prompt: Prompt) -> float:
    """Return for how many seconds a prefix was certainly kept."""
    is_long = prompt.blocks is not None and any(lifetime == cache_terms.LONG for *_, lifetime in _marks(prompt.blocks))
    return cache_terms.LIFETIMES[cache_terms.LONG if is_long else cache_terms.USUAL]


def _marks(blocks: Blocks) -> Iterator[tuple[int, str]]:
    yield from (mark for _, layout in blocks.front for mark in layout.marks)
    yield from ((number, lifetime) for _, number, lifetime in blocks.marked)
