"""The file itself: its mode, its schema, and what damage does."""

import contextlib
import logging
import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from decision_samples import key, lossy

from headroom_mitm.errors import StoreReadOnly, StoreUnavailable
from headroom_mitm.store import Store, sqlite_file
from headroom_mitm.store.sqlite_file import APPLICATION_ID, MIGRATIONS, migrate

OpenStore = Callable[..., Store]
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def filled(path: Path, opened: OpenStore) -> Path:
    """A closed store with one decision in it."""
    store = opened(str(path))
    store.freeze([lossy("call 1")])
    store.close()
    return path


@contextlib.contextmanager
def database(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def pragma(db: sqlite3.Connection, name: str) -> object:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_it(tmp_path: Path, opened: OpenStore) -> None:
    """Folders that were made for it, the file, its log and its index; folders that were there keep their mode."""
    tmp_path.chmod(0o755)
    before = os.umask(0)
    try:
        opened(str(tmp_path / "a" / "b" / "store.db")).freeze([lossy("call 1")])
    finally:
        os.umask(before)
    modes = {str(found.relative_to(tmp_path)): mode_of(found) for found in sorted(tmp_path.rglob("*"))}
    files = dict.fromkeys(("a/b/store.db", "a/b/store.db-shm", "a/b/store.db-wal"), 0o600)
    assert modes == {"a": 0o700, "a/b": 0o700, **files}
    assert mode_of(tmp_path) == 0o755


def test_a_file_that_others_could_read_is_closed_to_them(filled: Path, opened: OpenStore) -> None:
    filled.chmod(0o644)
    opened(str(filled)).freeze([lossy("call 2")])
    assert {mode_of(found) for found in filled.parent.iterdir()} == {0o600}


def test_a_new_file_has_the_newest_schema(filled: Path) -> None:
    with database(filled) as db:
        assert pragma(db, "user_version") == len(MIGRATIONS)
        assert pragma(db, "application_id") == APPLICATION_ID
        assert pragma(db, "journal_mode") == "wal"
        assert pragma(db, "auto_vacuum") == 2  # incremental


def test_an_empty_file_is_a_new_one(path: Path, opened: OpenStore) -> None:
    path.touch()
    assert opened(str(path)).freeze([lossy("call 1")])


def test_an_older_file_gains_what_is_new_and_keeps_what_it_has(filled: Path) -> None:
    later = (*MIGRATIONS, ("ALTER TABLE rendering ADD COLUMN turn INTEGER", "CREATE TABLE more (a)"))
    with database(filled) as db:
        migrate(db, filled, later)
        migrate(db, filled, later)
        assert pragma(db, "user_version") == len(later)
        assert db.execute("SELECT key, turn FROM rendering").fetchall() == [(key("call 1"), None)]


def test_a_migration_that_fails_changes_nothing(filled: Path) -> None:
    with database(filled) as db, pytest.raises(sqlite3.OperationalError, match="no such table: missing"):
        migrate(db, filled, (*MIGRATIONS, ("CREATE TABLE more (a)", "DROP TABLE missing")))
    with database(filled) as db:
        assert pragma(db, "user_version") == len(MIGRATIONS)
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'").fetchone() == (0,)


def test_a_newer_file_is_left_alone(filled: Path, opened: OpenStore) -> None:
    with database(filled) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = filled.read_bytes()
    store = opened(str(filled))
    with pytest.raises(StoreUnavailable, match=f"has schema {len(MIGRATIONS) + 1}, this version"):
        store.freeze([lossy("call 2")])
    store.close()
    assert filled.read_bytes() == before


def test_the_database_of_another_program_is_left_alone(path: Path, opened: OpenStore) -> None:
    with database(path) as db:
        db.execute("CREATE TABLE places (url)")
    path.chmod(0o644)
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match="another program"):
        opened(str(path)).freeze([lossy("call 1")])
    assert path.read_bytes() == before
    assert mode_of(path) == 0o644


