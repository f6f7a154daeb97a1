"""Removal from the command line."""

from pathlib import Path

import pytest

from headroom_mitm import settings
from headroom_mitm.cli import main
from headroom_mitm.commands.purge import seconds
from headroom_mitm.errors import MissingOriginal
from headroom_mitm.segments import Key, Rendering, digest, digest_of_text
from headroom_mitm.store import Decision, Store, open_store

ORIGINAL = digest_of_text("a long text")
DECISION = Decision(Rendering(Key(digest(b"call")), "short", ORIGINAL, "x/1", 2, False, 900, 30), "a long text")


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """One that holds something, where the program looks for it."""
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path))
    url = str(tmp_path / "store.sqlite")
    store = open_store(url, keys=settings.keys(url))
    store.freeze([DECISION])
    return store


def test_all_goes(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["purge", "--all"]) == 0
    assert "Removed 2 records." in capsys.readouterr().out
    with pytest.raises(MissingOriginal):
        store.original(ORIGINAL)


def test_what_was_used_lately_stays(store: Store) -> None:
    assert main(["purge", "--older-than", "12h"]) == 0
    assert store.original(ORIGINAL) == "a long text"


@pytest.mark.parametrize(("text", "expected"), [("12h", 43_200), ("7d", 604_800), ("4w", 2_419_200)])
def test_times_are_written_so(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize(
    "arguments", [[], ["--older-than", "7"], ["--older-than", "-1d"], ["--all", "--older-than", "7d"]]
)
def test_nothing_goes_by_mistake(store: Store, arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(["purge", *arguments])
    assert store.original(ORIGINAL) == "a long text"
