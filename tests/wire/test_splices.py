"""A body that is put together from the one before is the one that its edits make."""

import json
import random
from collections.abc import Iterator

import pytest

from headroom_mitm.segments import Edit, Prompt, Span
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.earlier import LARGE
from headroom_mitm.wire.splice import splice, text_edit
from headroom_mitm.wire.splices import Splices

LONG = "x" * (LARGE // 8)


def body(turns: int, *, other: str = "", system: str = "s", behind: int = 0) -> bytes:
    """A conversation with a large result after each answer."""
    messages = [{"role": "user", "content": "a" * 80}]
    for number in range(turns):
        said = f"{other}{number}" if number == turns - 1 else str(number)
        call = {"id": said, "function": {"name": "f"}}
        messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        messages.append({"role": "tool", "tool_call_id": said, "content": f"{said} {LONG}"})
    return json.dumps({"system": system, "messages": messages, "behind": behind}).encode()


def edits_of(prompt: Prompt, salt: str = "") -> list[Edit]:
    """Every second text becomes another, the same each time but for the salt."""
    shown = (s for n, s in enumerate(prompt.segments) if n % 2 == 0)
    return [text_edit(s.span, f"{salt}{s.call_id}" * 3) for s in shown]


def further(prompt: Prompt, choose: random.Random) -> Iterator[Edit]:
    """Something is put in front of the messages, between them, behind them."""
    for name in ("system", "behind"):
        if choose.random() < 0.5:
            yield Edit(prompt.members[name], b'"%d"' % choose.randrange(10**6))
    for span in choose.sample(prompt.messages, min(2, len(prompt.messages))):
        if choose.random() < 0.5:
            yield Edit(Span(span.start, span.start), b"0,")
        if choose.random() < 0.5:
            yield Edit(Span(span.end, span.end), b",1")


@pytest.mark.parametrize("seed", range(12))
def test_bodies_of_a_conversation_are_what_their_edits_make(seed: int) -> None:
    choose, wire, splices = random.Random(seed), type(BY_NAME["openai_chat"])(), Splices()
    turns = 6
    for step in range(8):
        turns = max(1, turns + choose.choice([1, 1, 1, 2, 0, -1, -3]))
        other, system = choose.choice(["", "", "", "z"]), choose.choice(["s", "s", "longer"])
        prompt = wire.read(body(turns, other=other, system=system, behind=step))
        edits = edits_of(prompt, choose.choice(["", "", "", "other"]))
        more = list(further(prompt, choose)) if choose.random() < 0.7 else []
        assert splices.of(prompt, edits, more) == splice(prompt.body, [*edits, *more])


def test_what_left_before_is_taken_and_not_made_again() -> None:
    wire, splices = type(BY_NAME["openai_chat"])(), Splices()
    first, second = wire.read(body(9)), wire.read(body(10))
    before = splices.of(first, edits_of(first))
    forged = before.replace(b"1 x", b"1 y", 1)
    left = splices._left[first.reading]
    splices._left[first.reading] = type(left)(forged, left.start, left.edits, left.past, left.growth)
    assert splices.of(second, edits_of(second)) == splice(second.body, edits_of(second)).replace(b"1 x", b"1 y", 1)


def test_an_edit_that_overlaps_is_refused_behind_what_left_before() -> None:
    wire, splices = type(BY_NAME["openai_chat"])(), Splices()
    first, second = wire.read(body(9)), wire.read(body(10))
    splices.of(first, edits_of(first))
    last = second.segments[-1].span
    with pytest.raises(ValueError, match="edit at"):
        splices.of(second, [*edits_of(second), text_edit(last, "a"), text_edit(last, "b")])


@pytest.mark.parametrize("turns", [9, 10])
def test_an_edit_may_go_on_beyond_what_is_the_same(turns: int) -> None:
    """Of the request before, or of this one; or begin in front of the messages."""
    wire, splices = type(BY_NAME["openai_chat"])(), Splices()
    for prompt in (wire.read(body(9)), wire.read(body(10)), wire.read(body(11))):
        edits = edits_of(prompt)
        if len(prompt.segments) == turns:
            place = prompt.messages[-3].start
            edits = [
                *(edit for edit in edits if edit.span.end < place),
                Edit(Span(place, prompt.messages[-1].end), b"0"),
            ]
        assert splices.of(prompt, edits) == splice(prompt.body, edits)
        across = [Edit(Span(prompt.messages[0].start - 1, prompt.messages[0].end), b"[0")]
        assert splices.of(prompt, across) == splice(prompt.body, across)
        splices.of(prompt, edits)


def test_without_edits_it_is_the_same_object() -> None:
    prompt = type(BY_NAME["openai_chat"])().read(body(9))
    assert Splices().of(prompt, []) is prompt.body
