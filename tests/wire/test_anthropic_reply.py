"""Legs in events become one message: nothing of our tool is seen, and all else is the provider's."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from anthropic_events import OURS, Json, call, cut, event, events, leg, message_of, read, text, thinking
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire.anthropic_reply import StreamedReply
from headroom_mitm.wire.anthropic_turn import assembled
from headroom_mitm.wire.reply import Answered

BODY = b'{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[]}'
BASH = call("toolu_c", "Bash", '{"command": "ls"}')
SEARCH: Json = {"type": "server_tool_use", "id": "srvtoolu_s", "name": "web_search", "input": '{"query": "caf\u00e9"}'}
HITS: Json = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_s", "content": [{"encrypted_content": "a=="}]}
CITED = text("As said.", citations=[{"type": "web_search_result_location", "cited_text": "s"}, {"type": "x", "n": 1.5}])
SEALED: Json = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3"}
UNKNOWN: Json = {"type": "hologram", "content": [{"index": 9}], "index": 7}
TRAPS = text('{"index":7} "index": 8\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n\r\n\r\n\u00e9\U0001f600')


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


# legs, and the numbers of their blocks that the client sees
ANSWERS: dict[str, tuple[list[list[Json]], list[list[int]]]] = {
    "text": ([[text("Hello there.")]], [[0]]),
    "the client's call": ([[text("I look."), BASH]], [[0, 1]]),
    "unknown blocks": ([[UNKNOWN, text("x"), SEALED]], [[0, 1, 2]]),
    "only our call": ([[call("toolu_1")], [text("Done.")]], [[], [0]]),
    "thinking, then our call": (
        [[thinking("Hm, what?"), call("toolu_1")], [thinking("Ah."), text("Done.")]],
        [[0], [0, 1]],
    ),
    "our call last": ([[text("One."), text("Two."), call("toolu_1")], [text("Done.")]], [[0, 1], [0]]),
    "our call first": ([[call("toolu_1"), text("Meanwhile.")], [text("Done.")]], [[1], [0]]),
    "our call between": ([[text("One."), call("toolu_1"), text("Two.")], [text("Done."), BASH]], [[0, 2], [0, 1]]),
    "two of our calls": ([[text("x"), call("toolu_1"), text("y"), call("toolu_2")], [text("z")]], [[0, 2], [0]]),
    "three legs": ([[text("a"), call("toolu_1")], [call("toolu_2"), text("b")], [text("c")]], [[0], [1], [0]]),
    "ours and the client's": ([[text("a"), call("toolu_1"), BASH]], [[0, 2]]),
    "the client's and ours": ([[BASH, call("toolu_1")]], [[0]]),
    "ours, then in a later leg both": ([[call("toolu_1")], [text("b"), BASH, call("toolu_2")]], [[], [0, 1]]),
    "what looks like events": ([[TRAPS, call("toolu_1"), TRAPS], [TRAPS]], [[0, 2], [0]]),
    "server tools": ([[SEARCH, HITS, CITED, call("toolu_1"), UNKNOWN], [SEALED, CITED]], [[0, 1, 2, 4], [0, 1]]),
}
TABLE = pytest.mark.parametrize(("legs", "visible"), ANSWERS.values(), ids=ANSWERS)


@TABLE
def test_the_client_sees_one_message_without_our_tool(legs: list[list[Json]], visible: list[list[int]]) -> None:
    seen = run(*(leg(*blocks) for blocks in legs))
    message = message_of(seen.shown)
    assert message["content"] == [blocks[n] for blocks, shown in zip(legs, visible, strict=True) for n in shown]
    assert OURS.encode() not in seen.shown
    assert b"toolu_1" not in seen.shown


@TABLE
@given(places=st.lists(st.integers(0, 100_000), max_size=30))
def test_the_bytes_are_the_same_however_they_are_cut(
    legs: list[list[Json]], visible: list[list[int]], places: list[int]
) -> None:
    streams = [leg(*blocks) for blocks in legs]
    assert run(*streams, places=places) == run(*streams)


@pytest.mark.parametrize("name", ["text", "the client's call", "unknown blocks"])
@given(places=st.lists(st.integers(0, 100_000), max_size=30))
def test_where_nothing_is_hidden_the_bytes_are_the_providers(name: str, places: list[int]) -> None:
    (blocks,) = ANSWERS[name][0]
    assert run(leg(*blocks), places=places).shown == leg(*blocks)


@given(st.binary() | st.lists(st.sampled_from(list(events(text("x"), BASH)))).map(b"".join), st.integers(0, 1000))
def test_what_is_no_answer_passes_as_it_came(data: bytes, place: int) -> None:
    assert run(data, places=[place]).shown == data


@TABLE
def test_the_next_request_has_the_blocks_of_the_provider(legs: list[list[Json]], visible: list[list[int]]) -> None:
    """Signed thinking, citations, server tools: every member as it was, and arguments as the model wrote them."""
    seen = run(*(leg(*blocks) for blocks in legs))
    turns = [body["messages"][-2:] for body in seen.bodies]
    for blocks, (said, results) in zip(legs, turns, strict=False):
        assert said["role"] == "assistant"
        assert said["content"] == [_sent_back(block) for block in blocks]
        assert [result["tool_use_id"] for result in results["content"]] == [
            block["id"] for block in blocks if block.get("name") == OURS
        ]
        assert results["content"][0]["content"] == f"answer to {results['content'][0]['tool_use_id']}"


def _sent_back(block: Json) -> Json:
    return {**block, "input": json.loads(block["input"])} if "input" in block else block


def test_a_later_request_begins_as_the_earlier_one() -> None:
    seen = run(leg(call("toolu_1")), leg(text("b"), call("toolu_2")), leg(text("c")))
    first, second = seen.bodies
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert {**first, "messages": 0} == {**json.loads(BODY), "messages": 0}


def test_arguments_go_back_byte_for_byte() -> None:
    written = '{ "id" :"a",  "n": 1.50, "big": 12345678901234567890123, "s":"\\u00e9\\/"}'
    reply = StreamedReply(OURS)
    reply.feed(leg(text("x"), call("toolu_1", arguments=written)))
    reply.end_leg()
    (called,) = reply.hidden
    assert called.arguments == written.encode()
    assert written.encode() in reply.next_body(BODY, [Answered(called, "")])


@pytest.mark.parametrize(
    ("written", "sent_back"),
    [("", {}), ('{"id": "0a', {"INVALID_JSON": '{"id": "0a'}), ("[1]", {"INVALID_JSON": "[1]"})],
    ids=["empty", "broken", "no object"],
)
def test_arguments_that_are_no_object_do_not_spoil_the_request(written: str, sent_back: Json) -> None:
    seen = run(leg(call("toolu_1", arguments=written)), leg(text("x")))
    assert seen.bodies[0]["messages"][1]["content"][0]["input"] == sent_back


def test_texts_without_words_are_not_sent_back() -> None:
    """The provider sends them and does not take them; the client sees them all the same."""
    seen = run(leg(text(""), text("\n\n"), call("toolu_1")), leg(text("x")))
    assert [block["type"] for block in seen.bodies[0]["messages"][1]["content"]] == ["tool_use"]
    assert [block["text"] for block in message_of(seen.shown)["content"]] == ["", "\n\n", "x"]


def test_an_emoji_cut_in_two_is_whole_again() -> None:
    halves = leg(text("12345\U0001f600"), call("toolu_1")).replace("\U0001f600".encode(), b'\\ud83d"}}\n\nX')
    start, _, end = halves.partition(b"X")
    second = b'event: content_block_delta\ndata: {"index":0,"delta":{"type":"text_delta","text":"\\ude00"}}\n\n'
    stream = start + second + end[end.index(b"event: content_block_stop") :]
    reply = StreamedReply(OURS)
    reply.feed(stream)
    reply.end_leg()
    body = json.loads(reply.next_body(BODY, [Answered(called, "") for called in reply.hidden]))
    assert body["messages"][1]["content"][0]["text"] == "12345\U0001f600"


def test_usage_is_the_input_of_the_first_leg_and_the_output_of_all() -> None:
    streams = [leg(call(f"toolu_{n}"), usage=(100 * n, 7 * n)) for n in (1, 2)]
    usage = message_of(run(*streams, leg(text("x"), usage=(500, 50))).shown)["usage"]
    assert usage == {"input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 7 + 14 + 50}


def test_usage_in_the_last_event_is_corrected_too() -> None:
    last = leg(text("x"), usage=(500, 50)).replace(
        b'"usage":{"output_tokens":50}', b'"usage":{"input_tokens":500,"output_tokens":50,"new":{"a":1}}'
    )
    usage = message_of(run(leg(call("toolu_1"), usage=(100, 7)), last).shown)["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["new"]) == (100, 57, {"a": 1})


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "pause_turn", "model_context_window_exceeded", "new"])
@pytest.mark.parametrize("earlier", [[], [leg(call("toolu_1"))]], ids=["first leg", "later leg"])
def test_a_leg_that_stops_for_another_reason_is_the_last(stop: str, earlier: list[bytes]) -> None:
    """The call may be cut, and the reason is the client's to deal with."""
    seen = run(*earlier, leg(text("x"), call("toolu_2", arguments='{"id": "0a1b'), stop=stop))
    message = message_of(seen.shown)
    assert message["stop_reason"] == stop
    assert message["content"] == [text("x")]


