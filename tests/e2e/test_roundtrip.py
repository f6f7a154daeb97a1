"""The further legs of an answer go with the client's connection, and fail as the provider fails."""

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from answers import Answer, Call, Json, Say, Think, answer
from client import PATIENCE, Client, Connect, Reply, sse_data
from conversations import history, request
from forked import Copy
from h2_client import Http2Client
from provider import Received
from proxy import ADDON, HERE, Mitmdump, Start, running
from watched_provider import WatchedProvider

OURS = "headroom_retrieve"
PATH = "/v1/messages"
SAID, ANSWERED = "I look closer. " * 9, "There are seven. " * 9
FIRST = answer(Think("Hm."), Say(SAID), Call("toolu_r", OURS, {"id": "0a1b2c3d"}))
LAST = answer(Think("Ah."), Say(ANSWERED), Call("toolu_1", "Bash", {"command": "ls"}))
KINDS = ["thinking", "text", "thinking", "text", "tool_use"]
IN_LAST = 8
"""Number of an event in the text of the later leg."""
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


@pytest.fixture
def provider() -> Iterator[WatchedProvider]:
    """A provider that has received nothing yet."""
    with WatchedProvider().running() as stand_in:
        yield stand_in


def asked(*, stream: bool = True) -> bytes:
    """A conversation that begins here, so the tool is offered."""
    return request(history(), stream=stream)


def by_turn(received: Received) -> Answer:
    """Ask for a text first; with the answer to that, come to an end."""
    return FIRST if len(received.json["messages"]) == 1 else LAST


def check_stream(body: bytes) -> None:
    """Both legs are there as one message, and the tool is not."""
    events: list[Json] = list(sse_data(body))
    kinds = [event["type"] for event in events]
    starts = [event for event in events if event["type"] == "content_block_start"]
    assert [kinds.count(kind) for kind in ("message_start", "message_delta", "message_stop")] == [1, 1, 1]
    assert [event["index"] for event in starts] == list(range(len(KINDS)))
    assert [event["content_block"]["type"] for event in starts] == KINDS
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta.get("text", "") for delta in deltas) == SAID + ANSWERED
    assert OURS.encode() not in body
    assert b"toolu_r" not in body


def check(reply: Reply, *, stream: bool) -> None:
    assert reply.status == 200
    if stream:
        check_stream(reply.body)
        return
    content = reply.json["content"]
    assert isinstance(content, list)
    assert [block["type"] for block in content] == KINDS
    assert OURS.encode() not in reply.body


def is_well(provider: WatchedProvider, proxy: Mitmdump) -> bool:
    """The provider has refused nothing, and mitmproxy has not stumbled."""
    return provider.refused == [] and "crashed" not in proxy.log and "Traceback" not in proxy.log


@STREAM
def test_many_requests_use_one_upstream_connection(
    provider: WatchedProvider, start: Start, connect: Connect, *, stream: bool
) -> None:
    provider.script(*[FIRST, LAST] * 4)
    proxy = start()
    client = connect(proxy)
    for _ in range(4):
        check(client.post(PATH, asked(stream=stream)), stream=stream)
    assert len(provider.peers) == 8
    assert len(set(provider.peers)) == 1
    assert is_well(provider, proxy)


def test_many_answers_at_once(provider: WatchedProvider, start: Start, connect: Connect) -> None:
    provider.script(*[by_turn] * 40)
    proxy = start()
    clients = [connect(proxy) for _ in range(20)]
    with ThreadPoolExecutor(20) as pool:
        replies = list(pool.map(lambda client: client.post(PATH, asked()), clients))
    for reply in replies:
        check(reply, stream=True)
    assert is_well(provider, proxy)


