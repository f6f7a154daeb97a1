"""``headroom-mitm stats``: what was spent and saved, for people and for programs. Each figure says how it is known.

Measured is what providers reported, at the prices of the day; estimated is what the same requests would have cost.
"""

import csv
import json
from collections.abc import Iterator, Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from headroom_mitm.ledger import AUDIT, CHANGED, HOLDOUT, Comparison, Interval, Report, Sums, Tokens, told

_ARMS = {CHANGED: "free to be shortened", AUDIT: "looked at only", HOLDOUT: "held out"}
_MOST_ROWS = 12
_COLUMNS = ("requests", "priced", "paid", "without", "saved", "fresh", "read", "write_5m", "write_1h", "output")


def show(report: Report, console: Console, *, daily: bool = False) -> None:
    """Print a report."""
    if not report.totals.requests:
        console.print(f"Nothing was counted from {report.since} to {report.until}.")
        return
    console.print(f"[bold]{report.since} to {report.until}[/bold], prices of {report.prices}")
    for line in _summary(report):
        console.print(line, highlight=False)
    if daily:
        console.print(_money("By day", report.by_day, most=len(report.by_day)))
    console.print(_money("By model", report.by_model))
    console.print(_money("By client", report.by_client))
    for title, found in (
        ("Tokens of all requests, by source", report.by_source),
        ("Tokens of results, by tool", report.by_tool),
        ("Tokens of shortened results, by form", report.by_compressor),
    ):
        if found:
            console.print(_tokens(title, found))
    for line in _compared(report.holdout):
        console.print(line, highlight=False)


def write_json(report: Report, out: TextIO) -> None:
    """Write all of a report."""
    json.dump(told(report), out, indent=1)
    out.write("\n")


def write_csv(report: Report, out: TextIO) -> None:
    """Write a line for each day: counts and dollars; ``priced`` says of how many requests the dollars are."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("day", *_COLUMNS))
    for day, sums in sorted(report.by_day.items()):
        writer.writerow((day, *(_plain(getattr(sums, name)) for name in _COLUMNS)))


def _summary(report: Report) -> Iterator[str]:
    free, all_ = report.by_arm.get(CHANGED, Sums()), report.totals
    arms = ", ".join(f"{sums.requests:,} {_ARMS.get(arm, arm)}" for arm, sums in report.by_arm.items())
    yield f"requests      {all_.requests:,} ({arms}); {all_.measured:,} with usage that the provider reported"
    share = all_.cache_share
    read = f", {share:.1%} of it read from the cache" if share is not None else ""
    yield f"prompts       {all_.input:,} tokens{read}; {all_.output:,} tokens of output (measured)"
    yield f"paid          {dollars(all_.paid)} (measured, {_of(all_)})"
    if free.priced:
        yield f"without us    {dollars(free.without)} for what cost {dollars(free.paid)} (estimated, {_of(free)})"
        part = f" = {free.saved / free.without:.1%}" if free.without else ""
        yield f"saved         {dollars(free.saved)}{part} (estimated; {free.retrieved:,} texts read again took"
        yield f"              {dollars(free.rounds)} of it already, and our tool its declaration)"
    if free.caching:
        yield f"cache markers {dollars(free.caching)} more (estimated: clients that set none of their own)"
    unpriced = all_.requests - all_.priced
    if unpriced:
        yield f"unknown       {unpriced:,} requests are in no figure in dollars: their price or usage is not known"


def _of(sums: Sums) -> str:
    return f"of {sums.priced:,} of {sums.requests:,} requests"


def _money(title: str, rows: Mapping[str, Sums], most: int = _MOST_ROWS) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in ("requests", "prompt", "cached", "output", "paid", "without us", "saved"):
        table.add_column(heading, justify="right")
    for name, sums in list(rows.items())[-most:]:
        share = sums.cache_share
        is_known = bool(sums.priced)
        table.add_row(
            name,
            f"{sums.requests:,}",
            f"{sums.input:,}" if sums.measured else "-",
            f"{share:.0%}" if share is not None else "-",
            f"{sums.output:,}" if sums.measured else "-",
            dollars(sums.paid) if is_known else "unknown",
            dollars(sums.without) if is_known else "unknown",
            dollars(sums.saved) if is_known else "unknown",
        )
    return table


def _tokens(title: str, rows: Mapping[str, Tokens]) -> Table:
    table = Table(title=f"{title} (estimated)", title_justify="left")
    table.add_column("")
    for heading in ("before", "after", "less"):
        table.add_column(heading, justify="right")
    for name, tokens in list(rows.items())[:_MOST_ROWS]:
        less = f"{1 - tokens.after / tokens.before:.1%}" if tokens.before else "-"
        table.add_row(name, f"{tokens.before:,}", f"{tokens.after:,}", less)
    return table


def _compared(found: Comparison) -> Iterator[str]:
    if found.why:
        yield f"holdout       {found.why}"
        return
    yield f"holdout       {found.conversations:,} conversations against {found.held:,} that were held out (measured)"
    for name, share, amount in (
        ("a request", found.per_turn, found.dollars_per_turn),
        ("a session", found.per_session, found.dollars_per_session),
    ):
        if share is not None and amount is not None:
            yield f"              {name}: {_between(share)} less cost, {dollars(amount.value)}"


def _between(found: Interval) -> str:
    return f"{found.value:.1%} (95 %: {found.low:.1%} to {found.high:.1%})"


def dollars(amount: float) -> str:
    """Return an amount as people read it; small ones with more digits."""
    text = f"{abs(amount):,.2f}" if abs(amount) >= 1 else f"{abs(amount):.4f}"
    return f"-${text}" if amount < 0 else f"${text}"


def _plain(value: Any) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6f}"
