"""What every store promises, over the members one by one."""

import contextlib
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

import pytest
from decision_samples import TEXTS, key, lossless, lossy, raw

from headroom_mitm.errors import MissingOriginal
from headroom_mitm.segments import digest_of_text
from headroom_mitm.sizes import Size, counted_of
from headroom_mitm.store import Store, open_store
from headroom_mitm.store.sealing import Keys

OpenStore = Callable[..., Store]
HEAD = digest_of_text("the beginning of a conversation")
OTHER_HEAD, UNKNOWN_HEAD = digest_of_text("another beginning"), digest_of_text("one that nobody knows")
KEYS = Keys((bytes(range(32)),), sealed_only=True)
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def opened() -> Iterator[OpenStore]:
    """``open_store`` with the keys that all share; what it opened is closed after the test."""
    with contextlib.ExitStack() as stack:
        yield lambda url: stack.enter_context(contextlib.closing(open_sealed(url)))


def open_sealed(url: str) -> Store:
    return open_store(url, keys=lambda: KEYS)


@pytest.fixture
def store(opened: OpenStore, url: str) -> Store:
    return opened(url)


@pytest.mark.parametrize("make", [lossy, lossless, raw])
def test_a_decision_comes_back_as_it_went_in(store: Store, make: Callable[..., object]) -> None:
    decision = make("call 1")
    assert store.freeze([decision]) == {key("call 1"): decision.rendering}
    assert store.recall([key("call 1")]) == {key("call 1"): decision.rendering}
    assert store.recall([key("call 1")])[key("call 1")].about == decision.rendering.about


def test_tokens_that_nobody_has_counted_are_kept_as_an_estimate(store: Store) -> None:
    """Nothing waits for a decision to be counted; who has it from the store counts where it matters."""
    text, decision = "a long text " * 50, lossy("call 1")
    before = Size(text)
    frozen = replace(decision.rendering, before=before, after=Size(decision.rendering.text or ""))
    store.freeze([replace(decision, rendering=frozen)])
    found = store.recall([key("call 1")])[key("call 1")]
    assert found.about == frozen.about
    assert before.about != before.count
    assert found.tokens_after == frozen.tokens_after
    assert counted_of(found.before, lambda: text) == before.count
    assert counted_of(found.before, list[str]().pop) == found.tokens_before == before.count


def test_what_is_not_known_is_not_recalled(store: Store) -> None:
    store.freeze([lossy("call 1")])
    assert list(store.recall([key("call 2"), key("call 1"), key("call 1")])) == [key("call 1")]


def test_nothing_in_nothing_out(store: Store) -> None:
    assert store.recall([]) == {}
    assert store.freeze([]) == {}
    assert store.sweep() == 0


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_texts_are_kept_exactly(opened: OpenStore, url: str, text: str) -> None:
    """Both what is sent and what it stands for, as another process finds them."""
    opened(url).freeze([lossy("call 1", text=text, original=text)])
    other = opened(url)
    assert other.recall([key("call 1")])[key("call 1")].text == text
    assert other.original(digest_of_text(text)) == text


def test_an_empty_text_is_not_a_raw_one(store: Store) -> None:
    found = store.freeze([lossy("empty", text=""), raw("raw")])
    assert [found[key(name)].is_raw for name in ("empty", "raw")] == [False, True]


def test_decisions_outlive_the_store(opened: OpenStore, url: str) -> None:
    first = opened(url)
    first.freeze([lossy("call 1")])
    first.close()
    assert opened(url).recall([key("call 1")]) == {key("call 1"): lossy("call 1").rendering}


@pytest.mark.parametrize("later", [lossy("call 1", text="other"), lossless("call 1"), raw("call 1")])
def test_the_first_decision_wins(opened: OpenStore, url: str, later: object) -> None:
    first = lossy("call 1", text="first")
    opened(url).freeze([first])
    other = opened(url)
    assert other.freeze([later]) == {key("call 1"): first.rendering}
    assert other.recall([key("call 1")]) == {key("call 1"): first.rendering}
    assert other.original(first.rendering.original) == first.original


def test_raw_stays_raw(store: Store) -> None:
    store.freeze([raw("call 1")])
    assert store.freeze([lossy("call 1")]) == {key("call 1"): raw("call 1").rendering}


def test_the_first_of_two_for_one_key_in_one_go_wins(store: Store) -> None:
    decisions = [lossy("call 1", text="first"), lossy("call 1", text="second"), lossy("call 2")]
    assert store.freeze(decisions) == {key("call 1"): decisions[0].rendering, key("call 2"): decisions[2].rendering}


def test_decisions_are_kept_together_or_not_at_all(store: Store) -> None:
    """One that cannot be written takes those before it along."""
    good, bad = lossy("call 1"), lossy("call 2")
    bad = replace(bad, rendering=replace(bad.rendering, after=2**70))
    with pytest.raises(OverflowError):
        store.freeze([good, bad])
    assert store.recall([key("call 1")]) == {}
    with pytest.raises(MissingOriginal):
        store.original(good.rendering.original)
    assert store.freeze([good]) == {key("call 1"): good.rendering}


def test_a_long_conversation_is_recalled_at_once(store: Store) -> None:
    """More keys than an SQL statement may have variables."""
    decisions = [lossy(f"call {number}", text=f"text {number}") for number in range(2_500)]
    store.freeze(decisions)
    found = store.recall([decision.rendering.key for decision in decisions])
    assert found == {decision.rendering.key: decision.rendering for decision in decisions}


