"""Legs of Gemini's become one answer, in each form: nothing of our tool is seen, all else is the provider's."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest
from gemini_chunks import (
    OURS,
    SIGNED,
    Json,
    answer_of,
    array,
    call,
    cut,
    document,
    documents,
    events,
    read,
    say,
    usage,
    wrapped,
    written,
)
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire.gemini_reply import StreamedReply, WholeReply
from headroom_mitm.wire.reply import Answered, Reply

BODY = b'{"contents":[{"role":"user","parts":[{"text":"x"}]}],"tools":[]}'
BASH = call("c", "Bash", command="ls caf\u00e9 \U0001f600")
GREP = call("g", "Grep", signature=SIGNED)
THOUGHT = say("Hm.", thought=True)
TRAPS = say('data: {"x": [}]\n\n\\" \r\n\r\n"functionCall"', thoughtSignature=SIGNED)
Form = Callable[[list[Json]], bytes]
FORMS: dict[str, Form] = {
    "events": events,
    "events with line feeds": lambda values: events(values, b"\n"),
    "array": array,
    "wrapped": wrapped,
}
FORM = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


@dataclass
class Seen:
    """What came of an answer."""

    shown: bytes = b""
    bodies: list[Json] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


def run(*legs: bytes, places: Sequence[int] = (), reply: Reply | None = None) -> Seen:
    """Answer the calls of each leg until there is none; every leg is needed, and no more."""
    reply, seen, body = reply or StreamedReply(OURS), Seen(), BODY
    for number, data in enumerate(legs, 1):
        seen.shown += b"".join(reply.feed(piece) for piece in cut(data, places)) + reply.end_leg()
        calls = reply.hidden
        assert bool(calls) == (number < len(legs))
        if calls:
            seen.calls += [called.id for called in calls]
            body = reply.next_body(body, [Answered(called, f"answer to {called.id}") for called in calls])
            seen.bodies.append(json.loads(body))
    return seen


# legs, and the parts that the client sees
ANSWERS: dict[str, tuple[list[list[Json]], list[Json]]] = {
    "text": ([[say("Hello "), say("there.")]], [say("Hello "), say("there.")]),
    "the client's call": ([[THOUGHT, BASH]], [THOUGHT, BASH]),
    "only our call": ([[call("o1", id="a")], [say("Done.")]], [say("Done.")]),
    "thinking, then our call": (
        [[THOUGHT, say("I look. "), call("o1", signature=SIGNED)], [THOUGHT, TRAPS]],
        [THOUGHT, say("I look. "), THOUGHT, TRAPS],
    ),
    "two of our calls": ([[call("o1", signature=SIGNED), call("o2")], [say("z")]], [say("z")]),
    "three legs": ([[say("a"), call("o1")], [call("o2"), say("b")], [say("c")]], [say("a"), say("b"), say("c")]),
    "calls without ids": ([[call()], [call(), call()], [say("c")]], [say("c")]),
    "the client's, then ours": ([[GREP, call("o1"), BASH]], [GREP, BASH]),
    "in a later leg both": ([[say("a"), call("o1")], [GREP, call("o2")]], [say("a"), GREP]),
    "what looks like something else": ([[TRAPS, call("o1")], [TRAPS, BASH]], [TRAPS, TRAPS, BASH]),
}
TABLE = pytest.mark.parametrize(("legs", "parts"), ANSWERS.values(), ids=ANSWERS)


@FORM
@TABLE
def test_the_client_sees_one_answer_without_our_tool(legs: list[list[Json]], parts: list[Json], form: Form) -> None:
    seen = run(*(form(documents(*leg, leg_id=f"r-{number}")) for number, leg in enumerate(legs)))
    shown = answer_of(seen.shown)
    assert [part for part in shown["parts"] if part != say("")] == parts
    assert shown["finish"] == "STOP"
    assert OURS.encode() not in seen.shown


@FORM
@TABLE
@given(places=st.lists(st.integers(0, 100_000), max_size=30))
def test_the_bytes_are_the_same_however_they_are_cut(
    legs: list[list[Json]], parts: list[Json], form: Form, places: list[int]
) -> None:
    streams = [form(documents(*leg)) for leg in legs]
    assert run(*streams, places=places) == run(*streams)


@FORM
def test_no_cut_is_special(form: Form) -> None:
    """Not even one between a backslash and its quote."""
    streams = form(documents(TRAPS, call("o1"))), form(documents(TRAPS))
    uncut = run(*streams)
    for place in range(len(streams[1])):
        assert run(*streams, places=[place]) == uncut


@FORM
@pytest.mark.parametrize("name", ["text", "the client's call"])
@given(places=st.lists(st.integers(0, 100_000), max_size=30))
def test_where_nothing_is_hidden_the_bytes_are_the_providers(name: str, form: Form, places: list[int]) -> None:
    stream = form(documents(*ANSWERS[name][0][0]))
    assert run(stream, places=places).shown == stream


@given(st.binary() | st.text('[]{},: \r\n"\\ab0').map(str.encode), st.integers(0, 1000))
def test_what_is_no_answer_passes_as_it_came(data: bytes, place: int) -> None:
    assert run(data, places=[place]).shown == data
    assert run(data, reply=WholeReply(OURS)).shown == data


@FORM
@TABLE
def test_the_next_request_has_the_parts_as_they_came(legs: list[list[Json]], parts: list[Json], form: Form) -> None:
    seen = run(*(form(documents(*leg)) for leg in legs))
    for leg, body in zip(legs, seen.bodies, strict=False):
        said, results = body["contents"][-2:]
        assert said == {"role": "model", "parts": leg}
        assert results["role"] == "user"
        calls = [part["functionCall"] for part in leg if "functionCall" in part]
        assert [part["functionResponse"] for part in results["parts"]] == [
            {**called, "name": OURS, "response": {"output": f"answer to {called.get('id', '')}"}}
            for called in ({"id": c["id"]} if "id" in c else {} for c in calls)
        ]


def test_parts_go_back_byte_for_byte() -> None:
    raw = b'{ "functionCall":{"args": {"n" : 1.50,"big":12345678901234567890123},"name":"%s"},"x":"\\u00e9\\/"}'
    raw %= OURS.encode()
    stream = b'data: {"candidates":[{"content":{"parts":[%s]},"finishReason":"STOP"}]}\r\n\r\n' % raw
    reply = StreamedReply(OURS)
    reply.feed(stream)
    reply.end_leg()
    (called,) = reply.hidden
    assert called.arguments == b'{"n" : 1.50,"big":12345678901234567890123}'
    assert raw in reply.next_body(BODY, [Answered(called, "")])


def test_an_error_of_ours_is_told_as_one() -> None:
    reply = StreamedReply(OURS)
    reply.feed(events(documents(call("o1"))))
    reply.end_leg()
    body = json.loads(reply.next_body(BODY, [Answered(called, "gone", is_error=True) for called in reply.hidden]))
    assert body["contents"][-1]["parts"][0]["functionResponse"]["response"] == {"error": "gone"}


def test_the_contents_of_a_wrapped_request_are_found() -> None:
    reply = StreamedReply(OURS)
    reply.feed(wrapped(documents(call("o1"))))
    reply.end_leg()
    body = b'{"model":"m","request":%s}' % BODY
    assert len(json.loads(reply.next_body(body, [Answered(c, "") for c in reply.hidden]))["request"]["contents"]) == 3


def test_empty_texts_are_not_sent_back_unless_signed() -> None:
    """The provider sends them and does not take them."""
    signed = say("", thoughtSignature=SIGNED)
    (body,) = run(events(documents(say(""), call("o1"), signed)), events(documents(say("x")))).bodies
    assert body["contents"][1]["parts"] == [call("o1"), signed]


def test_the_clients_call_inherits_the_signature_of_ours() -> None:
    """Of calls made at once only the first is signed; what the client sends back would be refused without."""
    seen = run(events(documents(call("o1", signature=SIGNED), BASH, call("c2", "Bash"))))
    assert answer_of(seen.shown)["parts"] == [{**BASH, "thoughtSignature": SIGNED}, call("c2", "Bash")]


@FORM
def test_usage_is_the_input_of_the_first_leg_and_the_output_of_all(form: Form) -> None:
    legs = [form(documents(call(f"o{n}"), spent=usage(100 * n, 50 * (n - 1), 7 * n, n))) for n in (1, 2)]
    shown = run(*legs, form(documents(say("x"), spent=usage(500, 400, 50, 30)))).shown
    assert answer_of(shown)["usage"] == usage(100, 0, 7 + 14 + 50, 1 + 2 + 30)


@FORM
@pytest.mark.parametrize("finish", ["MAX_TOKENS", "MALFORMED_FUNCTION_CALL", "SAFETY", "NEW"])
def test_a_leg_that_stops_for_another_reason_is_the_last(form: Form, finish: str) -> None:
    for earlier in ([], [form(documents(call("o1")))]):
        shown = answer_of(run(*earlier, form(documents(say("x"), call("o2"), finish=finish))).shown)
        assert (shown["finish"], shown["parts"][0]) == (finish, say("x"))


@FORM
def test_an_end_of_its_own_belongs_to_the_last_leg(form: Form) -> None:
    """Some models tell the end in a document without parts."""
    end = document([say("")], "STOP")
    first = form([document([say("a")]), document([call("o1")]), end])
    shown = answer_of(run(first, form([document([say("b")]), end])).shown)
    assert shown["parts"] == [say("a"), say("b"), say("")]


def test_what_stands_beside_parts_is_shown() -> None:
    cited = document([call("o1")], "STOP")
    cited["candidates"][0]["groundingMetadata"] = {"webSearchQueries": ["x"]}
    shown = run(events([cited]), events(documents(say("b")))).shown
    assert b"webSearchQueries" in shown
    assert answer_of(shown)["parts"] == [say(""), say("b")]


def test_other_candidates_pass() -> None:
    other = document([call("o1")], "STOP")
    other["candidates"][0]["index"] = 1
    assert run(events([other])).shown == events([other])


@FORM
def test_a_first_leg_that_breaks_off_shows_no_more_than_came(form: Form) -> None:
    data = form(documents(say("Hello."), call("o1"), say("x")))
    for place in range(len(data)):
        reply = StreamedReply(OURS)
        shown = reply.feed(data[:place])
        if OURS.encode() not in data[:place]:
            assert shown + reply.end_leg() == data[:place]
        assert OURS.encode() not in shown


@FORM
@given(place=st.integers(0, 10_000))
def test_a_later_leg_that_breaks_off_is_an_error(form: Form, place: int) -> None:
    reply = StreamedReply(OURS)
    reply.feed(form(documents(call("o1"))))
    reply.end_leg()
    reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])
    data = form(documents(say("b")))
    reply.feed(data[: place % data.index(b'"STOP"')])
    with pytest.raises(UnreadableBody):
        reply.end_leg()
    assert not reply.hidden


@FORM
def test_an_answer_can_be_closed(form: Form) -> None:
    reply, shown = StreamedReply(OURS), b""
    for number in range(2):
        shown += reply.feed(form(documents(say("a"), call(f"o{number}")))) + reply.end_leg()
        if number == 0:
            reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])
    answer = answer_of(shown + reply.close())
    assert (answer["finish"], answer["parts"]) == ("STOP", [say("a"), say("a"), say("")])
    assert answer["usage"]["candidatesTokenCount"] == 20


@FORM
def test_a_failure_is_told_in_the_form_of_the_answer(form: Form) -> None:
    reply = StreamedReply(OURS)
    shown = reply.feed(form(documents(say("a"), call("o1")))) + reply.end_leg()
    own = b'[{"error":{"code":429,\n"status":"RESOURCE_EXHAUSTED"}}]'
    assert list(read(shown + reply.failed(429, own)))[-1]["error"]["status"] == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize("raw", [b"<html>", b"", b"[]", b"{}", b"[" * 100_000], ids=len)
def test_a_failure_without_words_is_worth_a_retry(raw: bytes) -> None:
    assert json.loads(WholeReply(OURS).failed(502, raw))["error"]["status"] == "UNAVAILABLE"


def test_a_refused_prompt_ends_a_later_leg() -> None:
    refused = {"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r-1", "modelVersion": "m-r-1"}
    shown = run(events(documents(say("a"), call("o1"))), events([refused])).shown
    assert list(read(shown))[-1]["promptFeedback"] == {"blockReason": "SAFETY"}


@TABLE
def test_whole_answers_become_one(legs: list[list[Json]], parts: list[Json]) -> None:
    raws = [
        json.dumps(document(leg, "STOP", usage(100 * n, 0, 10), f"r-{n}"), indent=2).encode()
        for n, leg in enumerate(legs, 1)
    ]
    seen = run(*raws, places=[3], reply=WholeReply(OURS))
    shown = json.loads(seen.shown)
    assert shown["candidates"][0]["content"]["parts"] == parts
    assert shown["usageMetadata"] == usage(100, 0, 10 * len(legs))
    assert shown["responseId"] == "r-1"
    assert len(raws) > 1 or OURS.encode() in raws[0] or seen.shown == raws[0]
    assert [body["contents"][-2]["parts"] for body in seen.bodies] == legs[:-1]


def test_a_whole_answer_can_be_closed() -> None:
    reply = WholeReply(OURS)
    reply.feed(written(document([say("a"), call("o1")], "STOP")))
    assert reply.end_leg() == b""
    assert json.loads(reply.close())["candidates"][0] == document([say("a")], "STOP")["candidates"][0]


def test_a_later_whole_leg_that_is_no_answer_is_an_error() -> None:
    for data in (b'{"candidates":', b"{}"):
        reply = WholeReply(OURS)
        reply.feed(written(document([call("o1")], "STOP")))
        reply.end_leg()
        reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])
        reply.feed(data)
        with pytest.raises(UnreadableBody):
            reply.end_leg()
