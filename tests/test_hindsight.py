"""A conversation's past is looked at again where nothing of it can be cached any more, and only there."""

import json
from pathlib import Path
from typing import Any

import pytest
from sample_compressors import LARGE, PHRASE, SMALL, rows
from sample_conversations import ANTHROPIC, TOOLS, FailingStore, Hour, Worker, asked, body, offers, texts

from headroom_mitm.epochs import lineage, longest_lifetime
from headroom_mitm.old_results import TURNS
from headroom_mitm.pipeline import Policy, Ticket
from headroom_mitm.segments import Prompt
from headroom_mitm.store import open_store
from headroom_mitm.wire import BY_NAME

LOSSLESS = Policy(lossy=False)
MINUTES = 60.0
LONG_FRONT = {"system": "The ship is large, and so is what must be known of it. " * 3_000}
SHORTENED = rows(SMALL).replace(PHRASE, "WELL")
OLD = "\n".join(["found it", *(f"plain words of no weight {'x' * (n % 9)}" for n in range(400)), "/srv/only/here.txt"])


def turn(number: int, text: str, command: str = "") -> list[Any]:
    call = {"type": "tool_use", "id": f"c{number}", "name": "Bash", "input": {"command": command or f"step {number}"}}
    back = {"type": "tool_result", "tool_use_id": f"c{number}", "content": text}
    return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [back]}]


MET = asked() + turn(1, rows(SMALL)) + turn(2, rows(SMALL, "second "))
LATER = MET + turn(3, "short")
WHOLE = asked() + turn(0, OLD) + [m for n in range(1, TURNS + 2) for m in turn(n, rows(SMALL, f"step {n} "))]
WHOLE_LATER = WHOLE + turn(99, "short")


@pytest.fixture
def clock() -> Hour:
    return Hour()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def worker(path: Path, clock: Hour) -> Worker:
    return Worker(path, clock=clock)


def followed(worker: Worker, **more: Any) -> None:
    """Send a conversation from its beginning on, request by request."""
    for end in range(1, len(WHOLE) + 1, 2):
        worker.send(WHOLE[:end], **more)


@pytest.mark.parametrize(("minutes", "is_cold"), [(5, False), (10, False), (12, True)])
def test_what_was_left_raw_is_looked_at_again_after_a_long_pause(
    path: Path, worker: Worker, clock: Hour, minutes: float, is_cold: bool
) -> None:
    """Longer than anything is kept, with a margin. What it becomes is the same for all from then on."""
    first = worker.send(MET, LOSSLESS, **LONG_FRONT)
    assert texts(first)["c1"] == rows(SMALL)
    clock.now += minutes * MINUTES
    sent = worker.send(LATER, LOSSLESS, **LONG_FRONT)
    assert texts(sent)["c1"] == (SHORTENED if is_cold else rows(SMALL))
    for each in (worker, Worker(path, clock=clock)):
        clock.now += MINUTES
        assert each.send(LATER, LOSSLESS, **LONG_FRONT) == sent


