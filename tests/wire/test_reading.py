"""Messages that were read with an earlier body and messages read now make the same conversation."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_mitm.segments import Call, Layout, Span, digest
from headroom_mitm.wire.reading import NOTHING, Read
from headroom_mitm.wire.turn import Result, Text, Turn

IDS = st.sampled_from(["", "", "a", "b", "c"])
NAMES = st.sampled_from(["", "ls", "cat"])
CALLS = st.builds(Call, IDS, NAMES, st.sampled_from(["x", "y"]))
COMMANDS = st.none() | st.builds(Call, st.sampled_from(["said-1", "said-2"]), st.just("bash"))
TEXTS = st.lists(st.builds(Text, st.just(Span(1, 3)), st.integers(0, 2), st.just(digest()), st.just(1)), max_size=2)
RESULTS = st.builds(Result, IDS, TEXTS.map(tuple), NAMES, st.booleans())
TURNS = st.builds(
    Turn,
    st.booleans(),
    st.lists(CALLS, max_size=3).map(tuple),
    st.lists(RESULTS, max_size=3).map(tuple),
    st.lists(NAMES, max_size=1).map(tuple),
    layout=st.none() | st.builds(Layout, st.integers(0, 3)),
    command=COMMANDS,
)


def read(turns: Sequence[Turn], behind: Read = NOTHING, first: int = 0) -> Read:
    """Read messages of ten bytes each."""
    numbers = range(first, first + len(turns))
    spans = [Span(10 * number, 10 * number + 9) for number in numbers]
    return behind.extended(spans, [digest(b"%d" % number) for number in numbers], turns)


def said(found: Read) -> list[Any]:
    """All that a prompt is made of."""
    assert list(found.by_id.items()) == list({call.id: call for call in found.calls}.items())
    return [
        *(found.spans, found.keys, found.turns, found.layouts, found.segments, found.named, found.ends),
        *(list(found.by_id.items()), found.first_answer, found.count),
    ]


@given(turns=st.lists(TURNS, max_size=10), other=st.lists(TURNS, max_size=4))
@settings(max_examples=500, deadline=None)
def test_reading_on_from_any_stop_is_reading_at_once(turns: list[Turn], other: list[Turn]) -> None:
    """Behind each stop, with the messages that stood there before or with others."""
    whole = read(turns)
    for number, stop in enumerate(whole.stops, 1):
        known = whole.until(number)
        for rest in (turns[stop.messages :], other):
            if rest:
                assert said(read(rest, known, stop.messages)) == said(read([*turns[: stop.messages], *rest]))


@given(turns=st.lists(TURNS, max_size=10))
@settings(max_examples=200, deadline=None)
def test_what_was_read_can_be_moved(turns: list[Turn]) -> None:
    moved, numbers = read(turns).shifted(10), range(len(turns))
    spans, keys = [Span(10 * n + 10, 10 * n + 19) for n in numbers], [digest(b"%d" % n) for n in numbers]
    assert said(moved) == said(NOTHING.extended(spans, keys, turns))


def test_stops_are_behind_the_model() -> None:
    turns = [Turn(), Turn(by_model=True), Turn(by_model=True), Turn(), Turn(by_model=True)]
    assert [stop.messages for stop in read(turns).stops] == [2, 3]
    assert read(turns).ends == (20, 30)