def test_a_file_that_is_no_database_is_left_alone(path: Path, opened: OpenStore) -> None:
    """An option that names the wrong file must not cost that file its place."""
    path.write_text("the user's notes, " * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        opened(str(path)).freeze([lossy("call 1")])
    assert path.read_text() == "the user's notes, " * 100
    assert list(path.parent.iterdir()) == [path]


def zero_the_header(raw: bytes) -> bytes:
    return bytes(4096) + raw[4096:]


def cut_in_half(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def overwrite_the_tables(raw: bytes) -> bytes:
    return raw[:4096] + b"\xff" * (len(raw) - 4096)


@pytest.mark.parametrize("damage", [zero_the_header, cut_in_half, overwrite_the_tables])
def test_a_damaged_file_is_moved_aside(
    filled: Path, opened: OpenStore, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    """One use fails and says why; the next has a new file, and the old one is kept for whoever wants to look."""
    damaged = damage(filled.read_bytes())
    filled.write_bytes(damaged)
    store = opened(str(filled))
    with caplog.at_level(logging.WARNING, "headroom_mitm.store"), pytest.raises(StoreUnavailable, match=r"store\.db: "):
        store.freeze([lossy("call 2")])
    (aside,) = filled.parent.glob("store.db.corrupt-*")
    assert [str(aside) in record.getMessage() for record in caplog.records] == [True]
    assert aside.read_bytes() == damaged
    assert store.freeze([lossy("call 2")]) == {key("call 2"): lossy("call 2").rendering}


def test_a_file_that_another_process_replaced_is_opened_anew(filled: Path, opened: OpenStore) -> None:
    """Whoever wrote on into the old one would decide alone."""
    store = opened(str(filled))
    store.recall([key("call 1")])
    for name in ("store.db", "store.db-wal", "store.db-shm"):
        (filled.parent / name).rename(filled.parent / f"old {name}")
    opened(str(filled)).freeze([lossy("call 2")])
    assert list(store.recall([key("call 1"), key("call 2")])) == [key("call 2")]


def test_a_file_that_was_deleted_is_made_anew(filled: Path, opened: OpenStore) -> None:
    store = opened(str(filled))
    store.recall([key("call 1")])
    for found in list(filled.parent.iterdir()):
        found.unlink()
    store.freeze([lossy("call 2")])
    assert list(opened(str(filled)).recall([key("call 2")])) == [key("call 2")]


@contextlib.contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Root may write anywhere, so tests that run as root put that right aside."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_file_still_tells_what_is_decided(opened: OpenStore) -> None:
    """Reading goes on, deciding does not, and once the mode is right again, all goes on."""
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders let nobody but their owner in
        path = Path(folder) / "store.db"
        Path(folder).chmod(0o777)
        with as_ordinary_user():
            store = opened(str(path), clock=lambda: 0.0)
            store.freeze([lossy("call 1")])
            store.close()
            path.chmod(0o400)
            late = opened(str(path), clock=lambda: 1_000_000.0)
            assert late.recall([key("call 1")]) == {key("call 1"): lossy("call 1").rendering}
            with pytest.raises(StoreReadOnly, match="readonly"):
                late.freeze([lossy("call 2")])
            for found in path.parent.iterdir():
                found.chmod(0o600)
            assert late.freeze([lossy("call 2")])
            late.close()


def test_where_nothing_can_be_written_what_is_there_is_read(
    opened: OpenStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a disk that is read-only: no files can be made beside it. Once they can, all goes on."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        Path(folder).chmod(0o777)
        with as_ordinary_user():
            store = opened(str(path))
            store.freeze([lossy("call 1")])
            store.close()
            path.chmod(0o400)
        Path(folder).chmod(0o555)
        monkeypatch.setattr(sqlite_file, "FROZEN_SECONDS", 0.0)
        with as_ordinary_user():
            late = opened(str(path))
            for _ in range(2):
                assert late.recall([key("call 1")]) == {key("call 1"): lossy("call 1").rendering}
                with pytest.raises(StoreReadOnly, match="cannot be written"):
                    late.freeze([lossy("call 2")])
        assert caplog.text.count("what it holds is read") == 1
        Path(folder).chmod(0o777)
        path.chmod(0o666)
        with as_ordinary_user():
            assert late.freeze([lossy("call 2")])
            late.close()


@pytest.mark.parametrize(
    ("code", "room", "log", "is_frozen"),
    [
        (sqlite3.SQLITE_IOERR, 0, None, True),
        (sqlite3.SQLITE_IOERR, 0, b"", True),
        (sqlite3.SQLITE_IOERR, 0, b"what was not written back", False),
        (sqlite3.SQLITE_IOERR, 2**20, None, False),
        (sqlite3.SQLITE_CANTOPEN, 0, None, False),
    ],
    ids=["full", "its log is empty", "its log is not", "another fault", "no more files"],
)
def test_a_database_on_a_full_disk_is_read_as_it_stands(
    filled: Path, code: int, room: int, log: bytes | None, is_frozen: bool
) -> None:
    """Without room for its index the log cannot be used, and nobody can write it."""
    if log is not None:
        filled.with_name(f"{filled.name}-wal").write_bytes(log)
    assert sqlite_file._is_frozen(filled, code, room) is is_frozen


def test_what_was_not_written_back_is_not_passed_over(path: Path, opened: OpenStore) -> None:
    """Beside the log of a process that was killed, the file alone would tell what holds no more."""
    killed = opened(str(path))
    killed.freeze([lossy("call 1")])
    copy = path.with_name("copy.db")
    copy.write_bytes(path.read_bytes())
    copy.with_name("copy.db-wal").mkdir()
    with pytest.raises(StoreUnavailable):
        opened(str(copy)).recall([key("call 1")])


def test_a_file_that_is_locked_for_long_is_busy(filled: Path, opened: OpenStore) -> None:
    """What is known can still be read meanwhile."""
    store = opened(str(filled))
    with database(filled) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="is busy"):
            store.freeze([lossy("call 2")])
        assert store.recall([key("call 1")])
        db.execute("ROLLBACK")
    assert store.freeze([lossy("call 2")])
