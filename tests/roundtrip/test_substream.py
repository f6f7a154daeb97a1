"""A leg belongs to the client's stream: it is shown in it, it goes with it, and leaves nothing behind."""

import gzip
import json
from typing import Any

import pytest
from layer_driver import Driver, Hook, flow_of
from mitmproxy import http
from mitmproxy.proxy.layers import http as layers
from mitmproxy.proxy.layers.http import HttpLayer, HttpStream

from headroom_mitm.roundtrip.decoding import MOST_AT_ONCE
from headroom_mitm.roundtrip.exchange import MOST_TRIES, Exchange
from headroom_mitm.roundtrip.substream import (
    MOST_ALARMS,
    HeadroomAdvanceHook,
    HeadroomConcludeHook,
    Job,
    WatchedLayer,
    WatchLayers,
    missing_names,
)
from headroom_mitm.segments import Digest
from headroom_mitm.wire.anthropic_reply import StreamedReply
from headroom_mitm.wire.anthropic_whole import WholeReply

OURS = "headroom_retrieve"
PING = b"event: ping"


def _events(*data: dict[str, Any]) -> bytes:
    return b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in data)


def _message(block: dict[str, Any], stop: str) -> bytes:
    return _events(
        {"type": "message_start", "message": {"usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {}},
        {"type": "message_stop"},
    )


CALL = _message({"type": "tool_use", "id": "toolu_1", "name": OURS, "input": {"id": "0a1b2c3d"}}, "tool_use")
DONE = _message({"type": "text", "text": "Done."}, "end_turn")
OVERLOADED = json.dumps({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}).encode()
REFUSAL = json.dumps({"type": "error", "error": {"type": "invalid_request_error", "message": "Bad"}}).encode()
WHOLE = {"id": "msg_1", "usage": {}}
WHOLE_CALL = json.dumps(
    {**WHOLE, "content": [{"type": "tool_use", "id": "t", "name": OURS, "input": {}}], "stop_reason": "tool_use"}
).encode()
WHOLE_DONE = json.dumps({**WHOLE, "content": [{"type": "text", "text": "Done."}], "stop_reason": "end_turn"}).encode()


class Scene:
    """One client whose answers are watched, with the hooks that the plugin would run."""

    def __init__(self, *, stream: bool = True, hold: str = "", refuse: bool = False) -> None:
        self.stream, self.hold, self.refuse = stream, hold, refuse
        self.jobs: dict[str, Job] = {}
        self.flows: list[http.HTTPFlow] = []
        self.concluded: list[Job] = []
        self.driver = Driver(WatchLayers(lambda flow: self.jobs.get(flow.id), lambda _: None), self._hook)
        self.driver.ask()

    @property
    def flow(self) -> http.HTTPFlow:
        """The client's."""
        return self.flows[0]

    def _hook(self, hook: Hook) -> bool:
        if isinstance(hook, HeadroomAdvanceHook):
            self._advance(hook.job)
        elif isinstance(hook, HeadroomConcludeHook):
            self.concluded.append(hook.job)
        elif hook.name == "requestheaders":
            self.flows.append(flow_of(hook))
        elif hook.name == "responseheaders":
            self._watch(flow_of(hook))
        elif hook.name in ("response", "error"):
            self.jobs.pop(flow_of(hook).id, None)
        return hook.name != self.hold

    def _watch(self, flow: http.HTTPFlow) -> None:
        assert flow.response
        if flow.request.headers.get("leg"):
            flow.response.stream = True
            return
        exchange = Exchange(
            (StreamedReply if self.stream else WholeReply)(OURS), flow.request.content or b"", {}, _none
        )
        self.jobs[flow.id] = Job(flow, exchange)
        if self.stream:
            flow.response.stream = lambda data: [shown] if data and (shown := exchange.feed(data)) else []

    def _advance(self, job: Job) -> None:
        if self.refuse:
            return
        job.next_flow = http.HTTPFlow(job.flow.client_conn, job.flow.server_conn)
        job.next_flow.request = job.flow.request.copy()
        job.next_flow.request.content = job.exchange.advance()
        job.next_flow.request.headers["leg"] = "yes"

    def is_cut(self) -> bool:
        """The client's stream has broken off, with no word of an error, and nothing is kept of it."""
        has_end = b"event: error" in self.driver.body or self.driver.is_ended
        return not has_end and not self.driver.is_open(self.driver.client) and self.is_clean()

    def is_clean(self, *, killed: bool = False) -> bool:
        """Nothing is kept of what is over; but mitmproxy itself keeps streams that were killed."""
        layer = self.driver.layer
        assert isinstance(layer, WatchedLayer)
        return (killed or not layer.streams) and not layer.legs and not self.jobs


def _none(_: Digest) -> str:
    raise AssertionError("nothing was left out here")


def test_this_mitmproxy_has_all_that_is_needed() -> None:
    assert missing_names() == []


@pytest.mark.parametrize(
    ("owner", "name"),
    [(HttpLayer, "make_stream"), (HttpStream, "check_killed"), (HttpStream, "send_response"), (layers, "ReceiveHttp")],
)
def test_what_is_lacking_is_named(owner: Any, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(owner, name)
    (missing,) = missing_names()
    assert missing.endswith(name)


@pytest.mark.parametrize("legs", [1, 2, 5])
def test_legs_make_one_answer_on_one_connection(legs: int) -> None:
    scene = Scene()
    for _ in range(legs - 1):
        scene.driver.answer(CALL)
    scene.driver.answer(DONE)
    assert scene.driver.is_ended
    assert scene.driver.body.count(b"event: message_start") == scene.driver.body.count(b"event: message_stop") == 1
    assert OURS.encode() not in scene.driver.body
    assert len(scene.driver.servers) == 1
    assert len(scene.flows) == legs
    assert scene.is_clean()


def test_the_connection_can_be_used_again() -> None:
    scene = Scene()
    for number in range(1, 4):
        scene.driver.answer(CALL)
        scene.driver.answer(DONE)
        assert scene.driver.sent[scene.driver.client].count(b"HTTP/1.1 200") == number
        scene.driver.ask()
    assert len(scene.driver.servers) == 1


def test_what_a_leg_brings_is_shown_as_it_comes() -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    begun = DONE.index(b"event: message_delta")
    scene.driver.answer(DONE[:begun], more=True)
    assert b"Done." in scene.driver.body
    scene.driver.go_on(DONE[begun:])
    assert scene.driver.is_ended


def test_an_answer_that_is_not_watched_passes() -> None:
    scene = Scene()
    scene.jobs.clear()
    scene.driver.answer(DONE, more=True)
    scene.jobs.clear()
    scene.driver.go_on(CALL)
    assert scene.driver.is_ended
    assert scene.driver.body.startswith(DONE)


def test_a_leg_that_dies_takes_the_clients_stream_along() -> None:
    """As the connection to the provider would by itself: clients know what to do then."""
    scene = Scene()
    scene.driver.answer(CALL)
    scene.driver.answer(DONE[: DONE.index(b"event: message_delta")], more=True)
    scene.driver.leaves(scene.driver.servers[-1])
    assert scene.driver.body.endswith(b"\n\n")
    assert scene.is_cut()


def test_a_leg_that_is_refused_is_cut_for_a_client_that_tries_again_only_then() -> None:
    scene = Scene()
    scene.driver.answer(CALL[:100], more=True)
    scene.jobs[scene.flow.id].exchange.breaks_off = True
    scene.driver.go_on(CALL[100:])
    scene.driver.answer(REFUSAL, kind="application/json", status=400)
    assert scene.is_cut()


@pytest.mark.parametrize("stream", [True, False], ids=["streamed", "whole"])
def test_the_client_gets_no_end_before_what_it_has_not_seen_is_kept(*, stream: bool) -> None:
    """It could send its next request before another worker can know of it."""
    scene = Scene(stream=stream, hold="headroom_conclude")
    kind = "text/event-stream" if stream else "application/json"
    scene.driver.answer(CALL if stream else WHOLE_CALL, kind=kind)
    scene.driver.answer(DONE if stream else WHOLE_DONE, kind=kind)
    assert len(scene.concluded) == 1
    assert b"message_stop" not in scene.driver.body
    assert not scene.driver.is_ended
    assert (b"Done." in scene.driver.sent[scene.driver.client]) is stream
    scene.driver.finish()
    assert b"Done." in scene.driver.sent[scene.driver.client]
    assert scene.driver.is_ended or not stream
    assert scene.is_clean()


def test_an_ordinary_answer_is_not_concluded() -> None:
    scene = Scene()
    scene.driver.answer(DONE)
    assert scene.concluded == []


def test_a_first_leg_that_dies_is_cut() -> None:
    scene = Scene()
    scene.driver.answer(DONE[:200], more=True)
    scene.driver.leaves(scene.driver.servers[-1])
    assert not scene.driver.is_ended
    assert b"event: error" not in scene.driver.body
    assert not scene.driver.is_open(scene.driver.client)
    assert scene.is_clean()


def test_a_refused_leg_is_an_error_event_with_the_providers_words() -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    scene.driver.answer(REFUSAL, kind="application/json", status=400)
    assert scene.driver.body.endswith(
        b"event: error\ndata: " + REFUSAL.replace(b": ", b":").replace(b", ", b",") + b"\n\n"
    )
    assert scene.driver.is_ended


@pytest.mark.parametrize("status", [0, 429, 503, 529])
def test_a_leg_that_is_refused_for_now_is_asked_for_again(status: int) -> None:
    """As the client would do by itself, had it not seen half an answer; 0: no answer at all."""
    scene = Scene()
    scene.driver.answer(CALL)
    for _ in range(MOST_TRIES - 1):
        if status:
            scene.driver.answer(OVERLOADED, kind="application/json", status=status)
        else:
            scene.driver.leaves(scene.driver.servers[-1])
        scene.driver.ring()
    scene.driver.answer(DONE)
    assert b"Done." in scene.driver.body
    assert b"event: error" not in scene.driver.body
    assert len({flow.request.content for flow in scene.flows[1:]}) == 1
    assert len(scene.flows) == 1 + MOST_TRIES
    assert scene.driver.is_ended
    assert scene.is_clean()


def test_a_leg_that_dies_before_anything_of_it_is_shown_is_asked_for_again() -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    scene.driver.answer(DONE[: DONE.index(b"event: content_block_start") + 9], more=True)
    scene.driver.leaves(scene.driver.servers[-1])
    scene.driver.ring()
    scene.driver.answer(DONE)
    assert scene.driver.body.count(b"Done.") == 1
    assert b"event: error" not in scene.driver.body
    assert scene.driver.is_ended
    assert scene.is_clean()


def test_a_leg_that_is_always_refused_is_an_error_event() -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    for number in range(MOST_TRIES):
        assert not scene.driver.is_ended
        scene.driver.answer(OVERLOADED, kind="application/json", status=529)
        if number < MOST_TRIES - 1:
            scene.driver.ring()
    assert b"overloaded_error" in scene.driver.body
    assert scene.driver.is_ended
    assert scene.is_clean()


def test_a_client_that_leaves_in_a_pause_ends_it() -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    scene.driver.answer(OVERLOADED, kind="application/json", status=529)
    scene.driver.leaves(scene.driver.client)
    scene.driver.ring()
    assert len(scene.flows) == 2
    assert scene.flow.error
    assert scene.is_clean()


def test_a_client_that_waits_in_a_pause_sees_a_ping() -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    scene.driver.answer(OVERLOADED, kind="application/json", status=529)
    scene.driver.ring(0)
    assert scene.driver.body.count(PING) == 1


def test_a_request_that_cannot_be_made_takes_the_clients_stream_along() -> None:
    scene = Scene(refuse=True)
    scene.driver.answer(CALL)
    assert scene.is_cut()


@pytest.mark.parametrize("hold", ["headroom_advance", "request", "responseheaders"])
def test_a_client_that_leaves_during_a_hook_of_a_leg_takes_it_along(hold: str) -> None:
    scene = Scene()
    scene.driver.answer(CALL[:100], more=True)
    scene.hold = hold
    scene.driver.go_on(CALL[100:])
    if hold == "responseheaders":
        scene.driver.answer(DONE[:50], more=True)
    scene.driver.leaves(scene.driver.client)
    scene.hold = ""
    scene.driver.finish()
    assert b"Done." not in scene.driver.body
    assert scene.driver.hooks.count("error") == (1 if hold == "headroom_advance" else 2)
    assert scene.is_clean()


@pytest.mark.parametrize("brought", [b"", DONE[:200]], ids=["nothing", "a part"])
def test_a_client_that_leaves_cancels_the_leg(brought: bytes) -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    if brought:
        scene.driver.answer(brought, more=True)
    scene.driver.leaves(scene.driver.client)
    assert not scene.driver.is_open(scene.driver.servers[-1])
    assert all(flow.error for flow in scene.flows)
    assert scene.is_clean()


def test_a_killed_leg_takes_the_clients_stream_along() -> None:
    scene = Scene()
    scene.driver.answer(CALL[:100], more=True)
    scene.hold = "request"
    scene.driver.go_on(CALL[100:])
    scene.flows[1].kill()
    scene.driver.finish()
    assert len(scene.flows) == 2
    assert not scene.driver.is_ended
    assert not scene.driver.is_open(scene.driver.client)
    assert scene.is_clean(killed=True)


def test_a_killed_answer_does_not_go_on() -> None:
    scene = Scene()
    scene.driver.answer(CALL[:100], more=True)
    scene.hold = "headroom_advance"
    scene.driver.go_on(CALL[100:])
    scene.flow.kill()
    scene.driver.finish()
    assert len(scene.flows) == 1
    assert not scene.driver.is_open(scene.driver.client)
    assert scene.is_clean(killed=True)


def test_a_client_that_waits_sees_a_ping_each_time() -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    for number in (1, 2, 3):
        scene.driver.ring()
        assert scene.driver.body.count(PING) == number
    scene.driver.answer(DONE)
    assert scene.driver.is_ended
    assert scene.driver.body.count(PING) == 3


@pytest.mark.parametrize("brought", [b"", DONE[:200]], ids=["nothing", "a part"])
def test_a_leg_that_falls_silent_is_given_up(brought: bytes) -> None:
    """The client would wait for ever, since it sees pings."""
    scene = Scene()
    scene.driver.answer(CALL)
    if brought:
        scene.driver.answer(brought, more=True)
    for _ in range(MOST_ALARMS - 1):
        scene.driver.ring()
    assert not scene.driver.is_ended
    scene.driver.ring()
    assert not scene.driver.is_open(scene.driver.servers[-1])
    assert scene.is_cut()


def test_a_client_that_has_just_seen_something_sees_no_ping() -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    begun = DONE.index(b"event: message_delta")
    scene.driver.answer(DONE[:begun], more=True)
    scene.driver.ring()
    assert PING not in scene.driver.body
    scene.driver.ring()
    assert scene.driver.body.count(PING) == 1
    scene.driver.go_on(DONE[begun:])


def test_an_alarm_of_the_past_is_nothing() -> None:
    scene = Scene()
    scene.driver.answer(CALL)
    scene.driver.answer(CALL)
    scene.driver.ring(0)
    assert PING not in scene.driver.body
    scene.driver.answer(DONE)
    scene.driver.ring(1)
    assert PING not in scene.driver.body
    assert len(scene.driver.alarms) == 2


def test_no_alarm_is_set_for_an_ordinary_answer() -> None:
    scene = Scene()
    scene.driver.answer(DONE)
    assert scene.driver.alarms == []


def whole(*answers: bytes, status: int = 200) -> tuple[Scene, bytes, bytes]:
    """Answer a client that does not stream; return what it gets: the head and the body."""
    scene = Scene(stream=False)
    for number, body in enumerate(answers, 1):
        scene.driver.answer(body, kind="application/json", status=status if number == len(answers) else 200)
    head, _, _ = scene.driver.sent[scene.driver.client].partition(b"\r\n\r\n")
    return scene, head, scene.driver.body


def test_legs_make_one_document() -> None:
    scene, head, body = whole(WHOLE_CALL, WHOLE_DONE)
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(body)["content"] == [{"type": "text", "text": "Done."}]
    assert scene.is_clean()


def test_a_document_without_calls_passes() -> None:
    assert whole(WHOLE_DONE + b"\n")[2] == WHOLE_DONE + b"\n"


GZIPPED = "application/json\r\ncontent-encoding: gzip"


def test_a_document_is_read_in_its_encoding() -> None:
    scene = Scene(stream=False)
    scene.driver.answer(gzip.compress(WHOLE_CALL), kind=GZIPPED)
    scene.driver.answer(gzip.compress(WHOLE_DONE), kind=GZIPPED)
    assert json.loads(scene.driver.body)["content"] == [{"type": "text", "text": "Done."}]


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b" " * (MOST_AT_ONCE + 1)), gzip.compress(WHOLE_DONE)[:-9] + bytes(9)],
    ids=["bomb", "damaged"],
)
def test_a_document_that_cannot_be_unfolded_passes_as_it_came(body: bytes) -> None:
    scene = Scene(stream=False)
    scene.driver.answer(body, kind=GZIPPED)
    assert scene.driver.body == body
    assert scene.is_clean()


