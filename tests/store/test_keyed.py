"""Who reads a store without its keys cannot find out whether it holds a text that he guesses."""

from collections.abc import Callable
from pathlib import Path

import pytest
import redis
from decision_samples import key, lossless, lossy, raw

from headroom_mitm import settings
from headroom_mitm.cli import main
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.segments import digest, digest_of_text
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.base import CHANGED_ENTRY, Noted, Visit
from headroom_mitm.store.holdings import Held, Kind
from headroom_mitm.store.key_file import KeyFile
from headroom_mitm.store.sealing import Keys, new_key, new_naming
from headroom_mitm.store.tenant import TenantStore

OpenStore = Callable[..., Store]
NAMED = Keys((bytes(32),), sealed_only=True, naming=b"n" * 32)
UNNAMED = Keys((bytes(32),), sealed_only=True)
TEXT, HEAD = digest_of_text("a long text"), digest_of_text("the beginning")
CONVERSATION = digest(HEAD, b"account")
DECISIONS = [lossy("call 1"), lossless("call 2"), raw("call 3")]
BEGUN = Visit(900.0, 300.0, 1, True, (key("call 1") + b"\0\1") * 2)


def fill(store: Store) -> None:
    store.freeze(DECISIONS)
    store.offer(HEAD, True)
    store.keep_rounds(HEAD, b"packed")
    store.visits.begin(HEAD, None, BEGUN)
    store.holdings.add({CONVERSATION: [Held(Kind.ORIGINAL, TEXT), Held(Kind.RENDERING, key("call 1"))]})
    store.records.add([Noted(CONVERSATION, 100.0, b"about", {"requests": 1.0}, b"figures")])


def seen(store: Store) -> object:
    """Return all that ``fill`` has kept."""
    decided = store.recall([decision.rendering.key for decision in DECISIONS])
    return decided, store.original(TEXT), store.offered(HEAD), store.rounds([HEAD]), store.visits.get(HEAD)


EXPECTED = {one.rendering.key: one.rendering for one in DECISIONS}, "a long text", True, {HEAD: b"packed"}, BEGUN


def everything(url: str, ports: list[int]) -> bytes:
    """Return all bytes of a store, names in hexadecimal digits as bytes."""
    if "://" not in url:
        return b"".join(path.read_bytes() for path in Path(url).parent.glob("store.db*"))
    found = b""
    for port in ports:
        with redis.Redis(port=port) as client:
            for name in client.keys():  # noqa: SIM118  # not a dict
                found += bytes.fromhex(last.decode()) if len(last := name.rpartition(b":")[2]) == 32 else name
                kind = client.type(name)
                found += client.get(name) or b"" if kind == b"string" else b""
                found += b"".join(client.smembers(name)) if kind == b"set" else b""
    return found


@pytest.fixture
def ports(request: pytest.FixtureRequest, url: str) -> list[int]:
    if "cluster" in url:
        return [server.port for server in request.getfixturevalue("cluster").primaries]
    if "sentinel" in url:
        return [request.getfixturevalue("sentinels").primary.port]
    return [request.getfixturevalue("redis_server").port] if "://" in url else []


@pytest.mark.parametrize("tenant", ["", "ann"])
def test_nothing_in_it_tells_what_was_guessed(opened: OpenStore, url: str, ports: list[int], tenant: str) -> None:
    """Not the digest of a text, not the names of a call's decision; and all of it comes back as it was."""
    whole = opened(url, keys=lambda: NAMED)
    store = TenantStore(whole, tenant) if tenant else whole
    fill(store)
    again = opened(url, keys=lambda: NAMED)
    assert seen(TenantStore(again, tenant) if tenant else again) == EXPECTED
    held = everything(url, ports)
    assert not [name for name in (TEXT, HEAD, key("call 1"), key("call 2"), key("call 3")) if name in held]
    assert CONVERSATION in held  # by which it can be removed
    assert whole.holdings.purge(CONVERSATION) >= 2
    assert store.recall([key("call 1")]) == {}


def test_a_store_that_began_without_goes_on_as_it_was(opened: OpenStore, url: str, ports: list[int]) -> None:
    fill(opened(url))
    assert seen(opened(url, keys=lambda: Keys((bytes(32),)))) == EXPECTED
    assert TEXT in everything(url, ports)


def test_names_stay_when_keys_are_changed(opened: OpenStore, url: str) -> None:
    store = opened(url, keys=lambda: NAMED)
    fill(store)
    later = Keys((b"x" * 32, bytes(32)), sealed_only=True, naming=NAMED.naming)
    assert opened(url, keys=lambda: later).upkeep.reseal().lost == 0
    assert seen(opened(url, keys=lambda: Keys(later.secrets[:1], True, NAMED.naming))) == EXPECTED


def test_changed_entries_keep_their_size() -> None:
    assert len(BEGUN.changed) == 2 * CHANGED_ENTRY


@pytest.mark.parametrize(("is_new", "named"), [(True, True), (False, False)])
def test_a_new_store_gets_a_secret_for_names(tmp_path: Path, *, is_new: bool, named: bool) -> None:
    """One whose key is made where something is kept already does not: it would not be found again."""
    assert bool(KeyFile(tmp_path / "store.key", sealed_only=is_new)().naming) is named


@pytest.mark.parametrize("keep_old", [True, False])
def test_a_rotation_keeps_it(tmp_path: Path, *, keep_old: bool) -> None:
    file = KeyFile(tmp_path / "store.key", sealed_only=True)
    naming = file().naming
    file.rotate()
    assert file.settle(keep_old=keep_old).naming == naming
    assert len(naming) == 32


def test_it_is_found_after_a_rotation_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path))
    monkeypatch.delenv("HEADROOM_KEY", raising=False)
    url = str(tmp_path / "store.sqlite")
    store = open_store(url, keys=settings.keys(url))
    fill(store)
    store.close()
    assert main(["key", "rotate"]) == 0
    store = open_store(url, keys=settings.keys(url))
    assert seen(store) == EXPECTED
    store.close()
    assert TEXT not in Path(url).read_bytes()


def test_the_environment_may_have_one() -> None:
    word, other = new_naming(), new_naming()
    assert len(Keys.parse(f"{new_key()},{word}").naming) == 32
    assert Keys.parse(new_key()).naming == b""
    with pytest.raises(ValueError, match="two secrets"):
        Keys.parse(f"{new_key()},{word},{new_key()},{other}")
    with pytest.raises(ValueError, match="no key"):
        Keys.parse(word)


def test_new_prints_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["key", "new", "--names"]) == 0
    assert Keys.parse(capsys.readouterr().out).naming
    assert main(["key", "new"]) == 0
    assert not Keys.parse(capsys.readouterr().out).naming


def test_a_key_that_cannot_be_read_is_the_stores_fault(tmp_path: Path, opened: OpenStore) -> None:
    """Nothing is decided under names that would not be found again."""
    (tmp_path / "store.key").write_text("no key")
    store = opened(str(tmp_path / "store.db"), keys=KeyFile(tmp_path / "store.key"))
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        store.offered(HEAD)
