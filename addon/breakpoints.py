"""Where a prompt gets markers for the provider's cache that its client does not set.

The placement follows from the body alone, so that a request marks the very blocks at which the entries of the one
before it end. A marker is no part of what is hashed: one more or one less never breaks a cache.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from headroom_mitm import cache_terms
from headroom_mitm.segments import Blocks, Layout, Prompt, Slot

_BYTES_PER_TOKEN = 3
"""Fewer than usual, so that a prefix is rather marked in vain, which costs nothing, than missed."""
_TURNS = 2
"""The newest turn of the user writes; the one before it is where the previous request has written."""


class Breakpoint(NamedTuple):
    """A block to be marked, by its place in the body, and the lifetime of the marker."""

    slot: Slot
    lifetime: str


def breakpoints(prompt: Prompt, lifetime: str = cache_terms.USUAL) -> list[Breakpoint]:
    """Return the markers that a prompt lacks, in the order of the prompt; ``lifetime`` is for a client without any."""
    blocks = prompt.blocks
    if blocks is None:
        return []
    marks = list(_marks(blocks))
    if not marks:
        return _own(prompt, blocks, lifetime) if _continues(prompt, blocks) else []
    return _bridge(blocks, marks) if len(marks) < cache_terms.MOST_MARKERS else []


def lifetimes(prompt: Prompt) -> frozenset[str]:
    """Return the lifetimes of the markers that the client sets itself."""
    return frozenset(lifetime for _, lifetime in _marks(prompt.blocks)) if prompt.blocks else frozenset()


def _continues(prompt: Prompt, blocks: Blocks) -> bool:
    """Say whether a next request is to be expected: a write that nobody reads costs a quarter more than none.

    With tools the model will call one, unless it has to call a certain one: so answers are given a form. A last
    message of the model's is the beginning of its answer, put into its mouth; it is no answer yet.
    """
    if prompt.tool_names and not prompt.forced_tool:
        return True
    turns = _turns(blocks.messages)
    return bool(turns) and any(layout.by_model for layout in blocks.messages[: turns[-1].start])


def _own(prompt: Prompt, blocks: Blocks, lifetime: str) -> list[Breakpoint]:
    smallest = cache_terms.smallest_prefix(prompt.model)
    if smallest is None:
        return []
    found: list[Breakpoint] = []
    before = 0
    for span, layout in blocks.front:
        if layout.slots:
            slot = layout.slots[-1].shifted(span.start)
            found += [Breakpoint(slot, lifetime)] * (before + slot.span.end - span.start >= smallest * _BYTES_PER_TOKEN)
        before += span.end - span.start
    start = blocks.spans[0].start if blocks.spans else 0
    for turn in _turns(blocks.messages)[-_TURNS:]:
        last = _last_slot(blocks, turn)
        if last is not None and before + last.span.end - start >= smallest * _BYTES_PER_TOKEN:
            found.append(Breakpoint(last, lifetime))
    return found


def _bridge(blocks: Blocks, marks: Sequence[tuple[int, str]]) -> list[Breakpoint]:
    """Return the marker by which the provider still finds the entry of the previous request.

    Its newest marker was at the end of the user's turn before. If the client's markers of today stand too far behind
    it to look back to it, one more is put on that very block, or on the first of the user's that still sees it.
    """
    turns = _turns(blocks.messages)
    if len(turns) < _TURNS:
        return []
    before = _before(blocks)
    slots = [
        (before + blocks.totals[number] + slot.block, slot.shifted(blocks.spans[number].start))
        for number in range(turns[-2].start, len(blocks.messages))
        for slot in blocks.messages[number].slots
    ]
    # The client's marker was on the last block, or on the last that takes one.
    end = before + blocks.totals[turns[-2].stop] - 1
    old = max((position for position, _ in slots if position <= end), default=end)
    reach = old + cache_terms.LOOKBACK
    behind = [(position, lifetime) for position, lifetime in marks if position >= end]
    if not behind or behind[0][0] < reach:
        return []
    seeing = [slot for position, slot in slots if end <= position < reach]
    seeing += [slot for position, slot in slots if position == old]
    # A lifetime must not be longer than those before it, and none behind it longer than itself.
    return [Breakpoint(slot, behind[0][1]) for slot in seeing[:1]]


def _turns(messages: Sequence[Layout]) -> list[range]:
    """Return the last turns of the user: messages that no answer parts, the newest at the end."""
    found: list[range] = []
    end = len(messages)
    while end and len(found) < _TURNS:
        if messages[end - 1].by_model:
            end -= 1
            continue
        start = end
        while start and not messages[start - 1].by_model:
            start -= 1
        found.insert(0, range(start, end))
        end = start
    return found


def _last_slot(blocks: Blocks, turn: range) -> Slot | None:
    for number in reversed(turn):
        if blocks.messages[number].slots:
            return blocks.messages[number].slots[-1].shifted(blocks.spans[number].start)
    return None


def _before(blocks: Blocks) -> int:
    """Return how many blocks stand in front of the messages."""
    return sum(layout.blocks for _, layout in blocks.front)


def _marks(blocks: Blocks) -> Iterator[tuple[int, str]]:
    """Yield position and lifetime of the client's markers, in the order of the prompt."""
    total = 0
    for _, layout in blocks.front:
        for number, lifetime in layout.marks:
            yield total + number, lifetime
        total += layout.blocks
    for message, number, lifetime in blocks.marked:
        yield total + blocks.totals[message] + number, lifetime
    if blocks.whole:
        yield total + blocks.totals[-1] - 1, blocks.whole
