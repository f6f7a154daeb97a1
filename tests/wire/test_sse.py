"""Events are what the standard says they are, however the bytes are cut and whatever ends their lines."""

import itertools
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from headroom_mitm.wire import sse

ENDS = {"lf": b"\n", "crlf": b"\r\n", "cr": b"\r"}
BYTES = st.lists(st.sampled_from([b"\r", b"\n", b"a", b"data: x", b": c"])).map(b"".join)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut at these offsets, wherever they fall."""
    at = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(at)]


def split(pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    splitter = sse.Splitter()
    return [event for piece in pieces for event in splitter.feed(piece)], splitter.rest()


def lines_of(data: bytes) -> list[bytes]:
    return re.split(rb"\r\n|\n|\r", data)


@given(data=BYTES, places=st.lists(st.integers(0, 10_000)))
@example(data=b"a\r\n\r\nb", places=[3])
@example(data=b"a\r\n\r\nb", places=[4])
@example(data=b"a\r\rb", places=[2])
@example(data=b"a\n\r\nb", places=[3])
def test_the_events_are_the_same_however_the_bytes_are_cut(data: bytes, places: list[int]) -> None:
    assert split(cut(data, places)) == split([data])


@given(data=BYTES, places=st.lists(st.integers(0, 10_000)))
def test_events_and_rest_are_the_stream(data: bytes, places: list[int]) -> None:
    events, rest = split(cut(data, places))
    assert b"".join(events) + rest == data


@given(data=BYTES)
def test_an_event_ends_at_a_blank_line_and_nowhere_else(data: bytes) -> None:
    """Seen as lines, the whole has no blank one but those at the ends of events, and those that wait."""
    events, rest = split([data])
    for event in events:
        *content, blank, behind = lines_of(event)
        assert blank == behind == b""
        assert b"" not in content[1:]
    assert b"" not in lines_of(rest)[1:-1] or rest.endswith(b"\r")


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_fields_are_read_whatever_ends_the_lines(end: bytes) -> None:
    stream = end.join(
        [b": hi", b"event: ping", b"data: {", b"data:  1", b"data:}", b"id: 7", b"", b"data: 2", b"", b""]
    )
    first, second = [event for event in split([stream, b"x"])[0] if event.strip()]
    assert (sse.name_of(first), sse.data_of(first)) == ("ping", b"{\n 1\n}")
    assert (sse.name_of(second), sse.data_of(second)) == ("", b"2")


def test_a_field_is_its_whole_name() -> None:
    event = b"eventually: no\ndatabase: no\n event: no\ndata\nevent: a\nevent: b: c\n\n"
    assert (sse.name_of(event), sse.data_of(event)) == ("b: c", b"")


def test_what_is_written_is_read() -> None:
    event = sse.written("ping", b'{"a":\n1}')
    assert split([event]) == ([event], b"")
    assert (sse.name_of(event), sse.data_of(event)) == ("ping", b'{"a":\n1}')


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_the_last_event_is_whole_though_nothing_follows(end: bytes) -> None:
    event = end.join([b"data: 1", b"", b""])
    events, rest = split([event])
    assert events == [event] or (rest == event and sse.is_whole(rest))
    assert not sse.is_whole(split([event[: -len(end)]])[1])


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (b"event: a\ndata: 1\nid: 7\n\n", b"event: a\ndata: new\nid: 7\n\n"),
        (b"data:1\r\nid: 7\r\n\r\n", b"data:new\r\nid: 7\r\n\r\n"),
        (b"event: 1\ndata: 1\n\n", b"event: 1\ndata: new\n\n"),
        (b": data: 1\nevent: a\ndata: 1\n\n", b"event: a\ndata: new\n\n"),
        (b"event: a\ndata: 1\ndata: 2\n\n", b"event: a\ndata: new\n\n"),
        (b"event: a\n\n", b"event: a\ndata: new\n\n"),
    ],
    ids=["one line", "without a space", "as its name", "as a comment", "two lines", "none"],
)
def test_other_data_takes_the_place_of_the_data_alone(event: bytes, expected: bytes) -> None:
    assert sse.with_data(event, b"new") == expected
