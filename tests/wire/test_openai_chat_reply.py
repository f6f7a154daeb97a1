"""Legs in chunks become one message: nothing of our tool is seen, and all else is the server's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from chat_chunks import (
    DONE,
    OURS,
    Json,
    call,
    chunk,
    cut,
    details,
    event,
    events,
    head,
    leg,
    message_of,
    read,
    say,
    think,
    usage,
)
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire.openai_chat_reply import StreamedReply
from headroom_mitm.wire.reply import Answered

BODY = b'{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[]}'
BASH = call("call_c", "Bash", '{"command": "ls caf\u00e9"}')
GREP = call("call_g", "Grep", "{}", extra_content={"google": {"thought_signature": "c2ln"}})
TRAPS = say('data: [DONE]\n\ndata: {"choices":[]} \r\n\r\n\u00e9\U0001f600 "tool_calls": [{"index":7}]')


@dataclass
class Seen:
    """What came of an answer."""

    shown: bytes = b""
    bodies: list[Json] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)


def run(*legs: bytes, places: Sequence[int] = ()) -> Seen:
    """Answer the calls of each leg until there is none; every leg is needed, and no more."""
    reply, seen, body = StreamedReply(OURS), Seen(), BODY
    for number, data in enumerate(legs, 1):
        seen.shown += b"".join(reply.feed(piece) for piece in cut(data, places)) + reply.end_leg()
        calls = reply.hidden
        assert bool(calls) == (number < len(legs))
        if calls:
            seen.calls += [called.id for called in calls]
            body = reply.next_body(body, [Answered(called, f"answer to {called.id}") for called in calls])
            seen.bodies.append(json.loads(body))
    return seen


# legs, the text and the calls that the client sees
ANSWERS: dict[str, tuple[list[list[Json]], str | None, list[Json]]] = {
    "text": ([[say("Hello there.")]], "Hello there.", []),
    "the client's call": ([[say("I look."), BASH]], "I look.", [BASH]),
    "the client's calls": ([[BASH, GREP]], "", [BASH, GREP]),
    "only our call": ([[call("ours_1")], [say("Done.")]], "Done.", []),
    "text, then our call": ([[say("I look. "), call("ours_1")], [say("Done.")]], "I look. Done.", []),
    "texts that would run together": ([[say("I look."), call("ours_1")], [say("Done.")]], "I look.\n\nDone.", []),
    "two of our calls": ([[call("ours_1"), call("ours_2")], [say("z")]], "z", []),
    "three legs": ([[say("a "), call("ours_1")], [call("ours_2")], [say("b")]], "a b", []),
    "ours, then the client's": ([[say("a"), call("ours_1"), BASH]], "a", [BASH]),
    "the client's, then ours": ([[BASH, call("ours_1"), GREP]], "", [BASH, GREP]),
    "ours between, then in a later leg both": ([[call("ours_1")], [call("ours_2"), BASH, GREP]], "", [BASH, GREP]),
    "the client's in a later leg": ([[call("ours_1")], [say("b"), BASH]], "b", [BASH]),
    "what looks like chunks": ([[TRAPS, call("ours_1")], [say("\n"), BASH]], TRAPS["content"] + "\n", [BASH]),
}
TABLE = pytest.mark.parametrize(("legs", "text", "calls"), ANSWERS.values(), ids=ANSWERS)


@TABLE
def test_the_client_sees_one_message_without_our_tool(legs: list[list[Json]], text: str, calls: list[Json]) -> None:
    seen = run(*(leg(*blocks, leg_id=f"c-{number}") for number, blocks in enumerate(legs)))
    message = message_of(seen.shown)
    assert message["content"] == text
    assert message["tool_calls"] == calls
    assert message["finish_reason"] == ("tool_calls" if calls else "stop")
    assert OURS.encode() not in seen.shown
    assert b"ours_" not in seen.shown


@TABLE
@given(places=st.lists(st.integers(0, 100_000), max_size=30))
def test_the_bytes_are_the_same_however_they_are_cut(
    legs: list[list[Json]], text: str, calls: list[Json], places: list[int]
) -> None:
    streams = [leg(*blocks, spent=usage(1, 2, 3)) for blocks in legs]
    assert run(*streams, places=places) == run(*streams)


@pytest.mark.parametrize("name", ["text", "the client's call", "the client's calls"])
@given(places=st.lists(st.integers(0, 100_000), max_size=30))
def test_where_nothing_is_hidden_the_bytes_are_the_servers(name: str, places: list[int]) -> None:
    (blocks,) = ANSWERS[name][0]
    assert run(leg(*blocks, spent=usage(1, 2, 3)), places=places).shown == leg(*blocks, spent=usage(1, 2, 3))


@given(st.binary() | st.lists(st.sampled_from(list(events(say("x"), BASH)))).map(b"".join), st.integers(0, 1000))
def test_what_is_no_answer_passes_as_it_came(data: bytes, place: int) -> None:
    assert run(data, places=[place]).shown == data


@TABLE
def test_the_next_request_has_the_message_and_its_results(legs: list[list[Json]], text: str, calls: list[Json]) -> None:
    """Arguments as the model wrote them, and a result for each call behind it."""
    seen = run(*(leg(*blocks) for blocks in legs))
    for blocks, body in zip(legs, seen.bodies, strict=False):
        asked = [block for block in blocks if "id" in block]
        said, *results = body["messages"][-1 - len(asked) :]
        assert said["role"] == "assistant"
        assert said["tool_calls"] == asked
        assert said["content"] == "".join(block.get("content", "") for block in blocks)
        assert results == [
            {"role": "tool", "tool_call_id": block["id"], "content": f"answer to {block['id']}"} for block in asked
        ]


def test_a_later_request_begins_as_the_earlier_one() -> None:
    seen = run(leg(call("ours_1")), leg(say("b"), call("ours_2")), leg(say("c")))
    first, second = seen.bodies
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert {**first, "messages": 0} == {**json.loads(BODY), "messages": 0}


@pytest.mark.parametrize(
    ("before", "passes"),
    [
        ([say("x")], True),
        ([say("x"), BASH], True),
        ([], False),
        ([say("x"), call("call_1")], True),
    ],
    ids=["text", "the client's call", "nothing yet", "our call"],
)
def test_text_passes_at_a_look(before: list[Json], *, passes: bool) -> None:
    """Behind a call of ours too, but no call does there; and no chunk with which an answer ends."""
    reply = StreamedReply(OURS)
    sent = [*events(*before)]
    for data in sent[: -2 if before else 0]:
        reply.feed(data)
    text, number = chunk(head("c-1"), {"content": "more"}), chunk(head("c-1"), {"tool_calls": [{"index": 0}]})
    assert reply.passes(text) is passes
    assert reply.passes(text + text) is passes
    assert reply.passes(number) is (passes and call("call_1") not in before)
    assert not reply.passes(text + chunk(head("c-1"), {}, "stop"))


def test_reasoning_goes_back_as_it_came() -> None:
    """Some servers refuse the request without it, even where it is empty; signatures and order count."""
    text = [{"type": "reasoning.text", "text": piece, "format": "f", "index": 0} for piece in ("Hm, ", "what?")]
    signed = {"type": "reasoning.text", "signature": "EqQB==", "format": "f", "index": 0}
    sealed = {"type": "reasoning.encrypted", "data": "gAAA", "id": "rs_1", "index": 0}
    first = leg(think("Hm."), think("", "reasoning"), details(*text, signed, sealed), call("ours_1"))
    first = first.replace(b'"refusal":null', b'"refusal":null,"reasoning":""')
    (body,) = run(first, leg(say("x"))).bodies
    said = body["messages"][1]
    assert said["reasoning_content"] == "Hm."
    assert said["reasoning"] == ""
    assert said["reasoning_details"] == [{**text[0], "text": "Hm, what?", "signature": "EqQB=="}, sealed]
    assert "refusal" not in said


def test_reasoning_of_a_later_leg_has_numbers_of_its_own() -> None:
    """A client joins pieces with the same number, and would join two signatures."""
    item = {"type": "reasoning.text", "text": "Hm", "signature": "EqQB==", "index": 0}
    two = [item, {**item, "index": 1}]
    shown = run(leg(details(*two), call("ours_1")), leg(details(item), say("x"))).shown
    assert message_of(shown)["reasoning_details"] == [*two, {**item, "index": 2}]


def test_members_of_a_call_that_are_not_of_the_standard_go_back() -> None:
    signed = call("ours_1", extra_content={"google": {"thought_signature": "c2ln"}})
    assert run(leg(signed), leg(say("x"))).bodies[0]["messages"][1]["tool_calls"] == [signed]


def test_sound_goes_back_by_its_id() -> None:
    sound = chunk(head("c-1"), {"audio": {"id": "audio_1", "data": "AAAA", "transcript": "Hi"}})
    (body,) = run(sound + leg(call("ours_1")), leg(say("x"))).bodies
    assert body["messages"][1]["audio"] == {"id": "audio_1"}


def test_an_emoji_cut_in_two_is_whole_again() -> None:
    halves = b"".join(
        b'data: {"choices":[{"index":0,"delta":{"content":"\\u%s"},"finish_reason":null}]}\n\n' % half
        for half in (b"d83d", b"de00")
    )
    (body,) = run(halves + leg(call("ours_1")), leg(say("x"))).bodies
    assert body["messages"][1]["content"] == "\U0001f600"


def test_usage_is_the_input_of_the_first_leg_and_the_output_of_all() -> None:
    streams = [leg(call(f"ours_{n}"), spent=usage(100 * n, 50 * (n - 1), 7 * n, n)) for n in (1, 2)]
    shown = run(*streams, leg(say("x"), spent=usage(500, 400, 50, 30))).shown
    assert message_of(shown)["usage"] == usage(100, 0, 7 + 14 + 50, 1 + 2 + 30)
    assert shown.count(b'"prompt_tokens"') == 1


def test_there_is_no_usage_that_the_client_has_not_asked_for() -> None:
    assert b"usage" not in run(leg(call("ours_1")), leg(say("x"))).shown


def test_usage_of_groq_is_corrected_too() -> None:
    ended = [b'"finish_reason":"%s"}],"x_groq":{"id":"r","usage":%s}' % (reason, json.dumps(spent).encode())
             for reason, spent in ((b"tool_calls", usage(100, 0, 7)), (b"stop", usage(300, 100, 5)))]  # fmt: skip
    streams = [
        leg(block).replace(b'"finish_reason":"%s"}]' % reason, end)
        for block, reason, end in zip((call("ours_1"), say("x")), (b"tool_calls", b"stop"), ended, strict=True)
    ]
    (spent,) = (data["x_groq"]["usage"] for data in read(run(*streams).shown) if "x_groq" in data)
    assert spent == usage(100, 0, 12)


@pytest.mark.parametrize("finish", ["length", "content_filter", "error", "new"])
@pytest.mark.parametrize("earlier", [[], [leg(call("ours_1"))]], ids=["first leg", "later leg"])
def test_a_leg_that_stops_for_another_reason_is_the_last(finish: str, earlier: list[bytes]) -> None:
    """The call may be cut, and the reason is the client's to deal with."""
    seen = run(*earlier, leg(say("x"), call("ours_2", arguments='{"id": "0a1b'), finish=finish))
    message = message_of(seen.shown)
    assert (message["finish_reason"], message["content"], message["tool_calls"]) == (finish, "x", [])


