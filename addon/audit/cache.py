"""What a provider's prompt cache would have done, where nobody wrote down what it did.

The rules are the providers': a prefix is found if a request of the conversation has sent all of it within the time that
entries live; what is found is read, and what follows is written or, where nothing is cached, fresh. Where a
client sets no markers and the provider wants them, nothing is found and nothing is written.
"""

import re
from dataclasses import dataclass, replace

from headroom_mitm import breakpoints, cache_terms
from headroom_mitm.ledger_sources import Composition
from headroom_mitm.segments import Digest, Prompt, digest
from headroom_mitm.usage import Counted

_USUAL_LIFETIME = 300.0
_STEP = 128
"""Providers that cache without being asked count in these."""
_BILLING = re.compile(rb"x-anthropic-billing-header[^\"\\\\]*")
"""Is another in every request, and taken not to count: fronts that differ in it alone are one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A conversation's previous request."""

    at: float
    front: Digest
    """Of tools and system prompts."""
    messages: int


def simulated(prompt: Prompt, made_of: Composition, at: float, before: Seen | None, *, marked: bool) -> Counted:
    """Return how a prompt is counted, without its output; ``marked``: as if the client set markers."""
    total = made_of.total
    lifetimes = breakpoints.lifetimes(prompt)
    wants_markers = prompt.blocks is not None
    if total < cache_terms.smallest_cached(prompt.model) or (wants_markers and not (lifetimes or marked)):
        return Counted(fresh=total)
    lifetime = max((cache_terms.LIFETIMES.get(name, 0.0) for name in lifetimes), default=_USUAL_LIFETIME)
    read = made_of.sent_before if _holds(prompt, at, before, lifetime) else 0
    if wants_markers:
        written = total - read
        return Counted(read=read, write_1h=written) if "1h" in lifetimes else Counted(read=read, write_5m=written)
    read -= read % _STEP
    if cache_terms.price(prompt.model).write > cache_terms.FRESH:
        return Counted(read=read, write_5m=total - read)
    return Counted(fresh=total - read, read=read)


def seen(prompt: Prompt, at: float) -> Seen:
    """Return what is to be remembered of a request."""
    return Seen(at, _front(prompt), len(prompt.messages))


def with_output(counted: Counted, legs: tuple[Counted, ...]) -> Counted:
    """Return the same with the output that is known."""
    return replace(counted, output=sum(leg.output for leg in legs))


def _holds(prompt: Prompt, at: float, before: Seen | None, lifetime: float) -> bool:
    if before is None or before.front != _front(prompt):
        return False
    return 0 <= at - before.at <= lifetime and len(prompt.messages) >= before.messages


def _front(prompt: Prompt) -> Digest:
    return digest(*(_BILLING.sub(b"", prompt.body[start:end]) for _, (start, end) in prompt.front))
