"""What is removed, and what stays."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from headroom_mitm.certificates import ensure_authority
from headroom_mitm.cli import main
from headroom_mitm.store import open_store


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("HEADROOM_HOME", str(folder))
    ensure_authority(folder, ["api.anthropic.com"], datetime.now(UTC))
    store = open_store(str(folder / "store.sqlite"))
    store.tallies.add({"x": {"y": 1.0}})
    store.close()
    (folder / "run").mkdir()
    return folder


def test_first_it_only_says(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(home.rglob("*"))
    assert main(["uninstall"]) == 0
    assert sorted(home.rglob("*")) == before
    out = capsys.readouterr().out
    assert f"Would remove {home / 'store.sqlite'}" in out
    assert "headroom-mitm local CA" in out
    assert "--yes" in out


def test_then_it_removes_all_of_ours(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["uninstall", "--yes"]) == 0
    assert not home.exists()
    assert "system's store" in capsys.readouterr().out
    assert main(["uninstall", "--yes"]) == 0
    assert "nothing of ours" in capsys.readouterr().out


def test_what_is_not_ours_stays(home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The folder may be one that the user has other things in, and links lead elsewhere."""
    (tmp_path / "kept").write_text("kept")
    (home / "store.sqlite-old").symlink_to(tmp_path / "kept")
    (home / "diary.txt").write_text("mine")
    assert main(["uninstall", "--yes"]) == 0
    assert [file.name for file in home.iterdir()] == ["diary.txt"]
    assert (tmp_path / "kept").exists()
    assert f"it stays: {home / 'diary.txt'}" in capsys.readouterr().out