def test_stop_can_end_calls_too() -> None:
    assert message_of(run(leg(call("ours_1"), finish="stop"), leg(say("x"))).shown)["content"] == "x"


def one_chunk(*calls: Json, content: str | None = None, finish: str = "tool_calls", **members: Json) -> bytes:
    """An answer in one chunk; the calls of some servers all have the same number."""
    numbered = [{"index": 0, **one} for one in calls]
    delta = {"role": "assistant", "content": content, "tool_calls": numbered}
    return chunk(head("c-1"), delta, finish, **members) + DONE


def test_an_answer_in_one_chunk_is_read_too() -> None:
    first = one_chunk(call("ours_1"), call("ours_2", arguments="{}"), content="I look. ", usage=usage(100, 0, 7))
    seen = run(first, leg(say("Done."), spent=usage(200, 90, 5)))
    assert message_of(seen.shown)["content"] == "I look. Done."
    assert seen.calls == ["ours_1", "ours_2"]
    assert [one["function"] for one in seen.bodies[0]["messages"][1]["tool_calls"]] == [
        call("ours_1")["function"],
        call("ours_2", arguments="{}")["function"],
    ]


def test_calls_with_the_same_number_are_told_apart() -> None:
    (shown,) = list(read(run(one_chunk(call("ours_1"), BASH)).shown))
    assert shown["choices"][0]["delta"]["tool_calls"] == [{"index": 0, **BASH}]
    assert shown["choices"][0]["finish_reason"] == "tool_calls"


