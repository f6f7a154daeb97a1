"""What was recalled once holds for the same texts, and for no others."""

from dataclasses import replace

import pytest

from headroom_mitm.pasts import Past, Pasts
from headroom_mitm.router import SHORTEST
from headroom_mitm.segments import Key, Prompt, Rendering, Segment
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire


def body(*results: str, system: str = "s") -> bytes:
    """A conversation with a result after each answer; only ``short`` is too short for a decision."""
    asked = b'{"role":"user","content":"%s"}' % (b"a" * 5_000)
    texts = [result.encode() * (1 if result == "short" else SHORTEST) for result in results]
    turns = [
        b'{"role":"assistant","content":"","tool_calls":[{"id":"%d","function":{"name":"f"}}]},'
        b'{"role":"tool","tool_call_id":"%d","content":"%s"}' % (number, number, text)
        for number, text in enumerate(texts)
    ]
    return b'{"system":"%s","messages":[%s]}' % (system.encode(), b",".join([asked, *turns]))


def decided(prompt: Prompt, count: int = 9) -> dict[Key, Rendering]:
    """The first texts stay raw."""
    chosen = prompt.segments[:count]
    return {s.key: Rendering(s.key, None, s.digest, "no gain", 0, True, 1, 1) for s in chosen}


@pytest.fixture
def wire() -> Wire:
    return type(BY_NAME["openai_chat"])()


def recalled(pasts: Pasts, prompt: Prompt, count: int = 9) -> tuple[Segment, ...]:
    """Recall a prompt's texts, and remember it; return those of which something was known."""
    past = pasts.of(prompt)
    found = tuple(past.segments)
    pasts.keep(prompt, past, decided(prompt, count))
    return found


def test_what_a_conversation_has_shown_before_is_known(wire: Wire) -> None:
    pasts, results = Pasts(), ["one", "two", "three", "four"]
    found = [recalled(pasts, wire.read(body(*results[:count]))) for count in range(1, 5)]
    assert [len(known) for known in found] == [0, 0, 1, 2]
    prompt = wire.read(body(*results, "five"))
    past = pasts.of(prompt)
    assert tuple(past.segments) == prompt.segments[:3]
    assert past.known == decided(prompt, 3)


def test_up_to_the_first_text_that_was_undecided(wire: Wire) -> None:
    pasts = Pasts()
    first, second = wire.read(body("one", "two", "three")), wire.read(body("one", "two", "three", "four"))
    recalled(pasts, first, 1)
    assert tuple(pasts.of(second).segments) == second.segments[:1]


def test_a_text_that_may_not_change_needs_no_decision(wire: Wire) -> None:
    pasts = Pasts()
    first, second = (wire.read(body("short", "two", "three", *more)) for more in ((), ("four",)))
    known = decided(first)
    del known[first.segments[0].key]
    pasts.keep(first, Past(), known)
    past = pasts.of(second)
    assert (past.all, past.segments) == ([*second.segments[:2]], [second.segments[1]])


@pytest.mark.parametrize("other", [{"forgets": True}, {"known": None}], ids=str)
def test_nothing_is_known_of_a_request_that_is_read_otherwise(wire: Wire, other: dict[str, object]) -> None:
    pasts = Pasts()
    recalled(pasts, wire.read(body("one", "two", "three")))
    prompt = replace(wire.read(body("one", "two", "three", "four")), **other)  # type: ignore[arg-type]
    assert pasts.of(prompt).all == []


@pytest.mark.parametrize("other", [{"variant": 1}, {"epoch": b"e"}, {"protected": True}, {}], ids=str)
def test_nothing_is_known_of_texts_that_are_decided_otherwise(wire: Wire, other: dict[str, object]) -> None:
    pasts = Pasts()
    recalled(pasts, wire.read(body("one", "two", "three")))
    prompt = wire.read(body("one", "two", "three", "four"))
    changed = tuple(replace(segment, **other) for segment in prompt.segments)  # type: ignore[arg-type]
    assert bool(pasts.of(replace(prompt, segments=changed)).all) is (not other)


def test_a_fork_knows_what_both_ways_share(wire: Wire) -> None:
    pasts = Pasts()
    recalled(pasts, wire.read(body("one", "two", "three", "four")))
    prompt = wire.read(body("one", "two", "other", "four"))
    past = pasts.of(prompt)
    assert (tuple(past.segments), past.known) == (prompt.segments[:2], decided(prompt, 2))


def test_of_two_requests_that_go_on_from_one_each_recalls_what_holds(wire: Wire) -> None:
    pasts = Pasts()
    recalled(pasts, wire.read(body("one", "two", "three")))
    for last in ("four", "other", "third"):
        prompt = wire.read(body("one", "two", "three", last))
        past = pasts.of(prompt)
        assert past.known == decided(prompt, len(past.segments))
        pasts.keep(prompt, past, decided(prompt))
        assert past.known == decided(prompt)


def test_texts_that_stand_elsewhere_are_asked_for(wire: Wire) -> None:
    pasts = Pasts()
    recalled(pasts, wire.read(body("one", "two", "three")))
    assert pasts.of(wire.read(body("one", "two", "three", "four", system="longer"))).all == []


def test_a_text_that_was_sent_twice_is_known_where_it_stands_first(wire: Wire) -> None:
    pasts = Pasts()
    first = wire.read(body("one", "two", "three"))
    again = replace(first, segments=(*first.segments, first.segments[0]))
    pasts.keep(again, Past(), decided(first))
    assert pasts.of(wire.read(body("one", "two", "three", "four"))).known == decided(first, 2)