def test_a_refused_leg_is_the_status_of_the_document() -> None:
    scene, head, body = whole(WHOLE_CALL, OVERLOADED, status=529)
    assert head.startswith(b"HTTP/1.1 529")
    assert json.loads(body) == json.loads(OVERLOADED)
    assert scene.is_clean()


@pytest.mark.parametrize("answer", [b"<html>", WHOLE_DONE[:-9]])
def test_a_leg_that_is_no_document_is_a_bad_gateway(answer: bytes) -> None:
    scene, head, body = whole(WHOLE_CALL, answer)
    assert head.startswith(b"HTTP/1.1 502 Bad Gateway")
    assert json.loads(body)["error"]["type"] == "overloaded_error"
    assert scene.is_clean()


def test_a_leg_of_a_document_that_dies_is_a_bad_gateway() -> None:
    scene = Scene(stream=False)
    scene.driver.answer(WHOLE_CALL, kind="application/json")
    scene.driver.ring()
    scene.driver.leaves(scene.driver.servers[-1])
    assert scene.driver.sent[scene.driver.client].startswith(b"HTTP/1.1 502 Bad Gateway")
    assert scene.is_clean()


def test_a_client_of_a_document_that_leaves_cancels_the_leg() -> None:
    scene = Scene(stream=False)
    scene.driver.answer(WHOLE_CALL, kind="application/json")
    scene.driver.leaves(scene.driver.client)
    assert not scene.driver.is_open(scene.driver.servers[-1])
    assert scene.is_clean()
