"""Whatever a server answers, the store says that it does not answer; nothing is taken for a text of ours."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count

import pytest
from decision_samples import key, lossless, lossy
from lying_server import REPLIES, LyingServer

from headroom_mitm.errors import MissingOriginal, StoreUnavailable
from headroom_mitm.segments import Digest, digest, digest_of_text
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.base import Noted, Visit
from headroom_mitm.store.sealing import Keys

HEAD = Digest(digest(b"head"))
NOW = 1_800_000_000.0


def uses(store: Store) -> Iterator[Callable[[], object]]:
    """Yield all that requests do with a store."""
    yield lambda: not any(one.text for one in store.recall([key("a"), key("b")]).values())
    yield lambda: not any(one.text for one in store.freeze([lossy("a"), lossless("b")]).values())
    yield lambda: not store.original(digest_of_text("x"))
    yield lambda: store.offered(HEAD) in {None, True, False}
    yield lambda: store.offer(HEAD, True) in {True, False}
    yield lambda: not store.rounds([HEAD, Digest(digest(b"other"))])
    yield lambda: not store.keep_rounds(HEAD, b"packed")
    yield lambda: store.visits.get(HEAD) is None
    yield lambda: store.visits.touch(HEAD, NOW, 300.0).seen == NOW
    yield lambda: store.visits.begin(HEAD, None, Visit(NOW, 300.0, 1)).seen == NOW
    yield lambda: store.tallies.add({"a": {"b": 1.0}}) is None
    yield lambda: all(isinstance(one, float) for sums in store.tallies.read(["a"]).values() for one in sums.values())
    yield lambda: store.records.add([Noted(HEAD, NOW, b"about", {"x": 1.0}, b"figures")]) is None
    yield lambda: all(isinstance(one.seen, float) for one in store.records.newest(5, with_requests=True))
    yield lambda: isinstance(store.records.salt(), bytes)


@pytest.mark.parametrize("reply", REPLIES, ids=repr)
def test_an_answer_to_another_question_is_none(reply: bytes) -> None:
    server = LyingServer(b"+OK\r\n", b"+OK\r\n", reply)
    minutes = count()
    url = f"redis://127.0.0.1:{server.port}/0"
    store = open_store(url, clock=lambda: NOW + 60 * next(minutes), keys=lambda: Keys((bytes(32),), sealed_only=True))
    for use in uses(store):
        with suppress(StoreUnavailable, MissingOriginal):
            assert use()
    store.close()
    server.close()
