"""The one place to ask what was spent and saved. It reads what ``Bookkeeping`` of all workers has written down.

Sums are kept by day, and by what was done, model and client; the newest conversations with their requests beside them.
Neither holds any text of a user's.
"""

import dataclasses
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from headroom_mitm import calibration, holdout, prices
from headroom_mitm.ledger_figures import (
    AUDIT,
    CHANGED,
    HOLDOUT,
    Calibrated,
    Comparison,
    Interval,
    Report,
    Request,
    Session,
    Sums,
    Tokens,
    told,
)
from headroom_mitm.store.base import Clock, Recorded, Store

__all__ = [
    "AUDIT",
    "CHANGED",
    "HOLDOUT",
    "Calibrated",
    "Comparison",
    "Interval",
    "Ledger",
    "Report",
    "Request",
    "Session",
    "Sums",
    "Tokens",
    "told",
]

logger = logging.getLogger(__name__)

LONGEST = 400
"""Days that a report may be about."""
COMPARED = 3_000
"""Conversations, the newest, that the holdout's estimate rests on."""
COMPARED_SECONDS = 300.0
"""So long an estimate is good enough for a page that asks every second."""
_DAY = 86_400
_WHOLE = {one.name: isinstance(getattr(Sums(), one.name), int) for one in dataclasses.fields(Sums)}
"""Figures of sums, and whether they are whole numbers."""


