"""The model gets what it may see, and an answer comes to an end whatever goes wrong."""

import gzip
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from headroom_mitm import tokens
from headroom_mitm.errors import UnreadableBody
from headroom_mitm.roundtrip.exchange import LONGEST_REFUSAL, MOST_ROUNDS, MOST_TOKENS, Exchange, Leg
from headroom_mitm.roundtrip.pages import PAGE_TOKENS
from headroom_mitm.segments import Key, Rendering, digest, digest_of_text
from headroom_mitm.store import Decision, Store, open_store
from headroom_mitm.wire.anthropic_arguments import AnthropicCalls
from headroom_mitm.wire.anthropic_reply import StreamedReply
from headroom_mitm.wire.anthropic_whole import WholeReply
from headroom_mitm.wire.arguments import Arguments, Events
from headroom_mitm.wire.retelling import Round

OURS = "headroom_retrieve"
BODY = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
ORIGINAL = "\n".join(f"line {number}" for number in range(1, 5001))
DONE: dict[str, Any] = {"type": "text", "text": "Done."}
ERROR = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
Json = dict[str, Any]


def rendering(name: str, original: str = ORIGINAL) -> Rendering:
    return Rendering(Key(digest(name.encode())), "short", digest_of_text(original), "log_lines/1", 1, False, 900, 30)


HERE, ELSEWHERE, GONE = rendering("here"), rendering("elsewhere", "secret"), rendering("gone", "nobody kept this")
ORIGINALS: Mapping[str, Rendering] = {known.id: known for known in (HERE, GONE)}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store that keeps a text of this conversation and one of another."""
    opened = open_store(str(tmp_path / "store.sqlite"))
    opened.freeze([Decision(HERE, ORIGINAL), Decision(ELSEWHERE, "secret")])
    yield opened
    opened.close()


@pytest.fixture
def dead(tmp_path: Path) -> Iterator[Store]:
    """A store whose file is none."""
    path = tmp_path / "dead.sqlite"
    path.write_bytes(b"no database at all " * 1000)
    opened = open_store(str(path))
    yield opened
    opened.close()


def call(call_id: str = "toolu_1", arguments: object = None) -> Json:
    return {
        "type": "tool_use",
        "id": call_id,
        "name": OURS,
        "input": {"id": HERE.id} if arguments is None else arguments,
    }


def whole(*blocks: Json) -> bytes:
    stop = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    return json.dumps({"id": "msg_1", "content": blocks, "stop_reason": stop, "usage": {"output_tokens": 1}}).encode()


def streamed(*blocks: Json) -> bytes:
    message = json.loads(whole(*blocks))
    data: list[Json] = [{"type": "message_start", "message": {"usage": {"input_tokens": 1}}}]
    for index, block in enumerate(blocks):
        data += [{"type": "content_block_start", "index": index, "content_block": block}]
        data += [{"type": "content_block_stop", "index": index}]
    data += [{"type": "message_delta", "delta": {"stop_reason": message["stop_reason"]}, "usage": message["usage"]}]
    data += [{"type": "message_stop"}]
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in data)


def exchange(store: Store, *, stream: bool = False) -> Exchange:
    return Exchange(StreamedReply(OURS) if stream else WholeReply(OURS), BODY, ORIGINALS, store.original)


def leg(exchanged: Exchange, data: bytes) -> bytes:
    return exchanged.feed(data) + exchanged.end_leg()


def results(body: bytes) -> list[Json]:
    found: list[Json] = json.loads(body)["messages"][-1]["content"]
    return found


def answered(store: Store, arguments: object) -> Json:
    """What the model is told of a call."""
    exchanged = exchange(store)
    leg(exchanged, whole(call(arguments=arguments)))
    assert exchanged.wants_next_leg
    (result,) = results(exchanged.advance())
    assert leg(exchanged, whole(DONE))
    return result


class Ear:
    """Hears what comes."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self.heard.append(data)

    def next_leg(self) -> None:
        self.heard.append(b"next")


