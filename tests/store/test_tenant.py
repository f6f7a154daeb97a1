"""Tenants on one store: each has all that a store promises, and nothing of another's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from decision_samples import key, lossless, lossy, raw

from headroom_mitm.errors import MissingOriginal
from headroom_mitm.segments import digest_of_text
from headroom_mitm.store import Store
from headroom_mitm.store.base import Visit
from headroom_mitm.store.tenant import Mask, TenantStore

OpenStore = Callable[..., Store]
HEAD = digest_of_text("the beginning of a conversation")


@pytest.fixture(params=["sqlite", "redis"])
def whole(request: pytest.FixtureRequest, tmp_path: Path, opened: OpenStore) -> Store:
    if request.param == "sqlite":
        return opened(str(tmp_path / "store.db"))
    server = request.getfixturevalue("redis_server")
    server.flush()
    return opened(server.url)


def test_what_a_tenant_keeps_comes_back_as_it_went_in(whole: Store) -> None:
    store, again = TenantStore(whole, "ann"), TenantStore(whole, "ann")
    decisions = [lossy("call 1"), lossless("call 2"), raw("call 3")]
    expected = {decision.rendering.key: decision.rendering for decision in decisions}
    assert store.freeze(decisions) == expected
    assert again.recall(list(expected)) == expected
    assert again.original(digest_of_text("a long text")) == "a long text"


@pytest.mark.parametrize("other", ["bob", "", "Ann", "ann "])
def test_nobody_else_has_it(whole: Store, other: str) -> None:
    """Neither what was decided, nor the texts, nor that there is any of it; what another decides is its own."""
    fill(TenantStore(whole, "ann"))
    store = TenantStore(whole, other) if other else whole
    assert store.recall([key("call 1")]) == {}
    assert (store.offered(HEAD), store.rounds([HEAD]), store.visits.get(HEAD)) == (None, {}, None)
    assert (store.tallies.names("learn|"), store.tallies.read(["learn|kind"])) == ([], {})
    with pytest.raises(MissingOriginal):
        store.original(digest_of_text("a long text"))
    assert store.offer(HEAD, False) is False
    assert store.keep_rounds(HEAD, b"other rounds") == b"other rounds"
    assert store.freeze([raw("call 1")]) == {key("call 1"): raw("call 1").rendering}


def test_what_others_do_leaves_it_as_it_was(whole: Store) -> None:
    ann, bob = TenantStore(whole, "ann"), TenantStore(whole, "bob")
    fill(ann)
    fill(bob, text="bob's")
    bob.tallies.forget(bob.tallies.names("learn|"))
    assert ann.recall([key("call 1")])[key("call 1")].text == "short"
    assert (ann.offered(HEAD), ann.rounds([HEAD])) == (True, {HEAD: b"rounds"})
    assert ann.tallies.read(["learn|kind"]) == {"learn|kind": {"n": 1.0}}
    assert ann.visits.begin(HEAD, Visit(5.0, 300.0), Visit(9.0, 300.0, 1)).epoch == 1
    assert bob.visits.get(HEAD) == Visit(5.0, 300.0)


def test_a_mask_turns_back() -> None:
    mask = Mask("ann")
    assert mask(mask(HEAD)) == HEAD
    assert len({HEAD, mask(HEAD), Mask("bob")(HEAD)}) == 3
    (turned,) = (one.rendering for one in mask.decisions([lossless("call 2")]))
    assert mask.renderings({turned.key: turned}) == {key("call 2"): lossless("call 2").rendering}
    with pytest.raises(ValueError, match="not a digest"):
        mask(b"short")


def fill(store: Store, text: str = "short") -> None:
    store.freeze([lossy("call 1", text=text)])
    store.offer(HEAD, True)
    store.keep_rounds(HEAD, b"rounds")
    store.visits.touch(HEAD, 5.0, 300.0)
    store.tallies.add({"learn|kind": {"n": 1.0}})
