"""Legs in documents become one document: nothing of our tool is seen, and all else is the provider's."""

import json

import pytest
from anthropic_events import OURS, Json, call, text, thinking, whole
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire.anthropic_whole import WholeReply
from headroom_mitm.wire.reply import Answered

BODY = b'{"messages":[{"role":"user","content":"x"}],"model":"m"}'
BASH = call("toolu_c", "Bash", '{"command": "ls", "n": 1.50}')
UNKNOWN: Json = {"type": "hologram", "content": [{"name": OURS[:8], "index": 9}]}
# legs, and the numbers of their blocks that the client sees
ANSWERS: dict[str, tuple[list[list[Json]], list[list[int]]]] = {
    "text": ([[text("Hello.")]], [[0]]),
    "the client's call": ([[UNKNOWN, BASH]], [[0, 1]]),
    "nothing": ([[]], [[]]),
    "only our call": ([[call("toolu_1")], [text("Done.")]], [[], [0]]),
    "thinking": ([[thinking("Hm"), text("x"), call("toolu_1")], [thinking("Ah"), text("y")]], [[0, 1], [0, 1]]),
    "between": ([[text("x"), call("toolu_1"), UNKNOWN], [text("y"), BASH]], [[0, 2], [0, 1]]),
    "two of our calls": ([[call("toolu_1"), call("toolu_2")], [text("y")]], [[], [0]]),
    "three legs": ([[text("a"), call("toolu_1")], [call("toolu_2"), text("b")], [text("c")]], [[0], [1], [0]]),
    "ours and the client's": ([[text("a"), call("toolu_1"), BASH]], [[0, 2]]),
    "in a later leg both": ([[text("a"), call("toolu_1")], [BASH, call("toolu_2")]], [[0], [0]]),
}
TABLE = pytest.mark.parametrize(("legs", "visible"), ANSWERS.values(), ids=ANSWERS)


def run(*legs: bytes) -> tuple[bytes, list[Json]]:
    """Answer the calls of each leg until there is none; every leg is needed, and no more."""
    reply, shown, body, bodies = WholeReply(OURS), b"", BODY, []
    for number, data in enumerate(legs, 1):
        shown += reply.feed(data[:7]) + reply.feed(data[7:]) + reply.end_leg()
        assert bool(reply.hidden) == (number < len(legs))
        assert not (reply.hidden and shown)
        if reply.hidden:
            body = reply.next_body(body, [Answered(called, f"answer to {called.id}") for called in reply.hidden])
            bodies.append(json.loads(body))
    return shown, bodies


def _written(block: Json) -> Json:
    return {**block, "input": json.loads(block["input"])} if "input" in block else block


@TABLE
def test_the_client_sees_one_message_without_our_tool(legs: list[list[Json]], visible: list[list[int]]) -> None:
    documents = [whole(*blocks, message_id=f"msg_{number}") for number, blocks in enumerate(legs)]
    shown = run(*documents)[0]
    message = json.loads(shown)
    seen = [_written(blocks[n]) for blocks, numbers in zip(legs, visible, strict=True) for n in numbers]
    last = json.loads(documents[-1])
    assert message["content"] == seen
    assert message == {**last, "id": "msg_0", "content": seen, "usage": message["usage"]}
    assert OURS.encode() not in shown


@pytest.mark.parametrize("name", ["text", "the client's call", "nothing"])
def test_where_nothing_is_hidden_the_document_is_the_providers(name: str) -> None:
    (blocks,) = ANSWERS[name][0]
    document = whole(*blocks) + b"\n"
    assert run(document)[0] == document


@TABLE
def test_the_next_request_has_the_blocks_of_the_provider(legs: list[list[Json]], visible: list[list[int]]) -> None:
    bodies = run(*(whole(*blocks) for blocks in legs))[1]
    for blocks, body in zip(legs, bodies, strict=False):
        said, results = body["messages"][-2:]
        assert said == {"role": "assistant", "content": [_written(block) for block in blocks]}
        assert [result["tool_use_id"] for result in results["content"]] == [
            block["id"] for block in blocks if block.get("name") == OURS
        ]