def test_who_listens_hears_each_attempt_at_a_leg_from_its_beginning(store: Store) -> None:
    """Without its content encoding, and whatever of it the client sees."""
    exchanged, ear = exchange(store, stream=True), Ear()
    exchanged.ear = ear
    first, last = streamed(call()), streamed(DONE)
    exchanged.begin_leg("gzip")
    leg(exchanged, gzip.compress(first))
    exchanged.advance()
    exchanged.begin_leg("")
    exchanged.feed(last[:90])
    exchanged.begin_leg("")
    assert b"Done." in leg(exchanged, last)
    assert ear.heard == [first, b"next", last[:90], b"next", last]


@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_what_passes_at_a_look_is_heard_and_held_back_all_the_same(store: Store, encoding: str) -> None:
    """A text of ours in the arguments of a client's call waits for its original, however the call comes."""
    exchanged, ear = exchange(store, stream=True), Ear()
    exchanged.ear = ear
    exchanged.copies = Arguments(["a text that we have shortened"], "note", AnthropicCalls(), Events())
    exchanged.begin_leg(encoding)
    use = {"type": "tool_use", "id": "toolu_2", "name": "Write", "input": {}}
    begun = streamed(use).partition(b"event: content_block_stop")[0]
    said = {"type": "input_json_delta", "partial_json": '{"text": "a text that we have shortened"}'}
    piece = {"type": "content_block_delta", "index": 0, "delta": said}
    pieces = [begun, f"event: content_block_delta\ndata: {json.dumps(piece)}\n\n".encode()]
    sent = [gzip.compress(each) if encoding else each for each in pieces]
    assert [exchanged.feed(each) for each in sent] == [begun, b""]
    assert ear.heard == pieces


@pytest.mark.parametrize(
    ("arguments", "note"),
    [
        ({}, "[lines 1-"),
        ({"lines": "7-9"}, "[lines 7-9 of 5000]\nline 7\nline 8\nline 9"),
        ({"lines": 4999}, "[lines 4999-5000 of 5000]"),
        ({"search": "LINE 4999"}, "[1 lines contain 'LINE 4999'"),
        ({"lines": None, "search": "", "path": None}, "[lines 1-"),
        ({"id": f"id={HERE.id}]", "other": 1}, "[lines 1-"),
    ],
    ids=["id alone", "lines", "a number", "search", "empty arguments", "copied from the note"],
)
def test_the_model_gets_what_it_asks_for(store: Store, arguments: Json, note: str) -> None:
    result = answered(store, {"id": HERE.id, **arguments})
    assert result["content"].startswith(note)
    assert result["is_error"] is False


@pytest.mark.parametrize(
    "arguments",
    [
        {"id": "00000000"},
        {"id": ELSEWHERE.id},
        {"id": GONE.id},
        {},
        {"id": None},
        {"id": ["x"]},
        {"id": "9" * 100_000},
        [],
    ],
    ids=["unknown", "of another conversation", "gone", "none", "null", "a list", "long", "no object"],
)
def test_what_is_not_here_is_told_once_and_for_all(store: Store, arguments: object) -> None:
    """The texts of other conversations are none of its business, though the store has them."""
    result = answered(store, arguments)
    assert result["is_error"] is True
    assert "do not ask for it again" in result["content"]
    assert "secret" not in result["content"]
    assert len(result["content"]) < 500


def test_a_store_that_does_not_answer_is_no_reason_to_fail(dead: Store) -> None:
    result = answered(dead, {"id": HERE.id})
    assert result["is_error"] is True
    assert "cannot be read at the moment" in result["content"]


@pytest.mark.parametrize("raw", ['{"id": "0a', "", "[", "null", '"' + HERE.id, "[" * 100_000, '{"id": "\\ud800"}'])
def test_broken_arguments_are_answered_too(store: Store, raw: str) -> None:
    exchanged = exchange(store, stream=True)
    begun = streamed(call(arguments={}))
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": raw}}
    stop = b"event: content_block_stop"
    leg(exchanged, begun.replace(stop, f"event: content_block_delta\ndata: {json.dumps(delta)}\n\n".encode() + stop))
    (result,) = results(exchanged.advance())
    assert result["is_error"] is True


