"""A body is read the same whether or not an earlier one has something in common with it."""

import json
import random
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from wire_talks import BODIES, TALKS, Round, Talk, body

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Prompt
from headroom_mitm.wire import BY_NAME, WIRES, document
from headroom_mitm.wire.base import Wire
from headroom_mitm.wire.earlier import Bodies, Earlier
from headroom_mitm.wire.reading import Read, State, Stop

LAW = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
every_wire = pytest.mark.parametrize("wire", WIRES, ids=lambda wire: wire.name)

MEMBERS = (
    *(b'"x":1', b'"x":"\\ud83d"', b'"\\ud83d\\ude00":1', b'"\\ud83d\\ude01":2', b'"messages":[]', b'"input":[]'),
    *(b'"contents":[]', b'"model":"other"', b'"stream":false', b'"y":[[[' + b" " * 50 + b"]]]"),
)
"""What a client, or damage, may add at the top: other values, the same key twice, names in halves of characters."""
Change = Callable[[bytes, random.Random], bytes]


def _with_member_in_front(raw: bytes, choose: random.Random) -> bytes:
    return raw.replace(b"{", b"{" + choose.choice(MEMBERS) + b",", 1)


def _with_member_behind(raw: bytes, choose: random.Random) -> bytes:
    return raw.rstrip()[:-1] + b"," + choose.choice(MEMBERS) + b"}" + choose.choice([b"", b" \n"])


def _cut(raw: bytes, choose: random.Random) -> bytes:
    return raw[: choose.randrange(len(raw))]


def _damaged(raw: bytes, choose: random.Random) -> bytes:
    at = choose.randrange(len(raw))
    noise = choose.choice([b"\x00", b"\xff", b"}", b"]", b'"', b"\\u", b",", b"\\ud83d", b" ", b"null"])
    return raw[:at] + noise + raw[at + choose.choice([0, len(noise)]) :]


def _reordered(raw: bytes, choose: random.Random) -> bytes:
    """Members in another order; values as they are written."""
    try:
        found = list(document.members(raw, document.whole(raw)).items())
    except UnreadableBody:
        return raw
    choose.shuffle(found)
    return b"{" + b", ".join(json.dumps(key).encode() + b":" + raw[slice(*span)] for key, span in found) + b"}"


CHANGES: tuple[Change, ...] = (
    lambda raw, _: raw,
    *(_with_member_in_front, _with_member_behind, _cut, _damaged, _reordered),
    lambda raw, _: raw + b"x",
    lambda raw, _: raw.replace(b"ephemeral", b"other"),
)


def steps(talk: Talk, choose: random.Random) -> list[Talk]:
    """What a client sends one after the other: the talk grows, goes back, goes another way."""
    found = []
    for _ in range(6):
        at = choose.randint(0, len(talk.rounds))
        told = talk.until(at)
        if told.rounds and choose.random() < 0.3:
            number = choose.randrange(len(told.rounds))
            other = Round("Something else.", (("another text",),), in_list=False)
            told = replace(told, rounds=(*told.rounds[:number], other, *told.rounds[number + 1 :]))
        found.append(replace(told, seed=talk.seed + (choose.random() < 0.1)))
    return [*(talk.until(at) for at in range(len(talk.rounds) + 1)), *found]


def read(wire: Wire, raw: bytes) -> Prompt | None:
    """The prompt, or None for an unreadable body."""
    try:
        return wire.read(raw)
    except UnreadableBody:
        return None


@every_wire
@given(talk=TALKS, seed=st.integers(0, 2**32))
@LAW
def test_a_body_is_read_as_if_it_were_the_first(wire: Wire, talk: Talk, seed: int) -> None:
    """Growing, forked, cut, damaged, with another front, other white space: all is where a fresh look finds it."""
    choose, used = random.Random(seed), type(wire)()
    for told in steps(talk, choose):
        raw = choose.choice((CHANGES[0], *CHANGES))(body(wire.name, told), choose)
        fresh = read(type(wire)(), raw)
        assert read(used, raw) == fresh
        assert fresh is None or list(fresh.calls) == list(read(used, raw).calls)  # type: ignore[union-attr]


