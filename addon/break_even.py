"""Whether it pays to change what a provider has in its cache: what it costs now against what it saves from then on.

All figures are tokens of input at the full price. Costs are rounded up and gains down: what is left alone by mistake
costs a little in every further request, what is rewritten by mistake costs twelve of them at once.
"""

from dataclasses import dataclass

from headroom_mitm import cache_terms
from headroom_mitm.cache_terms import Price

FURTHER_REQUESTS = ((20, 3), (8, 6), (5, 9), (0, 11))
"""From so many tool calls on, at least so many further requests: the lower quartile of 39 public sessions of six agents
with 4 to 128 requests each (the median is about twice as much)."""
ASKED_AGAIN = 0.2
"""How often the model asks for what was left out of a text."""
PAGE = 4_000
"""Tokens of an answer to that."""
DECLARATION = 100
"""Tokens of the tool's declaration."""
_BYTES_PER_TOKEN = 3.5
"""Fewer than usual, so that what has to be written again is not taken for less than it is."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What would be written again, and what would be left out by that."""

    rewritten: int
    """Tokens that the provider has in its cache, and would have to write once more."""
    prefix: int
    """Tokens of the whole request: a model that asks for what is left out has them read once more."""
    saved: int
    """Tokens that this request and all further ones would be shorter."""
    texts: int
    """Texts of which something would be left out."""
    calls: int
    """Tool calls so far."""


def balance(rewrite: Rewrite, price: Price) -> int:
    """Return what a rewrite brings; it pays above 0."""
    turns = further_requests(rewrite.calls)
    kept = price.write + price.read * turns  # of a token that is written now, and read from then on
    asked = ASKED_AGAIN * rewrite.texts * (rewrite.prefix * price.read + PAGE * kept)
    cost = rewrite.rewritten * (price.write - price.read) + DECLARATION * kept
    return int(rewrite.saved * kept - asked - cost)


def further_requests(calls: int) -> int:
    """Return how many more requests a conversation with so many tool calls will have, at least, most likely."""
    return next(turns for least, turns in FURTHER_REQUESTS if calls >= least)


def tokens_of(size: int) -> int:
    """Return how many tokens so many bytes of a body have, at most, nearly."""
    return int(size / _BYTES_PER_TOKEN)


def cached(size: int, warm: int, model: str) -> int:
    """Return how many tokens a change in front would have written again.

    ``size``: bytes in front of what is new; ``warm``: those that the cache holds as they would be after the change.
    """
    if tokens_of(size) < cache_terms.smallest_cached(model):
        return 0  # no provider has kept it
    return tokens_of(max(0, size - warm))