class Ledger:
    """Reads. Every method raises ``StoreUnavailable``, and may take a second where there is much: not for a request."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._comparison: tuple[tuple[date, date], float, Comparison] | None = None

    def report(self, since: str = "", until: str = "") -> Report:
        """Return what is known of some days, as ``2026-11-22``: until today, the last thirty, if nothing is said.

        Raises ``ValueError`` for what is no day.
        """
        last = date.fromisoformat(until) if until else datetime.fromtimestamp(self._clock(), UTC).date()
        first = date.fromisoformat(since) if since else last - timedelta(days=29)
        days = [str(last - timedelta(days=back)) for back in range(min(LONGEST, max(0, (last - first).days + 1)))][::-1]
        rows = self._rows(days)
        models = sorted({row.model for row in rows})
        by_arm = _by([(row.arm, row.sums) for row in rows])
        return Report(
            since=str(first),
            until=str(last),
            prices=prices.date(),
            totals=_added(row.sums for row in rows),
            by_arm=by_arm,
            by_day=_by([(row.day, row.sums) for row in rows]),
            by_model=_by([(row.model, row.sums) for row in rows]),
            by_client=_by([(row.client, row.sums) for row in rows]),
            by_source=self._tokens("source", days),
            by_tool=self._tokens("tool", days),
            by_compressor=self._tokens("compressor", days),
            holdout=self._compared(first, last) if HOLDOUT in by_arm else holdout.compared(()),
            calibration=calibration.read(self._store.tallies, models),
        )

    def _compared(self, first: date, last: date) -> Comparison:
        """Return what the arms differ by: reckoned now and then only, since it takes its time."""
        now, key = self._clock(), (first, last)
        held = self._comparison
        if held is not None and held[0] == key and 0 <= now - held[1] < COMPARED_SECONDS:
            return held[2]
        begins = datetime.combine(first, datetime.min.time(), UTC).timestamp()
        ends = datetime.combine(last, datetime.min.time(), UTC).timestamp() + _DAY
        found = [one for one in self._store.records.newest(COMPARED) if begins <= one.seen < ends]
        comparison = holdout.compared([one for one in map(_observed, found) if one is not None])
        self._comparison = key, now, comparison
        return comparison

    def conversations(self, limit: int = 50) -> list[Session]:
        """Return the newest conversations with their newest requests."""
        return [one for one in map(_session, self._store.records.newest(limit, with_requests=True)) if one is not None]

    def _rows(self, days: Sequence[str]) -> list["_Row"]:
        indexes = self._store.tallies.read([index_name(day) for day in days])
        names = [name for day in days for name in indexes.get(index_name(day), {})]
        sums = self._store.tallies.read([row_name(name) for name in names])
        return [_row(name, _sums(sums.get(row_name(name), {}))) for name in names]

    def _tokens(self, kind: str, days: Sequence[str]) -> dict[str, Tokens]:
        fields = self._store.tallies.read([tokens_name(kind, day) for day in days])
        found: dict[str, dict[str, int]] = {}
        for amounts in fields.values():
            for field, amount in amounts.items():
                name, _, side = field.rpartition("|")
                if side in ("before", "after"):
                    found.setdefault(name, {"before": 0, "after": 0})[side] += round(amount)
        ordered = sorted(found.items(), key=lambda item: -item[1]["before"])
        return {name: Tokens(sides["before"], sides["after"]) for name, sides in ordered}


@dataclasses.dataclass(frozen=True, slots=True)
class _Row:
    day: str
    arm: str
    model: str
    client: str
    sums: Sums


class About(msgspec.Struct, array_like=True, frozen=True):
    """What is kept of a conversation beside its sums."""

    model: str
    client: str
    arm: str


class Line(msgspec.Struct, array_like=True, frozen=True):
    """A request as it is kept; see ``Request``. New fields go to the end and have defaults."""

    at: float
    model: str
    arm: str
    texts_before: int
    texts_after: int
    without_tokens: int | None = None
    fresh: int | None = None
    read: int | None = None
    write: int | None = None
    output: int | None = None
    paid: float | None = None
    without: float | None = None
    legs: int = 1
    retrieved: int = 0
    miss: str = ""


def row_name(row: str) -> str:
    """Return the name of the sums of a day, what was done, a model and a client, joined by bars."""
    return f"ledger|row|{row}"


def index_name(day: str) -> str:
    """Return the name under which the rows of a day are listed."""
    return f"ledger|rows|{day}"


def tokens_name(kind: str, day: str) -> str:
    """Return the name of the tokens of a day by source, tool or compressor."""
    return f"ledger|{kind}|{day}"


def amounts_of(sums: Sums) -> dict[str, float]:
    """Return what is to be added to a row for these."""
    return {name: float(getattr(sums, name)) for name in _WHOLE if getattr(sums, name)}


def _sums(amounts: Mapping[str, float]) -> Sums:
    known = {name: amounts[name] for name in _WHOLE if name in amounts}
    figures: dict[str, Any] = {name: round(amount) if _WHOLE[name] else amount for name, amount in known.items()}
    return Sums(**figures)


def _row(name: str, sums: Sums) -> _Row:
    day, arm, model, client = (name.split("|") + [""] * 4)[:4]
    return _Row(day, arm, model, client, sums)


def _added(sums: Iterable[Sums]) -> Sums:
    total = Sums()
    for one in sums:
        total += one
    return total


def _by(rows: Iterable[tuple[str, Sums]]) -> dict[str, Sums]:
    found: dict[str, Sums] = {}
    for name, sums in rows:
        found[name] = found.get(name, Sums()) + sums
    return found


def _about(recorded: Recorded) -> About | None:
    try:
        return msgspec.msgpack.decode(recorded.about, type=About)
    except msgspec.DecodeError as error:
        logger.warning("a conversation in the ledger cannot be read: %s", error)
        return None


def _observed(recorded: Recorded) -> holdout.Observed | None:
    about, sums = _about(recorded), _sums(recorded.amounts)
    if about is None or about.arm == AUDIT or not sums.priced or sums.priced < sums.requests:
        return None  # of a conversation with unknown prices the cost is unknown
    begun = max(1, round(recorded.amounts.get("begun", 0.0)))
    return holdout.Observed(about.arm == HOLDOUT, sums.paid, sums.requests, begun)


def _session(recorded: Recorded) -> Session | None:
    about = _about(recorded)
    if about is None:
        return None
    requests = tuple(line for line in map(_request, recorded.requests) if line is not None)
    sums = _sums(recorded.amounts)
    return Session(
        recorded.key.hex(), recorded.began, recorded.seen, about.model, about.client, about.arm, sums, requests
    )


def _request(packed: bytes) -> Request | None:
    try:
        return Request(**msgspec.structs.asdict(msgspec.msgpack.decode(packed, type=Line)))
    except msgspec.DecodeError as error:
        logger.warning("a request in the ledger cannot be read: %s", error)
        return None
