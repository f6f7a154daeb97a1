"""Lines in common are those that one finds who looks at all texts, whatever was counted for earlier requests."""

import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from headroom_mitm.overlaps import FEWEST, Overlaps
from headroom_mitm.segments import Key, Prompt, Rendering, Segment
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire


def body(results: list[str]) -> bytes:
    """A conversation with a result after each answer."""
    asked = b'{"role":"user","content":"%s"}' % (b"a" * 80)
    turns = [
        b'{"role":"assistant","content":"","tool_calls":[{"id":"%d","function":{"name":"f"}}]},'
        b'{"role":"tool","tool_call_id":"%d","content":"%s"}' % (number, number, result.encode())
        for number, result in enumerate(results)
    ]
    return b'{"messages":[%s]}' % b",".join([asked, *turns])


def texts(count: int, seed: int = 1) -> list[str]:
    """Of eight lines each, many of them in several texts."""
    choose = random.Random(seed)
    return ["|".join(choose.choices([f"line {number}" for number in range(60)], k=8)) for _ in range(count)]


def raw(prompt: Prompt) -> dict[Key, Rendering]:
    """All texts but the last stay as they are."""
    return {s.key: Rendering(s.key, None, s.digest, "no gain", 0, True, 1, 1) for s in prompt.segments[:-1]}


def lines_at(prompt: Prompt, segment: Segment) -> frozenset[int]:
    return frozenset(map(hash, prompt.body[slice(*segment.span)].strip(b'"').split(b"|")))


def counted(
    overlaps: Overlaps, prompt: Prompt, known: Mapping[Key, Rendering], near: range | None = None
) -> tuple[int, dict[int, int]]:
    """What is said of the last text of a prompt."""
    places = near or range(len(prompt.segments) - 1)

    def lines_of(other: Segment) -> frozenset[int] | None:
        return lines_at(prompt, other) if known[other.key].is_raw else None

    end, found = overlaps.shared(prompt, places, lines_at(prompt, prompt.segments[-1]), known, lines_of)
    return end, {place: count for place, count in found.items() if count}


def by_hand(prompt: Prompt, known: Mapping[Key, Rendering], places: range) -> dict[int, int]:
    new = lines_at(prompt, prompt.segments[-1])
    counts = {
        place: len(new & lines_at(prompt, prompt.segments[place]))
        for place in places
        if known[prompt.segments[place].key].is_raw
    }
    return {place: count for place, count in counts.items() if count}


@pytest.fixture
def wire() -> Wire:
    return type(BY_NAME["openai_chat"])()


def test_a_conversation_that_grows_is_counted_on(wire: Wire) -> None:
    overlaps, results = Overlaps(), texts(FEWEST + 12)
    wire.read(body(results[: FEWEST + 1]))
    for count in range(FEWEST + 2, len(results)):
        prompt = wire.read(body(results[:count]))
        end, found = counted(overlaps, prompt, raw(prompt))
        assert end == count - 2
        assert found == by_hand(prompt, raw(prompt), range(end))


def test_a_fork_and_its_origin_are_counted_each_for_itself(wire: Wire) -> None:
    overlaps, results = Overlaps(), texts(FEWEST + 8)
    wire.read(body(results[:-2]))
    for last in ([], ["line 1|line 2"], [], ["line 3|line 4", "line 5"]):
        prompt = wire.read(body([*results[:-2], *last, results[-1]]))
        end, found = counted(overlaps, prompt, raw(prompt))
        assert found == by_hand(prompt, raw(prompt), range(end))


def test_another_decision_is_seen(wire: Wire) -> None:
    overlaps, results = Overlaps(), texts(FEWEST + 8)
    wire.read(body(results[:-2]))
    prompt = wire.read(body(results[:-1]))
    counted(overlaps, prompt, raw(prompt))
    prompt = wire.read(body(results))
    known = {key: replace(one, text="another") if n % 2 else one for n, (key, one) in enumerate(raw(prompt).items())}
    end, found = counted(overlaps, prompt, known)
    assert found == by_hand(prompt, known, range(end))
    assert found != by_hand(prompt, raw(prompt), range(end))


def test_only_what_is_near_is_counted(wire: Wire) -> None:
    overlaps, results = Overlaps(), texts(FEWEST + 9)
    wire.read(body(results[:-2]))
    for first in (0, 5):
        prompt = wire.read(body(results))
        near = range(first, len(results) - 1)
        end, found = counted(overlaps, prompt, raw(prompt), near)
        assert found == by_hand(prompt, raw(prompt), range(first, end))


@pytest.mark.parametrize("count", [3, FEWEST])
def test_few_texts_are_left_to_be_looked_at(wire: Wire, count: int) -> None:
    overlaps, results = Overlaps(), texts(count)
    wire.read(body(results[:-1]))
    prompt = wire.read(body(results))
    assert counted(overlaps, prompt, raw(prompt)) == (0, {})


def test_what_is_new_or_older_than_the_known_is_left_to_be_looked_at(wire: Wire) -> None:
    """A text in the middle may be decided anew: those behind it are not above it."""
    overlaps, results = Overlaps(), texts(FEWEST + 9)
    prompt = wire.read(body(results))
    assert counted(overlaps, prompt, raw(prompt)) == (0, {})
    prompt = wire.read(body([*results, "line 1"]))
    assert counted(overlaps, prompt, raw(prompt), range(4)) == (0, {})


def test_what_is_kept_is_bounded(wire: Wire) -> None:
    overlaps, results = Overlaps(lines=1), texts(FEWEST + 3)
    wire.read(body(results[:-1]))
    prompt = wire.read(body(results))
    end, found = counted(overlaps, prompt, raw(prompt))
    assert found == by_hand(prompt, raw(prompt), range(end))


def test_texts_that_were_counted_are_not_looked_at_again(wire: Wire) -> None:
    """Not even where nobody has asked for a while."""
    overlaps, results, looked_at = Overlaps(), texts(FEWEST + 8), []
    wire.read(body(results[: FEWEST + 1]))
    for count in range(FEWEST + 2, len(results) + 1):
        prompt = wire.read(body(results[:count]))
        if count % 3 == 0:
            overlaps.shared(prompt, range(count - 1), frozenset(), {}, lambda one: looked_at.append(one.call_id))
    assert sorted(map(int, looked_at)) == list(range(len(looked_at)))