def hang_up(client: Client) -> None:
    """Leave without a word, as a process that is killed."""
    connection = client.connect().sock
    assert connection is not None
    with contextlib.suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("steps", "seen"),
    [
        ((answer(*FIRST.blocks, hold=9),), SAID[:20]),
        ((FIRST, answer(*LAST.blocks, hold=IN_LAST + 3)), ANSWERED[:20]),
    ],
    ids=["first", "later"],
)
def test_a_client_that_leaves_in_a_leg_takes_it_along(
    provider: WatchedProvider, start: Start, connect: Connect, steps: tuple[Answer, ...], seen: str
) -> None:
    provider.script(*steps)
    proxy = start()
    client = connect(proxy)
    received = bytearray()

    def leave(piece: bytes) -> None:
        received.extend(piece)
        if json.dumps(seen)[1:-1].encode() in received:
            hang_up(client)

    with contextlib.suppress(http.client.HTTPException, OSError):
        client.post(PATH, asked(), on_piece=leave)
    assert provider.given_up.wait(PATIENCE)
    assert is_well(provider, proxy)


@STREAM
def test_a_client_that_leaves_while_a_leg_is_awaited_takes_it_along(
    provider: WatchedProvider, start: Start, connect: Connect, *, stream: bool
) -> None:
    proxy = start()
    client = connect(proxy)

    provider.script(FIRST)
    provider.ignores, provider.on_ignored = 2, lambda: hang_up(client)
    with contextlib.suppress(http.client.HTTPException, OSError):
        client.post(PATH, asked(stream=stream))
    assert provider.given_up.wait(PATIENCE)
    assert is_well(provider, proxy)