def named(*names: str, arguments: str = "{}") -> bytes:
    """A call whose name comes in pieces."""
    pieces: list[Json] = [{"index": 0, "id": "call_1", "type": "function", "function": {"name": names[0]}}]
    pieces += [{"index": 0, "function": {"name": name}} for name in names[1:]]
    pieces += [{"index": 0, "function": {"arguments": arguments}}]
    same = head("c-1")
    return b"".join(
        [
            chunk(same, {"role": "assistant"}),
            *(chunk(same, {"tool_calls": [piece]}) for piece in pieces),
            chunk(same, {}, "tool_calls"),
            DONE,
        ]
    )


@pytest.mark.parametrize("names", [("headroom", "_retrieve"), ("", OURS), (OURS, ""), (OURS, OURS)], ids=repr)
def test_our_name_in_pieces_is_ours(names: tuple[str, ...]) -> None:
    seen = run(named(*names), leg(say("x")))
    assert b"headroom" not in seen.shown
    assert seen.bodies[0]["messages"][1]["tool_calls"][0]["function"] == {"name": OURS, "arguments": "{}"}


@pytest.mark.parametrize("names", [("head", "less"), ("", "Bash"), ("headroom_", "x"), ("head",), ("",)], ids=repr)
def test_a_name_that_begins_like_ours_is_the_clients(names: tuple[str, ...]) -> None:
    (called,) = message_of(run(named(*names)).shown)["tool_calls"]
    assert called["function"] == {"name": "".join(names), "arguments": "{}"}
    assert called["id"] == "call_1"


