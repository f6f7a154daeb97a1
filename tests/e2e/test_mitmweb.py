"""mitmweb shows what became of a request: in its list of flows, and in a content view that it chooses by itself."""

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from answers import Answer, Call, Say, answer
from client import Connect
from conversations import history, measurements, request, results_of
from playwright.sync_api import Browser, expect
from ports import free_port
from provider import Provider, Received
from proxy import ADDON, Mitmdump, running

Ask = Callable[[str], Any]
OURS = "headroom_retrieve"
TEXT_ID = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")


@pytest.fixture
def mitmweb(provider: Provider, confdir: Path, tmp_path: Path) -> Iterator[tuple[Mitmdump, Ask]]:
    """A mitmweb with our addon, and a way to ask it as its page does."""
    port = free_port()
    options = {"web_port": str(port), "web_open_browser": "false", "headroom_deadline": "50"}
    proxy = Mitmdump(tmp_path / "home", confdir, provider.port, (ADDON,), options, program="mitmweb")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor())

    def ask(path: str) -> Any:
        with opener.open(f"http://127.0.0.1:{port}{path}") as reply:
            return json.load(reply)

    with ExitStack() as stack:
        stack.enter_context(running(proxy))
        token = next((line.rpartition("token=")[2] for line in proxy.lines if "token=" in line), "")
        opener.open(f"http://127.0.0.1:{port}/?token={token}").close()
        yield proxy, ask


def test_a_flow_tells_what_became_of_its_request(
    mitmweb: tuple[Mitmdump, Ask], provider: Provider, connect: Connect
) -> None:
    proxy, ask = mitmweb
    text = measurements(600)
    provider.script(answer(Say("Fine.")))
    client = connect(proxy)
    client.post("/v1/messages", request(history()))
    client.post("/v1/messages", request(history(text)))
    first, second = ask("/flows")
    assert (first["marked"], second["marked"]) == ("", "\N{BLACK SCISSORS}")
    assert " tok" in second["comment"]
    for name in ("headroom", "auto"):
        shown = json.dumps(ask(f"/flows/{second['id']}/request/content/{name}.json"))
        assert "tool results " in shown
        assert f"-{text.splitlines()[300]}" in shown.replace("\\t", "\t")
    as_always = json.dumps(ask(f"/flows/{first['id']}/request/content/auto.json"))
    assert "tool results " not in as_always


def test_later_legs_of_an_answer_are_flows_of_their_own(
    mitmweb: tuple[Mitmdump, Ask], provider: Provider, connect: Connect
) -> None:
    """What the model read is seen there, and whose answer it went into."""
    proxy, ask = mitmweb
    client = connect(proxy)
    client.post("/v1/messages", request(history()))

    def retrieve(received: Received) -> Answer:
        found = TEXT_ID.search(results_of(received.json)["toolu_0"])
        assert found is not None
        return answer(Call("toolu_r", OURS, {"id": found[1], "search": "payment"}))

    provider.script(retrieve, answer(Say("Found it.")))
    assert client.post("/v1/messages", request(history(measurements(600)))).status == 200
    _, first, leg = sorted(ask("/flows"), key=lambda flow: flow["request"]["timestamp_start"])
    assert leg["comment"] == f"headroom: leg 2 of the answer to {first['id']}"
    assert "payment 4711 failed" in json.dumps(ask(f"/flows/{leg['id']}/request/content/raw.json"))


def test_its_own_page_shows_the_view(
    mitmweb: tuple[Mitmdump, Ask], provider: Provider, connect: Connect, browser: Browser
) -> None:
    """In a real browser, without choosing the view."""
    proxy, _ = mitmweb
    provider.script(answer(Say("Fine.")))
    connect(proxy).post("/v1/messages", request(history(measurements(600))))
    page = browser.new_page()
    page.goto(next(line.rpartition(" ")[2] for line in proxy.lines if "Web server listening at" in line))
    page.locator("tr", has_text="/v1/messages").first.click()
    page.get_by_text("Request", exact=True).first.click()
    expect(page.get_by_text("tool results", exact=False).first).to_be_visible()
    expect(page.get_by_text("the model can ask for what is left out", exact=False).first).to_be_visible()
    page.close()
