"""What a conversation's pauses say of how long its prefix should be kept."""

import json
from typing import Any

import pytest

from headroom_mitm.conversation import Conversation
from headroom_mitm.lifetimes import Course, Lifetimes
from headroom_mitm.wire import BY_NAME

ASKED = {"role": "user", "content": "Do it. " * 2000}
DONE = {"role": "assistant", "content": "Done."}
MORE = {"role": "user", "content": "More."}


def observed(lifetimes: Lifetimes, turns: int, now: float, said: str = "Done.") -> tuple[Conversation, Course]:
    raw = json.dumps({"model": "m", "messages": [ASKED] + [DONE | {"content": said}, MORE] * turns}).encode()
    prompt = BY_NAME["anthropic_messages"].read(raw)
    conversation = Conversation.of(prompt)
    return conversation, lifetimes.observe(prompt, conversation, now)


def course(*pauses: float) -> Course:
    lifetimes, now = Lifetimes(), 0.0
    found = observed(lifetimes, 0, now)[1]
    for turn, pause in enumerate(pauses, 1):
        now += pause
        found = observed(lifetimes, turn, now)[1]
    return found


@pytest.mark.parametrize(
    ("pauses", "long", "in_vain"),
    [
        ((), False, False),
        ((30,) * 9, False, False),
        ((299,) * 9, False, False),
        ((301,), True, False),
        ((301, 301), True, True),
        ((1800, 30, 30, 30), True, False),
        ((4000, 4000), False, True),
        ((4000, 30, 30, 30, 30), False, False),
        ((30,) * 20 + (1800,), True, False),
    ],
    ids=str,
)
def test_which_lifetime_would_have_been_cheaper(pauses: Any, long: bool, in_vain: bool) -> None:
    """An hour pays after one longer pause; after an hour nothing is kept by either."""
    found = course(*pauses)
    assert (found.wants_long, found.is_in_vain) == (long, in_vain)
    assert found.pauses == sum(pause >= 300 for pause in pauses)


def test_the_prices_are_the_provider_s() -> None:
    """Two requests of nearly the same size, half an hour apart: 2.5 times the price of input, or 2.1 times."""
    found = course(1800)
    size = found.without / 2
    assert found.usual == pytest.approx(2.5 * size, rel=0.01)
    assert found.long == pytest.approx(2.1 * size, rel=0.02)
    assert found.saves == pytest.approx(0.16, abs=0.01)


def test_a_conversation_is_told_of_once() -> None:
    lifetimes = Lifetimes()
    conversation, _ = observed(lifetimes, 1, 0)
    assert lifetimes.tell(conversation)
    assert not lifetimes.tell(conversation)
    observed(lifetimes, 2, 10)
    assert not lifetimes.tell(conversation)


def test_conversations_with_one_beginning_have_pauses_of_their_own() -> None:
    lifetimes = Lifetimes()
    observed(lifetimes, 1, 0, "One.")
    observed(lifetimes, 1, 200, "Two.")
    assert observed(lifetimes, 2, 400, "One.")[1].pauses == 1
    assert observed(lifetimes, 2, 401, "Two.")[1].pauses == 0