def test_a_call_of_an_old_function_is_the_clients() -> None:
    old = chunk(head("c-1"), {"function_call": {"name": "f", "arguments": "{}"}})
    seen = run(old + leg(call("ours_1")))
    assert b'"function_call"' in seen.shown


def test_other_choices_pass() -> None:
    """Where there are several the tool is not offered; one of them may still be told by a server of its own accord."""
    second = leg(call("ours_9")).replace(b'"index":0,"delta"', b'"index":1,"delta"')
    assert run(second).shown == second


def test_unknown_events_pass() -> None:
    busy = b": OPENROUTER PROCESSING\n\n"
    odd = busy + b"event: new\ndata: x\n\nid: 7\nretry: 10\n\n" + b'data: {"a": 1 }\n\n'
    seen = run(odd + leg(say("a "), call("ours_1")), odd + leg(say("b")))
    assert seen.shown.count(odd.removeprefix(busy)) == 2
    assert seen.shown.count(busy) == 1  # a leg of which nothing was shown may be asked for again
    assert message_of(seen.shown.replace(odd, b"").replace(odd.removeprefix(busy), b""))["content"] == "a b"


def test_a_head_that_comes_late_is_the_answers() -> None:
    """Azure begins with a chunk that has neither id nor date."""
    empty = event({"id": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": []})
    shown = run(empty + leg(call("ours_1")), empty + leg(say("b"), leg_id="c-22")).shown
    assert shown.startswith(empty)
    assert {data["id"] for data in read(shown[len(empty) :])} == {"c-1"}


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["crlf", "cr"])
def test_line_ends_stay(end: str) -> None:
    def ended(stream: bytes) -> bytes:
        return stream.replace(b"\n", end.encode())

    shown = run(ended(leg(say("a "), call("ours_1"))), ended(leg(say("b")))).shown
    assert b"\n" not in shown.replace(b"\r\n", b"") if end == "\r\n" else b"\n" not in shown
    assert message_of(shown.replace(end.encode(), b"\n"))["content"] == "a b"


def test_a_last_event_without_a_blank_line_counts() -> None:
    seen = run(leg(call("ours_1")).removesuffix(b"\n"), leg(say("b")).removesuffix(b"\n"))
    assert message_of(seen.shown + b"\n")["content"] == "b"


@pytest.mark.parametrize("number", range(1, len(list(events(say("Hello."), call("ours_1")))) - 1))
def test_a_first_leg_that_breaks_off_shows_no_more_than_came(number: int) -> None:
    """The client notices by itself, as it would without us; once something is hidden it must be told."""
    came = list(events(say("Hello."), call("ours_1")))[:number]
    reply = StreamedReply(OURS)
    shown = reply.feed(b"".join(came))
    if any(OURS.encode() in data for data in came):
        if number < len(list(events(say("Hello."), call("ours_1")))) - 1:
            with pytest.raises(UnreadableBody):
                reply.end_leg()
            assert not reply.hidden
    else:
        assert shown + reply.end_leg() == b"".join(came)


@given(place=st.integers(0, 10_000))
def test_a_later_leg_that_breaks_off_is_an_error(place: int) -> None:
    reply = StreamedReply(OURS)
    reply.feed(leg(call("ours_1")))
    reply.end_leg()
    reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])
    data = leg(say("b"))
    end = data.index(b'"finish_reason":"stop"')
    reply.feed(data[: place % end])
    with pytest.raises(UnreadableBody):
        reply.end_leg()
    assert not reply.hidden


