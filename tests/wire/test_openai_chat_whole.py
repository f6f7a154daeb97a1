"""Legs in whole documents become one message: nothing of our tool is seen, and all else is the server's."""

import json
from dataclasses import dataclass, field

import pytest
from chat_chunks import OURS, Json, call, details, say, think, usage, whole
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire.openai_chat_whole import WholeReply
from headroom_mitm.wire.reply import Answered

BODY = b'{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[]}'
BASH = call("call_c", "Bash", '{"command": "ls caf\u00e9"}')


@dataclass
class Seen:
    """What came of an answer."""

    shown: bytes = b""
    bodies: list[Json] = field(default_factory=list)

    @property
    def document(self) -> Json:
        value: Json = json.loads(self.shown)
        return value

    @property
    def message(self) -> Json:
        value: Json = self.document["choices"][0]["message"]
        return value


def run(*legs: bytes) -> Seen:
    """Answer the calls of each leg until there is none; every leg is needed, and no more."""
    reply, seen, body = WholeReply(OURS), Seen(), BODY
    for number, data in enumerate(legs, 1):
        assert reply.feed(data[:7]) + reply.feed(data[7:]) == b""
        seen.shown += reply.end_leg()
        calls = reply.hidden
        assert bool(calls) == (number < len(legs))
        if calls:
            body = reply.next_body(body, [Answered(called, f"answer to {called.id}") for called in calls])
            seen.bodies.append(json.loads(body))
    return seen


# legs, the text and the calls that the client sees
ANSWERS: dict[str, tuple[list[list[Json]], str | None, list[Json]]] = {
    "only our call": ([[call("ours_1")], [say("Done.")]], "Done.", []),
    "text, then our call": ([[say("I look. "), call("ours_1")], [say("Done.")]], "I look. Done.", []),
    "texts that would run together": ([[say("I look."), call("ours_1")], [say("Done.")]], "I look.\n\nDone.", []),
    "two of our calls": ([[call("ours_1"), call("ours_2")], [say("z")]], "z", []),
    "three legs": ([[say("a "), call("ours_1")], [call("ours_2")], [say("b")]], "a b", []),
    "ours, then the client's": ([[say("a"), call("ours_1"), BASH]], "a", [BASH]),
    "the client's, then ours": ([[BASH, call("ours_1")]], None, [BASH]),
    "the client's in a later leg": ([[say("a"), call("ours_1")], [BASH]], "a", [BASH]),
}
TABLE = pytest.mark.parametrize(("legs", "text", "calls"), ANSWERS.values(), ids=ANSWERS)


@TABLE
def test_the_client_sees_one_message_without_our_tool(
    legs: list[list[Json]], text: str | None, calls: list[Json]
) -> None:
    seen = run(*(whole(*blocks, leg_id=f"c-{number}") for number, blocks in enumerate(legs)))
    assert seen.message["content"] == text
    assert seen.message.get("tool_calls", []) == calls
    assert seen.document["choices"][0]["finish_reason"] == ("tool_calls" if calls else "stop")
    assert [seen.document[name] for name in ("id", "created", "model")] == ["c-0", 1703, "m-c-0"]
    assert OURS.encode() not in seen.shown
    assert b"ours_" not in seen.shown


@pytest.mark.parametrize("blocks", [[say("Hi.")], [say("a"), BASH]], ids=["text", "the client's call"])
def test_where_nothing_is_hidden_the_bytes_are_the_servers(blocks: list[Json]) -> None:
    assert run(whole(*blocks)).shown == whole(*blocks)


@given(st.binary() | st.sampled_from([b"{}", b'{"choices":[]}', b'{"choices":[{"message":{"tool_calls":[{}]}}]}']))
def test_what_is_no_answer_passes_as_it_came(data: bytes) -> None:
    assert run(data).shown == data


