"""What a prompt is made of: estimated tokens by source, and where in it they stand. Only what is new is counted.

Counts are o200k's, of the texts that a message holds and a few tokens around each. This is for the ledger's thread.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from weakref import WeakKeyDictionary

from headroom_mitm import tokens
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest, Edit, Prompt, Reading, Span, digest
from headroom_mitm.wire.spoken import ASSISTANT, FILES, SOURCES, SYSTEM, TOOLS, Said, in_front, in_message

FRAME = 4
"""Tokens around each text: role marks, ids and the like."""
FILE = 1_500
"""Tokens that an image or a document counts, whatever is in it."""
MOST_COUNTED = 1_000_000
"""Characters of one request that are counted; the rest is estimated by its length."""
_FRONTS = 500
"""Tools, system prompts and the like whose counts are remembered."""

Weights = tuple[int, ...]
"""Tokens by source, in the order of ``SOURCES``."""
_ASSISTANT = SOURCES.index(ASSISTANT)
NONE: Weights = (0,) * len(SOURCES)


@dataclass(frozen=True, slots=True)
class Composition:
    """What a prompt holds as its client has sent it."""

    front: Weights
    front_digest: Digest
    """Of tools and system prompts."""
    messages: tuple[Weights, ...]
    starts: tuple[int, ...]
    """Tokens before each message, those in front included; the last item is the whole."""
    counted: bool = True
    """False: some of it was estimated by its length."""

    @property
    def total(self) -> int:
        """Tokens of the prompt."""
        return self.starts[-1]

    @property
    def sent_before(self) -> int:
        """Tokens that the conversation's previous request carried: all before the model's last answer; 0 for none."""
        number = len(self.messages)
        while number and not _by_model(self.messages[number - 1]):
            number -= 1
        while number and _by_model(self.messages[number - 1]):
            number -= 1
        return self.starts[number] if number else 0

    @property
    def by_source(self) -> dict[str, int]:
        """Tokens by source."""
        sums = [sum(column) for column in zip(self.front, *self.messages, strict=True)]
        return dict(zip(SOURCES, sums, strict=True))

    def before(self, prompt: Prompt, places: Iterable[int]) -> list[float]:
        """Return the tokens that the provider reads before each of these places in the body, bytes.

        What is no message is read first.
        """
        starts = [span.start for span in prompt.messages]
        return [self._before(prompt.messages, starts, at) for at in places]

    def _before(self, messages: Sequence[Span], starts: Sequence[int], at: int) -> float:
        if not messages or not starts[0] <= at < messages[-1].end:
            return 0.0
        number = bisect_right(starts, at) - 1
        start, end = messages[number]
        share = min(1.0, (at - start) / max(1, end - start))
        return self.starts[number] + share * (self.starts[number + 1] - self.starts[number])


class Sources:
    """Counts. What it remembers of a conversation goes with the readings it belongs to. For one thread."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Reading, tuple[Weights, ...]] = WeakKeyDictionary()
        self._fronts: Recent[Digest, Weights] = Recent(_FRONTS)

    def of(self, prompt: Prompt) -> Composition:
        """Return what a prompt is made of."""
        past = self._past(prompt)
        count = _Count()
        new = [count.weights(in_message(prompt.body[start:end])) for start, end in prompt.messages[len(past) :]]
        messages = (*past, *new)
        self._of[prompt.reading] = messages
        front, key = self._front(prompt, count)
        starts = accumulate((sum(weights) for weights in messages), initial=sum(front))
        return Composition(front, key, messages, tuple(starts), count.left > 0)

    def _past(self, prompt: Prompt) -> tuple[Weights, ...]:
        known = self._of.get(prompt.known.of) if prompt.known is not None else None
        return known[: prompt.known.messages] if known is not None and prompt.known is not None else ()

    def _front(self, prompt: Prompt, count: "_Count") -> tuple[Weights, Digest]:
        """Return what stands in front. Where a format does not say what does, all but the messages is."""
        inside = {span.start for span in prompt.messages}
        raws = [(name, prompt.body[span.start : span.end]) for name, span in prompt.front if span.start not in inside]
        if not raws and prompt.messages and prompt.blocks is None and "messages" not in prompt.members:
            around = prompt.body[: prompt.messages[0].start] + prompt.body[prompt.messages[-1].end :]
            raws = [(TOOLS if prompt.tool_names else SYSTEM, around)] if len(around) > _BARE else []
        found, keys = NONE, []
        for name, raw in raws:
            key = digest(name.encode(), raw)
            weights = self._fronts.get(key)
            if weights is None:
                weights = count.weights(in_front(name, raw)) or NONE
                if weights == NONE:
                    weights = count.weights([Said(TOOLS if name == TOOLS else SYSTEM, raw.decode("utf-8", "replace"))])
                self._fronts.put(key, weights)
            found = added(found, weights)
            keys.append(key)
        return found, digest(*keys)


_BARE = 200
"""Bytes of a body around its messages in which nothing is said."""


class _Count:
    def __init__(self) -> None:
        self.left = MOST_COUNTED

    def weights(self, said: Iterable[Said]) -> Weights:
        found = dict.fromkeys(SOURCES, 0)
        for source, text in said:
            found[source] += FILE if source == FILES else FRAME + self._tokens(text)
        return tuple(found.values())

    def _tokens(self, text: str) -> int:
        self.left -= len(text)
        return tokens.count(text) if self.left > 0 else tokens.estimate(len(text))


def _by_model(weights: Weights) -> bool:
    return weights[_ASSISTANT] > 0


def added(one: Weights, other: Weights) -> Weights:
    """Add up, by source."""
    return tuple(a + b for a, b in zip(one, other, strict=True))


def size_of(edits: Sequence[Edit]) -> dict[int, int]:
    """Return the tokens that edits add to a body, by where they stand in it, as they are written there."""
    found: dict[int, int] = {}
    for span, raw in ((edit.span, edit.raw) for edit in edits):
        taken = tokens.estimate(span.end - span.start)
        found[span.start] = found.get(span.start, 0) + FRAME + _counted(raw) - taken
    return found


@lru_cache(maxsize=16)
def _counted(raw: bytes) -> int:
    """Count what an edit writes: nearly always the same declaration of our tool, asked for twice of each request."""
    return tokens.count(raw.decode("utf-8", "replace").strip(" ,"))