@pytest.mark.parametrize("path", sorted(BODIES.glob("*/*.json")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_fixtures_are_read_the_same_wherever_they_stop(path) -> None:  # type: ignore[no-untyped-def]
    wire, raw = BY_NAME[path.parent.name], path.read_bytes()
    used, fresh = type(wire)(), wire.read(raw)
    for end in (*(span.end for span in fresh.messages), fresh.messages[-1].end):
        shorter = raw[:end] + raw[fresh.messages[-1].end :]
        assert read(used, shorter) == read(type(wire)(), shorter)
    assert read(used, raw) == fresh


ASKED = b'{"role":"user","content":"' + b"a" * 80 + b'"}'
SAID = b'{"role":"assistant","content":"b"}'
TALK = b",".join([ASKED, SAID, ASKED])


def test_what_only_looks_like_the_messages_is_not_taken_for_them() -> None:
    wire, decoy = BY_NAME["openai_chat"], b'{"x":{"messages":[%s]},"messages":[%s]}' % (TALK, b",".join([SAID, ASKED]))
    used = type(wire)()
    used.read(b'{"x":{"messages":0},"messages":[%s]}' % TALK)
    assert used.read(decoy) == type(wire)().read(decoy)


@pytest.mark.parametrize(
    "further",
    [
        ASKED,
        b"%b,%b" % (SAID, ASKED),
        b"",
        b",",
        b"%b,x" % ASKED,
        b'%b],"messages":[%b' % (ASKED, ASKED),
        b'%b],"n":[1' % ASKED,
    ],
    ids=["one", "more", "none", "a comma", "no value", "the list again", "another list"],
)
def test_only_the_list_of_messages_may_have_grown(further: bytes) -> None:
    """What stands behind it is the same, and still something else may have come before that."""
    wire, form = BY_NAME["openai_chat"], b'{"model":"m","messages":[%b,%b],"tools":[],"x":[1]}'
    used = type(wire)()
    used.read(form % (TALK, SAID))
    raw = form % (TALK, further)
    assert read(used, raw) == read(type(wire)(), raw)


def test_names_in_halves_of_characters_are_read_anew() -> None:
    """Half a character anywhere changes how they are read, so what stands elsewhere must be known."""
    wire = BY_NAME["openai_chat"]
    half = TALK.replace(b"b", b"\\ud83d", 1)
    bodies = [b'{"messages":[%s]%s}' % (half, more) for more in (b"", b',"\\ud83d\\ude00":1')]
    used = type(wire)()
    assert [used.read(raw) for raw in bodies] == [type(wire)().read(raw) for raw in bodies]


def of(body: bytes, *ends: int) -> Earlier[Read]:
    """A body with stops at these offsets."""
    stops = tuple(Stop(number, 0, 0, State()) for number in range(1, len(ends) + 1))
    return Earlier(body, body.index(b"[") + 1, Read(stops=stops, ends=ends))


def numbers(count: int) -> bytes:
    """A list of messages."""
    return b'{"m":[' + b",".join(b'"%08d"' % number for number in range(count)) + b"]}"


def test_the_body_with_most_in_common_is_found() -> None:
    bodies: Bodies[Read] = Bodies(b"m")
    long, short = of(numbers(40), 160, 270), of(numbers(40).replace(b"00000025", b"x"), 160, 300)
    for earlier in (long, short):
        bodies.keep(earlier, None)
    found = bodies.shared(numbers(80))
    assert found is not None
    assert (found.earlier, found.stops, found.size) == (long, 2, 264)


def test_what_stands_in_front_does_not_matter() -> None:
    bodies: Bodies[Read] = Bodies(b"m")
    bodies.keep(of(numbers(40), 160), None)
    found = bodies.shared(numbers(40).replace(b"{", b'{"date":1,'))
    assert found is not None
    assert (found.start, found.size) == (15, 154)


def test_nothing_in_common_is_nothing() -> None:
    bodies: Bodies[Read] = Bodies(b"m")
    bodies.keep(of(numbers(40), 160), None)
    others = (numbers(3), numbers(40).replace(b"00000012", b"x"), numbers(40).replace(b'"m"', b'"n"'))
    assert [bodies.shared(other) for other in others] == [None, None, None]


def test_a_body_takes_the_place_of_the_one_it_goes_on_from() -> None:
    """A conversation that went back far stays beside the one that goes its own way."""
    ends = tuple(range(116, 300, 11))
    bodies: Bodies[Read] = Bodies(b"m")
    first = of(numbers(40), *ends)
    bodies.keep(first, None)
    forked = numbers(80).replace(b"00000012", b"x")
    bodies.keep(of(forked, *ends[:2]), bodies.shared(forked))
    bodies.keep(of(numbers(80), *ends), bodies.shared(numbers(80)))
    found = bodies.shared(numbers(90))
    assert found is not None
    assert found.earlier.body == numbers(80)
    assert bodies.shared(forked + b" ") is not None


def test_the_longest_unused_go_first() -> None:
    bodies: Bodies[Read] = Bodies(b"m", Recent(20_000, lambda filed: sum(len(earlier.body) for earlier in filed)))
    for number in range(10):
        bodies.keep(of(numbers(200).replace(b"0000", b"%04d" % number), 1000, 2000), None)
    kept = [bodies.shared(numbers(210).replace(b"0000", b"%04d" % number)) is not None for number in range(10)]
    assert kept == [False] * kept.count(False) + [True] * kept.count(True)
    assert 0 < kept.count(True) < 10
