"""What people have done to a whole store: new keys for all that is kept, and removal, over the kinds of stores."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from decision_samples import key, lossy, raw
from hand_clock import HandClock
from redis_server import RedisServer

from headroom_mitm.errors import MissingOriginal
from headroom_mitm.segments import digest_of_text
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.base import Resealed
from headroom_mitm.store.sealing import Keys

OpenStore = Callable[..., Store]
HOUR, DAY = 3600, 86_400
HEAD = digest_of_text("the beginning of a conversation")
OLD, NEW = bytes(range(32)), bytes(range(32, 64))
TEXTS = b"short", b"a long text", b"hidden rounds"
ORIGINAL = digest_of_text("a long text")


@pytest.fixture(params=["sqlite", "redis", "cluster"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "store.db")
    servers = request.getfixturevalue({"redis": "redis_server", "cluster": "cluster"}[request.param])
    servers.flush()
    return str(servers.url)


@pytest.fixture
def opened(clock: HandClock) -> Iterator[OpenStore]:
    """Open a store with keys in this order; ``sealed_only`` where they are not all."""
    with contextlib.ExitStack() as stack:

        def opened(url: str, *secrets: bytes, sealed_only: bool = False) -> Store:
            keys = (lambda: Keys(secrets, sealed_only)) if secrets else None
            return stack.enter_context(contextlib.closing(open_store(url, clock=clock, keys=keys)))

        yield opened


def records(url: str) -> int:
    """Return how many of what ``fill`` makes are sealed: a server keeps what is said of a raw text in one, too."""
    return 4 if "redis" in url else 3


def fill(store: Store) -> None:
    store.freeze([lossy("call 1"), raw("call 2", original="something else")])
    store.keep_rounds(HEAD, b"hidden rounds")


def assert_whole(store: Store) -> None:
    assert store.recall([key("call 1"), key("call 2")]) == {
        key("call 1"): lossy("call 1").rendering,
        key("call 2"): raw("call 2", original="something else").rendering,
    }
    assert store.original(ORIGINAL) == "a long text"
    assert store.rounds([HEAD]) == {HEAD: b"hidden rounds"}


@pytest.mark.parametrize("before", [(), (OLD,)], ids=["open", "sealed"])
def test_all_that_is_kept_gets_the_newest_key(opened: OpenStore, url: str, before: tuple[bytes, ...]) -> None:
    fill(opened(url, *before))
    store = opened(url, NEW, *before)
    assert store.upkeep.reseal() == Resealed(records(url), 0)
    assert store.upkeep.reseal() == Resealed(0, 0)
    assert_whole(opened(url, NEW, sealed_only=True))


@pytest.mark.parametrize("before", [(), (OLD,)], ids=["open", "sealed"])
def test_what_is_used_gets_the_newest_key(
    opened: OpenStore, url: str, clock: HandClock, before: tuple[bytes, ...]
) -> None:
    fill(opened(url, *before))
    store = opened(url, NEW, *before)
    clock.now += 2 * HOUR
    assert_whole(store)
    assert store.upkeep.reseal().sealed <= (1 if "redis" in url else 0)  # rounds there wait for it
    assert_whole(opened(url, NEW, sealed_only=True))


def test_what_no_key_opens_counts_as_lost(opened: OpenStore, url: str) -> None:
    """A text that was decided upon goes out raw, and what was left out of it is gone."""
    fill(opened(url, OLD))
    store = opened(url, NEW)
    assert store.upkeep.reseal() == Resealed(0, records(url))
    found = store.recall([key("call 1")])[key("call 1")]
    assert (found.is_raw, found.lossless, found.compressor) == (True, True, "unreadable record")
    assert store.freeze([lossy("call 1")]) == {key("call 1"): found}
    assert store.rounds([HEAD]) == {}
    with pytest.raises(MissingOriginal, match="not here"):
        opened(url).original(ORIGINAL)


def test_a_text_that_is_kept_anew_can_be_had_again(opened: OpenStore, url: str) -> None:
    """What stands under its digest and cannot be opened is replaced."""
    fill(opened(url, OLD))
    store = opened(url, NEW)
    store.freeze([lossy("call 3")])
    assert store.original(ORIGINAL) == "a long text"


def test_what_nobody_has_used_goes(opened: OpenStore, tmp_path: Path, clock: HandClock) -> None:
    store = opened(str(tmp_path / "store.db"), NEW)
    fill(store)
    clock.now += 7 * DAY
    store.freeze([lossy("call 3", original="another text")])
    assert store.upkeep.purge(clock() - 2 * DAY) == 4
    assert list(store.recall([key("call 1"), key("call 2"), key("call 3")])) == [key("call 3")]
    assert store.original(digest_of_text("another text")) == "another text"
    with pytest.raises(MissingOriginal):
        store.original(ORIGINAL)


def test_what_nobody_has_used_goes_from_a_server(
    opened: OpenStore, redis_server: RedisServer, clock: HandClock
) -> None:
    """What is left of a key's idle time tells when it was used."""
    redis_server.flush()
    store = opened(redis_server.url, NEW)
    fill(store)
    with redis.Redis.from_url(redis_server.url) as client:
        for name in client.keys():  # noqa: SIM118  # not a dict
            client.expire(name, client.ttl(name) - 7 * DAY)
    store.freeze([lossy("call 3", original="another text")])
    assert store.upkeep.purge(clock() - 2 * DAY) == 4
    assert list(store.recall([key("call 1"), key("call 2"), key("call 3")])) == [key("call 3")]


def test_purged_is_all(opened: OpenStore, url: str) -> None:
    store = opened(url, NEW)
    fill(store)
    store.offer(HEAD, True)
    store.visits.touch(HEAD, 1.0, 300.0)
    store.tallies.add({"learn|kind": {"n": 1.0}})
    assert store.upkeep.purge() >= 6
    assert store.recall([key("call 1"), key("call 2")]) == {}
    assert store.rounds([HEAD]) == {}
    assert (store.offered(HEAD), store.visits.get(HEAD), store.tallies.names("")) == (None, None, [])
    with pytest.raises(MissingOriginal):
        store.original(ORIGINAL)


def test_purged_from_a_file_is_overwritten(opened: OpenStore, tmp_path: Path) -> None:
    """Nothing of it stays in free pages, not even what was never sealed."""
    path = tmp_path / "store.db"
    store = opened(str(path))
    store.freeze([lossy(f"call {number}", text=f"a secret {number}") for number in range(500)])
    store.upkeep.purge()
    left = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert b"a secret" not in left


def test_what_is_kept_tells_no_text(opened: OpenStore, tmp_path: Path, redis_server: RedisServer) -> None:
    """Who reads the file, or the server, without the key reads neither what was sent nor what it stands for."""
    path = tmp_path / "store.db"
    for url in (str(path), redis_server.url):
        fill(opened(url, NEW))
    with redis.Redis.from_url(redis_server.url) as client:
        values = [client.dump(name) or b"" for name in client.keys()]  # noqa: SIM118  # not a dict
    with sqlite3.connect(path) as db:
        values += [bytes(row[0]) for row in db.execute("SELECT packed FROM original")]
    values += [file.read_bytes() for file in tmp_path.iterdir()]
    assert len(values) > 5
    assert not any(text in value for value in values for text in TEXTS)
