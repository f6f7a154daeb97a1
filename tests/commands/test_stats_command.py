"""``stats`` reads the store that it is told of, for so many days."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headroom_mitm.cli import main
from headroom_mitm.ledger import CHANGED, Sums, amounts_of, index_name, row_name
from headroom_mitm.store import open_store


@pytest.fixture
def path(tmp_path: Path) -> str:
    store = open_store(str(tmp_path / "store.db"))
    today = datetime.fromtimestamp(time.time(), UTC).date()
    for back in (0, 5):
        row = f"{today - timedelta(days=back)}|{CHANGED}|claude|codex"
        amounts = amounts_of(Sums(requests=1, priced=1, paid=1.0, without=3.0))
        store.tallies.add({row_name(row): amounts, index_name(row[:10]): {row: 1.0}})
    store.close()
    return str(tmp_path / "store.db")


@pytest.mark.parametrize(("days", "requests"), [("30", 2), ("6", 2), ("3", 1)])
def test_so_many_days_are_told(path: str, days: str, requests: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--store", path, "--days", days, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["totals"]["requests"] == requests


@pytest.mark.parametrize(("option", "start"), [("--csv", "day,requests"), ("--daily", "20")])
def test_it_comes_in_other_forms(path: str, option: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--store", path, option]) == 0
    assert capsys.readouterr().out.startswith(start)


def test_no_days_are_an_error(path: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stats", "--store", path, "--days", "0"]) == 1
    assert "--days" in capsys.readouterr().err
