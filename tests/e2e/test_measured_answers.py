"""Every answer of a provider is measured, however it comes; what the ledger has is what was reported, leg by leg."""

import json
from pathlib import Path

import pytest
from answers import Call, Say, answer, words
from client import Connect
from conversations import history, measurements, request
from forked import Copy
from provider import Provider, Received
from proxy import HERE, Mitmdump, Start, running
from test_retrieve import LOG, asking
from test_retrieve_sockets import ASKED, DECLARED, QUESTION, Socket, result, through
from test_retrieve_sockets import LOG as FRAMES_LOG
from test_retrieve_sockets import asking as asking_in_frames

from headroom_mitm.ledger import AUDIT, CHANGED, HOLDOUT, Ledger, Report, Session
from headroom_mitm.store import open_store

ANSWER = "A long answer. " * 10
MESSAGES = [{"role": "user", "content": "x"}]
CHAT = {"model": "gpt-5", "messages": MESSAGES}
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "x"}]}]}
GEMINI_PATH = "/v1beta/models/gemini-3-pro:"
# host, path, body
REQUESTS: dict[str, tuple[str, str, bytes]] = {
    "anthropic, stream": ("api.anthropic.com", "/v1/messages", request(history(), stream=True)),
    "anthropic, whole": ("api.anthropic.com", "/v1/messages", request(history())),
    "anthropic, no tools": ("api.anthropic.com", "/v1/messages", request(MESSAGES, stream=True, tools=[])),
    "chat, stream": (
        "api.openai.com",
        "/v1/chat/completions",
        json.dumps({**CHAT, "stream": True, "stream_options": {"include_usage": True}}).encode(),
    ),
    "chat, whole": ("api.openai.com", "/v1/chat/completions", json.dumps(CHAT).encode()),
    "responses": (
        "api.openai.com",
        "/v1/responses",
        json.dumps({"model": "gpt-5", "stream": True, "input": "x"}).encode(),
    ),
    "gemini, stream": (
        "generativelanguage.googleapis.com",
        f"{GEMINI_PATH}streamGenerateContent?alt=sse",
        json.dumps(GEMINI).encode(),
    ),
    "gemini, list": (
        "generativelanguage.googleapis.com",
        f"{GEMINI_PATH}streamGenerateContent",
        json.dumps(GEMINI).encode(),
    ),
    "gemini, whole": (
        "generativelanguage.googleapis.com",
        f"{GEMINI_PATH}generateContent",
        json.dumps(GEMINI).encode(),
    ),
}


def spent(received: Received) -> int:
    """Return what the stand-in reports of a prompt."""
    return words(received.json)


def told(proxy: Mitmdump, store: Path) -> tuple[Report, list[Session]]:
    """Return what is written down once the proxy has ended."""
    proxy.stop()
    opened = open_store(str(store))
    ledger = Ledger(opened, lambda: store.stat().st_mtime)
    found = ledger.report(), ledger.conversations()
    opened.close()
    return found


@pytest.mark.parametrize("mode", ["compress", "audit"])
@pytest.mark.parametrize(("host", "path", "body"), REQUESTS.values(), ids=REQUESTS)
def test_what_was_reported_is_written_down(
    provider: Provider,
    start: Start,
    connect: Connect,
    tmp_path: Path,
    *,
    host: str,
    path: str,
    body: bytes,
    mode: str,
) -> None:
    """Watched or not, as a stream or whole: the client has its answer, the ledger its figures."""
    provider.script(answer(Say(ANSWER)))
    store = tmp_path / "store.sqlite"
    proxy = start(headroom_store=str(store), headroom_mode=mode)
    reply = connect(proxy, host).post(path, body)
    assert reply.status == 200
    report, (session,) = told(proxy, store)
    sums = report.by_arm[CHANGED if mode == "compress" else AUDIT]
    assert (sums.requests, sums.measured, sums.legs) == (1, 1, 1)
    assert sums.input == spent(provider.received[0])
    assert sums.output > 0
    assert session.sums == sums


def test_a_stream_without_usage_is_not_free(provider: Provider, start: Start, connect: Connect, tmp_path: Path) -> None:
    """Clients of chat completions must ask for it; what they do not, nobody knows."""
    store = tmp_path / "store.sqlite"
    proxy = start(headroom_store=str(store))
    connect(proxy, "api.openai.com").post("/v1/chat/completions", json.dumps({**CHAT, "stream": True}).encode())
    report, _ = told(proxy, store)
    assert (report.totals.requests, report.totals.measured, report.totals.priced) == (1, 0, 0)


