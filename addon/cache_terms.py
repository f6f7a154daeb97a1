"""What providers say of their prompt caches: smallest prefix, lifetimes, prices. The one table of these figures.

Anthropic's documentation of prompt caching and public reports of its limits, read in November 2026. Where sources
disagree the larger minimum stands here: a marker on a shorter prefix is ignored, and costs nothing.
"""

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


def smallest_prefix(model: str) -> int | None:
    """Return how many tokens a prefix must have for an entry; None for models that are not known to take markers."""
    if not model:
        return _UNNAMED
    name = model.lower().replace(".", "-")
    if "claude" not in name:
        return None
    return next(tokens for pattern, tokens in _SMALLEST_PREFIX if pattern in name)
