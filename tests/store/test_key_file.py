"""The file with the keys: made once, for its owner alone, and read again when it has changed."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.store.key_file import KeyFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "store.key"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_made_on_first_use_for_its_owner_alone(path: Path) -> None:
    keys = KeyFile(path)()
    assert KeyFile(path)() == keys
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert [name.name for name in path.parent.iterdir()] == ["store.key"]


def test_many_that_begin_at_once_have_one_key(path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: KeyFile(path)().newest, range(24)))
    assert len(set(found)) == 1


def test_a_mode_that_lets_others_read_is_put_right(path: Path) -> None:
    keys = KeyFile(path)()
    path.chmod(0o644)
    assert KeyFile(path)() == keys
    assert mode(path) == 0o600


def test_a_new_key_stands_in_front_and_is_seen_by_who_runs(path: Path) -> None:
    running = KeyFile(path)
    old = running()
    KeyFile(path).rotate()
    assert running().newest != old.newest
    assert running().secrets[1:] == old.secrets
    assert mode(path) == 0o600


@pytest.mark.parametrize(("keep_old", "left"), [(True, 2), (False, 1)])
def test_when_all_is_sealed_anew_old_keys_may_go(path: Path, keep_old: bool, left: int) -> None:
    file = KeyFile(path)
    newest = file.rotate().newest
    settled = file.settle(keep_old=keep_old)
    assert (settled.newest, len(settled.secrets), settled.sealed_only) == (newest, left, True)


@pytest.mark.parametrize("content", ["", "nonsense\n", "\xe9\n"])
def test_a_file_without_keys_is_no_store(path: Path, content: str) -> None:
    """It is not replaced either: what was sealed with its keys would be lost for good."""
    path.parent.mkdir()
    path.write_text(content, encoding="utf-8")
    with pytest.raises(StoreUnavailable, match=r"store\.key cannot be used"):
        KeyFile(path)()
    assert path.read_text(encoding="utf-8") == content


def test_a_folder_that_cannot_be_made_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        KeyFile(tmp_path / "file" / "store.key")()
