"""Legs in events, or in documents, become one answer: nothing of our tool is seen, and all else is the provider's."""

import itertools
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from responses_events import OURS, TOOLS, Json, answer, answer_of, call, event, events, leg, read, reasoning, text

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire.openai_responses_reply import StreamedReply, WholeReply
from headroom_mitm.wire.reply import Answered, HiddenCall, Kept

BODY: Json = {"model": "m", "input": [{"role": "user", "content": "x"}], "tools": TOOLS, "store": False}
SHELL = call("call_c", "shell", '{"command": "ls"}')
PATCH: Json = {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_p", "name": "apply_patch", "input": "***"}
SEARCH: Json = {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search"}}
UNKNOWN: Json = {"id": "ho_1", "type": "hologram", "output_index": 7, "item": {"type": "function_call", "name": OURS}}
HOSTED: list[Json] = [
    {"id": "sh_1", "type": "shell_call", "call_id": "call_s", "action": {"commands": ["ls"]}},
    {"id": "so_1", "type": "shell_call_output", "call_id": "call_s", "output": []},
]
TRAPS = text('{"output_index":7} "sequence_number": 8\n\nevent: response.completed\ndata: {}\n\n\u00e9\U0001f600', 9)


@dataclass
class Seen:
    """What came of an answer."""

    shown: bytes = b""
    bodies: list[Json] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    kept: Kept | None = None


def run(
    make: Callable[[str], StreamedReply | WholeReply],
    legs: Iterable[bytes],
    *,
    places: Sequence[int] = (),
    body: Json = BODY,
) -> Seen:
    """Answer the calls of each leg until there is none; every leg is needed, and no more."""
    reply, seen, data = make(OURS), Seen(), json.dumps(body).encode()
    legs = list(legs)
    for number, stream in enumerate(legs, 1):
        at = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
        seen.shown += b"".join(reply.feed(stream[start:end]) for start, end in itertools.pairwise(at)) + reply.end_leg()
        calls = reply.hidden
        assert bool(calls) == (number < len(legs))
        seen.kept = reply.kept
        if calls:
            assert seen.kept is None
            seen.calls += [called.id for called in calls]
            data = reply.next_body(data, [Answered(called, f"answer to {called.id}") for called in calls])
            seen.bodies.append(json.loads(data))
    return seen


def streamed(*legs: list[Json], **members: object) -> Seen:
    return run(StreamedReply, [leg(*items, id=f"resp_{n}", **members) for n, items in enumerate(legs, 1)])


def whole(*legs: list[Json], **members: object) -> Seen:
    documents = [answer(*items, id=f"resp_{n}", **members) for n, items in enumerate(legs, 1)]
    return run(WholeReply, [json.dumps(document, indent=2).encode() for document in documents])


# legs, and the numbers of their items that the client sees
ANSWERS: dict[str, tuple[list[list[Json]], list[list[int]]]] = {
    "text": ([[text("Hello there.")]], [[0]]),
    "the client's call": ([[reasoning(), text("I look."), SHELL]], [[0, 1, 2]]),
    "unknown items": ([[UNKNOWN, text("x"), SEARCH, *HOSTED]], [[0, 1, 2, 3, 4]]),
    "only our call": ([[call("call_1")], [text("Done.")]], [[], [0]]),
    "reasoning, then our call": (
        [[reasoning(1), call("call_1")], [reasoning(2), text("Done.")]],
        [[0], [0, 1]],
    ),
    "our call first": ([[call("call_1"), text("Meanwhile.")], [text("Done.", 2)]], [[1], [0]]),
    "our call between": (
        [[text("One."), call("call_1"), text("Two.", 2)], [text("Done.", 3), SHELL]],
        [[0, 2], [0, 1]],
    ),
    "two of our calls": (
        [[text("x"), call("call_1"), text("y", 2), call("call_2")], [text("z", 3)]],
        [[0, 2], [0]],
    ),
    "three legs": (
        [[text("a"), call("call_1")], [call("call_2"), text("b", 2)], [text("c", 3)]],
        [[0], [1], [0]],
    ),
    "ours and the client's": ([[text("a"), call("call_1"), SHELL]], [[0, 2]]),
    "the client's of another kind and ours": ([[PATCH, call("call_1")]], [[0]]),
    "ours, then in a later leg both": ([[call("call_1")], [text("b"), SHELL, call("call_2")]], [[], [0, 1]]),
    "what looks like events": ([[TRAPS, call("call_1")], [{**TRAPS, "id": "msg_10"}]], [[0], [0]]),
    "tools of the provider": ([[SEARCH, *HOSTED, call("call_1"), UNKNOWN], [text("z")]], [[0, 1, 2, 4], [0]]),
}
TABLE = pytest.mark.parametrize(("legs", "visible"), ANSWERS.values(), ids=ANSWERS)
BOTH = pytest.mark.parametrize("told", [streamed, whole])


def answer_in(seen: Seen, told: Callable[..., Seen]) -> Json:
    found: Json = answer_of(seen.shown) if told is streamed else json.loads(seen.shown)
    return found


@TABLE
@BOTH
def test_the_client_sees_one_answer_without_our_tool(
    told: Callable[..., Seen], legs: list[list[Json]], visible: list[list[int]]
) -> None:
    seen = told(*legs)
    found = answer_in(seen, told)
    assert found["output"] == [items[n] for items, shown in zip(legs, visible, strict=True) for n in shown]
    assert found["tools"] == TOOLS[:1]
    assert (found["id"], found["status"]) == ("resp_1", "completed")
    assert b'"call_1"' not in seen.shown
    assert OURS.encode() not in seen.shown or UNKNOWN in legs[0]


@TABLE
@given(places=st.lists(st.integers(0, 100_000), max_size=30))
def test_the_bytes_are_the_same_however_they_are_cut(
    legs: list[list[Json]], visible: list[list[int]], places: list[int]
) -> None:
    streams = [leg(*items) for items in legs]
    assert run(StreamedReply, streams, places=places) == run(StreamedReply, streams)


@pytest.mark.parametrize("name", ["text", "the client's call", "unknown items"])
@BOTH
def test_where_nothing_is_hidden_the_bytes_are_the_providers(told: Callable[..., Seen], name: str) -> None:
    (items,) = ANSWERS[name][0]
    if told is streamed:
        assert told(items, tools=TOOLS[:1]).shown == leg(*items, tools=TOOLS[:1])
    else:
        assert told(items, tools=TOOLS[:1]).shown == json.dumps(answer(*items, tools=TOOLS[:1]), indent=2).encode()


@given(st.binary() | st.lists(st.sampled_from(list(events(text("x"), SHELL, tools=[])))).map(b"".join), st.integers(0))
def test_what_is_no_answer_passes_as_it_came(data: bytes, place: int) -> None:
    assert run(StreamedReply, [data], places=[place]).shown == data
    assert run(WholeReply, [data]).shown == data


@TABLE
@BOTH
def test_the_next_request_has_the_items_of_the_provider(
    told: Callable[..., Seen], legs: list[list[Json]], visible: list[list[int]]
) -> None:
    """Reasoning beside what it led to, unknown types, arguments as the model wrote them."""
    seen, given_before = told(*legs), BODY["input"]
    for items, body in zip(legs, seen.bodies, strict=False):
        ours = [item["call_id"] for item in items if item.get("name") == OURS]
        outputs = [{"type": "function_call_output", "call_id": c, "output": f"answer to {c}"} for c in ours]
        assert body == {**BODY, "input": [*given_before, *items, *outputs]}
        given_before = body["input"]
    assert seen.calls == [i["call_id"] for items in legs[:-1] for i in items if i.get("name") == OURS]


@pytest.mark.parametrize(
    ("given_input", "before"),
    [("Go.", [{"role": "user", "content": "Go."}]), ([], [])],
    ids=["a text", "nothing"],
)
def test_an_input_of_another_shape_becomes_a_list(given_input: object, before: list[Json]) -> None:
    legs = [leg(call("call_1")), leg(text("Done."))]
    (body,) = run(StreamedReply, legs, body={**BODY, "input": given_input}).bodies
    assert body["input"][:-2] == before


@pytest.mark.parametrize("previous", [{}, {"previous_response_id": None}, {"previous_response_id": "resp_0"}])
@pytest.mark.parametrize("make", [StreamedReply, WholeReply])
def test_a_leg_that_the_provider_keeps_is_named_and_not_repeated(
    make: type[StreamedReply | WholeReply], previous: Json
) -> None:
    given_body = {"model": "m", "input": "Go.", "tools": TOOLS, **previous}
    answers = [
        answer(reasoning(encrypted_content=None), call("call_1"), id="resp_1", store=True, **previous),
        answer(call("call_2"), id="resp_2", store=True, previous_response_id="resp_1"),
        answer(text("Done."), id="resp_3", store=True, previous_response_id="resp_2"),
    ]
    legs = [leg(*a.pop("output"), **a) if make is StreamedReply else json.dumps(a).encode() for a in answers]
    seen = run(make, legs, body=given_body)
    outputs = [
        {"type": "function_call_output", "call_id": f"call_{n}", "output": f"answer to call_{n}"} for n in (1, 2)
    ]
    assert seen.bodies == [
        {**given_body, "input": [outputs[n - 1]], "previous_response_id": f"resp_{n}"} for n in (1, 2)
    ]
    found = answer_of(seen.shown) if make is StreamedReply else json.loads(seen.shown)
    assert (found["id"], found["previous_response_id"]) == ("resp_1", previous.get("previous_response_id"))
    assert seen.kept == Kept("resp_1", "resp_3", ())


@BOTH
def test_what_a_turn_of_both_owes_is_kept(told: Callable[..., Seen]) -> None:
    """The client answers its own call, and the provider waits for both."""
    seen = told([call("call_1")], [call("call_2"), SHELL], store=True)
    assert seen.kept == Kept("resp_1", "resp_2", (HiddenCall("call_2", b'{"id": "0a1b2c3d"}'),))
    assert told([text("x")], store=False).kept is None
    assert told([text("x")], store=True, status="failed").kept is None


@pytest.mark.parametrize("first", [b'"\xff"', b'"\\ud800"', b"7"], ids=["no UTF-8", "half a pair", "a number"])
def test_nothing_goes_on_from_an_answer_whose_name_is_no_text(first: bytes) -> None:
    begun, done = (
        json.dumps({"type": f"response.{kind}", "response": {"id": "resp_1", "store": True, "output": []}}).encode()
        for kind in ("created", "completed")
    )
    reply = StreamedReply(OURS)
    shown = reply.feed(b"data: " + begun.replace(b'"resp_1"', first) + b"\n\n")
    shown += reply.feed(b"data: " + done + b"\n\n") + reply.end_leg()
    assert first in shown
    assert reply.kept is None


def test_reasoning_goes_back_without_what_the_provider_refuses_to_read() -> None:
    """The provider writes its status, and takes it for an unknown parameter."""
    items = [reasoning(1, status="completed"), reasoning(2, status=None), text("x", status="completed")]
    (body,) = streamed([*items, call("call_1")], [text("y")]).bodies
    assert body["input"][1:4] == [reasoning(1), reasoning(2), items[2]]


def test_reasoning_that_nobody_has_kept_does_not_go_back() -> None:
    (body,) = streamed([reasoning(1, encrypted_content=None), call("call_1")], [text("y")]).bodies
    assert [item.get("type") for item in body["input"][1:]] == ["function_call", "function_call_output"]


@BOTH
def test_usage_is_the_input_of_the_first_leg_and_the_output_of_all(told: Callable[..., Seen]) -> None:
    seen = told([call("call_1")], [call("call_2")], [text("x")])
    assert answer_in(seen, told)["usage"] == {
        "input_tokens": 100,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 9},
        "total_tokens": 130,
    }


@pytest.mark.parametrize("status", ["incomplete", "failed"])
@pytest.mark.parametrize("earlier", [[], [[call("call_1")]]], ids=["first leg", "later leg"])
@BOTH
def test_a_leg_that_is_not_complete_is_the_last(told: Callable[..., Seen], status: str, earlier: list[Json]) -> None:
    """The call may be cut, and the reason is the client's to deal with."""
    if told is whole and earlier:
        documents = [answer(call("call_1")), answer(text("x"), call("call_2"), status=status)]
        seen = run(WholeReply, [json.dumps(document).encode() for document in documents])
    elif earlier:
        seen = run(StreamedReply, [leg(call("call_1")), leg(text("x"), call("call_2"), status=status)])
    else:
        seen = told([text("x"), call("call_2")], status=status)
    found = answer_in(seen, told)
    assert (found["status"], found["output"]) == (status, [text("x")])


def test_an_end_that_names_no_items_is_left_so() -> None:
    """Some providers say everything in events, and nothing at the end."""
    legs = [leg(text("a"), call("call_1")), leg(text("b", 2))]
    ends = [read(data)[-1] for data in legs]
    empty = [
        data.replace(json.dumps(end["response"]["output"], separators=(",", ":")).encode(), b"[]")
        for data, end in zip(legs, ends, strict=True)
    ]
    seen = run(StreamedReply, empty)
    assert read(seen.shown)[-1]["response"]["output"] == []
    assert [item["type"] for item in seen.bodies[0]["input"][1:]] == [
        "message",
        "function_call",
        "function_call_output",
    ]


def test_unknown_events_pass_and_are_numbered() -> None:
    odd = b": comment\n\n" + event("response.new_thing", 77, a=[1]) + b"data: [DONE]\n\n"
    begun, rest = b"".join(list(events(text("b"), id="resp_2"))[:2]), b"".join(list(events(text("b")))[2:])
    shown = run(StreamedReply, [leg(text("a"), call("call_1")) + odd, begun + odd + rest]).shown
    numbers = [data["sequence_number"] for data in read(shown.replace(b"data: [DONE]\n\n", b""))]
    assert shown.count(b": comment\n\n") == shown.count(b"data: [DONE]\n\n") == 2
    assert numbers[-6:] == list(range(numbers[-6], numbers[-6] + 6))


def test_events_without_names_are_known_by_their_type() -> None:
    def nameless(stream: bytes) -> bytes:
        return b"".join(line for line in stream.splitlines(keepends=True) if not line.startswith(b"event:"))

    shown = run(StreamedReply, [nameless(leg(text("a"), call("call_1"))), nameless(leg(text("b")))]).shown
    assert OURS.encode() not in shown
    assert shown.count(b"response.completed") == shown.count(b"response.created") == 1
    assert b"event:" not in shown


@pytest.mark.parametrize("number", range(1, len(list(events(text("Hello."), call("call_1"))))))
def test_a_first_leg_that_breaks_off_shows_no_more_than_came(number: int) -> None:
    """The client notices by itself, as it would without us; once something is hidden it must be told."""
    came = list(events(text("Hello."), call("call_1"), tools=[]))[:number]
    reply = StreamedReply(OURS)
    shown = reply.feed(b"".join(came))
    if any(OURS.encode() in data for data in came):
        with pytest.raises(UnreadableBody):
            reply.end_leg()
        assert not reply.hidden
    else:
        assert shown + reply.end_leg() == b"".join(came)


@given(place=st.integers(0, 10_000))
def test_a_later_leg_that_breaks_off_is_an_error(place: int) -> None:
    reply = begun_again(StreamedReply)
    data = leg(text("b"))
    reply.feed(data[: place % len(data)])
    with pytest.raises(UnreadableBody):
        reply.end_leg()
    assert not reply.hidden


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b"<html>", b'{"status":"in_progress","output":[]}'])
def test_a_later_document_that_is_no_answer_is_an_error(raw: bytes) -> None:
    reply = begun_again(WholeReply)
    reply.feed(raw)
    with pytest.raises(UnreadableBody):
        reply.end_leg()