def test_an_error_of_the_server_stays_its_own() -> None:
    error = event({"error": {"message": "Overloaded", "code": 502}})
    assert run(leg(call("ours_1")), error).shown.endswith(error)
    assert run(b"".join(list(events(say("x"), call("ours_1")))[:-2]) + error).shown.endswith(error)


@pytest.mark.parametrize("spent", [None, usage(100, 0, 10)], ids=["no usage", "usage"])
def test_an_answer_can_be_closed(spent: Json | None) -> None:
    reply, shown = StreamedReply(OURS), b""
    for number in range(2):
        shown += reply.feed(leg(say("a "), call(f"ours_{number}"), spent=spent)) + reply.end_leg()
        if number == 0:
            reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])
    message = message_of(shown + reply.close())
    assert (message["finish_reason"], message["content"], message["tool_calls"]) == ("stop", "a a ", [])
    assert message["usage"] == (usage(100, 0, 20) if spent else None)


def test_a_failure_is_an_error_chunk_in_the_providers_words() -> None:
    raw = b'{"error":{"message":"x","type":"tokens",\n"code":"rate_limit_exceeded"}}'
    (data,) = read(StreamedReply(OURS).failed(429, raw))
    assert data["error"]["type"] == "tokens"


@pytest.mark.parametrize("raw", [b"<html>", b"", b'{"detail":"x"}', b"[" * 100_000],
                         ids=["html", "nothing", "no error", "nested"])  # fmt: skip
def test_a_stream_of_which_the_provider_says_nothing_breaks_off(raw: bytes) -> None:
    assert StreamedReply(OURS).failed(429, raw) == b""


def test_a_client_that_waits_gets_a_comment() -> None:
    assert StreamedReply(OURS).idle().startswith(b":")