def test_a_lifetime_of_an_hour_is_waited_for(worker: Worker, clock: Hour) -> None:
    system = [{"type": "text", "text": "long " * 9_000, "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    worker.send(MET, LOSSLESS, system=system)
    clock.now += 60 * MINUTES
    assert texts(worker.send(LATER, LOSSLESS, system=system))["c1"] == rows(SMALL)
    clock.now += 67 * MINUTES
    assert texts(worker.send(LATER, LOSSLESS, system=system))["c1"] == SHORTENED


def test_a_later_leg_of_an_answer_keeps_the_cache(worker: Worker, clock: Hour) -> None:
    outcome = worker.outcome(body(MET, **LONG_FRONT), LOSSLESS)
    clock.now += 10 * MINUTES
    worker.pipeline._aligner.epochs.sent_again(outcome.prompt)
    clock.now += 10 * MINUTES
    assert texts(worker.send(LATER, LOSSLESS, **LONG_FRONT))["c1"] == rows(SMALL)


def test_others_may_have_sent_something_meanwhile(path: Path, worker: Worker, clock: Hour) -> None:
    other = Worker(path, clock=clock)
    worker.send(MET, LOSSLESS, **LONG_FRONT)
    for _ in range(3):
        clock.now += 6 * MINUTES
        other.send(MET, LOSSLESS, **LONG_FRONT)
    clock.now += 4 * MINUTES
    assert texts(worker.send(LATER, LOSSLESS, **LONG_FRONT))["c1"] == rows(SMALL)


def test_old_results_go_with_the_tool_only(path: Path, clock: Hour) -> None:
    for number, (policy, gone) in enumerate(((Policy(), True), (LOSSLESS, False))):
        worker = Worker(path.with_name(f"{number}"), clock=clock)
        for end in range(1, len(WHOLE) + 1, 2):
            worker.send(WHOLE[:end], policy)
        before = texts(worker.send(WHOLE, policy))
        assert before["c0"] == OLD
        clock.now += 15 * MINUTES
        outcome = worker.outcome(body(WHOLE_LATER), policy)
        after = texts(outcome.body)
        assert ("an old result" in after["c0"]) is gone
        assert after["c0"].startswith("found it")
        assert {key: after[key] for key in before if key != "c0"} == {key: before[key] for key in before if key != "c0"}
        assert [worker.store.original(r.original) for r in outcome.originals.values()] == [OLD] * gone


def test_the_tool_may_be_declared_where_all_is_cold(worker: Worker, clock: Hour) -> None:
    """It stays from then on, also without anything new to leave out."""
    history = asked() + turn(1, rows(3 * LARGE)) + turn(2, "short")
    assert not offers(worker.send(history, **LONG_FRONT))
    clock.now += 15 * MINUTES
    for more in ([], turn(3, "short"), turn(3, "short") + turn(4, "short")):
        sent = worker.send(history + more, system="A short one.")
        assert offers(sent)
        assert "Left out here" in texts(sent)["c1"]


def test_what_is_excluded_is_not_looked_at_again(worker: Worker, clock: Hour) -> None:
    policy = Policy(excludes=lambda name: name == "Bash")
    worker.send(MET, policy, **LONG_FRONT)
    clock.now += 15 * MINUTES
    assert texts(worker.send(LATER, policy, **LONG_FRONT))["c1"] == rows(SMALL)


def test_at_the_deadline_the_past_stays_and_is_hot(path: Path, worker: Worker, clock: Hour) -> None:
    worker.send(MET, LOSSLESS, **LONG_FRONT)
    clock.now += 15 * MINUTES
    sent = worker.send(LATER, LOSSLESS, late=True, **LONG_FRONT)
    assert texts(sent)["c1"] == rows(SMALL)
    for each in (worker, Worker(path, clock=clock)):
        clock.now += MINUTES
        assert each.send(LATER, LOSSLESS, **LONG_FRONT) == sent


def test_two_at_once_agree(path: Path, worker: Worker, clock: Hour) -> None:
    """Whoever is first decides for both."""
    worker.send(MET, LOSSLESS, **LONG_FRONT)
    clock.now += 15 * MINUTES
    other = Worker(path, clock=clock)
    given = body(LATER, **LONG_FRONT)
    plans = [each.pipeline.plan(ANTHROPIC, given, LOSSLESS) for each in (worker, other)]
    sent = []
    for each, (prompt, plan) in zip((worker, other), plans, strict=True):
        assert plan.cold is not None
        done = each.pipeline.complete(ANTHROPIC, prompt, plan, LOSSLESS, Ticket())
        assert done is not None
        sent.append(done.body)
    assert sent[0] == sent[1]
    assert texts(sent[0])["c1"] == SHORTENED


def test_somebody_who_was_faster_with_the_past_as_it_was_decides(path: Path, worker: Worker, clock: Hour) -> None:
    worker.send(MET, LOSSLESS, **LONG_FRONT)
    clock.now += 15 * MINUTES
    prompt, plan = worker.pipeline.plan(ANTHROPIC, body(LATER, **LONG_FRONT), LOSSLESS)
    late = Worker(path, clock=clock).send(LATER, LOSSLESS, late=True, **LONG_FRONT)
    done = worker.pipeline.complete(ANTHROPIC, prompt, plan, LOSSLESS, Ticket())
    assert done is not None
    assert done.body == late


@pytest.mark.parametrize("mute", [False, True], ids=["down", "mute"])
def test_without_the_store_the_past_stays(path: Path, clock: Hour, mute: bool) -> None:
    store = FailingStore(open_store(str(path)))
    worker = Worker(store, clock=clock)
    before = worker.send(MET, LOSSLESS, **LONG_FRONT)
    clock.now += 15 * MINUTES
    store.down, store.mute = not mute, mute
    assert worker.send(MET, LOSSLESS, **LONG_FRONT) == before
    store.down = store.mute = False
    assert worker.send(MET, LOSSLESS, **LONG_FRONT) == before


@pytest.mark.parametrize(
    "other",
    [{"model": "claude-opus-4-8"}, {"tools": (*TOOLS, {"name": "Ask", "input_schema": {"type": "object"}})}],
    ids=["model", "tools"],
)
def test_another_model_or_other_tools_know_nothing_of_a_conversation(
    path: Path, worker: Worker, clock: Hour, other: dict[str, Any]
) -> None:
    """Back with the first ones, all is as it was as long as it may be cached."""
    given = {"model": "claude-sonnet-4-5"}
    followed(worker, **given)
    before = worker.send(WHOLE, **given)
    clock.now += MINUTES
    changed = worker.send(WHOLE, **(given | other))
    assert "an old result" in texts(changed)["c0"]
    for each in (worker, Worker(path, clock=clock)):
        clock.now += MINUTES
        assert each.send(WHOLE, **given) == before
        assert each.send(WHOLE, **(given | other)) == changed


@pytest.mark.parametrize(
    "other",
    [
        {"tools": tuple(reversed(TOOLS))},
        {"tools": (*TOOLS, {"name": "Later", "input_schema": {}, "defer_loading": True})},
        {"system": "Another system prompt."},
    ],
    ids=["order of tools", "a deferred tool", "system"],
)
def test_what_a_cache_may_look_past_proves_nothing(worker: Worker, clock: Hour, other: dict[str, Any]) -> None:
    followed(worker)
    clock.now += MINUTES
    assert texts(worker.send(WHOLE, **other))["c0"] == OLD


def test_a_conversation_that_was_met_may_have_been_anywhere(worker: Worker, clock: Hour) -> None:
    worker.send(WHOLE, **LONG_FRONT)
    sent = worker.send(WHOLE, model="claude-opus-4-8", **LONG_FRONT)
    assert texts(sent)["c0"] == OLD


def openai(**more: Any) -> Prompt:
    given = {"messages": [{"role": "user", "content": "Why?"}], **more}
    return BY_NAME["openai_chat"].read(json.dumps(given).encode())


def anthropic(model: str, ttl: str = "") -> Prompt:
    marker = {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})
    system = [{"type": "text", "text": "Be brief.", "cache_control": marker}]
    return ANTHROPIC.read(body(asked(), model=model, system=system))


@pytest.mark.parametrize(
    ("prompt", "may_choose_long", "minutes"),
    [
        (anthropic("claude-sonnet-4-5"), False, 5),
        (anthropic("claude-sonnet-4-5"), True, 60),
        (anthropic("claude-sonnet-4-5", "1h"), False, 60),
        (anthropic("some-model"), False, float("inf")),
        (openai(model="gpt-5"), False, 24 * 60),
        (openai(model="gpt-5", prompt_cache_retention="in_memory"), False, 60),
        (openai(model="gpt-5", prompt_cache_retention=None), False, 24 * 60),
        (openai(model="gpt-5.6"), False, float("inf")),
        (openai(model="anthropic/claude-sonnet-4.5"), False, 60),
        (openai(model="gemini-2.5-pro"), False, float("inf")),
    ],
)
def test_how_long_something_may_be_kept(prompt: Prompt, may_choose_long: bool, minutes: float) -> None:
    assert longest_lifetime(prompt, may_choose_long=may_choose_long) == minutes * MINUTES


def test_markers_are_no_part_of_what_a_conversation_is_known_by() -> None:
    assert lineage(anthropic("claude-sonnet-4-5")) == lineage(anthropic("claude-sonnet-4-5", "1h"))
