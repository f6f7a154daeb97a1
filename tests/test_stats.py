"""Every figure says whether it was measured or estimated and of how many requests; unknown is never nothing."""

import csv
import io
import json
from dataclasses import replace

import pytest
from rich.console import Console

from headroom_mitm import stats
from headroom_mitm.ledger import AUDIT, CHANGED, HOLDOUT, Comparison, Interval, Report, Sums, Tokens

FREE = Sums(
    requests=10,
    legs=12,
    retrieved=2,
    measured=9,
    priced=8,
    read=900,
    fresh=100,
    output=50,
    paid=1.5,
    without=2.0,
    rounds=0.25,
    caching=0.125,
)
AUDITED = Sums(requests=4, measured=4, priced=4, read=100, paid=1.0, without=1.0)
REPORT = Report(
    "2026-11-01",
    "2026-11-22",
    "2026-11-20",
    totals=FREE + AUDITED,
    by_arm={CHANGED: FREE, AUDIT: AUDITED},
    by_day={"2026-11-21": FREE, "2026-11-22": AUDITED},
    by_model={"claude": FREE + AUDITED, "mystery": Sums(requests=3)},
    by_client={"codex": FREE},
    by_source={"results": Tokens(1_000, 400)},
    by_tool={"Bash": Tokens(1_000, 400)},
    holdout=Comparison(why="no conversation was held out: set headroom_holdout"),
)
MEASURED = Comparison(90, 40, Interval(0.1, 0.2, 0.3), Interval(0.05, 0.15, 0.25), Interval(1, 2, 3), Interval(4, 5, 6))


def shown(report: Report, *, daily: bool = False) -> str:
    out = io.StringIO()
    stats.show(report, Console(file=out, width=140), daily=daily)
    return out.getvalue()


def test_dollars_say_what_they_are_of() -> None:
    text = shown(REPORT)
    assert "$2.50 (measured, of 12 of 14 requests)" in text
    assert "$2.00 for what cost $1.50 (estimated, of 8 of 10 requests)" in text
    assert "$0.5000 = 25.0% (estimated; 2 texts read again took" in text
    assert "2 requests are in no figure in dollars" in text
    assert "$0.1250 more (estimated: clients that set none of their own)" in text


def test_an_unknown_price_is_not_nothing() -> None:
    row = next(line for line in shown(REPORT).split("\n") if "mystery" in line)
    assert row.count("unknown") == 3
    assert "$" not in row


def test_days_are_shown_where_they_are_asked_for() -> None:
    assert "2026-11-21" not in shown(REPORT)
    assert "2026-11-21" in shown(REPORT, daily=True)


def test_the_holdout_is_told_with_its_interval() -> None:
    assert "no conversation was held out" in shown(REPORT)
    text = shown(replace(REPORT, holdout=MEASURED, by_arm={**REPORT.by_arm, HOLDOUT: AUDITED}))
    assert "90 conversations against 40 that were held out (measured)" in text
    assert "a request: 20.0% (95 %: 10.0% to 30.0%) less cost, $2.00" in text


def test_nothing_counted_is_said() -> None:
    assert shown(Report("2026-11-01", "2026-11-22", "x")) == "Nothing was counted from 2026-11-01 to 2026-11-22.\n"


def test_other_programs_get_all_of_it() -> None:
    out = io.StringIO()
    stats.write_json(REPORT, out)
    found = json.loads(out.getvalue())
    assert found["totals"]["paid"] == 2.5
    assert found["by_model"]["mystery"]["requests"] == 3


def test_a_table_has_a_line_for_each_day() -> None:
    out = io.StringIO()
    stats.write_csv(REPORT, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["day"] for row in rows] == ["2026-11-21", "2026-11-22"]
    assert float(rows[0]["saved"]) == pytest.approx(0.5)
    assert (rows[0]["requests"], rows[0]["priced"], rows[0]["read"]) == ("10", "8", "900")