def test_a_first_leg_that_dies_is_cut(provider: WatchedProvider, start: Start, connect: Connect) -> None:
    """As without us, also where a call of ours has begun."""
    proxy = start()
    provider.script(answer(*FIRST.blocks, cut=len(SAID) // 24 + 12))
    received = connect(proxy).post_cut(PATH, asked())
    assert b"text_delta" in received
    assert b"message_stop" not in received
    assert b"event: error" not in received
    assert OURS.encode() not in received
    assert is_well(provider, proxy)


@pytest.mark.parametrize("cut", [0, IN_LAST], ids=["at once", "in its text"])
def test_a_later_leg_that_dies_takes_the_clients_stream_along(
    provider: WatchedProvider, start: Start, connect: Connect, cut: int
) -> None:
    # A leg that brings nothing at all is asked for four times.
    provider.script(FIRST, *[answer(*LAST.blocks, cut=cut)] * (1 if cut else 4))
    proxy = start()
    client = connect(proxy)
    received = client.post_cut(PATH, asked())
    assert SAID[:20].encode() in received
    assert b"event: error" not in received
    assert b"message_stop" not in received
    provider.script(FIRST, LAST)
    check(client.post(PATH, asked()), stream=True)
    assert is_well(provider, proxy)


@STREAM
def test_a_refused_leg_has_the_providers_words(
    provider: WatchedProvider, start: Start, connect: Connect, *, stream: bool
) -> None:
    provider.script(FIRST, *[answer(status=529)] * (4 if stream else 1))
    proxy = start()
    reply = connect(proxy).post(PATH, asked(stream=stream))
    error = reply.events[-1] if stream else reply.json
    assert reply.status == (200 if stream else 529)
    assert error == {"type": "error", "error": {"type": "overloaded_error", "message": "as scripted"}}
    assert is_well(provider, proxy)


def test_a_leg_that_is_refused_for_now_is_asked_for_again(
    provider: WatchedProvider, start: Start, connect: Connect
) -> None:
    """The client would have tried again by itself, had it not seen half an answer."""
    provider.script(FIRST, answer(status=529), answer(status=429), LAST)
    proxy = start()
    check(connect(proxy).post(PATH, asked()), stream=True)
    assert is_well(provider, proxy)


class PlainClient(Client):
    """A client that takes the proxy for the provider."""

    def connect(self) -> http.client.HTTPConnection:  # type: ignore[override]
        """Return the open connection."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=PATIENCE)  # type: ignore[assignment]
        assert self._connection is not None
        return self._connection


@STREAM
def test_reverse_mode(provider: WatchedProvider, start: Start, *, stream: bool) -> None:
    provider.script(FIRST, LAST)
    here = f"127.0.0.1:{provider.port}"
    proxy = start(mode=f"reverse:http://{here}", headroom_hosts=f"{here}=anthropic_messages")
    client = PlainClient(proxy, here)
    check(client.post(PATH, asked(stream=stream)), stream=stream)
    client.close()
    assert len(set(provider.peers)) == 1
    assert is_well(provider, proxy)


@STREAM
def test_behind_another_proxy(provider: WatchedProvider, start: Start, connect: Connect, *, stream: bool) -> None:
    provider.script(FIRST, LAST)
    corporate = start(addon=False)
    proxy = start(mode=f"upstream:http://127.0.0.1:{corporate.port}")
    check(connect(proxy).post(PATH, asked(stream=stream)), stream=stream)
    assert is_well(provider, proxy)
    assert is_well(provider, corporate)


def test_a_client_of_http_2(provider: WatchedProvider, start: Start) -> None:
    """Several answers at once on one connection."""
    provider.script(*[by_turn] * 10)
    proxy = start()
    with Http2Client(proxy) as client:
        for body in client.post(PATH, [asked()] * 5):
            check_stream(body)
    assert is_well(provider, proxy)


def test_a_client_of_http_2_that_resets_a_stream_takes_its_leg_along(provider: WatchedProvider, start: Start) -> None:
    """And nothing else: the next request on its connection is answered."""
    provider.script(FIRST, answer(*LAST.blocks, hold=IN_LAST + 3))
    proxy = start()
    with Http2Client(proxy) as client:
        client.reset(PATH, asked(), after=ANSWERED[:20].encode())
        assert provider.given_up.wait(PATIENCE)
        provider.script(FIRST, LAST)
        check_stream(client.post(PATH, [asked()])[0])
    assert is_well(provider, proxy)


def test_a_provider_that_compresses_its_streams(provider: WatchedProvider, start: Start, connect: Connect) -> None:
    """Though it was asked not to: the client gets them plain."""
    provider.gzips = True
    provider.script(FIRST, LAST)
    proxy = start()
    reply = connect(proxy).post(PATH, asked(), {"accept-encoding": "gzip"})
    check(reply, stream=True)
    assert "content-encoding" not in reply.headers
    assert provider.received[0].header("accept-encoding") == "identity"
    assert is_well(provider, proxy)


def test_a_provider_that_announces_the_length_of_its_streams(
    provider: WatchedProvider, start: Start, connect: Connect
) -> None:
    provider.announces_length = True
    provider.script(FIRST, LAST)
    proxy = start()
    reply = connect(proxy).post(PATH, asked())
    check(reply, stream=True)
    assert "content-length" not in reply.headers
    assert is_well(provider, proxy)


def test_large_answers_are_watched_too(provider: WatchedProvider, start: Start, connect: Connect) -> None:
    """Though mitmproxy is told to stream what is large: a document must be whole before our tool can be taken out."""
    provider.script(answer(Say(SAID * 99), *FIRST.blocks), LAST)
    proxy = start(stream_large_bodies="4k")
    reply = connect(proxy).post(PATH, asked(stream=False))
    assert reply.status == 200
    assert OURS.encode() not in reply.body
    assert ANSWERED.encode() in reply.body
    assert is_well(provider, proxy)


def test_mitmproxy_shows_each_leg(provider: WatchedProvider, confdir: Path, tmp_path: Path, connect: Connect) -> None:
    """As a flow of its own that says what it is; a leg that fails, too, and each time it is asked for."""
    file = tmp_path / "flows.jsonl"
    scripts = (ADDON, HERE / "record_flows.py")
    options = {"record_to": str(file), "headroom_deadline": "50"}
    provider.script(FIRST, LAST, FIRST, answer(status=529), LAST)
    with running(Mitmdump(tmp_path / "home", confdir, provider.port, scripts, options, launch=Copy)) as proxy:
        client = connect(proxy)
        for _ in range(2):
            client.post(PATH, asked())
        client.close()
    shown = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    is_leg = [flow["comment"].startswith("headroom: leg 2 of the answer to ") for flow in shown]
    assert is_leg == [True, False, True, True, False]
    assert [flow["status"] for flow in shown] == [200, 200, 529, 200, 200]
