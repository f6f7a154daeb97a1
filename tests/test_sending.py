"""A text that was written for an earlier request of its conversation is written the same, or anew."""

from dataclasses import replace

import pytest

from headroom_mitm.segments import Key, Prompt, Rendering
from headroom_mitm.sending import Sending
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


def decided(prompt: Prompt, text: str | None = "short", *, lossless: bool = True) -> dict[Key, Rendering]:
    """All texts become another one, or stay raw."""
    return {
        s.key: Rendering(s.key, text and f"{text} {n}", s.digest, "c/1", 0, lossless, 10, 5)
        for n, s in enumerate(prompt.segments)
    }


@pytest.fixture
def wire() -> Wire:
    return type(BY_NAME["openai_chat"])()


def test_a_grown_conversation_is_written_as_if_it_were_new(wire: Wire) -> None:
    sending, results = Sending(), ["one", "two", "three", "four"]
    for count in range(1, 5):
        prompt = wire.read(body(*results[:count]))
        known = decided(prompt)
        assert sending.of(prompt, known) == Sending().of(prompt, known)


def test_what_was_written_is_used_again(wire: Wire) -> None:
    sending = Sending()
    first, second = wire.read(body("one", "two")), wire.read(body("one", "two", "three"))
    before, after = sending.of(first, decided(first)), sending.of(second, decided(second))
    assert after.edits[0] is before.edits[0]


def test_what_leaves_is_not_changed_by_what_goes_on_from_it(wire: Wire) -> None:
    sending = Sending()
    first, second = wire.read(body("one", "two")), wire.read(body("one", "two", "three"))
    before = sending.of(first, decided(first, lossless=False))
    was = Sending().of(first, decided(first, lossless=False))
    sending.of(second, decided(second, lossless=False))
    assert before == was


def test_requests_that_both_go_on_from_one_are_written_each(wire: Wire) -> None:
    sending, first = Sending(), wire.read(body("one", "two"))
    sending.of(first, decided(first))
    for third in ("three", "another"):
        prompt = wire.read(body("one", "two", third))
        assert sending.of(prompt, decided(prompt)) == Sending().of(prompt, decided(prompt))


def test_a_conversation_that_was_cut_back_is_written_as_if_it_were_new(wire: Wire) -> None:
    sending = Sending()
    for results in (("one", "two", "three", "four"), ("one", "two"), ("one", "else")):
        prompt = wire.read(body(*results))
        assert sending.of(prompt, decided(prompt)) == Sending().of(prompt, decided(prompt))


@pytest.mark.parametrize("other", ["another text", None])
def test_another_decision_is_written_anew(wire: Wire, other: str | None) -> None:
    sending = Sending()
    first, second = wire.read(body("one", "two")), wire.read(body("one", "two", "three"))
    sending.of(first, decided(first))
    known = decided(second, other)
    assert second.known is not None
    assert sending.of(second, known) == Sending().of(second, known)


def test_a_text_that_stands_elsewhere_is_written_anew(wire: Wire) -> None:
    sending = Sending()
    first, second = wire.read(body("one", "two")), wire.read(body("one", "two", "three", system="longer"))
    sending.of(first, decided(first))
    known = decided(second)
    assert sending.of(second, known) == Sending().of(second, known)


def test_what_nobody_decided_stays_and_is_estimated(wire: Wire) -> None:
    prompt = wire.read(body("x" * 40))
    sent = Sending().of(prompt, {})
    assert (sent.edits, sent.before, sent.after) == ([], 10, 10)


def test_originals_are_those_of_lossy_texts(wire: Wire) -> None:
    prompt = wire.read(body("one", "two"))
    lossy = decided(prompt, lossless=False)
    kept = {**lossy, prompt.segments[0].key: replace(lossy[prompt.segments[0].key], lossless=True)}
    assert list(Sending().of(prompt, kept).originals.values()) == [lossy[prompt.segments[1].key]]
