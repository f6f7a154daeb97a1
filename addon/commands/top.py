"""``headroom-mitm top``: today's figures and the newest conversations, live."""

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table

from headroom_mitm import settings
from headroom_mitm.commands.base import Command
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.ledger import CHANGED, Ledger, Report, Session, Sums
from headroom_mitm.stats import dollars
from headroom_mitm.store import open_store

_ID_DIGITS = 10
SHOWN = 12
"""Rows of a table."""


def screen(report: Report, sessions: Sequence[Session], now: float) -> RenderableType:
    """Return what is shown."""
    free = report.by_arm.get(CHANGED, Sums())
    share = f" ({100 * free.saved / free.without:.0f} % of what it would cost without us)" if free.without else ""
    total = Panel(
        f"saved [bold]{dollars(free.saved)}[/]{share}, estimated\n"
        f"paid  [bold]{dollars(report.totals.paid)}[/], measured: "
        f"{report.totals.priced:,} of {report.totals.requests:,} requests have a price\n"
        f"tool results {free.texts_before:,} -> {free.texts_after:,} tokens, "
        f"{_share(report.totals.cache_share)} of prompts read from the cache, "
        f"{report.totals.retrieved:,} texts asked for",
        title=f"headroom, {report.since} to {report.until} (UTC), prices of {report.prices}",
    )
    return Group(total, Columns([_tools(report), _models(report)]), _conversations(sessions, now))


def _tools(report: Report) -> Table:
    table = Table("tool", title="Tokens of results", title_justify="left")
    for heading in ("before", "after", "less"):
        table.add_column(heading, justify="right")
    for name, one in list(report.by_tool.items())[:SHOWN]:
        less = f"{100 * (one.before - one.after) / one.before:.0f} %" if one.before else "-"
        table.add_row(name, f"{one.before:,}", f"{one.after:,}", less)
    return table


def _models(report: Report) -> Table:
    table = Table("model", title="Dollars by model", title_justify="left")
    for heading in ("requests", "paid", "saved"):
        table.add_column(heading, justify="right")
    for name, one in sorted(report.by_model.items(), key=lambda item: -item[1].paid)[:SHOWN]:
        known = one.priced > 0
        table.add_row(
            name,
            f"{one.requests:,}",
            dollars(one.paid) if known else "unknown",
            dollars(one.saved) if known else "unknown",
        )
    return table


def _conversations(sessions: Sequence[Session], now: float) -> Table:
    table = Table("last request", "id", "model", "client", title="Conversations", title_justify="left")
    for heading in ("requests", "paid", "saved", "asked for"):
        table.add_column(heading, justify="right")
    for one in sessions[:SHOWN]:
        known = one.sums.priced > 0
        table.add_row(
            _ago(now - one.seen),
            one.key[:_ID_DIGITS],
            one.model,
            one.client or "unknown",
            f"{one.sums.requests:,}",
            dollars(one.sums.paid) if known else "unknown",
            dollars(one.sums.saved) if known else "unknown",
            str(one.sums.retrieved or ""),
        )
    return table


def _share(share: float | None) -> str:
    return "an unknown share" if share is None else f"{100 * share:.0f} %"


def _ago(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{max(0.0, seconds):.0f} s ago"


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--interval", type=_seconds, default=2.0, metavar="SECONDS", help="default: 2")
    parser.add_argument("--once", action="store_true", help="print it once, and end")
    parser.add_argument(
        "--store", default="", help="as headroom_store (default: store.sqlite in the folder of our own)"
    )


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.2 <= found <= 3_600:  # said in the message
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0.2 to 3600")
    return found


def _run(asked: argparse.Namespace) -> int:
    url = asked.store or str(settings.home() / "store.sqlite")
    store = open_store(url, keys=settings.keys(url))
    ledger = Ledger(store, time.time)

    def look() -> RenderableType:
        today = str(datetime.now(UTC).date())
        return screen(ledger.report(today, today), ledger.conversations(SHOWN), time.time())

    try:
        if asked.once or not sys.stdout.isatty():
            Console(width=None if sys.stdout.isatty() else 120).print(look())
            return 0
        with Live(look(), screen=True, auto_refresh=False) as live:
            while True:
                time.sleep(asked.interval)
                try:
                    live.update(look(), refresh=True)
                except StoreUnavailable as error:
                    live.update(Panel(f"The store does not answer: {error}"), refresh=True)
    except KeyboardInterrupt:
        return 0
    finally:
        store.close()


TOP = Command("top", "show today's figures and the newest conversations, live", _run, _declare)
