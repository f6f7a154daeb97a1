"""What tokens cost, in dollars: a dated table, made by ``scripts/prices.py``; what it does not know stays unknown."""

import functools
import importlib.resources
import re
from typing import Any, NamedTuple

import orjson

from headroom_mitm.usage import Counted

__all__ = ["Counted", "Rates", "date", "dollars", "provider_of", "rates"]

_TABLE = "prices.json"
_MILLION = 1_000_000

# Whose prices hold at a host, by its end. Hosts that sell subscriptions have none: what a token costs there is unknown.
_PROVIDER_OF_HOST = (
    ("api.anthropic.com", "anthropic"),
    ("api.openai.com", "openai"),
    ("openai.azure.com", "azure"),
    ("cognitiveservices.azure.com", "azure"),
    ("services.ai.azure.com", "azure"),
    ("generativelanguage.googleapis.com", "google"),
    ("aiplatform.googleapis.com", "google"),
    ("rep.googleapis.com", "google"),
    ("openrouter.ai", "openrouter"),
    ("api.groq.com", "groq"),
    ("mistral.ai", "mistral"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "x-ai"),
    ("api.together.xyz", "together"),
    ("api.together.ai", "together"),
    ("api.fireworks.ai", "fireworks"),
)
_MAKER_OF_MODEL = (("claude", "anthropic"), ("gpt", "openai"), ("o1", "openai"), ("o3", "openai"), ("gemini", "google"))
"""Whose list prices stand in for a host that is not in the table: a gateway of the user's own."""


class Rates(NamedTuple):
    """Dollars a million tokens."""

    fresh: float
    read: float
    write_5m: float
    write_1h: float
    output: float


def provider_of(host: str, model: str = "") -> str | None:
    """Return whose prices hold; for hosts that are not known, the maker of the model, if its name tells."""
    known = next((name for ending, name in _PROVIDER_OF_HOST if host == ending or host.endswith(f".{ending}")), None)
    if known or host.endswith(("githubcopilot.com", "chatgpt.com", "cloudcode-pa.googleapis.com")):
        return known
    return next((maker for start, maker in _MAKER_OF_MODEL if model.startswith(start)), None)


def rates(provider: str | None, model: str, on: str, size: int = 0) -> Rates | None:
    """Return what a model costs; None if the table does not know it.

    ``on``: a day as ``2026-11-22``; ``size``: tokens of the prompt, which may be dearer when it is long.
    """
    row = next((row for row in _models(provider) if row.match.search(model)), None)
    if row is None:
        return None
    price = next((price for price in row.prices if price.get("since", "") <= on), row.prices[-1])
    told = dict(price)
    for start, above in price.get("above", {}).items():
        told |= above if size > int(start) else {}
    if "input" not in told:
        return None
    fresh = told["input"]
    # Where no price is named for the cache, none is known to be lower.
    write = told.get("write_5m", fresh)
    return Rates(fresh, told.get("read", fresh), write, told.get("write_1h", write), told.get("output", 0.0))


def dollars(counted: Counted, at: Rates) -> float:
    """Return what an answer costs."""
    return (
        counted.fresh * at.fresh
        + counted.read * at.read
        + counted.write_5m * at.write_5m
        + counted.write_1h * at.write_1h
        + counted.output * at.output
    ) / _MILLION


def date() -> str:
    """Return the day of which the table is."""
    return str(_table()["date"])


class _Model(NamedTuple):
    match: re.Pattern[str]
    prices: list[dict[str, Any]]


@functools.cache
def _table() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(importlib.resources.files("headroom_mitm.data").joinpath(_TABLE).read_bytes())
    return found


@functools.cache
def _models(provider: str | None) -> list[_Model]:
    found = _table()["providers"].get(provider, [])
    return [_Model(re.compile(model["match"]), model["prices"]) for model in found]
