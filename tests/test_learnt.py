"""What is learnt can be looked at, moved and forgotten; a file of something else changes nothing."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from headroom_mitm import learnt
from headroom_mitm.cli import main
from headroom_mitm.store import Store, open_store

SUMS = {
    "learn|kind|log_lines": {"outcomes": 2.0, "spent": 10.0, "lossless": 20.0},
    "learn|kind|log_lines|0": {"1.outcomes": 2, "1.misses": 1, "1.asked": 900, "1.before": 8000, "1.after": 2000},
}
OTHER = {"elsewhere": {"x": 1.0}}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(str(tmp_path / "store.db"))
    store.tallies.add({**SUMS, **OTHER})
    yield store
    store.close()


def shown(store: Store) -> str:
    out = io.StringIO()
    learnt.show(store.tallies, Console(file=out, width=140))
    return out.getvalue()


def test_a_row_says_what_a_level_has_shown(store: Store) -> None:
    row = next(line for line in shown(store).split("\n") if "log_lines" in line)
    assert [cell.strip() for cell in row.strip("│┃ ").split("│")] == [
        "kind log_lines",
        "light",
        "2.0",
        "1.0",
        "25 %",
        "900",
    ]


def test_only_what_is_learnt_is_forgotten(store: Store) -> None:
    assert learnt.reset(store.tallies) == 1
    assert store.tallies.names("") == ["elsewhere"]
    assert "Nothing is learnt yet" in shown(store)


def test_an_export_can_be_taken_over(store: Store, tmp_path: Path) -> None:
    out = io.StringIO()
    assert learnt.export(store.tallies, out) == 1
    other = open_store(str(tmp_path / "other.db"))
    other.tallies.add({"learn|kind|html_dom": {"outcomes": 7.0}})
    assert learnt.take_over(other.tallies, io.StringIO(out.getvalue())) == 1
    assert other.tallies.read(other.tallies.names("")) == SUMS
    other.close()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"other|x": {"a": 1}}', '{"learn|x": 1}', '{"learn|x": {"a": "1"}}', '{"learn|x": {"a": true}}']
)
def test_something_else_changes_nothing(store: Store, text: str) -> None:
    before = shown(store)
    with pytest.raises(ValueError, match=r".+"):
        learnt.take_over(store.tallies, io.StringIO(text))
    assert shown(store) == before


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On the store of the own folder, or another."""
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(SUMS)))
    assert main(["learn", "import"]) == 0
    assert capsys.readouterr().out == "Took over 1 groups and kinds.\n"
    assert main(["learn", "export", "--store", str(tmp_path / "store.sqlite")]) == 0
    assert json.loads(capsys.readouterr().out) == SUMS
    assert main(["learn", "reset"]) == 0
    assert main(["learn", "show"]) == 0
    assert "Nothing is learnt yet" in capsys.readouterr().out
    monkeypatch.setattr("sys.stdin", io.StringIO("{"))
    assert main(["learn", "import"]) == 1
    assert main(["learn", "show", "--store", "redis://:x@"]) == 1
