"""What is found from request to request is what a look at all texts finds."""

import json
import random
from dataclasses import replace

import pytest

from headroom_mitm.alike import Alike
from headroom_mitm.file_reads import path_of
from headroom_mitm.segments import Call, Prompt, Segment
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire

ASKED = [
    ("Bash", "ls"),
    ("Bash", "cat a.py"),
    ("Read", "a.py"),
    ("Read", "b.py"),
    ("Grep", "ls"),
    ("Bash", "head -5 a.py"),
]


def body(asked: list[int], *, task: str = "t", repeated_id: bool = False) -> bytes:
    """A conversation in which these things are asked for, one after the other."""
    messages: list[object] = [{"role": "user", "content": task * 5_000}]
    for number, which in enumerate(asked):
        id_ = f"c{number % 3 if repeated_id else number}"
        name, subject = ASKED[which]
        messages.append(
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": id_, "name": name, "input": {"path": subject}}],
            }
        )
        parts = [{"type": "text", "text": f"{number} {part}"} for part in range(1 + number % 2)]
        messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": id_, "content": parts}]})
    return json.dumps({"model": "m", "messages": messages}).encode()


def looked_for(prompt: Prompt, call: Call, above: Segment, part: int) -> list[Segment]:
    """Look at each text above."""
    path = path_of(call)
    found = []
    for other in prompt.segments[: prompt.segments.index(above)]:
        its = prompt.calls[other.call_id]
        is_alike = (its.name, its.subject) == (call.name, call.subject) or (path and path_of(its) == path)
        found += [other] if is_alike and other.part == part else []
    return found


def newest(prompt: Prompt) -> tuple[Call, Segment]:
    last = prompt.segments[-1]
    return prompt.calls[last.call_id], last


@pytest.fixture
def wire() -> Wire:
    return type(BY_NAME["anthropic_messages"])()


@pytest.mark.parametrize("seed", range(10))
def test_a_conversation_that_grows_and_is_cut_back(seed: int, wire: Wire) -> None:
    choose, alike = random.Random(seed), Alike()
    asked: list[int] = []
    for _ in range(12):
        asked = asked[: max(0, len(asked) - choose.choice([0, 0, 0, 1, 2]))]
        asked += choose.choices(range(len(ASKED)), k=choose.choice([1, 1, 3]))
        prompt = wire.read(body(asked))
        call, last = newest(prompt)
        for part in (0, 1):
            assert alike.results(prompt, call, last, part) == looked_for(prompt, call, last, part)
        middle = prompt.segments[len(prompt.segments) // 2]
        assert alike.results(prompt, call, middle, 0) == looked_for(prompt, call, middle, 0)


def test_two_conversations_that_both_go_on_from_one(wire: Wire) -> None:
    alike = Alike()
    first = wire.read(body([0, 1, 2, 3]))
    alike.results(first, *newest(first), 0)
    for more in ([0], [2], [5, 5]):
        prompt = wire.read(body([0, 1, 2, 3, *more]))
        call, last = newest(prompt)
        assert alike.results(prompt, call, last, 0) == looked_for(prompt, call, last, 0)


def test_texts_that_are_others_now_are_found_as_they_are(wire: Wire) -> None:
    """As those that are decided anew."""
    alike, prompt = Alike(), wire.read(body([0, 2, 0, 1, 0]))
    call, last = newest(prompt)
    alike.results(prompt, call, last, 0)
    other = replace(prompt, segments=tuple(replace(segment, variant=1) for segment in prompt.segments))
    found = alike.results(other, call, other.segments[-1], 0)
    assert found == looked_for(other, call, other.segments[-1], 0)
    assert [segment.variant for segment in found] == [1, 1]


def test_who_gives_each_call_one_of_few_ids_gets_texts_that_stand_above(wire: Wire) -> None:
    alike, asked = Alike(), [0, 1, 2, 0, 4, 2, 0]
    for count in range(1, len(asked) + 1):
        prompt = wire.read(body(asked[:count], repeated_id=True))
        call, last = newest(prompt)
        assert all(other in prompt.segments[:-1] for other in alike.results(prompt, call, last, 0))
