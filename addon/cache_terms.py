"""What providers say of their prompt caches: smallest prefix, lifetimes, prices. The one table of these figures.

The documentation of Anthropic, OpenAI, Azure and Google on prompt caching, and public reports of its limits, read in
November 2026. Where sources disagree the larger minimum stands here: a marker on a shorter prefix is ignored, and costs
nothing; and the longer lifetime, or none at all.
"""

import functools
import math
import re
from typing import NamedTuple

MOST_MARKERS = 4
"""A fifth is an error."""
LOOKBACK = 20
"""A marker finds an entry at its own block or up to 19 before it."""

LIFETIMES = {"5m": 300.0, "1h": 3600.0}
"""Seconds since the last use, by the name that a marker gives. Longer ones must stand before shorter ones."""
USUAL, LONG = "5m", "1h"

# Multiples of the price of input that no cache knows.
FRESH = 1.0
READ = 0.1
WRITE = {"5m": 1.25, "1h": 2.0}


class Price(NamedTuple):
    """What it costs to have a token written to the cache, and read from it."""

    write: float
    read: float


# By the beginning of a model's name; the first that fits decides.
_PRICES = (
    (re.compile(r"gpt-(?:5\.[6-9]|[6-9])"), Price(1.25, 0.1)),
    (re.compile(r"gpt-5"), Price(1.0, 0.1)),
    (re.compile(r"gpt-4\.1|o3|o4"), Price(1.0, 0.25)),
    (re.compile(r"gpt-4|chatgpt-4|o1"), Price(1.0, 0.5)),
    (re.compile(r"gemini"), Price(1.0, 0.1)),
)
_DEAREST = Price(1.25, READ)
"""For models that are not known: nobody asks more for a rewrite but Anthropic for an hour."""

# OpenAI keeps what gpt-5.6 and later write for 30 minutes at least, and names no longest time. Models before keep it
# for a day unless the request says ``in_memory`` (an organisation may have chosen that, but nobody can see it), older
# ones for an hour at most. Gemini's implicit cache has no bound that is documented.
# Last two columns: seconds where a request does not say, and where it says ``in_memory``.
_LONGEST_KEPT = (
    (re.compile(r"gpt-(?:5\.[6-9]|[6-9])"), math.inf, math.inf),
    (re.compile(r"gpt-5\.5"), 86_400.0, 86_400.0),
    (re.compile(r"gpt-5|gpt-4\.1"), 86_400.0, 3_600.0),
    (re.compile(r"gpt-4o|chatgpt-4o|o1|o3|o4"), 3_600.0, 3_600.0),
)
_DAY = 86_400.0
SMALLEST_CACHED = 1_024
"""Tokens: where nobody sets markers, no provider keeps a shorter prefix."""

# The first pattern found in a model's name decides, so exceptions stand above their family.
_SMALLEST_PREFIX = (
    ("opus-4-8", 1_024),
    ("opus-4-7", 2_048),
    ("opus-4-6", 4_096),
    ("opus-4-5", 4_096),
    ("opus-4", 1_024),
    ("opus-5", 512),
    ("fable-5", 512),
    ("mythos-5", 512),
    ("sonnet-4-6", 2_048),
    ("sonnet", 1_024),
    ("haiku-4-5", 4_096),
    ("haiku", 2_048),
    ("claude-3-opus", 1_024),
    ("claude", 4_096),
)
_UNNAMED = 4_096  # on Vertex the path names the model, and all that take this format there are Anthropic's


@functools.lru_cache(maxsize=256)
def smallest_prefix(model: str) -> int | None:
    """Return how many tokens a prefix must have for an entry; None for models that are not known to take markers."""
    if not model:
        return _UNNAMED
    name = model.lower().replace(".", "-")
    if "claude" not in name:
        return None
    return next(tokens for pattern, tokens in _SMALLEST_PREFIX if pattern in name)


def smallest_cached(model: str) -> int:
    """Return how many tokens a prefix must have to be kept, for models of any provider."""
    return smallest_prefix(model) or SMALLEST_CACHED


@functools.lru_cache(maxsize=256)
def price(model: str, lifetime: str = USUAL) -> Price:
    """Return what a model's cache costs, in multiples of the price of input; ``lifetime`` counts where it is chosen."""
    if smallest_prefix(model) is not None and model:
        return Price(WRITE.get(lifetime, WRITE[LONG]), READ)
    name = _bare(model)
    return next((price for pattern, price in _PRICES if pattern.match(name)), _DEAREST)


@functools.lru_cache(maxsize=256)
def longest_kept(model: str, retention: str = "") -> float:
    """Return for how many seconds OpenAI may keep what nobody uses; infinite where it does not say so.

    ``retention``: what the request asks for, ``in_memory`` or ``24h``.
    """
    name = _bare(model)
    usual, in_memory = next((row[1:] for row in _LONGEST_KEPT if row[0].match(name)), (math.inf, math.inf))
    if retention == "in_memory":
        return in_memory
    return max(usual, _DAY) if retention else usual


def _bare(model: str) -> str:
    """Return a model's name without the provider's that a router puts in front."""
    return model.lower().rsplit("/", 1)[-1]