def test_what_is_not_ours_keeps_its_bytes() -> None:
    """Numbers, escapes and white space of shown blocks, and of members that nobody here knows."""
    last = whole(text("\u00e9\\u0041"), BASH)
    shown = run(whole(call("toolu_1")), last)[0]
    assert b'"unknown": [\n    1.5\n  ]' in shown
    for block in ('"text": "\\u00e9\\\\u0041"', '"n": 1.5'):
        assert block.encode() in shown


def test_usage_is_the_input_of_the_first_leg_and_the_output_of_all() -> None:
    streams = [whole(call(f"toolu_{n}"), usage=(100 * n, 7 * n)) for n in (1, 2)]
    usage = json.loads(run(*streams, whole(text("x"), usage=(500, 50)))[0])["usage"]
    assert usage == {"input_tokens": 100, "cache_read_input_tokens": 1000, "output_tokens": 7 + 14 + 50}


@pytest.mark.parametrize("stop", ["max_tokens", "refusal", "pause_turn"])
def test_a_leg_that_stops_for_another_reason_is_the_last(stop: str) -> None:
    message = json.loads(run(whole(text("x"), call("toolu_1"), stop=stop))[0])
    assert (message["stop_reason"], message["content"]) == (stop, [text("x")])


def test_texts_without_words_are_not_sent_back() -> None:
    shown, (body,) = run(whole(text(" "), call("toolu_1")), whole(text("x")))
    assert [block["type"] for block in body["messages"][1]["content"]] == ["tool_use"]
    assert json.loads(shown)["content"] == [text(" "), text("x")]


ODD = [
    b"",
    b"<html>",
    b"[]",
    b"{}",
    b'{"content":null}',
    b'{"content":[1]}',
    b'{"content":[],"content":[]}',
    b"[" * 9999,
]


@given(st.binary() | st.sampled_from(ODD))
def test_what_is_no_answer_passes_as_it_came(data: bytes) -> None:
    assert run(data) == (data, [])


@pytest.mark.parametrize("data", ODD[:-1])
def test_a_later_leg_that_is_no_answer_is_an_error(data: bytes) -> None:
    reply = WholeReply(OURS)
    reply.feed(whole(call("toolu_1")))
    reply.end_leg()
    reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])
    reply.feed(data)
    with pytest.raises(UnreadableBody):
        reply.end_leg()
    assert not reply.hidden


def test_a_block_that_is_no_text_is_never_sent_back() -> None:
    """The provider would refuse the request, and a body that is no UTF-8 is none that others can read."""
    reply = WholeReply(OURS)
    reply.feed(whole(text("caf?"), call("toolu_1")).replace(b"caf?", b"caf\xe9"))
    assert reply.end_leg() == b""
    with pytest.raises(UnreadableBody):
        reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])


@pytest.mark.parametrize("usage", [b"null", b"[]", b'{"output_tokens":"many"}', b'{"output_tokens":null}'])
def test_odd_usage_is_no_reason_to_fail(usage: bytes) -> None:
    begin, _, end = whole(text("x")).partition(b'"usage": {')
    odd = begin + b'"usage": ' + usage + b"}" + end[end.index(b"}") + 1 :].rstrip()[:-1]
    assert json.loads(run(whole(call("toolu_1")), odd)[0])["content"] == [text("x")]


def test_an_answer_can_be_closed() -> None:
    reply = WholeReply(OURS)
    reply.feed(whole(text("a"), call("toolu_1")))
    assert reply.end_leg() == b""
    message = json.loads(reply.close())
    assert (message["stop_reason"], message["content"]) == ("end_turn", [text("a")])


def test_a_failure_is_the_providers_document_or_one_worth_a_retry() -> None:
    own = {"type": "error", "error": {"type": "api_error", "message": "x"}}
    assert json.loads(WholeReply(OURS).failed(500, json.dumps(own, indent=1).encode())) == own
    assert json.loads(WholeReply(OURS).failed(500, b"<html>"))["error"]["type"] == "overloaded_error"


def test_a_client_that_waits_gets_nothing_before_the_document() -> None:
    assert WholeReply(OURS).idle() == b""
