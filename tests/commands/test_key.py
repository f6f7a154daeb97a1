"""Keys from the command line: a new one seals all that is kept, and the old one may go."""

from pathlib import Path

import pytest

from headroom_mitm import settings
from headroom_mitm.cli import main
from headroom_mitm.segments import Key, Rendering, digest, digest_of_text
from headroom_mitm.store import Decision, open_store
from headroom_mitm.store.sealing import Keys

ORIGINAL = digest_of_text("a long text")
DECISION = Decision(Rendering(Key(digest(b"call")), "short", ORIGINAL, "x/1", 2, False, 900, 30), "a long text")


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store that holds something, in a home of our own."""
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path))
    monkeypatch.delenv("HEADROOM_KEY", raising=False)
    url = str(tmp_path / "store.sqlite")
    keep(url)
    return url


def keep(url: str) -> None:
    store = open_store(url, keys=settings.keys(url))
    store.freeze([DECISION])
    store.close()


def original(url: str) -> str:
    store = open_store(url, keys=settings.keys(url))
    try:
        return store.original(ORIGINAL)
    finally:
        store.close()


def test_a_rotated_key_seals_all_and_the_old_one_goes(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = settings.keys(url)()
    assert main(["key", "rotate"]) == 0
    assert "Sealed 2 records" in capsys.readouterr().out
    after = settings.keys(url)()
    assert (len(after.secrets), after.newest != before.newest, after.sealed_only) == (1, True, True)
    assert original(url) == "a long text"


def test_an_old_key_may_stay_for_other_stores(url: str) -> None:
    before = settings.keys(url)()
    assert main(["key", "rotate", "--keep-old"]) == 0
    assert settings.keys(url)().secrets[1:] == before.secrets


def test_a_shared_key_is_rotated_by_hand(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The environment is not ours to change: a new key is put in front there, then all is sealed with it.

    The secret for names stays.
    """
    own = [line for line in (Path(url).parent / "store.key").read_text().splitlines() if not line.startswith("#")]
    (names,) = (line for line in own if line.startswith("names:"))
    assert main(["key", "new"]) == 0
    new = capsys.readouterr().out.strip()
    monkeypatch.setenv("HEADROOM_KEY", f"{new},{own[0]},{names}")
    assert main(["key", "rotate"]) == 1
    said = capsys.readouterr().err
    assert "HEADROOM_KEY" in said
    assert "names:" in said
    assert main(["key", "reseal"]) == 0
    monkeypatch.setenv("HEADROOM_KEY", f"{new},{names}")
    assert settings.keys(url)() == Keys.parse(f"{new},{names}")
    assert original(url) == "a long text"


def test_what_is_no_key_is_said_without_repeating_it(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HEADROOM_KEY", "hunter2")
    assert main(["key", "reseal"]) == 1
    said = capsys.readouterr().err
    assert "HEADROOM_KEY" in said
    assert "hunter2" not in said