def test_an_error_is_no_request(provider: Provider, start: Start, connect: Connect, tmp_path: Path) -> None:
    provider.script(answer(status=529), answer())
    store = tmp_path / "store.sqlite"
    proxy = start(headroom_store=str(store))
    client = connect(proxy)
    client.post("/v1/messages", request(history()))
    client.post("/v1/messages", request(history()))
    assert told(proxy, store)[0].totals.requests == 1


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
def test_each_leg_is_paid(provider: Provider, start: Start, connect: Connect, tmp_path: Path, *, stream: bool) -> None:
    """The client sees one answer; the ledger has what all of its rounds took, and which texts were read."""
    store = tmp_path / "store.sqlite"
    proxy = start(headroom_store=str(store))
    client = connect(proxy)
    client.post("/v1/messages", request(history()))
    provider.script(asking(lines="1-5"), asking("toolu_s", lines="6-9"), answer(Say("Seven.")))
    assert client.post("/v1/messages", request(history(LOG), stream=stream)).status == 200
    report, (session,) = told(proxy, store)
    first, second = session.requests
    assert (first.legs, second.legs, second.retrieved) == (1, 3, 2)
    assert report.totals.input == sum(map(spent, provider.received))
    assert second.fresh == spent(provider.received[1])
    assert report.by_tool["Bash"].before > report.by_tool["Bash"].after


@pytest.mark.parametrize("mode", ["compress", "audit"])
def test_frames_are_measured(provider: Provider, start: Start, tmp_path: Path, mode: str) -> None:
    """Each answer in a socket, with its legs; they are of one conversation though no frame carries it."""
    store = tmp_path / "store.sqlite"

    async def work(socket: Socket) -> None:
        await socket.ask(generate=False)
        await socket.ask(DECLARED, QUESTION)
        await socket.ask(result(FRAMES_LOG))
        await socket.ask({"role": "user", "content": "Sure?"})

    asks = [asking_in_frames(lines="1-5")] if mode == "compress" else []
    provider.script(ASKED, *asks, answer(Say("Seven.")), answer(Say("Yes.")))
    proxy = start(headroom_store=str(store), headroom_mode=mode)
    through(proxy, work)
    report, sessions = told(proxy, store)
    assert report.totals.legs - report.totals.requests == len(asks)
    assert report.totals.retrieved == len(asks)
    newest = sessions[0]
    assert newest.sums.requests >= 3
    assert report.totals.measured >= 3


def test_some_are_held_out_and_stay_so(provider: Provider, start: Start, connect: Connect, tmp_path: Path) -> None:
    """What leaves of those is what the client has sent, also after a restart; the others are shortened as ever."""
    store = tmp_path / "store.sqlite"
    proxy = start(headroom_store=str(store), headroom_holdout="0.5")
    sent: dict[int, bool] = {}
    for restarted in (False, True):
        client = connect(proxy)
        for number in range(8):
            body = request(
                [{"role": "user", "content": f"question {number}"}, *history(measurements(900, salt=str(number)))[1:]]
            )
            client.post("/v1/messages", body)
            is_same = provider.bodies[-1] == body
            assert sent.setdefault(number, is_same) == is_same
        client.close()
        if not restarted:
            proxy.stop()
            proxy.start()
    assert set(sent.values()) == {True, False}
    report, _ = told(proxy, store)
    held = 2 * sum(sent.values())
    assert (report.by_arm[HOLDOUT].requests, report.by_arm[CHANGED].requests) == (held, 16 - held)
    assert report.by_arm[HOLDOUT].saved == 0
    assert report.by_arm[HOLDOUT].texts_before > 0


def test_a_flow_says_what_became_of_it(provider: Provider, confdir: Path, tmp_path: Path, connect: Connect) -> None:
    file = tmp_path / "flows.jsonl"
    scripts = (HERE.parent.parent / "headroom_addon.py", HERE / "record_figures.py")
    options = {"record_to": str(file), "headroom_deadline": "50", "headroom_store": str(tmp_path / "store.sqlite")}
    provider.script(answer(Call("toolu_0", "Bash", {"command": "ls"})), answer(Say("Seven.")))
    with running(Mitmdump(tmp_path / "home", confdir, provider.port, scripts, options, launch=Copy)) as proxy:
        client = connect(proxy)
        client.post("/v1/messages", request(history()))
        client.post("/v1/messages", request(history(measurements(900)), stream=True))
        client.close()
    shown = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    last = shown[-1]
    assert last["figures"]["prompt_after"] == spent(provider.received[1])
    assert last["figures"]["prompt_before"] > last["figures"]["prompt_after"]
    assert last["comment"].startswith(f"anthropic {last['figures']['model']} · ")
    assert " tok · cache 0 %" in last["comment"]
