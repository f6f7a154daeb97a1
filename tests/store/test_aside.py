"""What could not be kept outlives the process, in files that are nobody else's."""

from pathlib import Path

import pytest
from decision_samples import lossless

from headroom_mitm.segments import Key, Rendering, digest
from headroom_mitm.store import open_store
from headroom_mitm.store.aside import REASON, FileAside, NoAside
from headroom_mitm.store.tenant import TenantStore


def left(name: bytes) -> Rendering:
    """A text that has left as it was."""
    return Rendering(Key(digest(name)), None, digest(b"text of", name), REASON, 0, True, 7, 7)


A, B = left(b"a"), left(b"b")


def aside(folder: Path, store: str = "store.sqlite") -> FileAside:
    """As a process has it that has just begun."""
    return FileAside(folder / store, folder)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("headroom-*/*"))


def test_a_process_that_follows_finds_what_was_put_aside(tmp_path: Path) -> None:
    first = aside(tmp_path)
    first.put([A])
    first.put([B])
    assert aside(tmp_path).found() == [A, B]
    assert aside(tmp_path, "another.sqlite").found() == []


def test_forms_are_not_put_aside(tmp_path: Path) -> None:
    """They left because they were kept."""
    aside(tmp_path).put([lossless("a").rendering])
    assert files(tmp_path) == []


def test_what_is_kept_is_forgotten(tmp_path: Path) -> None:
    """Only what was found, and what was put there by the same process: another may have to put more there."""
    aside(tmp_path).put([A])
    one, other = aside(tmp_path), aside(tmp_path)
    one.found()
    other.put([B])
    one.clear()
    assert aside(tmp_path).found() == [B]
    other.clear()
    assert files(tmp_path) == []


def test_a_file_that_ends_within_an_entry_is_read_up_to_it(tmp_path: Path) -> None:
    aside(tmp_path).put([A, B])
    (file,) = files(tmp_path)
    file.write_bytes(file.read_bytes()[:-1])
    assert aside(tmp_path).found() == [A]


def test_nobody_else_reads_it(tmp_path: Path) -> None:
    aside(tmp_path).put([A])
    (file,) = files(tmp_path)
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize("made", ["open to all", "elsewhere"])
def test_a_folder_that_another_may_have_made_is_not_used(tmp_path: Path, made: str) -> None:
    """Its name can be guessed."""
    aside(tmp_path).put([A])
    place = files(tmp_path)[0].parent
    if made == "open to all":
        place.chmod(0o777)
    else:
        place.rename(tmp_path / "moved")
        place.symlink_to(tmp_path / "moved")
    aside(tmp_path).put([B])
    assert (aside(tmp_path).found(), len(list(place.iterdir()))) == ([], 1)


def test_where_nothing_can_be_written_nothing_is_put_aside(tmp_path: Path) -> None:
    missing = FileAside(tmp_path / "store.sqlite", tmp_path / "missing")
    missing.put([A])
    missing.clear()
    assert (missing.found(), NoAside().found()) == ([], [])


def test_tenants_find_what_is_theirs(tmp_path: Path) -> None:
    """Names that another tenant finds are no texts of his."""
    whole = open_store(str(tmp_path / "store.sqlite"))
    whole.aside = aside(tmp_path)  # not in the system's folder
    TenantStore(whole, "ann").aside.put([A])
    assert TenantStore(whole, "ann").aside.found() == [A]
    assert A not in TenantStore(whole, "bob").aside.found()
    whole.close()