@TABLE
def test_the_next_request_has_the_message_and_its_results(
    legs: list[list[Json]], text: str | None, calls: list[Json]
) -> None:
    seen = run(*(whole(*blocks) for blocks in legs))
    for blocks, body in zip(legs, seen.bodies, strict=False):
        asked = [block for block in blocks if "id" in block]
        said, *results = body["messages"][-1 - len(asked) :]
        assert said["tool_calls"] == asked
        assert said["content"] == ("".join(block.get("content", "") for block in blocks) or None)
        assert results == [
            {"role": "tool", "tool_call_id": block["id"], "content": f"answer to {block['id']}"} for block in asked
        ]


def test_reasoning_of_all_legs_is_seen_and_that_of_the_leg_goes_back() -> None:
    item = {"type": "reasoning.text", "text": "Hm", "signature": "EqQB==", "index": 0}
    first = whole(think("Hm. "), details(item), call("ours_1"))
    seen = run(first, whole(think("Ah."), details(item), say("x")))
    assert seen.bodies[0]["messages"][1]["reasoning_details"] == [item]
    assert seen.bodies[0]["messages"][1]["reasoning_content"] == "Hm. "
    assert seen.message["reasoning_content"] == "Hm. Ah."
    assert seen.message["reasoning_details"] == [item, {**item, "index": 1}]


def test_usage_is_the_input_of_the_first_leg_and_the_output_of_all() -> None:
    legs = [whole(call(f"ours_{n}"), spent=usage(100 * n, 50 * (n - 1), 7 * n, n)) for n in (1, 2)]
    seen = run(*legs, whole(say("x"), spent={**usage(500, 400, 50, 30), "new": {"a": 1}}))
    assert seen.document["usage"] == {**usage(100, 0, 7 + 14 + 50, 1 + 2 + 30), "new": {"a": 1}}


def test_what_is_not_ours_keeps_its_bytes() -> None:
    shown = run(whole(call("ours_1")), whole(say("caf\u00e9"), BASH)).shown
    assert b'"unknown": [\n    1.5\n  ]' in shown
    assert BASH["function"]["arguments"].encode() in shown.replace(b'\\"', b'"')


@pytest.mark.parametrize("earlier", [[], [whole(say("a"), call("ours_1"))]], ids=["first leg", "later leg"])
def test_a_leg_that_stops_for_another_reason_is_the_last(earlier: list[bytes]) -> None:
    seen = run(*earlier, whole(say("x"), call("ours_2", arguments='{"id": "0a1b'), finish="length"))
    assert seen.document["choices"][0]["finish_reason"] == "length"
    assert seen.message["content"].endswith("x")
    assert "tool_calls" not in seen.message


def test_a_message_in_two_choices_is_one() -> None:
    """Copilot tells text and calls of some models apart."""
    text, calls = json.loads(whole(say("I look. "))), json.loads(whole(call("ours_1")))
    choices = [{**one["choices"][0], "finish_reason": "tool_calls"} for one in (text, calls)]
    seen = run(json.dumps({**text, "choices": choices}).encode(), whole(say("Done.")))
    assert seen.bodies[0]["messages"][1]["content"] == "I look. "
    assert seen.bodies[0]["messages"][1]["tool_calls"] == [call("ours_1")]
    assert seen.message["content"] == "I look. Done."


def test_a_later_leg_that_is_no_answer_is_an_error() -> None:
    reply = WholeReply(OURS)
    reply.feed(whole(call("ours_1")))
    reply.end_leg()
    reply.next_body(BODY, [Answered(called, "") for called in reply.hidden])
    reply.feed(b'{"choices":')
    with pytest.raises(UnreadableBody):
        reply.end_leg()


def test_an_answer_can_be_closed() -> None:
    reply = WholeReply(OURS)
    reply.feed(whole(say("a"), call("ours_1")))
    assert reply.end_leg() == b""
    document = json.loads(reply.close())
    assert document["choices"][0]["finish_reason"] == "stop"
    assert document["choices"][0]["message"] == {
        "role": "assistant",
        "content": "a",
        "refusal": None,
        "annotations": [],
    }


def test_a_failure_is_the_servers_own_or_one_to_be_retried() -> None:
    own = b'{"error":{"message":"x","type":"tokens"}}'
    assert WholeReply(OURS).failed(429, own) == own
    assert json.loads(WholeReply(OURS).failed(502, b"<html>"))["error"]["type"] == "server_error"
