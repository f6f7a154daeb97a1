"""``headroom-mitm top``: what is measured, what is estimated, and what is unknown are told apart."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from headroom_mitm import cli
from headroom_mitm.commands.top import screen
from headroom_mitm.ledger import CHANGED, Report, Session, Sums, Tokens

NOW = 1_000_000.0


def shown(report: Report, *sessions: Session) -> str:
    console = Console(width=160, file=io.StringIO(), record=True)
    console.print(screen(report, sessions, NOW))
    return console.export_text()


def report(sums: Sums, **more: object) -> Report:
    given = {"totals": sums, "by_arm": {CHANGED: sums}, **more}
    return Report("2026-11-22", "2026-11-22", "2026-11-20", **given)  # type: ignore[arg-type]


def session(seen: float, **sums: float) -> Session:
    return Session("0" * 32, 0.0, seen, "some-model", "claude-code", CHANGED, Sums(**sums))  # type: ignore[arg-type]


def test_money_is_shown_with_its_denominator() -> None:
    text = shown(report(Sums(requests=5, priced=4, measured=5, fresh=25, read=75, paid=1.5, without=2.0)))
    assert "saved $0.5000 (25 % of what it would cost without us), estimated" in text
    assert "paid  $1.50, measured: 4 of 5 requests have a price" in text
    assert "75 % of prompts read from the cache" in text


def test_a_loss_is_shown_as_one() -> None:
    assert "saved -$0.5000" in shown(report(Sums(requests=1, priced=1, paid=1.5, without=1.0)))


def test_what_is_unknown_is_not_shown_as_zero() -> None:
    text = shown(report(Sums(requests=2), by_model={"some-model": Sums(requests=2)}), session(NOW - 1, requests=2))
    assert text.count("unknown") >= 4
    assert "an unknown share of prompts" in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-5, "0 s ago"), (59, "59 s ago"), (60, "1 min ago"), (7_200, "2 h ago"), (172_800, "2 d ago")],
)
def test_times_are_short(seconds: float, said: str) -> None:
    assert said in shown(report(Sums()), session(NOW - seconds, requests=1))


def test_tools_are_shown_with_what_was_left_out() -> None:
    text = shown(report(Sums(), by_tool={"Bash:pytest": Tokens(2_000, 500), "Read": Tokens(0, 0)}))
    assert ["Bash:pytest", "2,000", "500", "75 %"] in [
        [cell.strip() for cell in line.split("│")][1:5] for line in text.splitlines()
    ]


def test_it_prints_once_where_nobody_can_watch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["top", "--store", str(tmp_path / "store.sqlite")]) == 0
    assert "0 of 0 requests have a price" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["0", "-1", "soon", "4000"])
def test_an_interval_that_is_none_is_refused(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["top", "--interval", given])
    assert "from 0.2 to 3600" in capsys.readouterr().err
