"""In a socket each answer is watched by itself, and no longer than it lasts."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.roundtrip.exchange import MOST_ROUNDS, Exchange
from headroom_mitm.roundtrip.talk import MOST_WATCHED, Heard, Talk, Watched, ascii_only
from headroom_mitm.wire.openai_responses_frames import FramesReply

OURS = "headroom_retrieve"
FRAME = b'{"type":"response.create","input":[]}'
COMPLETED = {"id": "resp_1", "status": "completed", "usage": {}, "tools": []}
CALL = {"type": "function_call", "call_id": "call_1", "name": OURS, "arguments": "{}"}


def watched() -> Watched:
    reply = FramesReply(OURS)
    return Watched(Exchange(reply, FRAME, {}, lambda digest: Path(digest.hex()).read_text(encoding="utf-8")), reply)


def ending(*items: object) -> bytes:
    event = {"type": "response.completed", "sequence_number": 1, "response": {**COMPLETED, "output": items}}
    return json.dumps(event).encode()


def test_what_is_not_watched_passes() -> None:
    talk = Talk()
    assert not talk.is_watched
    assert talk.hear("", ending(CALL)) == Heard(ending(CALL))


def test_an_answer_is_watched_until_it_ends() -> None:
    talk = Talk()
    talk.watch("", watched())
    assert talk.is_watched
    assert talk.hear("", ending()).shown == ending()
    assert not talk.is_watched


def test_an_answer_that_calls_us_goes_on() -> None:
    talk, one = Talk(), watched()
    talk.watch("", one)
    assert talk.hear("", ending(CALL)) == Heard(b"", one.exchange)
    assert json.loads(one.exchange.advance())["previous_response_id"] == "resp_1"
    assert json.loads(talk.hear("", ending()).shown)["response"]["output"] == []
    assert not talk.is_watched


def test_a_model_that_never_stops_is_stopped() -> None:
    talk, one = Talk(), watched()
    talk.watch("", one)
    heard = talk.hear("", ending(CALL))
    rounds = 0
    while heard.goes_on is not None:
        one.exchange.advance()
        rounds += 1
        heard = talk.hear("", ending(CALL))
    assert rounds == MOST_ROUNDS + 1
    assert json.loads(heard.shown)["type"] == "response.completed"
    assert OURS.encode() not in heard.shown


def test_conversations_on_one_socket_do_not_meet() -> None:
    talk = Talk()
    talk.watch("a", watched())
    assert talk.hear("b", ending(CALL)).shown == ending(CALL)
    assert talk.hear("a", ending(CALL)).shown == b""


def test_a_new_question_ends_the_watch_of_the_one_before() -> None:
    talk = Talk()
    talk.watch("", watched())
    talk.watch("", None)
    assert not talk.is_watched


def test_a_client_that_only_asks_does_not_fill_the_memory() -> None:
    talk = Talk()
    for number in range(2 * MOST_WATCHED):
        talk.watch(str(number), watched())
    assert talk.hear(str(MOST_WATCHED - 1), ending(CALL)).shown == b""
    assert talk.hear(str(MOST_WATCHED), ending(CALL)).shown == ending(CALL)


def test_a_fault_of_ours_ends_the_answer_as_failed() -> None:
    talk = Talk()
    talk.watch("", watched())
    talk.hear("", ending(CALL))
    assert json.loads(talk.fail(""))["type"] == "error"
    assert not talk.is_watched


@given(st.recursive(st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_in_ascii_says_the_same(value: object) -> None:
    raw = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
    try:
        written = ascii_only(raw)
    except UnreadableBody:
        with pytest.raises(UnicodeDecodeError):
            raw.decode()
        return
    assert written.isascii()
    assert json.loads(written) == value