PING = b"event: ping\n\n"


def test_unknown_events_pass() -> None:
    odd = b": comment\n\n" + event("new_thing", index=0, a=[1]) + b"id: 7\nretry: 10\n\n" + PING
    seen = run(odd + leg(text("a"), call("toolu_1")) + odd, odd + leg(text("b")) + odd)
    assert seen.shown.count(odd.removesuffix(PING)) == 4
    assert seen.shown.count(PING) == 3  # a leg of which nothing was shown may be asked for again
    assert message_of(seen.shown.replace(odd, b""))["content"] == [text("a"), text("b")]


def test_events_without_names_are_known_by_their_type() -> None:
    def nameless(stream: bytes) -> bytes:
        return b"".join(line for line in stream.splitlines(keepends=True) if not line.startswith(b"event:"))

    seen = run(nameless(leg(text("a"), call("toolu_1"))), nameless(leg(text("b"))))
    kinds = [json.loads(line[6:])["type"] for line in seen.shown.splitlines() if line.startswith(b"data: ")]
    assert kinds.count("message_stop") == kinds.count("message_start") == 1
    assert kinds.count("content_block_start") == 2
    assert OURS.encode() not in seen.shown


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["crlf", "cr"])
def test_line_ends_stay(end: str) -> None:
    def ended(stream: bytes) -> bytes:
        return stream.replace(b"\n", end.encode())

    seen = run(ended(leg(text("a"), call("toolu_1"))), ended(leg(text("b"))))
    assert b"\n" not in seen.shown.replace(b"\r\n", b"") if end == "\r\n" else b"\n" not in seen.shown
    assert message_of(seen.shown.replace(end.encode(), b"\n"))["content"] == [text("a"), text("b")]


