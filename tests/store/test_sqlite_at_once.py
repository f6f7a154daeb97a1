"""One thread uses the embedded store at once or not at all, and what it keeps is there for all others."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from decision_samples import key, lossy

from headroom_mitm.segments import digest_of_text
from headroom_mitm.store import Store

OpenStore = Callable[..., Store]
HEAD, OTHER = digest_of_text("a beginning"), digest_of_text("another beginning")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path, opened: OpenStore) -> Store:
    """Opened, and used once."""
    store = opened(str(path))
    store.offered(HEAD)
    return store


def written(path: Path) -> list[bytes]:
    """What another process reads."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [head for (head,) in db.execute("SELECT head FROM offer ORDER BY used, head")]


def test_what_is_kept_inside_is_kept_as_a_whole_at_the_end(store: Store, path: Path) -> None:
    with store.staging.at_once() as is_free:
        assert is_free
        assert store.offer(HEAD, True) is True
        assert store.freeze([lossy("call 1")]).keys() == {key("call 1")}
        assert store.offer(HEAD, False) is True
        assert written(path) == []
    assert len(written(path)) == 1
    assert store.offered(HEAD) is True
    assert store.recall([key("call 1")]).keys() == {key("call 1")}


def test_nothing_is_kept_of_what_fails(store: Store, path: Path) -> None:
    def fail() -> None:
        with store.staging.at_once():
            store.offer(HEAD, True)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert written(path) == []
    assert store.offer(HEAD, False) is False


def test_it_waits_for_no_other_process(store: Store, path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with store.staging.at_once() as is_free:
            assert not is_free
        other.execute("COMMIT")
    with store.staging.at_once() as is_free:
        assert is_free


def test_it_does_not_create_the_file(path: Path, opened: OpenStore) -> None:
    """That takes its time."""
    with opened(str(path)).staging.at_once() as is_free:
        assert not is_free


def test_other_threads_wait_until_it_is_over(store: Store, path: Path) -> None:
    other = threading.Thread(target=store.offer, args=(OTHER, True))
    with store.staging.at_once():
        other.start()
        store.offer(HEAD, True)
        assert written(path) == []
    other.join()
    assert {*written(path)} == {HEAD, OTHER}


def test_it_does_not_wait_for_other_threads(store: Store) -> None:
    frees: list[bool] = []

    def ask() -> None:
        with store.staging.at_once() as is_free:
            frees.append(is_free)

    asking = threading.Thread(target=ask)
    with store.staging.at_once():
        asking.start()
        asking.join()
    assert frees == [False]


def test_a_file_that_was_replaced_is_opened_anew(store: Store, path: Path) -> None:
    with store.staging.at_once():
        store.offer(HEAD, True)
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    with store.staging.at_once() as is_free:
        assert is_free
        assert store.offered(HEAD) is None
        store.offer(OTHER, True)
    assert written(path) == [OTHER]
