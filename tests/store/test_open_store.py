"""What names a store, and what does not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from decision_samples import key

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.sqlite import SqliteStore
from headroom_mitm.store.staged import StagedStore

OpenStore = Callable[..., Store]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["~/a/b.db", "a/b.db", "./a/b.db", "sqlite:///~/a/b.db", "sqlite://{home}/a/b.db"])
def test_a_file_may_be_named_in_these_ways(home: Path, opened: OpenStore, name: str) -> None:
    store = opened(name.format(home=home))
    assert isinstance(store, SqliteStore)
    store.recall([key("call 1")])
    assert (home / "a" / "b.db").is_file()


def test_a_url_may_be_percent_encoded(home: Path, opened: OpenStore) -> None:
    opened(f"sqlite://{home}/a%20b.db").recall([key("call 1")])
    assert (home / "a b.db").is_file()


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://localhost:6379",
        "redis://user:secret@127.0.0.1:6380/3",
        "redis://[::1]:6379/0",
        "rediss://cache.example:6380/0?ssl_ca_certs=/etc/ca.pem&ssl_cert_reqs=required",
    ],
)
def test_a_server_may_be_named_in_these_ways(opened: OpenStore, url: str) -> None:
    assert isinstance(opened(url), StagedStore)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "  ",
        ":memory:",
        "a\0b",
        "~nobody-of-this-name/store.db",
        "sqlite:store.db",
        "sqlite://",
        "sqlite:///",
        "sqlite://host/store.db",
        "sqlite:///store.db?mode=ro",
        "sqlite::memory:",
        "file:store.db",
        "postgresql://host/db",
        "http://host",
        "redis:host",
        "redis://",
        "redis:///0",
        "redis://host/name",
        "redis://host:port/0",
        "redis://host:99999/0",
        "redis://host/0?decode_responses=true",
        "redis://host/0?ssl_ca_certs=/etc/ca.pem",
        "rediss://host/0?timeout=5",
        "rediss://host/0#x",
        "redis://a..b/0",
    ],
)
def test_anything_else_is_refused_with_what_is_accepted(url: str) -> None:
    with pytest.raises(ValueError, match="give a file path, sqlite:///path, redis://host:port/db or rediss://"):
        open_store(url)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="it is a folder"):
        open_store(str(tmp_path))


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="host/name") as refusal:
        open_store("redis://user:secret@host/name")
    assert "secret" not in str(refusal.value)


def test_nothing_is_opened_before_it_is_used(tmp_path: Path, opened: OpenStore) -> None:
    """The proxy starts whatever the store's state."""
    (tmp_path / "file").touch()
    store = opened(str(tmp_path / "file" / "store.db"))
    with pytest.raises(StoreUnavailable, match="cannot be created"):
        store.recall([key("call 1")])
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
