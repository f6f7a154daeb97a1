"""What holds for every format of requests, whatever the body looks like."""

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_talks import BODIES, TALKS, Talk, body

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit
from headroom_mitm.wire import BY_NAME, WIRES, document
from headroom_mitm.wire.base import Wire
from headroom_mitm.wire.splice import splice, text_edit

LAW = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SMALLER_LAW = settings(LAW, max_examples=200)
every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)
NO_REQUESTS = [
    *(b"", b" ", b"null", b"[]", b'"text"', b"{}{}", b"{} x", b"{", b"\x00"),
    *(b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b"\x1f\x8b\x08\x00 gzip"),
    b'{"model":"a","model":"b"}',
    b'{"a":' + b"[" * 1_000_000 + b"]" * 1_000_000 + b"}",
]
FIXTURES = [
    pytest.param(BY_NAME[path.parent.name], path.read_bytes(), id=f"{path.parent.name}-{path.stem}")
    for path in sorted(BODIES.glob("*/*.json"))
]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield all that is no container, and the keys, in their order."""
    if isinstance(value, dict):
        yield path, tuple(value)
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list):
        yield path, len(value)
        for number, item in enumerate(value):
            yield from leaves(item, (*path, number))
    else:
        yield path, value


def outside(raw: bytes, edits: list[Edit]) -> list[bytes]:
    """Return the bytes between the spans of edits."""
    ends = [0, *(edit.span.end for edit in edits)]
    starts = [*(edit.span.start for edit in edits), len(raw)]
    return [raw[end:start] for end, start in zip(ends, starts, strict=True)]


@every_wire
@given(talk=TALKS, chance=st.floats(0.1, 1))
@LAW
def test_only_the_named_spans_change(wire: Wire, talk: Talk, chance: float) -> None:
    """Without edits it is the same object."""
    raw = body(wire.name, talk)
    prompt = wire.read(raw)
    assert prompt.body is raw
    assert splice(prompt.body, []) is raw
    choose = random.Random(talk.seed)
    chosen = [segment for segment in prompt.segments if choose.random() < chance]
    edits = [text_edit(segment.span, f'new "text" {number} é') for number, segment in enumerate(chosen)]
    changed = splice(raw, edits)
    at = 0
    for number, piece in enumerate(outside(raw, edits)):
        assert changed.startswith(piece, at)
        at += len(piece) + (len(edits[number].raw) if number < len(edits) else 0)
    assert at == len(changed)
    pairs = zip(leaves(json.loads(raw)), leaves(json.loads(changed)), strict=True)
    differing = [(old, new) for (old_path, old), (new_path, new) in pairs if (old_path, old) != (new_path, new)]
    assert differing == [(document.string(raw, s.span), f'new "text" {n} é') for n, s in enumerate(chosen)]


@every_wire
@given(talk=TALKS)
@SMALLER_LAW
def test_every_text_of_a_result_is_found_with_its_call(wire: Wire, talk: Talk) -> None:
    prompt = wire.read(body(wire.name, talk))
    texts = [document.string(prompt.body, segment.span) for segment in prompt.segments]
    assert texts == talk.texts(one_each=wire.name == "gemini_generate")
    assert all(prompt.calls[segment.call_id].name for segment in prompt.segments)
    assert [segment.size for segment in prompt.segments] == [len(text) for text in texts]
    assert prompt.answered == bool(talk.rounds)


@every_wire
@given(talk=TALKS)
@SMALLER_LAW
def test_what_a_turn_shows_the_next_turn_shows_again(wire: Wire, talk: Talk) -> None:
    """Keys, calls and the conversation's beginning stay although the client moves its cache markers."""
    turns = [wire.read(body(wire.name, talk.until(count))) for count in range(len(talk.rounds) + 1)]
    for before, after in itertools.pairwise(turns):
        keys = [segment.key for segment in after.segments]
        assert keys[: len(before.segments)] == [segment.key for segment in before.segments]
        assert not any(segment.newest for segment in after.segments[: len(before.segments)])
        assert all(segment.newest for segment in after.segments[len(before.segments) :])
        assert before.calls.items() <= after.calls.items()
        assert before.head == after.head