def test_data_in_several_lines_is_one() -> None:
    start = event("content_block_start", index=0, content_block=text("")).replace(
        b',"content_block"', b',\ndata:"content_block"'
    )
    broken = leg(text("b")).replace(event("content_block_start", index=0, content_block=text("")), start)
    assert broken.count(b'\ndata:"content_block"') == 1
    assert message_of(run(leg(text("a"), call("toolu_1")), broken).shown)["content"] == [text("a"), text("b")]


def test_numbers_are_found_where_they_stand() -> None:
    """Members in another order, others of the same name, white space: only the block's own number changes."""
    odd = b'event: content_block_delta\ndata: {"delta": {"type":"x","index":5, "\\"index":6}, "index" : 0 }\n\n'
    shown = run(
        leg(text("a"), call("toolu_1")), leg(text("b")).replace(b"event: message_delta", odd + b"event: message_delta")
    ).shown
    assert odd.replace(b'"index" : 0', b'"index" : 1') in shown


@pytest.mark.parametrize("number", range(1, len(list(events(text("Hello."), call("toolu_1"))))))
def test_a_first_leg_that_breaks_off_shows_no_more_than_came(number: int) -> None:
    """The client notices by itself, as it would without us; once something is hidden it must be told."""
    came = list(events(text("Hello."), call("toolu_1")))[:number]
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
    reply = StreamedReply(OURS)
    reply.feed(leg(call("toolu_1")))
    reply.end_leg()
    reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])
    data = leg(text("b"))
    reply.feed(data[: place % len(data)])
    with pytest.raises(UnreadableBody):
        reply.end_leg()
    assert not reply.hidden


def test_an_error_of_the_provider_stays_its_own() -> None:
    error = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    assert run(leg(call("toolu_1")), error).shown.endswith(error)
    assert run(b"".join(list(events(text("x"), call("toolu_1")))[:-2]) + error).shown.endswith(error)


def test_an_answer_can_be_closed() -> None:
    reply, shown = StreamedReply(OURS), b""
    for number in range(2):
        shown += reply.feed(leg(text("a"), call(f"toolu_{number}"), usage=(100, 10))) + reply.end_leg()
        if number == 0:
            reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])
    message = message_of(shown + reply.close())
    assert (message["stop_reason"], message["usage"]["output_tokens"]) == ("end_turn", 20)
    assert message["content"] == [text("a"), text("a")]


