"""Where the money goes, before and after: reads, writes and fresh tokens of a replay, by kind of session.

    python replay.py CORPUS --kind mitm --cmd "..." --json replay.json && scripts/money.py replay.json

Figures are thousands of input tokens at full price: what a provider reads from its cache counts a tenth, what it writes
a quarter more (Anthropic, 5 minutes) or twice as much (1 hour). OpenAI's regimes are told apart by their names.
"""

import argparse
import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

PRICES = {"fresh": 1.0, "read": 0.1, "write_5m": 1.25, "write_1h": 2.0}
"""Anthropic's, and gpt-5.6's, where a write is billed as Anthropic's of 5 minutes."""
FREE_WRITES = {"fresh": 1.0, "read": 0.1, "write_5m": 1.0, "write_1h": 1.0}
"""gpt-5's: what is written is billed as what is fresh."""
COLUMNS = ("read", "written", "fresh", "bill")

Spent = dict[str, float]


def spent(usage: dict[str, int], prices: dict[str, float]) -> Spent:
    """Return what tokens cost, in input tokens at full price, by what was done with them."""
    cost = {name: usage.get(name, 0) * price for name, price in prices.items()}
    written = cost["write_5m"] + cost["write_1h"]
    return {"read": cost["read"], "written": written, "fresh": cost["fresh"], "bill": sum(cost.values())}


def by_kind(sessions: list[dict[str, Any]]) -> dict[str, dict[str, tuple[Spent, Spent]]]:
    """Return the cost without and with the proxy, by price regime and kind of session; ``all`` is the last kind."""
    found: dict[str, dict[str, tuple[Spent, Spent]]] = {}
    kinds = [*dict.fromkeys(session["kind"] for session in sessions), "all"]
    for session in sessions:
        for regime, bills in session["bills"].items():
            sums = found.setdefault(regime, {kind: (defaultdict(float), defaultdict(float)) for kind in kinds})
            prices = FREE_WRITES if regime == "gpt-5" else PRICES
            for kind in (session["kind"], "all"):
                _add(sums[kind][0], spent(bills["without"], prices))
                _add(sums[kind][1], spent(bills["with_proxy"], prices))
    return found


def _add(total: Spent, cost: Spent) -> None:
    for name, value in cost.items():
        total[name] += value


def table(regime: str, kinds: dict[str, tuple[Spent, Spent]]) -> Table:
    """Return one regime's table."""
    drawn = Table(title=f"{regime}: thousands of input tokens, before -> after")
    drawn.add_column("sessions")
    for name in (*COLUMNS, "after / before"):
        drawn.add_column(name, justify="right")
    for kind, (before, after) in kinds.items():
        cells = [f"{before[name] / 1000:,.0f} -> {after[name] / 1000:,.0f}" for name in COLUMNS]
        drawn.add_row(kind, *cells, f"{after['bill'] / before['bill']:.3f}" if before["bill"] else "-")
    return drawn


def main() -> None:
    """Print a table for each price regime in the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="what replay.py --json has written")
    path = parser.parse_args().file
    try:
        sessions = json.loads(path.read_bytes())["sessions"]
    except (OSError, ValueError, KeyError) as error:
        sys.exit(f"{path} is no file of replay.py --json: {error!r}")
    console = Console(width=max(Console().width, 110))
    for regime, kinds in by_kind(sessions).items():
        console.print(table(regime, kinds))


if __name__ == "__main__":
    main()