@every_wire
@given(talk=TALKS)
@SMALLER_LAW
def test_reading_again_gives_the_same_as_reading_anew(wire: Wire, talk: Talk) -> None:
    raw = body(wire.name, talk)
    assert wire.read(raw) == wire.read(raw) == type(wire)().read(raw)


@every_wire
@given(talk=TALKS)
@SMALLER_LAW
def test_a_declared_tool_is_the_only_change(wire: Wire, talk: Talk) -> None:
    raw = body(wire.name, talk)
    edit = wire.declare(wire.read(raw), "retrieve", 'Get "it" back', b'{"type":"object"}')
    assert edit is not None
    changed = splice(raw, [edit])
    assert changed[: edit.span.start] + changed[edit.span.start + len(edit.raw) :] == raw
    assert wire.read(changed).tool_names == wire.read(raw).tool_names | {"retrieve"}
    assert wire.declare(wire.read(changed), "retrieve", "d", b"{}") is None


@every_wire
@given(talk=TALKS, cut=st.floats(0, 0.999))
@SMALLER_LAW
def test_a_truncated_body_is_unreadable(wire: Wire, talk: Talk, cut: float) -> None:
    raw = body(wire.name, talk).strip()
    with pytest.raises(UnreadableBody):
        wire.read(raw[: int(len(raw) * cut)])


@every_wire
@given(
    talk=TALKS, noise=st.binary(min_size=1, max_size=4) | st.sampled_from([b"\x00", b"\xff", b"}", b'"', b"\\u", b","])
)
@SMALLER_LAW
def test_a_damaged_body_is_read_exactly_or_not_at_all(wire: Wire, talk: Talk, noise: bytes) -> None:
    raw = bytearray(body(wire.name, talk))
    choose = random.Random(talk.seed)
    at = choose.randrange(len(raw))
    raw[at : at + choose.choice([0, len(noise)])] = noise
    damaged = bytes(raw)
    try:
        prompt = wire.read(damaged)
    except UnreadableBody:
        return
    texts = [document.string(damaged, segment.span) for segment in prompt.segments]
    assert [segment.size for segment in prompt.segments] == [len(text) for text in texts]
    edits = [text_edit(segment.span, text) for segment, text in zip(prompt.segments, texts, strict=True)]
    assert wire.read(splice(damaged, edits)).head == prompt.head


@every_wire
@pytest.mark.parametrize(
    "raw",
    NO_REQUESTS,
    ids=lambda raw: repr(raw[:20]),
)
def test_what_is_no_request_is_unreadable(wire: Wire, raw: bytes) -> None:
    with pytest.raises(UnreadableBody):
        wire.read(raw)


@every_wire
@given(raw=st.binary(max_size=60).filter(lambda raw: not raw.lstrip().startswith(b"{")))
@SMALLER_LAW
def test_garbage_is_unreadable(wire: Wire, raw: bytes) -> None:
    with pytest.raises(UnreadableBody):
        wire.read(raw)


@every_wire
@given(talk=TALKS)
@SMALLER_LAW
def test_a_key_that_is_there_twice_makes_a_body_unreadable(wire: Wire, talk: Talk) -> None:
    raw = body(wire.name, talk)
    first = document.members(raw, document.whole(raw))
    key = random.Random(talk.seed).choice([json.dumps(key).encode() for key in first])
    with pytest.raises(UnreadableBody):
        wire.read(raw.replace(b"{", b"{" + key + b":1,", 1))


@pytest.mark.parametrize(("wire", "raw"), FIXTURES)
def test_fixtures_are_read_and_every_other_format_keeps_its_hands_off(wire: Wire, raw: bytes) -> None:
    assert wire.read(raw).segments
    for other in WIRES:
        if other is not wire:
            assert not _segments(other, raw)


def _segments(wire: Wire, raw: bytes) -> tuple[Any, ...]:
    try:
        return wire.read(raw).segments
    except UnreadableBody:
        return ()
