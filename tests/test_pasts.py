"""What was recalled once holds for the same texts, and for no others."""

from dataclasses import replace

import pytest

from headroom_mitm.pasts import NO_PAST, Past, Pasts
from headroom_mitm.segments import Key, Prompt, Rendering
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire


def body(*results: str, system: str = "s") -> bytes:
    """A conversation with a result after each answer."""
    asked = b'{"role":"user","content":"%s"}' % (b"a" * 80)
    turns = [
        b'{"role":"assistant","content":"","tool_calls":[{"id":"%d","function":{"name":"f"}}]},'
        b'{"role":"tool","tool_call_id":"%d","content":"%s"}' % (number, number, result.encode())
        for number, result in enumerate(results)
    ]
    return b'{"system":"%s","messages":[%s]}' % (system.encode(), b",".join([asked, *turns]))


def decided(prompt: Prompt, count: int = 9) -> dict[Key, Rendering]:
    """The first texts stay raw."""
    chosen = prompt.segments[:count]
    return {s.key: Rendering(s.key, None, s.digest, "no gain", 0, True, 1, 1) for s in chosen}


@pytest.fixture
def wire() -> Wire:
    return type(BY_NAME["openai_chat"])()


def recalled(pasts: Pasts, prompt: Prompt) -> Past:
    """Recall a prompt's texts, and remember it."""
    past = pasts.of(prompt, prompt.segments)
    pasts.keep(prompt, past, prompt.segments[len(past.segments) :], decided(prompt))
    return past


def test_what_a_conversation_has_shown_before_is_known(wire: Wire) -> None:
    pasts, results = Pasts(), ["one", "two", "three", "four"]
    found = [recalled(pasts, wire.read(body(*results[:count]))) for count in range(1, 5)]
    assert [len(past.segments) for past in found] == [0, 0, 1, 2]
    prompt = wire.read(body(*results))
    assert found[-1].segments == prompt.segments[:2]
    assert found[-1].known == decided(prompt, 2)


def test_up_to_the_first_text_that_was_undecided(wire: Wire) -> None:
    pasts = Pasts()
    first, second = wire.read(body("one", "two", "three")), wire.read(body("one", "two", "three", "four"))
    pasts.keep(first, NO_PAST, first.segments, decided(first, 1))
    assert pasts.of(second, second.segments).segments == second.segments[:1]


@pytest.mark.parametrize("other", [{"forgets": True}, {"known": None}], ids=str)
def test_nothing_is_known_of_a_request_that_is_read_otherwise(wire: Wire, other: dict[str, object]) -> None:
    pasts = Pasts()
    recalled(pasts, wire.read(body("one", "two", "three")))
    prompt = replace(wire.read(body("one", "two", "three", "four")), **other)  # type: ignore[arg-type]
    assert pasts.of(prompt, prompt.segments) == NO_PAST


@pytest.mark.parametrize("other", [{"variant": 1}, {"epoch": b"e"}, {"protected": True}], ids=str)
def test_nothing_is_known_of_texts_that_are_decided_otherwise(wire: Wire, other: dict[str, object]) -> None:
    pasts = Pasts()
    recalled(pasts, wire.read(body("one", "two", "three")))
    prompt = wire.read(body("one", "two", "three", "four"))
    changed = [replace(segment, **other) for segment in prompt.segments]  # type: ignore[arg-type]
    assert pasts.of(prompt, changed) == NO_PAST
    assert pasts.of(prompt, prompt.segments) != NO_PAST


def test_a_fork_knows_what_both_ways_share(wire: Wire) -> None:
    pasts = Pasts()
    recalled(pasts, wire.read(body("one", "two", "three", "four")))
    prompt = wire.read(body("one", "two", "other", "four"))
    assert pasts.of(prompt, prompt.segments).segments == prompt.segments[:2]


def test_texts_that_stand_elsewhere_are_asked_for(wire: Wire) -> None:
    pasts = Pasts()
    recalled(pasts, wire.read(body("one", "two", "three")))
    prompt = wire.read(body("one", "two", "three", "four", system="longer"))
    assert pasts.of(prompt, prompt.segments) == NO_PAST


def test_a_text_that_was_sent_twice_is_known_where_it_stands_first(wire: Wire) -> None:
    pasts = Pasts()
    first = wire.read(body("one", "two", "three"))
    again = (*first.segments, first.segments[0])
    pasts.keep(first, NO_PAST, again, decided(first))
    assert pasts.of(wire.read(body("one", "two", "three", "four")), first.segments[:2]).known == decided(first, 2)
