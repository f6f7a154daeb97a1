"""Makes addon/data/prices.json, what models cost, from the data of genai-prices (MIT licence).

genai-prices cannot be installed beside mitmproxy 11, so it needs an environment of its own:

    python3 -m venv prices-env && prices-env/bin/pip install genai-prices && prices-env/bin/python scripts/prices.py
"""

import datetime
import importlib.metadata
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from genai_prices import data, types

TABLE = Path(__file__).resolve().parent.parent / "addon" / "data" / "prices.json"
PROVIDERS = [
    "anthropic",
    "openai",
    "google",
    "azure",
    "openrouter",
    "groq",
    "mistral",
    "deepseek",
    "x-ai",
    "together",
    "fireworks",
    "moonshotai",
    "zai",
]
FIELDS = {
    "input": "input_mtok",
    "read": "cache_read_mtok",
    "write_5m": "cache_write_mtok",
    "write_1h": "cache_write_1h_mtok",
    "output": "output_mtok",
}


def pattern(clause: Any) -> str:
    """Return a regular expression, to be searched for in a model's name, for a clause."""
    patterns: dict[type, Callable[[Any], str]] = {
        types.ClauseStartsWith: lambda c: f"^{re.escape(c.starts_with)}",
        types.ClauseEndsWith: lambda c: f"{re.escape(c.ends_with)}$",
        types.ClauseContains: lambda c: re.escape(c.contains),
        types.ClauseEquals: lambda c: f"^{re.escape(c.equals)}$",
        types.ClauseRegex: lambda c: c.regex,
        types.ClauseOr: lambda c: "|".join(map(pattern, c.or_)),
        types.ClauseAnd: lambda c: "^" + "".join(f"(?=.*(?:{pattern(part).removeprefix('^')}))" for part in c.and_),
    }
    return patterns[type(clause)](clause)


def variants(prices: Any) -> Iterator[dict[str, Any]]:
    """Yield what a model costs, newest first; prices that hold at some hours of a day only are left out."""
    rows = prices if isinstance(prices, list) else [types.ConditionalPrice(prices=prices)]
    found = []
    for row in rows:
        if isinstance(row.constraint, types.TimeOfDateConstraint):
            continue
        since = row.constraint.start_date.isoformat() if row.constraint else ""
        found.append((since, row.prices))
    for since, price in sorted(found, key=lambda row: row[0], reverse=True):
        yield {**({"since": since} if since else {}), **rates(price)}


def rates(price: Any) -> dict[str, Any]:
    """Return dollars a million tokens; ``above`` gives those of requests with more input than so many tokens."""
    told: dict[str, Any] = {}
    above: dict[int, dict[str, float]] = {}
    for name, field in FIELDS.items():
        value = getattr(price, field, None)
        if isinstance(value, types.TieredPrices):
            for tier in value.tiers:
                above.setdefault(tier.start, {})[name] = float(tier.price)
            value = value.base
        if value is not None:
            told[name] = float(value)
    return {**told, **({"above": {str(start): above[start] for start in sorted(above)}} if above else {})}


def main() -> None:
    """Write the table, one model a line, so that a change of price is a change of one line."""
    lines = []
    for provider in sorted((p for p in data.providers if p.id in PROVIDERS), key=lambda p: PROVIDERS.index(p.id)):
        models = [
            json.dumps({"id": model.id, "match": pattern(model.match), "prices": list(variants(model.prices))})
            for model in provider.models
            if any("input" in row for row in variants(model.prices))
        ]
        lines.append(f"{json.dumps(provider.id)}: [\n" + ",\n".join(models) + "\n]")
    head = {"date": datetime.datetime.now(tz=datetime.UTC).date().isoformat()}
    head["source"] = f"genai-prices {importlib.metadata.version('genai-prices')}, MIT licence"
    text = "{\n" + "".join(f'"{k}": {json.dumps(v)},\n' for k, v in head.items())
    text += '"providers": {\n' + ",\n".join(lines) + "\n}\n}\n"
    json.loads(text)
    TABLE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
