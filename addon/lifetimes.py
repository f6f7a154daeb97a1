"""How long the provider should keep what a conversation writes: reckoned from the pauses between its requests.

Each lifetime is played through on what the conversation has sent so far: what is still kept is read, all else is
written. The clock and the sizes are the only inputs, so the figures are the provider's but for retries and forks.
"""

import struct
from dataclasses import dataclass, replace

from headroom_mitm import cache_terms
from headroom_mitm.conversation import Conversation, size
from headroom_mitm.recent import HOUR, Recent
from headroom_mitm.segments import Digest, Prompt

REMEMBERED = 20_000
"""Conversations."""
_MARGIN = 0.95
"""A lifetime is called cheaper from here on; what is nearer may be the roundness of sizes in bytes."""
_PACKED = struct.Struct("=dQdddI?")
"""A course: many are kept for long, and as objects they are three times as large."""
_PAUSES = 2
"""So many long ones, and it is no accident any more that nothing is found again."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a conversation has sent so far, in bytes times the price of input."""

    seen: float
    size: int
    """Bytes of the newest request."""
    without: float
    """Without any cache."""
    usual: float
    long: float
    pauses: int = 0
    """Those in which an entry of the usual lifetime was lost."""
    told: bool = False

    @property
    def saves(self) -> float:
        """Share of the usual lifetime's price that the long one would have saved."""
        return 1 - self.long / self.usual

    @property
    def wants_long(self) -> bool:
        """The long lifetime would have been cheaper."""
        return self.long < self.usual * _MARGIN

    @property
    def is_in_vain(self) -> bool:
        """Nothing would have been cheaper than the usual lifetime: what it keeps is lost before it is read."""
        return self.pauses >= _PAUSES and self.without < self.usual * _MARGIN


class Lifetimes:
    """Watches the pauses of conversations. Thread-safe; of two requests at once the later one counts."""

    def __init__(self) -> None:
        self._begun: Recent[Digest, bytes] = Recent(REMEMBERED, fades=True, ages=HOUR)
        """By their beginnings, until the first answer has come."""
        self._courses: Recent[Digest, bytes] = Recent(REMEMBERED)

    def observe(self, prompt: Prompt, conversation: Conversation, now: float) -> Course:
        """Return how a conversation has gone, this request included."""
        known = self._known(conversation)
        whole = size(prompt) + sum(end - start for _, (start, end) in prompt.front)
        course = _gone_on(known, whole, now) if known else _begun(whole, now)
        self._keep(conversation, course)
        return course

    def tell(self, conversation: Conversation) -> bool:
        """Say whether nobody has been told of this conversation yet; from now on somebody has."""
        held = self._begun if conversation.name is None else self._courses
        packed = held.get(conversation.name or conversation.beginning)
        course = _unpacked(packed)
        if course is None or course.told:
            return False
        self._keep(conversation, replace(course, told=True))
        return True

    def _known(self, conversation: Conversation) -> Course | None:
        """Return what is known; a beginning without an answer is that of another conversation, or of a retry."""
        if conversation.name is None:
            return None
        return _unpacked(self._courses.get(conversation.name) or self._begun.get(conversation.beginning))

    def _keep(self, conversation: Conversation, course: Course) -> None:
        packed = _packed(course)
        if conversation.name is None:
            self._begun.put(conversation.beginning, packed)
        else:
            self._courses.put(conversation.name, packed)


def _packed(course: Course) -> bytes:
    money = course.without, course.usual, course.long
    return _PACKED.pack(course.seen, course.size, *money, course.pauses, course.told)


def _unpacked(packed: bytes | None) -> Course | None:
    return None if packed is None else Course(*_PACKED.unpack(packed))


def _begun(whole: int, now: float) -> Course:
    write = cache_terms.WRITE
    return Course(now, whole, whole, whole * write[cache_terms.USUAL], whole * write[cache_terms.LONG])


def _gone_on(known: Course, whole: int, now: float) -> Course:
    pause = now - known.seen
    return Course(
        seen=now,
        size=whole,
        without=known.without + whole * cache_terms.FRESH,
        usual=known.usual + _price(known.size, whole, pause, cache_terms.USUAL),
        long=known.long + _price(known.size, whole, pause, cache_terms.LONG),
        pauses=known.pauses + (pause >= cache_terms.LIFETIMES[cache_terms.USUAL]),
        told=known.told,
    )


def _price(before: int, whole: int, pause: float, lifetime: str) -> float:
    kept = min(before, whole) if pause < cache_terms.LIFETIMES[lifetime] else 0
    return kept * cache_terms.READ + (whole - kept) * cache_terms.WRITE[lifetime]