def begun_again(make: type[StreamedReply | WholeReply]) -> StreamedReply | WholeReply:
    """A reply whose first leg has called us."""
    reply = make(OURS)
    first = leg(call("call_1")) if make is StreamedReply else json.dumps(answer(call("call_1"))).encode()
    reply.feed(first)
    reply.end_leg()
    reply.next_body(json.dumps(BODY).encode(), [Answered(called, "") for called in reply.hidden])
    return reply


def test_an_error_of_the_provider_stays_its_own() -> None:
    """Only its number is the next one."""
    error = event("error", 5, code="server_error", message="Overloaded")
    shown = run(StreamedReply, [leg(call("call_1")), error]).shown
    assert read(shown)[-1] == {"type": "error", "code": "server_error", "message": "Overloaded", "sequence_number": 2}
    assert run(StreamedReply, [error]).shown == error


@pytest.mark.parametrize("make", [StreamedReply, WholeReply])
def test_an_answer_can_be_closed(make: type[StreamedReply | WholeReply]) -> None:
    reply, shown, body = make(OURS), b"", json.dumps(BODY).encode()
    for number in range(2):
        members = {"id": f"resp_{number}", "store": True}
        items = [text("a", number), call(f"call_{number}")]
        data = leg(*items, **members) if make is StreamedReply else json.dumps(answer(*items, **members)).encode()
        shown += reply.feed(data) + reply.end_leg()
        if number == 0:
            body = reply.next_body(body, [Answered(called, "") for called in reply.hidden])
    shown += reply.close()
    found = answer_of(shown) if make is StreamedReply else json.loads(shown)
    assert found["output"] == [text("a", 0), text("a", 1)]
    assert (found["status"], found["usage"]["output_tokens"]) == ("completed", 20)
    assert reply.kept == Kept("resp_0", "resp_1", (HiddenCall("call_1", b'{"id": "0a1b2c3d"}'),))


