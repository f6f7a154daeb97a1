"""Pairing results with calls, and a conversation's beginning, in made-up messages."""

from typing import Any

import msgspec
import pytest

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Call, Prompt, Span, digest
from headroom_mitm.wire import document
from headroom_mitm.wire.history import Envelope, History, required, text, texts
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.turn import Result, Text, Turn


def turn(raw: bytes) -> Turn:
    """Read ``{"calls": [[id, name], …], "results": [[id, name], …]}``; messages with calls are the model's."""
    value = msgspec.json.decode(raw)
    calls = tuple(Call(*call, subject=str(number)) for number, call in enumerate(value.get("calls", ())))
    given = (Text(Span(0, 0), 0, digest(), 0),)
    return Turn(bool(calls), calls, tuple(Result(id_, given, name) for id_, name in value.get("results", ())))


def read(*messages: dict[str, Any], continued: bool = False) -> Prompt:
    body = msgspec.json.encode(messages)
    history = History(Memo(turn), lambda message: message.get("said"))
    return history.prompt(body, document.items(body, document.whole(body)), Envelope(continued=continued))


def paired(*messages: dict[str, Any]) -> list[tuple[str, str]]:
    """Return name and subject of each segment's call."""
    prompt = read(*messages)
    calls = [prompt.calls.get(segment.call_id, Call("", "?")) for segment in prompt.segments]
    return [(call.name, call.subject) for call in calls]


PAIRS: dict[str, tuple[list[list[str]], list[list[str]], list[tuple[str, str]]]] = {
    "by id": ([["a", "ls"], ["b", "ls"]], [["b", ""], ["a", ""]], [("ls", "1"), ("ls", "0")]),
    "by name and order": ([["", "ls"], ["", "cat"], ["", "ls"]], [["", "ls"], ["", "ls"]], [("ls", "0"), ("ls", "2")]),
    "id only on the result": ([["", "ls"]], [["x", "ls"]], [("ls", "0")]),
    "id only on the call": ([["a", "ls"]], [["", "ls"]], [("ls", "0")]),
    "id before name": ([["", "ls"], ["a", "ls"]], [["a", "ls"], ["", "ls"]], [("ls", "1"), ("ls", "0")]),
    "no such call": ([["a", "ls"]], [["x", ""]], [("?", "")]),
    "no such call, with a name": ([["a", "ls"]], [["", "cat"]], [("cat", "")]),
}


@pytest.mark.parametrize(("calls", "results", "expected"), PAIRS.values(), ids=PAIRS.keys())
def test_results_find_their_calls(calls: list[Any], results: list[Any], expected: list[tuple[str, str]]) -> None:
    assert paired({"calls": calls}, {"results": results}) == expected


def test_results_belong_to_the_last_answer() -> None:
    old, new = {"calls": [["", "ls"], ["", "ls"]]}, {"calls": [["", "cat"], ["", "ls"]]}
    assert paired(old, {"results": [["", "ls"]]}, new, {"results": [["", "ls"]]}) == [("ls", "0"), ("ls", "1")]


def test_an_answer_in_two_messages_is_one_answer() -> None:
    two = [{"calls": [["", "ls"]]}, {"calls": [["", "cat"]]}]
    assert paired(*two, {"results": [["", "ls"]]}, {"results": [["", "cat"]]}) == [("ls", "0"), ("cat", "0")]


def test_made_up_ids_differ_and_stay() -> None:
    messages: list[dict[str, Any]] = []
    ids: list[str] = []
    for number in range(4):
        messages += [{"calls": [["", "ls"], ["", "ls"]]}, {"n": number % 2, "results": [["", "ls"], ["", "ls"]]}]
        found = [segment.call_id for segment in read(*messages).segments]
        assert found[: len(ids)] == ids
        ids = found
    assert len(set(ids)) == 8


def test_made_up_ids_depend_on_what_stands_before() -> None:
    talk = [{"calls": [["", "ls"]]}, {"results": [["", "ls"]]}]
    assert read({"said": "a"}, *talk).segments[0].call_id != read({"said": "b"}, *talk).segments[0].call_id


def test_the_head_ends_with_the_first_answer() -> None:
    said, answer = {"said": [{"text": "a", "cache_control": {}}]}, {"calls": [["a", "ls"]]}
    assert read(said).head == read({"said": [{"text": "a"}], "x": 1}, {"x": 1}, answer, {"said": "b"}).head
    assert read(said).head != read({"said": [{"text": "b"}]}).head
    assert read(said).head != read(said, said).head


@pytest.mark.parametrize("value", [1, 1.0, "1", 10**30, None, [], ["1"], {"a": [{"b": 1}]}, {"b": 1}])
def test_the_head_tells_values_apart(value: object) -> None:
    heads = {read({"said": each}).head for each in ("other", [value], {"a": value})}
    assert len(heads) == 3


def test_a_head_with_broken_text_is_a_head() -> None:
    def head(raw: bytes) -> bytes:
        history = History(Memo(lambda _: Turn()), lambda message: message["said"])
        return history.prompt(raw, [document.whole(raw)], Envelope()).head

    assert len({head(b'{"said":"%s"}' % text) for text in (b"\xff", b"\xfe", rb"\ud83d", b"?")}) == 4


def test_an_answer_that_the_provider_keeps_counts() -> None:
    assert read(continued=True).answered
    assert not read().answered


def test_texts_are_numbered_by_their_place() -> None:
    raw = rb'[{"type":"image"},{"type":"text","text":"\ud83d"},{"text":"b","type":"text"},{"type":"text","text":1}]'
    found = list(texts(raw, document.whole(raw), {"text"}, is_error=True))
    assert [(one.part, one.size, one.is_error) for one in found] == [(2, 1, True)]


@pytest.mark.parametrize("raw", [b"null", b"1", b"{}", b'"\\ud83d"', b'"\xff"'])
def test_what_is_no_text_yields_none(raw: bytes) -> None:
    assert list(texts(raw, document.whole(raw), {"text"})) == list(text(raw, document.whole(raw), 0)) == []
    assert list(texts(raw, None, {"text"})) == []


def test_a_string_and_a_list_with_one_text_are_the_same() -> None:
    """Clients turn one into the other to put a cache marker on it."""
    plain, listed = b'"a"', b'[{"type":"text","text":"a"}]'
    (one,), (other,) = (tuple(texts(raw, document.whole(raw), {"text"})) for raw in (plain, listed))
    assert (one.part, one.digest) == (other.part, other.digest)


def test_a_required_member_must_be_there() -> None:
    assert required({"a": Span(1, 2)}, "a") == Span(1, 2)
    with pytest.raises(UnreadableBody):
        required({}, "a")
