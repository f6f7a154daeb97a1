"""What was sent before is sent again; free to choose is only what no request has carried."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sample_compressors import SMALL, rows
from sample_conversations import ANTHROPIC, FailingStore, Hour, asked, body, result

from headroom_mitm.aligner import TOUCH_SECONDS, Aligner
from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.router import SHORTEST, raw
from headroom_mitm.segments import Prompt, Rendering, Segment
from headroom_mitm.store import Decision, open_store

TEXT = rows(SMALL)
FIRST = asked() + result("c1", TEXT)
SECOND = FIRST + result("c2", TEXT)
THIRD = SECOND + result("c3", TEXT)


def read(messages: list[Any], **more: Any) -> Prompt:
    return ANTHROPIC.read(body(messages, **more))


def rendered(segment: Segment, text: str = "short", *, lossless: bool = True) -> Decision:
    rendering = Rendering(segment.key, text, segment.digest, "shorten/1", 0, lossless, 100, 10)
    return Decision(rendering, None if lossless else "the original")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[FailingStore]:
    opened = FailingStore(open_store(str(path)))
    yield opened
    opened.close()


@pytest.fixture
def clock() -> Hour:
    return Hour()


@pytest.fixture
def aligner(store: FailingStore, clock: Hour) -> Aligner:
    return Aligner(store, clock)


def another(path: Path) -> Aligner:
    """An aligner of another process."""
    return Aligner(open_store(str(path)), Hour())


def test_only_what_stands_behind_the_last_answer_may_be_chosen(aligner: Aligner) -> None:
    prompt = read(SECOND)
    old, new = prompt.segments
    plan = aligner.recall(prompt, may_offer=False)
    assert (plan.fresh, plan.past) == ((new,), ())
    assert plan.known == {old.key: raw(old, "sent before")}


def test_where_the_tool_may_pay_the_past_is_left_undecided(path: Path, aligner: Aligner) -> None:
    """Whoever weighs it says what becomes of it. Nothing is kept before that."""
    prompt = read(SECOND)
    old, new = prompt.segments
    for each in (aligner, another(path)):
        plan = each.recall(prompt, may_offer=True)
        assert (plan.is_weighed, plan.past, plan.fresh, plan.known) == (True, (old,), (new,), {})
    aligner.freeze_offer(prompt, offered=False)
    plan = another(path).recall(prompt, may_offer=True)
    assert (plan.is_weighed, plan.past, plan.known) == (False, (), {old.key: raw(old, "sent before")})


def kept_up_to_first(aligner: Aligner) -> Rendering:
    """Send the first turn of a conversation and keep what it becomes."""
    prompt = read(FIRST)
    aligner.recall(prompt, may_offer=False)
    aligner.freeze_offer(prompt, offered=False)
    return aligner.freeze([rendered(prompt.segments[0])])[prompt.segments[0].key]


def test_behind_a_turn_that_was_not_kept_nothing_is_chosen(path: Path, aligner: Aligner) -> None:
    """Who has sent it could keep nothing, and may have sent what stands behind it, too, and been ended meanwhile."""
    first = kept_up_to_first(aligner)
    torn = read(THIRD)
    old, *lost = torn.segments
    held = {old.key: first} | {each.key: raw(each, "sent before") for each in lost}
    for each in (another(path), another(path), aligner):
        plan = each.recall(torn, may_offer=False)
        assert plan.known | each.freeze([rendered(segment) for segment in plan.fresh]) == held
        later = read(THIRD + result("c4", TEXT))
        assert each.recall(later, may_offer=False).fresh == later.segments[-1:]


def test_what_another_has_decided_of_a_new_text_is_heard_as_a_decision_is_kept(path: Path, aligner: Aligner) -> None:
    """To ask before would cost every request, and hardly ever bring anything."""
    kept_up_to_first(aligner)
    prompt = read(SECOND)
    old, new = prompt.segments
    theirs = another(path).freeze([rendered(new, "theirs")])
    plan = aligner.recall(prompt, may_offer=False)
    assert (plan.fresh, list(plan.known)) == ((new,), [old.key])
    assert aligner.freeze([rendered(new, "ours")]) == theirs
    assert aligner.recall(prompt, may_offer=False).known[new.key] == theirs[new.key]


def test_who_has_not_read_the_conversation_before_asks_for_all_of_it(path: Path, aligner: Aligner) -> None:
    kept_up_to_first(aligner)
    prompt = replace(read(SECOND), known=None)
    theirs = another(path).freeze([rendered(prompt.segments[1], "theirs")])
    assert aligner.recall(prompt, may_offer=False).known.items() >= theirs.items()


def test_one_turn_later_something_may_be_chosen_again(aligner: Aligner) -> None:
    """A client may word its last results anew with every turn."""
    kept_up_to_first(aligner)
    plans = []
    for last in range(3, 6):
        reworded = [message for number in range(2, last) for message in result(f"c{number}", f"{TEXT} {last}")]
        prompt = read(FIRST + reworded + result(f"c{last}", TEXT))
        plans += [aligner.recall(prompt, may_offer=False).fresh == prompt.segments[-1:]]
    assert plans == [False, True, True]


@pytest.mark.parametrize(("messages", "is_cold"), [(SECOND, True), (THIRD, False)], ids=["kept", "not kept"])
def test_when_it_was_sent_is_not_known_where_it_was_not_kept(
    path: Path, aligner: Aligner, clock: Hour, messages: Any, is_cold: bool
) -> None:
    kept_up_to_first(aligner)
    clock.now += 86_400
    later = Aligner(open_store(str(path)), clock)
    assert (later.recall(read(messages), may_offer=False).cold is not None) is is_cold


def test_the_offer_belongs_to_the_first_answer_where_a_conversation_was_met(path: Path, aligner: Aligner) -> None:
    """Many conversations begin alike. As one begins, the beginning is all there is."""
    begun, met, other = read(asked()), read(FIRST), read(asked() + result("another", TEXT))
    aligner.freeze_offer(met, offered=False)
    for each in (aligner, another(path)):
        assert not each.recall(begun, may_offer=False).offered
        assert each.recall(begun, may_offer=True).offered
        assert each.recall(other, may_offer=True).is_weighed
    aligner.freeze_offer(begun, offered=True)
    for each in (aligner, another(path)):
        assert each.recall(other, may_offer=False).offered
        assert not each.recall(met, may_offer=True).offered


def test_a_conversation_that_begins_with_results_may_be_chosen_whole(aligner: Aligner) -> None:
    block = result("c0", TEXT)[1]
    prompt = read([block, *asked()])
    assert aligner.recall(prompt, may_offer=True).fresh == prompt.segments


@pytest.mark.parametrize(("size", "decided"), [(SHORTEST - 1, 0), (SHORTEST, 1)])
def test_short_texts_need_no_decision(aligner: Aligner, store: FailingStore, size: int, decided: int) -> None:
    plan = aligner.recall(read(asked() + result("c1", "x" * size) + result("c2", "x" * size)), may_offer=False)
    assert (len(plan.known), len(plan.fresh)) == (decided, decided)


def test_the_first_decision_holds(path: Path, aligner: Aligner) -> None:
    """Whoever made it: all workers get the same."""
    (segment,) = read(FIRST).segments
    mine, other = rendered(segment, "mine"), rendered(segment, "another's")
    assert another(path).freeze([other]) == {segment.key: other.rendering}
    assert aligner.freeze([mine]) == {segment.key: other.rendering}
    assert aligner.recall(read(FIRST), may_offer=True).known == {segment.key: other.rendering}


def test_two_decisions_on_one_text_in_one_request_are_one(aligner: Aligner) -> None:
    """A client may send a result twice; the older place decides."""
    prompt = read(asked() + result("c1", TEXT) + result("c1", TEXT))
    old, new = prompt.segments
    assert old.key == new.key
    plan = aligner.recall(prompt, may_offer=False)
    assert plan.known[old.key].is_raw
    assert aligner.freeze([rendered(new)])[new.key].is_raw


def test_what_memory_knows_is_not_asked_for_again(aligner: Aligner, store: FailingStore) -> None:
    prompt = read(FIRST)
    aligner.freeze([rendered(prompt.segments[0])])
    aligner.freeze_offer(prompt, offered=True)
    aligner.recall(prompt, may_offer=True)
    store.asked = 0
    plan = aligner.recall(prompt, may_offer=True)
    assert store.asked == 0
    assert (plan.fresh, plan.offered) == ((), True)


def test_the_store_learns_of_use_at_least_once_an_hour(aligner: Aligner, store: FailingStore, clock: Hour) -> None:
    """It counts idle time, and must not let go of what memory alone has replayed for a month."""
    prompt = read(FIRST)
    aligner.freeze([rendered(prompt.segments[0])])
    aligner.freeze_offer(prompt, offered=True)
    aligner.recall(prompt, may_offer=True)
    for passed, asks in ((TOUCH_SECONDS - 1, 0), (1, 1), (1, 0)):
        clock.now += passed
        store.recalled = 0
        aligner.recall(prompt, may_offer=True)
        assert (store.recalled > 0) == bool(asks)


def test_what_left_raw_here_stays_raw_though_the_store_says_otherwise(
    path: Path, aligner: Aligner, store: FailingStore, clock: Hour
) -> None:
    """Such as when the store was away while another worker rendered it."""
    prompt = read(FIRST)
    (segment,) = prompt.segments
    store.down = True
    assert aligner.recall(prompt, may_offer=True).known[segment.key].is_raw
    store.down = False
    another(path).freeze([rendered(segment)])
    for _ in range(3):
        assert aligner.recall(prompt, may_offer=True).known[segment.key].is_raw
        clock.now += 2 * TOUCH_SECONDS
    assert aligner.freeze([rendered(segment)])[segment.key].is_raw


def test_what_left_raw_is_kept_with_the_next_decision(path: Path, aligner: Aligner, store: FailingStore) -> None:
    prompt = read(SECOND)
    old, new = prompt.segments
    store.down = True
    aligner.leave_raw([old], "deadline")
    with pytest.raises(StoreUnavailable):
        aligner.freeze(())
    store.down = False
    aligner.freeze([rendered(new)])
    assert another(path).recall(prompt, may_offer=True).known[old.key].compressor == "deadline"
    store.asked = 0
    aligner.freeze(())
    assert store.asked == 0


def test_what_left_rendered_is_not_made_raw(aligner: Aligner) -> None:
    """Two requests with one text: one was in time, the other late."""
    (segment,) = read(FIRST).segments
    kept = aligner.freeze([rendered(segment)])
    assert aligner.leave_raw([segment], "deadline") == kept
    assert aligner.recall(read(FIRST), may_offer=True).known == kept


def test_the_debt_is_bounded(aligner: Aligner, store: FailingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headroom_mitm.owed.MOST", 2)
    segments = [read(asked() + result(f"c{number}", TEXT)).segments[0] for number in range(9)]
    for segment in segments:
        aligner.leave_raw([segment], "deadline")
    aligner.freeze(())
    assert len(store.recall([segment.key for segment in segments])) == 2
    assert all(aligner.leave_raw([segment], "again")[segment.key].compressor == "deadline" for segment in segments)


def test_a_store_that_is_away_is_asked_once_a_request(aligner: Aligner, store: FailingStore) -> None:
    """Each time may cost a time-out, and the past of the conversation waits for it."""
    store.down = True
    for messages in (FIRST, SECOND, asked()):
        store.asked = 0
        plan = aligner.recall(read(messages), may_offer=True)
        assert store.asked <= 1
        assert (plan.fresh, plan.offered, plan.undecided_offer) == ((), False, False)


@pytest.mark.parametrize(
    ("messages", "may_offer", "more", "offered", "undecided"),
    [
        (asked(), True, {}, True, True),
        (asked(), False, {}, False, True),
        (asked(), True, {"tool_choice": {"type": "tool", "name": "Bash"}}, False, True),
        (asked(), True, {"tool_choice": {"type": "any"}}, True, True),
        (asked(), True, {"tools": ()}, False, False),
        (asked(), True, {"tools": ({"name": "headroom_retrieve", "input_schema": {}},)}, False, False),
        (FIRST, True, {}, False, True),
    ],
    ids=["begins", "may not", "forced", "any tool", "no tools", "name taken", "met in the middle"],
)
def test_the_tool_is_offered_where_a_conversation_begins(
    aligner: Aligner, messages: Any, may_offer: bool, more: Any, offered: bool, undecided: bool
) -> None:
    plan = aligner.recall(read(messages, **more), may_offer=may_offer)
    assert (plan.offered, plan.undecided_offer) == (offered, undecided)


@pytest.mark.parametrize("offered", [True, False])
def test_an_offer_is_decided_once(path: Path, aligner: Aligner, offered: bool) -> None:
    assert aligner.freeze_offer(read(asked()), offered=offered) is offered
    for other in (aligner, another(path)):
        assert other.freeze_offer(read(asked()), offered=not offered) is offered
        plan = other.recall(read(SECOND), may_offer=not offered)
        assert (plan.offered, plan.undecided_offer) == (offered, False)


def test_a_conversation_is_the_same_however_its_beginning_is_written(aligner: Aligner) -> None:
    aligner.freeze_offer(read(asked("hello")), offered=True)
    plain = json.loads(body(asked("hello")))
    plain["messages"][0]["content"] = "hello"
    assert aligner.recall(ANTHROPIC.read(json.dumps(plain).encode()), may_offer=False).offered
    assert aligner.recall(read(asked("hello") + result("c1", "")), may_offer=False).offered
    assert not aligner.recall(read(asked("hello!")), may_offer=False).offered


def test_a_lossy_text_of_ours_brings_the_tool_along(aligner: Aligner) -> None:
    """A conversation whose beginning was cut off must still be able to ask for what is left out."""
    prompt = read(asked("A summary") + result("c1", TEXT))
    aligner.freeze([rendered(prompt.segments[0], lossless=False)])
    plan = aligner.recall(prompt, may_offer=False)
    assert (plan.offered, plan.undecided_offer) == (True, True)