ERRORS: dict[str, tuple[int, bytes, str]] = {
    "its own words": (400, b'{"error":{"code":"context_length_exceeded","message":"x"}}', "context_length_exceeded"),
    "no code": (529, b'{"error":{"code":null,"message":"x"}}', "server_error"),
    "too many requests": (429, b"", "rate_limit_exceeded"),
    "html": (502, b"<html>", "server_error"),
    "nothing": (502, b"", "server_error"),
    "no object": (502, b'{"error":"x"}', "server_error"),
    "nested": (502, b"[" * 100_000, "server_error"),
}


@pytest.mark.parametrize(("status", "raw", "code"), ERRORS.values(), ids=ERRORS)
def test_a_failure_is_an_answer_that_has_failed(status: int, raw: bytes, code: str) -> None:
    reply = StreamedReply(OURS)
    shown = reply.feed(leg(text("a"), call("call_1"))) + reply.end_leg()
    reply.next_body(json.dumps(BODY).encode(), [Answered(called, "") for called in reply.hidden])
    assert json.loads(WholeReply(OURS).failed(status, raw))["error"]["code"] == code
    last = reply.failed(status, raw)
    assert bool(last) == raw.startswith(b'{"error":{')  # else the stream breaks off
    if not last:
        return
    found = read(shown + last)
    assert [data["sequence_number"] for data in found] == list(range(len(found)))
    failed = found[-1]["response"]
    assert (found[-1]["type"], failed["status"], failed["error"]["code"]) == ("response.failed", "failed", code)
    assert (failed["id"], failed["tools"]) == ("resp_1", TOOLS[:1])


