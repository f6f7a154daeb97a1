"""Is what is kept in order, and do caches do what they should."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from headroom_mitm import settings
from headroom_mitm.commands.diagnosis import Finding, ok, problem, warning
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.ledger import Ledger, Session
from headroom_mitm.store import open_store

_LOW = 0.5
"""Share of prompts read from the cache below which something is wrong with sessions that are not short."""
_LEAST_REQUESTS = 30
_MISSES = 0.1
"""Share of requests that miss for one reason, above which it is named."""
_PRIVATE = 0o077
_TRIED = "doctor"
_SESSIONS = 50
_ADVICE = {
    "tools or system prompt changed": "look in the proxy's log for what changed; headroom_stabilize=on keeps tools in "
    "order, CLAUDE_CODE_ATTRIBUTION_HEADER=0 takes a changing line out of Claude Code's prompts",
    "pause": "headroom_ttl=auto has caches kept for an hour where pauses make it pay",
    "another model": "each model has a cache of its own: change it between conversations",
}


def examine_store(url: str) -> Iterator[Finding]:
    """Open it, write to it, and check the file. Says no more than what a store of a proxy that runs allows."""
    shown = url.rpartition("@")[2]
    if "://" not in url:
        file = Path(url).expanduser()
        if not file.exists():
            yield ok("store", f"{file} is made when the first request passes")
            return
        yield from _file(file)
    try:
        with closing(open_store(url, keys=settings.keys(url))) as store:
            store.tallies.add({_TRIED: {"times": 1.0}})
            held = store.tallies.read([_TRIED])
            store.tallies.forget([_TRIED])
            if held.get(_TRIED):
                yield ok("store", f"{shown} can be read and written")
            else:
                yield problem("store", f"{shown} does not give back what is written to it", "headroom_store")
            yield from _caches(Ledger(store, settings.clock()))
    except (StoreUnavailable, OSError, ValueError) as error:
        advice = "until it can, requests pass unchanged; see headroom_store"
        yield problem("store", f"{shown} cannot be used: {error}", advice)


def _file(file: Path) -> Iterator[Finding]:
    if file.stat().st_mode & _PRIVATE or file.parent.stat().st_mode & _PRIVATE:
        yield warning("store's file", f"{file} is open to others", f"chmod 600 {file}; chmod 700 {file.parent}")
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=5)) as connection:
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        said = str(error)
    if said == "ok":
        yield ok("store's file", f"whole, {file.stat().st_size / 2**20:.1f} MiB")
    else:
        yield problem("store's file", f"{file} is damaged: {said}", "the proxy puts it aside and begins a new one")


def _caches(ledger: Ledger) -> Iterator[Finding]:
    report = ledger.report()
    total, share = report.totals, report.totals.cache_share
    if share is None or total.measured < _LEAST_REQUESTS:
        yield ok("caches", f"too little is known yet: {total.measured} requests in 30 days")
        return
    said = f"{100 * share:.0f} % of {total.measured:,} requests' prompts were read from caches in 30 days"
    misses = _reasons(ledger.conversations(_SESSIONS))
    if share < _LOW:
        yield warning("caches", said, "see the reasons below, and headroom-mitm audit")
    else:
        yield ok("caches", said)
    requests = sum(misses.values())
    for reason, advice in _ADVICE.items():
        if requests and misses.get(reason, 0) > _MISSES * requests:
            yield warning("cache misses", f"{misses[reason]} of {requests} requests: {reason}", advice)


def _reasons(sessions: list[Session]) -> dict[str, int]:
    found: dict[str, int] = {}
    for request in (request for session in sessions for request in session.requests):
        found[request.miss] = found.get(request.miss, 0) + 1
    return found
