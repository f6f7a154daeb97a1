"""A report is the sum of what was written down for its days, can be told in JSON, and survives what cannot be read."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_samples import NOON
from msgspec import msgpack

from headroom_mitm.holdout import LEAST
from headroom_mitm.ledger import (
    AUDIT,
    CHANGED,
    HOLDOUT,
    About,
    Ledger,
    Line,
    Sums,
    Tokens,
    amounts_of,
    index_name,
    row_name,
    tokens_name,
    told,
)
from headroom_mitm.segments import digest
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.base import Noted

DAY = 86_400.0
ONE = Sums(requests=1, legs=1, measured=1, priced=1, fresh=10, read=90, output=5, paid=0.25, without=0.5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(str(tmp_path / "store.db"))
    yield store
    store.close()


def write(store: Store, row: str, sums: Sums = ONE) -> None:
    store.tallies.add({row_name(row): amounts_of(sums), index_name(row[:10]): {row: 1.0}})


def noted(number: int, arm: str, at: float = NOON, **amounts: float) -> Noted:
    about = msgpack.encode(About("claude", "claude-code", arm))
    line = msgpack.encode(Line(at, "claude", arm, 9, 7))
    found = {**amounts_of(ONE), "begun": 1.0, **amounts}
    return Noted(digest(b"%d" % number), at, about, found, line)


def test_days_models_clients_and_arms_add_up(store: Store) -> None:
    write(store, f"2026-11-21|{CHANGED}|claude|codex")
    write(store, f"2026-11-22|{CHANGED}|claude|aider")
    write(store, f"2026-11-22|{AUDIT}|gpt-5|codex")
    report = Ledger(store, lambda: NOON).report("2026-11-21")
    assert report.totals == ONE + ONE + ONE
    assert {name: sums.requests for name, sums in report.by_day.items()} == {"2026-11-21": 1, "2026-11-22": 2}
    assert {name: sums.requests for name, sums in report.by_client.items()} == {"codex": 2, "aider": 1}
    assert report.by_model["gpt-5"] == report.by_arm[AUDIT] == ONE
    assert (report.since, report.until) == ("2026-11-21", "2026-11-22")
    assert report.totals.saved == pytest.approx(0.75)
    assert report.totals.cache_share == pytest.approx(0.9)


def test_only_the_days_that_are_asked_for_count(store: Store) -> None:
    for day in ("2026-10-23", "2026-10-24", "2026-11-22", "2026-11-23"):
        write(store, f"{day}|{CHANGED}|claude|codex")
    ledger = Ledger(store, lambda: NOON)
    assert list(ledger.report().by_day) == ["2026-10-24", "2026-11-22"]
    assert list(ledger.report("2026-10-23", "2026-10-23").by_day) == ["2026-10-23"]
    assert ledger.report("2026-12-01").totals == Sums()
    with pytest.raises(ValueError, match="yesterday"):
        ledger.report("yesterday")


def test_tokens_are_told_by_name(store: Store) -> None:
    store.tallies.add({tokens_name("tool", "2026-11-22"): {"Bash:git log|before": 9, "Bash:git log|after": 4}})
    store.tallies.add({tokens_name("tool", "2026-11-21"): {"Bash:git log|before": 1, "x|before": 99, "odd": 5}})
    report = Ledger(store, lambda: NOON).report()
    assert report.by_tool == {"x": Tokens(99, 0), "Bash:git log": Tokens(10, 4)}
    assert list(report.by_tool) == ["x", "Bash:git log"]


def test_all_of_it_is_json(store: Store) -> None:
    write(store, f"2026-11-22|{CHANGED}|claude|codex")
    store.records.add([noted(1, CHANGED)])
    ledger = Ledger(store, lambda: NOON)
    report, (session,) = json.loads(json.dumps(told(ledger.report()))), told(tuple(ledger.conversations()))
    assert report["totals"]["saved"] == 0.25
    assert report["by_day"]["2026-11-22"]["input"] == 100
    assert json.loads(json.dumps(session))["requests"][0]["texts_before"] == 9


def test_nothing_is_told_of_what_cannot_be_read(store: Store) -> None:
    """Another version, or a damaged record."""
    store.records.add([replace(noted(1, CHANGED), about=b"\xc1"), replace(noted(2, CHANGED), packed=b"\xc1")])
    write(store, "2026-11-22")
    ledger = Ledger(store, lambda: NOON)
    (session,) = ledger.conversations()
    assert (session.client, session.requests) == ("claude-code", ())
    assert ledger.report().totals.requests == 1


def test_arms_are_compared_by_conversation(store: Store) -> None:
    """Not by what was looked at only, nor by what has no price; and only of the days that are asked for."""
    write(store, f"2026-11-22|{HOLDOUT}|claude|codex")
    free = [noted(number, CHANGED, paid=0.2 + 0.001 * number) for number in range(LEAST)]
    held = [noted(1_000 + number, HOLDOUT, paid=0.4 + 0.001 * number) for number in range(LEAST)]
    out = [
        noted(2_000, AUDIT, paid=99.0),
        noted(2_001, HOLDOUT, priced=0.0, paid=99.0),
        noted(2_002, HOLDOUT, at=NOON - 99 * DAY, paid=99.0),
    ]
    store.records.add([*free, *held, *out])
    found = Ledger(store, lambda: NOON).report().holdout
    assert (found.conversations, found.held) == (LEAST, LEAST)
    assert found.per_session is not None
    assert found.per_session.value == pytest.approx(1 - 0.2145 / 0.4145)


def test_an_estimate_is_not_reckoned_again_at_once(store: Store) -> None:
    """A page may ask every second."""
    now = [NOON]
    ledger = Ledger(store, lambda: now[0])
    write(store, f"2026-11-22|{HOLDOUT}|claude|codex")
    first = ledger.report().holdout
    store.records.add([noted(1, HOLDOUT)])
    assert ledger.report().holdout is first
    now[0] += 301
    assert ledger.report().holdout.held == 1