def test_a_failure_before_anything_was_said_is_an_error() -> None:
    (data,) = read(StreamedReply(OURS).failed(502, b'{"error":{"message":"x"}}'))
    assert (data["type"], data["code"], data["sequence_number"]) == ("error", "server_error", 0)


def test_a_client_that_waits_gets_a_comment() -> None:
    """There is no event for it."""
    assert StreamedReply(OURS).idle().startswith(b":")
    assert StreamedReply(OURS).idle().endswith(b"\n\n")
    assert WholeReply(OURS).idle() == b""


@pytest.mark.parametrize("arguments", ["\ud83d", '{"id": "\udc00"}'])
def test_arguments_that_are_no_text_ask_for_nothing(arguments: str) -> None:
    """The model is answered that there is no such text; its client does not see a fault."""
    seen = whole([call("call_1", arguments=arguments)], [text("Done.")])
    assert seen.calls == ["call_1"]
    assert answer_in(seen, whole)["output"] == [text("Done.")]


@pytest.mark.parametrize("details", [[], [1], "3", 3, None])
def test_figures_that_are_none_are_not_added(details: object) -> None:
    usage = {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": details, "total_tokens": 3}
    seen = whole([call("call_1")], [text("Done.")], usage=usage)
    assert answer_in(seen, whole)["usage"]["output_tokens"] == 4
