"""What a conversation holds goes with it, but for what another one holds as well; in every kind of store."""

from collections.abc import Callable

import pytest
from decision_samples import key, lossy, raw

from headroom_mitm.errors import MissingOriginal
from headroom_mitm.segments import digest_of_text
from headroom_mitm.store import Store
from headroom_mitm.store.base import Noted
from headroom_mitm.store.holdings import Held, Kind
from headroom_mitm.store.tenant import TenantStore

OpenStore = Callable[..., Store]
MINE, OTHERS = digest_of_text("my conversation"), digest_of_text("another's conversation")
SHARED, OWN = digest_of_text("shared text"), digest_of_text("own text")
HEAD, ROUNDS, VISIT = map(digest_of_text, ("head", "rounds", "visit"))


def held(call: str, original: bytes) -> list[Held]:
    return [Held(Kind.RENDERING, key(call)), Held(Kind.ORIGINAL, original)]


def fill(store: Store) -> None:
    """Two conversations that have one text in common, and one result of it."""
    store.freeze([lossy("own", original="own text"), lossy("shared", original="shared text")])
    store.freeze([lossy("other's", original="shared text"), raw("kept")])
    store.offer(HEAD, True)
    store.keep_rounds(ROUNDS, b"packed")
    store.visits.touch(VISIT, 100, 300)
    mine = [*held("own", OWN), *held("shared", SHARED), Held(Kind.OFFER, HEAD), Held(Kind.ROUNDS, ROUNDS)]
    others = [*held("other's", SHARED), *held("shared", SHARED), Held(Kind.RENDERING, key("kept"))]
    store.holdings.add({MINE: [*mine, Held(Kind.VISIT, VISIT)], OTHERS: others})
    store.records.add([Noted(name, 100.0, b"about", {"requests": 1.0}, b"figures") for name in (MINE, OTHERS)])


@pytest.mark.parametrize("tenant", ["", "ada"])
def test_all_of_it_goes_and_what_others_hold_stays(opened: OpenStore, url: str, tenant: str) -> None:
    whole = opened(url)
    store = TenantStore(whole, tenant) if tenant else whole
    fill(store)
    assert whole.holdings.purge(MINE) >= 6
    assert set(store.recall([key(name) for name in ("own", "shared", "other's", "kept")])) == {
        key(name) for name in ("shared", "other's", "kept")
    }
    with pytest.raises(MissingOriginal):
        store.original(OWN)
    assert store.original(SHARED) == "shared text"
    assert (store.offered(HEAD), store.rounds([ROUNDS]), store.visits.get(VISIT)) == (None, {}, None)
    assert [one.key for one in whole.records.newest(9)] == [OTHERS]


def test_nothing_is_left_when_the_last_one_goes(opened: OpenStore, url: str) -> None:
    store = opened(url)
    fill(store)
    store.holdings.purge(MINE)
    store.holdings.purge(OTHERS)
    assert store.recall([key(name) for name in ("own", "shared", "other's", "kept")]) == {}
    with pytest.raises(MissingOriginal):
        store.original(SHARED)
    assert store.holdings.conversations("") == []


def test_conversations_are_found_by_how_their_names_begin(opened: OpenStore, url: str) -> None:
    """Those as well that hold nothing but figures."""
    store = opened(url)
    store.holdings.add({MINE: [Held(Kind.OFFER, HEAD)]})
    store.records.add([Noted(OTHERS, 100.0, b"about", {"requests": 1.0}, b"figures")])
    assert sorted(store.holdings.conversations("")) == sorted([MINE, OTHERS])
    assert list(store.holdings.conversations(MINE.hex()[:9])) == [MINE]
    assert list(store.holdings.conversations(OTHERS.hex().upper())) == [OTHERS]
    assert list(store.holdings.conversations("0123456789")) == []


def test_a_purge_of_all_leaves_no_names(opened: OpenStore, url: str) -> None:
    store = opened(url)
    fill(store)
    store.upkeep.purge()
    assert store.holdings.conversations("") == []