@pytest.mark.parametrize(
    ("status", "raw", "kind"),
    [
        (400, b'{"type":"error",\n"error":{"type":"invalid_request_error","message":"x"}}', "invalid_request_error"),
        (429, b'{"type":"error","error":{"type":"rate_limit_error","message":"x"}}', "overloaded_error"),
        (500, b'{"type":"error","error":{"type":"api_error","message":"x"}}', "overloaded_error"),
    ],
    ids=["its own words", "too many", "a fault"],
)
def test_a_failure_is_an_error_event(status: int, raw: bytes, kind: str) -> None:
    """In a stream there is no status: what may be tried again has the type that says so."""
    ((name, data),) = read(StreamedReply(OURS).failed(status, raw))
    assert (name, data["type"], data["error"]["type"]) == ("error", "error", kind)


NO_ERRORS = {
    "html": b"<html>",
    "nothing": b"",
    "no error": b'{"type":"message"}',
    "a list": b'{"type":"error","error":[]}',
    "nested": b"[" * 100_000,
}


@pytest.mark.parametrize("raw", NO_ERRORS.values(), ids=NO_ERRORS)
def test_a_stream_of_which_the_provider_says_nothing_breaks_off(raw: bytes) -> None:
    assert StreamedReply(OURS).failed(502, raw) == b""


def test_a_client_that_waits_gets_a_ping() -> None:
    assert list(read(StreamedReply(OURS).idle())) == [("ping", {"type": "ping"})]


@pytest.mark.parametrize(
    ("legs", "held"),
    [
        ([[text("x"), BASH]], False),
        ([[text("x"), call("toolu_1"), BASH]], True),
        ([[call("toolu_1")], [text("x")]], True),
    ],
    ids=["nothing hidden", "ours and the client's", "a later leg"],
)
def test_the_end_waits_where_something_must_be_kept_first(legs: list[list[Json]], *, held: bool) -> None:
    """The client may ask on as soon as it has it."""
    reply = StreamedReply(OURS)
    for blocks in legs[:-1]:
        reply.feed(leg(*blocks))
        reply.end_leg()
        reply.next_body(BODY, [Answered(called, "x") for called in reply.hidden])
    shown = reply.feed(leg(*legs[-1]))
    assert (b"message_stop" not in shown) is held
    assert (b"message_delta" not in shown) is held
    assert reply.end_leg().count(b"message_stop") == 2 * held
    assert (reply.untold is not None) is held


@TABLE
def test_what_the_client_has_not_seen_can_be_told(legs: list[list[Json]], visible: list[list[int]]) -> None:
    reply = StreamedReply(OURS)
    for blocks in legs:
        if reply.hidden:
            reply.next_body(BODY, [Answered(called, "x") for called in reply.hidden])
        reply.feed(leg(*blocks))
        reply.end_leg()
    untold = reply.untold
    if not any(block.get("name") == OURS for blocks in legs for block in blocks):
        assert untold is None
        return
    assert untold is not None
    rounds = [*untold.before, untold.last([Answered(called, "x") for called in untold.calls])]
    assert [[json.loads(raw) for raw in made.blocks] for made in rounds] == [
        [_sent_back(block) for block in blocks] for blocks in legs
    ]
    assert [[n for n in range(len(made.blocks)) if n not in made.hidden] for made in rounds] == visible
    assert [len(made.results) for made in rounds] == [len(made.hidden) for made in rounds]


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "pause_turn"])
def test_a_call_that_may_be_cut_is_not_told(stop: str) -> None:
    reply = StreamedReply(OURS)
    reply.feed(leg(text("x"), call("toolu_1"), BASH, stop=stop))
    reply.end_leg()
    assert reply.untold is None


def test_an_answer_that_breaks_off_is_not_told() -> None:
    reply = StreamedReply(OURS)
    reply.feed(leg(text("x"), call("toolu_1"), BASH)[:-30])
    with pytest.raises(UnreadableBody):
        reply.end_leg()
    assert reply.untold is None


@pytest.mark.parametrize("start", [{}, {"content": None}, {"content": ""}], ids=["no member", "null", "empty"])
def test_a_compaction_goes_back_with_all_of_its_text(start: Json) -> None:
    """However its block begins: without it the provider would take the whole conversation again."""
    began = event("content_block_start", index=0, content_block={"type": "compaction", **start})
    brought = event("content_block_delta", index=0, delta={"type": "compaction_delta", "content": "So far."})
    assert assembled([began, brought])[0] == {"type": "compaction", "content": "So far."}
