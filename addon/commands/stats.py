"""``headroom-mitm stats``: what was spent and what was saved."""

import argparse
import sys
import time
from datetime import UTC, datetime, timedelta

from rich.console import Console

from headroom_mitm import stats
from headroom_mitm.commands.base import Command
from headroom_mitm.ledger import Ledger
from headroom_mitm.settings import home
from headroom_mitm.store import open_store


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--days", type=int, default=30, help="so many, today included (default: 30)")
    parser.add_argument("--daily", action="store_true", help="a row for each day as well")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="all figures, for other programs")
    form.add_argument("--csv", action="store_true", help="a line for each day, for tables")
    parser.add_argument("--store", help="as headroom_store (default: store.sqlite in the folder of our own)")


def _run(asked: argparse.Namespace) -> int:
    if asked.days < 1:
        raise ValueError("--days: at least 1")
    store = open_store(asked.store or str(home() / "store.sqlite"))
    try:
        since = datetime.now(UTC).date() - timedelta(days=asked.days - 1)
        report = Ledger(store, time.time).report(str(since))
    finally:
        store.close()
    if asked.json:
        stats.write_json(report, sys.stdout)
    elif asked.csv:
        stats.write_csv(report, sys.stdout)
    else:
        stats.show(report, Console(width=None if sys.stdout.isatty() else 120), daily=asked.daily)
    return 0


STATS = Command("stats", "show what was spent and saved", _run, _declare)
