"""How long the provider should keep what a conversation writes: reckoned from the pauses between its requests.

Each lifetime is played through on what the conversation has sent so far: what is still kept is read, all else is
written. The clock and the sizes are the only inputs, so the figures are the provider's but for retries and forks.
"""

from dataclasses import dataclass

from headroom_mitm import cache_terms
from headroom_mitm.conversation import Conversation, size
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest, Prompt

REMEMBERED = 20_000
"""Conversations."""
_MARGIN = 0.95
"""A lifetime is called cheaper from here on; what is nearer may be the roundness of sizes in bytes."""
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
        self._courses: Recent[Digest, Course] = Recent(REMEMBERED)

    def observe(self, prompt: Prompt, conversation: Conversation, now: float) -> Course:
        """Return how a conversation has gone, this request included."""
        key = conversation.name or conversation.beginning
        known = self._courses.get(key) if conversation.name else None
        known = known or (self._courses.get(conversation.beginning) if conversation.name else None)
        whole = size(prompt) + sum(end - start for _, (start, end) in prompt.front)
        course = _gone_on(known, whole, now) if known else _begun(whole, now)
        self._courses.put(key, course)
        return course

    def tell(self, conversation: Conversation) -> bool:
        """Say whether nobody has been told of this conversation yet; from now on somebody has."""
        key = conversation.name or conversation.beginning
        course = self._courses.get(key)
        if course is None or course.told:
            return False
        self._courses.put(key, _told(course))
        return True


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


def _told(course: Course) -> Course:
    return Course(course.seen, course.size, course.without, course.usual, course.long, course.pauses, told=True)
