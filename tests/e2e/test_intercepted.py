"""A user who holds, resumes or kills flows in mitmweb does so with each leg of an answer as with any other flow."""

import contextlib
import http.cookiejar
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from answers import Call, Say, Think, answer
from client import Client, Connect
from conversations import history, request
from forked import Copy
from ports import free_port
from provider import Provider
from proxy import ADDON, Mitmdump, running

OURS = "headroom_retrieve"
PATH = "/v1/messages"
SAID, ANSWERED = "I look closer. " * 9, "There are seven. " * 9
FIRST = answer(Think("Hm."), Say(SAID), Call("toolu_r", OURS, {"id": "0a1b2c3d"}))
LAST = answer(Think("Ah."), Say(ANSWERED), Call("toolu_1", "Bash", {"command": "ls"}))
IN_LAST = 8
"""Number of an event in the text of the later leg."""
MOST_LOOKS = 5_000
"""A safety net: so often the page is asked for a flow that is held."""
STREAM = pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])


class Web:
    """mitmweb as its page uses it."""

    def __init__(self, proxy: Mitmdump, port: int) -> None:
        self.proxy = proxy
        self._url = f"http://127.0.0.1:{port}"
        self._cookies = http.cookiejar.CookieJar()
        keeper = urllib.request.HTTPCookieProcessor(self._cookies)
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), keeper)
        token = next((line.rpartition("token=")[2] for line in proxy.lines if "token=" in line), "")
        self._opener.open(f"{self._url}/?token={token}").close()
        with contextlib.suppress(urllib.error.HTTPError):  # it would be a WebSocket, and gives mitmproxy 12's cookie
            self._opener.open(f"{self._url}/updates").close()

    def flows(self) -> list[dict[str, Any]]:
        with self._opener.open(f"{self._url}/flows") as reply:
            return list(json.load(reply))

    def held(self) -> dict[str, Any]:
        """Return the flow that is held, as soon as one is."""
        for _ in range(MOST_LOOKS):
            found = [flow for flow in self.flows() if flow["intercepted"]]
            if found:
                return found[0]
        raise AssertionError("no flow is held")

    def tell(self, flow: dict[str, Any], what: str) -> None:
        """Press a button: ``resume`` or ``kill``."""
        headers = {"X-XSRFToken": next((c.value or "" for c in self._cookies if c.name.endswith("_xsrf")), "")}
        asked = urllib.request.Request(f"{self._url}/flows/{flow['id']}/{what}", b"", headers)
        self._opener.open(asked).close()


@pytest.fixture
def open_web(provider: Provider, confdir: Path, tmp_path: Path) -> Iterator[Any]:
    """Start a mitmweb that holds the flows that a filter names."""
    with ExitStack() as stack:

        def opened(held: str) -> Web:
            port = free_port()
            options = {
                "web_port": str(port), "web_open_browser": "false", "headroom_deadline": "50", "intercept": held,
            }  # fmt: skip
            proxy = Mitmdump(
                tmp_path / "home", confdir, provider.port, (ADDON,), options, program="mitmweb", launch=Copy
            )
            return Web(stack.enter_context(running(proxy)), port)

        yield opened


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


def ask(pool: ThreadPoolExecutor, client: Client, *, stream: bool) -> "Future[bytes]":
    return pool.submit(client.post_cut, PATH, request(history(), stream=stream))


def is_well(provider: Provider, web: Web) -> bool:
    return provider.refused == [] and "crashed" not in web.proxy.log and "Traceback" not in web.proxy.log


@STREAM
@pytest.mark.parametrize("held", ["~q", "~s", "~m POST"], ids=["requests", "responses", "both"])
def test_flows_that_are_held_go_on_when_they_are_resumed(
    open_web: Any, provider: Provider, connect: Connect, pool: ThreadPoolExecutor, held: str, *, stream: bool
) -> None:
    provider.script(FIRST, LAST)
    web = open_web(held)
    reply = ask(pool, connect(web.proxy), stream=stream)
    for _ in range(4 if held == "~m POST" else 2):
        web.tell(web.held(), "resume")
    body = reply.result()
    assert body.count(b"toolu_1") == 1
    assert b"message_stop" in body or not stream
    assert OURS.encode() not in body
    assert b"toolu_r" not in body
    assert len(provider.received) == 2
    assert is_well(provider, web)


def once_begun(web: Web, legs: int) -> list[dict[str, Any]]:
    """Return the flows of an answer as soon as so many legs of it have begun."""
    for _ in range(MOST_LOOKS):
        found = web.flows()
        if len(found) == legs and found[-1].get("response"):
            return found
    raise AssertionError("no answer has begun")


# number of the event at which each leg is held, whose flow is killed, and how many requests the provider then gets
KILLS: dict[str, tuple[tuple[int | None, int | None], int, int]] = {
    "the client's in the first leg": ((9, None), 0, 1),
    "the client's in the next leg": ((None, IN_LAST), 0, 2),
    "a leg's": ((None, IN_LAST), 1, 2),
}


@pytest.mark.parametrize(("holds", "killed", "requests"), KILLS.values(), ids=KILLS)
def test_an_answer_of_which_a_flow_is_killed_has_no_end(
    open_web: Any,
    provider: Provider,
    connect: Connect,
    pool: ThreadPoolExecutor,
    holds: tuple[int | None, int | None],
    killed: int,
    requests: int,
) -> None:
    """mitmproxy looks at each end whether a flow was killed, so the answer is cut there, and no leg follows."""
    provider.script(*[answer(*leg.blocks, hold=hold) for leg, hold in zip((FIRST, LAST), holds, strict=True)])
    web = open_web("")
    client = connect(web.proxy)
    reply = ask(pool, client, stream=True)
    web.tell(once_begun(web, requests)[killed], "kill")
    provider.release()
    body = reply.result()
    assert SAID[:20].encode() in body
    assert b"message_stop" not in body
    assert b"event: error" not in body
    assert OURS.encode() not in body
    assert len(provider.received) == requests
    provider.script(LAST)
    assert b"message_stop" in ask(pool, client, stream=True).result()
    assert is_well(provider, web)