def test_all_calls_of_a_leg_are_answered_and_noted(store: Store) -> None:
    exchanged = exchange(store)
    leg(exchanged, whole(call("a"), call("b", {"id": "00000000"}), call("c")))
    assert [result["tool_use_id"] for result in results(exchanged.advance())] == ["a", "b", "c"]
    assert exchanged.retrieved == [HERE.id, HERE.id]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_rounds_are_bounded(store: Store, *, stream: bool) -> None:
    """A model that asks on and on is told to stop, and then its answer is closed."""
    exchanged, asks = exchange(store, stream=stream), streamed if stream else whole
    shown = leg(exchanged, asks(DONE, call("toolu_0")))
    told: list[bool] = []
    while exchanged.wants_next_leg:
        told += [result["is_error"] for result in results(exchanged.advance())]
        shown += leg(exchanged, asks(DONE, call(f"toolu_{len(told)}")))
    assert told == [False] * MOST_ROUNDS + [True]
    assert shown.count(b"Done.") == MOST_ROUNDS + 2
    assert b"end_turn" in shown
    assert OURS.encode() not in shown
    assert exchanged.status == 200


BASH: Json = {"type": "tool_use", "id": "toolu_c", "name": "Bash", "input": {}}


def test_what_an_answer_reads_is_bounded(store: Store) -> None:
    """However many calls it makes at once; it is told why there is no more."""
    exchanged = exchange(store)
    leg(exchanged, whole(*(call(f"toolu_{number}") for number in range(40))))
    brought = results(exchanged.advance())
    served = [one for one in brought if not one["is_error"]]
    assert brought[: len(served)] == served
    assert MOST_TOKENS <= sum(tokens.count(one["content"]) for one in served) < MOST_TOKENS + PAGE_TOKENS + 100
    assert all(f"{MOST_TOKENS} is the limit" in one["content"] for one in brought[len(served) :])
    assert len(exchanged.retrieved) == len(served)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_call_beside_the_clients_is_answered_for_later(store: Store, *, stream: bool) -> None:
    exchanged, told = exchange(store, stream=stream), list[Round]()
    exchanged.on_untold = told.extend
    leg(exchanged, (streamed if stream else whole)(call("toolu_1", {"id": HERE.id, "lines": "7"}), BASH))
    assert exchanged.must_conclude
    assert not exchanged.wants_next_leg
    exchanged.conclude()
    assert exchanged.retrieved == [HERE.id]
    assert [json.loads(raw)["id"] for raw in told[0].blocks] == ["toolu_1", "toolu_c"]
    assert "line 7\n" in json.loads(told[0].results[0])["content"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_all_legs_are_told(store: Store, *, stream: bool) -> None:
    exchanged, written, told = exchange(store, stream=stream), streamed if stream else whole, list[Round]()
    exchanged.on_untold = told.extend
    leg(exchanged, written(call()))
    assert not exchanged.must_conclude
    body = json.loads(exchanged.advance())
    leg(exchanged, written(DONE))
    exchanged.conclude()
    exchanged.conclude()
    assert [[json.loads(raw) for raw in made.blocks] for made in told] == [body["messages"][-2]["content"], [DONE]]
    assert [json.loads(raw) for raw in told[0].results] == body["messages"][-1]["content"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_answer_that_fails_is_not_told(store: Store, *, stream: bool) -> None:
    exchanged = exchange(store, stream=stream)
    leg(exchanged, (streamed if stream else whole)(call()))
    exchanged.advance()
    exchanged.fail(529, b"")
    exchanged.end_leg()
    assert not exchanged.must_conclude


def test_a_failure_is_cut_once(store: Store) -> None:
    """Whatever comes behind it is not shown, and no further leg begins."""
    exchanged = exchange(store, stream=True)
    leg(exchanged, streamed(call()))
    exchanged.advance()
    assert b"Overloaded" in exchanged.fail(529, json.dumps(ERROR).encode())
    assert exchanged.fail(500, b"") == b""
    assert leg(exchanged, streamed(call())) == b""
    assert not exchanged.wants_next_leg
    assert exchanged.idle() == b""
    assert exchanged.status == 529


def test_a_damaged_encoding_ends_the_answer_with_an_error(store: Store) -> None:
    exchanged = exchange(store, stream=True)
    assert exchanged.begin_leg("gzip")
    data = gzip.compress(streamed(DONE) * 99)
    shown = exchanged.feed(data[:60]) + exchanged.feed(b"\xff" * 60) + exchanged.feed(data[120:])
    assert streamed(DONE).startswith(shown)
    assert exchanged.breaks_off
    assert exchanged.end_leg() == b""


def deep(levels: int) -> bytes:
    """A leg that calls us and counts its tokens in lists of lists."""
    return streamed(call()).replace(b'"input_tokens": 1', b'"input_tokens": ' + b"[" * levels + b"]" * levels)


def test_an_answer_too_deep_for_a_copy_cannot_go_on(store: Store) -> None:
    """Each attempt at a leg begins with a copy of what came before."""
    exchanged = exchange(store, stream=True)
    leg(exchanged, deep(600))
    assert exchanged.wants_next_leg
    with pytest.raises(UnreadableBody):
        exchanged.advance()


def test_a_copy_that_fails_where_a_leg_begins_is_the_clients_error(store: Store) -> None:
    """There the stack is deeper than where the first copy was made."""
    exchanged = exchange(store, stream=True)
    leg(exchanged, deep(100))
    exchanged.advance()
    later = Leg(-1, exchanged)
    _far_down(150, lambda: later.begin(200, "text/event-stream", ""))
    assert later.feed(streamed(DONE)) == b""
    assert later.pause is None
    assert later.end() == b""
    assert (exchanged.status, exchanged.breaks_off) == (502, True)


def _far_down(left: int, step: Callable[[], None]) -> None:
    """Take a step where the stack has room for so many calls."""
    if sum(1 for _ in traceback.walk_stack(None)) >= sys.getrecursionlimit() - left:
        step()
    else:
        _far_down(left, step)


WORDS_OF_OURS = b"could not be completed"
"""For a document. A stream of which the provider says nothing breaks off: that is what a lost connection looks like."""
# status, content type, encoding, body, words for the client, status for the client
REFUSALS: dict[str, tuple[int, str, str, bytes, bytes, int]] = {
    "overloaded": (529, "application/json", "", json.dumps(ERROR).encode(), b"Overloaded", 529),
    "overloaded, gzip": (
        529,
        "application/json",
        "gzip",
        gzip.compress(json.dumps(ERROR).encode()),
        b"Overloaded",
        529,
    ),
    "overloaded, odd encoding": (529, "application/json", "odd", b"?", WORDS_OF_OURS, 529),
    "overloaded, damaged": (529, "application/json", "gzip", b"?", WORDS_OF_OURS, 529),
    "a gateway's page": (502, "text/html", "", b"<html>" * 999_999, WORDS_OF_OURS, 502),
    "empty": (204, "", "", b"", WORDS_OF_OURS, 502),
    "moved": (302, "", "", b"", WORDS_OF_OURS, 502),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("status", "kind", "encoding", "body", "words", "told"), REFUSALS.values(), ids=REFUSALS)
def test_a_leg_that_is_refused_is_the_clients_error(
    store: Store, status: int, kind: str, encoding: str, body: bytes, words: bytes, told: int, *, stream: bool
) -> None:
    exchanged = exchange(store, stream=stream)
    leg(exchanged, (streamed if stream else whole)(call()))
    exchanged.advance()
    later = Leg(-1, exchanged)
    later.begin(status, kind, encoding)
    assert later.feed(body[:9]) + later.feed(body[9:]) == b""
    last = later.end()
    is_cut = stream and words == WORDS_OF_OURS
    assert last == b"" if is_cut else words in last
    assert (exchanged.status, exchanged.breaks_off) == (told, is_cut)
    assert LONGEST_REFUSAL < 999_999 * 6


@pytest.mark.parametrize(
    ("stream", "kind", "body"),
    [
        (True, "application/json", whole(DONE)),
        (False, "text/event-stream", streamed(DONE)),
        (True, "text/event-stream", streamed(DONE)[:-30]),
        (False, "application/json", whole(DONE)[:-30]),
    ],
    ids=["a document for a stream", "a stream for a document", "a stream cut", "a document cut"],
)
def test_a_leg_that_does_not_fit_is_an_error(store: Store, kind: str, body: bytes, *, stream: bool) -> None:
    exchanged = exchange(store, stream=stream)
    leg(exchanged, (streamed if stream else whole)(call()))
    exchanged.advance()
    later = Leg(-1, exchanged)
    later.begin(200, kind, "")
    said = later.feed(body) + later.end()
    assert (b"overloaded_error" in said, exchanged.breaks_off) == (not stream, stream)
    assert exchanged.status == 502


@pytest.mark.parametrize("encoding", ["gzip", "identity", ""])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_leg_may_come_encoded(store: Store, encoding: str, *, stream: bool) -> None:
    """Also where the provider was asked not to, and the first leg was plain."""
    exchanged, written = exchange(store, stream=stream), streamed if stream else whole
    leg(exchanged, written(call()))
    exchanged.advance()
    later = Leg(-1, exchanged)
    later.begin(200, "Text/Event-Stream; charset=utf-8" if stream else "application/json", encoding)
    data = gzip.compress(written(DONE)) if encoding == "gzip" else written(DONE)
    assert b"Done." in later.feed(data) + later.end()


FAILED = f"event: error\ndata: {json.dumps(ERROR)}\n\n".encode()
PING = b"event: ping\ndata: {}\n\n"
BEGUN = streamed(DONE)[: streamed(DONE).index(b"event: content_block_start")]


def asked_again(exchanged: Exchange, brought: bytes, tries: int = 1) -> Leg:
    """A later leg that has brought this, and nothing more."""
    later = Leg(-1, exchanged, tries)
    later.begin(200, "text/event-stream", "")
    assert later.feed(brought) == b""
    return later


def test_an_error_before_anything_of_a_leg_is_shown_is_no_end(store: Store) -> None:
    """The provider says so in the stream, too, when it is overloaded; signs of life do not count."""
    exchanged = exchange(store, stream=True)
    leg(exchanged, streamed(call()))
    exchanged.advance()
    for tries in (1, 2, 3):
        later = asked_again(exchanged, BEGUN + PING + FAILED, tries)
        assert later.has_failed
        assert later.pause is not None
    last = asked_again(exchanged, BEGUN + PING + FAILED, 4)
    assert last.pause is None
    assert last.end() == FAILED


def test_an_error_in_the_middle_of_a_leg_is_the_clients_at_once(store: Store) -> None:
    exchanged = exchange(store, stream=True)
    leg(exchanged, streamed(call()))
    exchanged.advance()
    later = Leg(-1, exchanged)
    later.begin(200, "text/event-stream", "")
    assert b"content_block_start" in later.feed(streamed(DONE)[:300])
    later.feed(b"\n\n")
    assert later.feed(FAILED) == FAILED
    assert later.pause is None


def test_what_was_held_back_of_a_leg_that_died_is_not_shown_with_the_next_try(store: Store) -> None:
    """A call with a copy of a text of ours waits for the end of its leg; another try brings it again."""
    exchanged = exchange(store, stream=True)
    exchanged.copies = Arguments(["a text of ours"], "note", AnthropicCalls(), Events())
    leg(exchanged, streamed(call()))
    exchanged.advance()
    assert exchanged.begin_leg("")
    exchanged.copies.feed(b"data: {half an event")
    assert exchanged.begin_leg("")
    assert b"half" not in exchanged.feed(streamed(DONE)) + exchanged.end_leg()