def test_equal_originals_are_kept_for_all_who_name_them(store: Store) -> None:
    store.freeze([lossy("call 1", original="same"), lossy("call 2", original="same")])
    assert store.original(digest_of_text("same")) == "same"


@pytest.mark.parametrize("decision", [lossless("call 1"), raw("call 1")], ids=["lossless", "raw"])
def test_an_original_that_was_not_given_is_missing(store: Store, decision: object) -> None:
    store.freeze([decision])
    with pytest.raises(MissingOriginal, match=digest_of_text("a long text").hex()):
        store.original(digest_of_text("a long text"))


@pytest.mark.parametrize("first", [True, False])
def test_an_offer_is_decided_once(opened: OpenStore, url: str, first: bool) -> None:
    store, other = opened(url), opened(url)
    assert store.offered(HEAD) is None
    assert store.offer(HEAD, first) is first
    assert other.offer(HEAD, not first) is first
    assert other.offered(HEAD) is first


def test_rounds_come_back_as_they_went_in(opened: OpenStore, url: str) -> None:
    """As another process finds them; what is not known is not there."""
    first = opened(url)
    assert first.keep_rounds(HEAD, b"\0packed\xff") == b"\0packed\xff"
    assert first.keep_rounds(OTHER_HEAD, b"") == b""
    first.close()
    assert opened(url).rounds([OTHER_HEAD, HEAD, UNKNOWN_HEAD]) == {HEAD: b"\0packed\xff", OTHER_HEAD: b""}


def test_the_first_rounds_win(opened: OpenStore, url: str) -> None:
    store, other = opened(url), opened(url)
    store.keep_rounds(HEAD, b"first")
    assert other.keep_rounds(HEAD, b"second") == b"first"
    assert other.rounds([HEAD]) == {HEAD: b"first"}


def test_rounds_of_a_long_conversation_are_found_at_once(store: Store) -> None:
    keys = [digest_of_text(f"answer {number}") for number in range(2_500)]
    store.keep_rounds(keys[0], b"first")
    store.keep_rounds(keys[-1], b"last")
    assert store.rounds(keys) == {keys[0]: b"first", keys[-1]: b"last"}
    assert store.rounds([]) == {}


def test_many_threads_agree(store: Store) -> None:
    """Eight threads decide forty keys, each in its own way; all see the same forty decisions."""
    together = threading.Barrier(8)

    def decide(me: int) -> list[str | None]:
        together.wait()
        seen = [store.freeze([lossy(f"call {n}", text=f"{n} by {me}", original=f"text {n}")]) for n in range(40)]
        return [found[key(f"call {n}")].text for n, found in enumerate(seen)]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(decide, range(8)))
    held = store.recall([key(f"call {n}") for n in range(40)])
    assert all(answer == [held[key(f"call {n}")].text for n in range(40)] for answer in answers)


def decide_all(url: str, me: str, together: Barrier, answer: Connection) -> None:
    """Another process: open a store that may be new, wait for the others, and decide."""
    together.wait()
    store = open_sealed(url)
    seen = [store.freeze([lossy(f"call {n}", text=f"{n} by {me}", original=f"text {n}")]) for n in range(100)]
    answer.send([found[key(f"call {n}")].text for n, found in enumerate(seen)])


def test_processes_agree(opened: OpenStore, url: str) -> None:
    """Three processes open a new store at once and decide the same keys: one wins, and all see who."""
    together = SPAWN.Barrier(3)
    pipes = [SPAWN.Pipe(duplex=False) for _ in range(3)]
    children = [
        SPAWN.Process(target=decide_all, args=(url, f"process {me}", together, sender), daemon=True)
        for me, (_, sender) in enumerate(pipes)
    ]
    for child in children:
        child.start()
    for _, sender in pipes:
        sender.close()  # so that a child which dies is an EOFError here, not an endless wait
    answers = [receiver.recv() for receiver, _ in pipes]
    for child in children:
        child.join()
    held = opened(url).recall([key(f"call {n}") for n in range(100)])
    assert answers == [[held[key(f"call {n}")].text for n in range(100)]] * 3


def decide_and_wait(url: str, answer: Connection) -> None:
    """Another process: decide, say so, and never close anything."""
    store = open_sealed(url)
    store.freeze([lossy("call 1")])
    store.offer(HEAD, offered=True)
    store.keep_rounds(HEAD, b"rounds")
    answer.send("frozen")
    threading.Event().wait()


def test_a_decision_outlives_its_killed_process(opened: OpenStore, url: str) -> None:
    """Once ``freeze`` has returned, the text may be on the wire, so the decision must hold."""
    receiver, sender = SPAWN.Pipe(duplex=False)
    child = SPAWN.Process(target=decide_and_wait, args=(url, sender), daemon=True)
    child.start()
    sender.close()
    assert receiver.recv() == "frozen"
    child.kill()
    child.join()
    store = opened(url)
    assert store.recall([key("call 1")]) == {key("call 1"): lossy("call 1").rendering}
    assert store.original(lossy("call 1").rendering.original) == "a long text"
    assert store.offered(HEAD) is True
    assert store.rounds([HEAD]) == {HEAD: b"rounds"}
