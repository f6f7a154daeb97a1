"""The page is there for who is on this machine, through the proxy and on its own port; for nobody else."""

import http.client
import json
from pathlib import Path
from typing import Any

import pytest
from answers import Say, answer
from client import Connect
from conversations import history, measurements, request
from provider import Provider
from proxy import Mitmdump, Start

OWN = "127.0.0.1:{port}"


def get(proxy: Mitmdump, path: str, *, host: str = "", method: str = "GET", **headers: str) -> tuple[int, bytes]:
    """Ask the proxy's own port; with ``host``, ask for that host through the proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, f"http://{host}{path}" if host else path, headers=named)
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def told(proxy: Mitmdump, path: str) -> Any:
    status, raw = get(proxy, path)
    assert status == 200, raw
    return json.loads(raw)


@pytest.mark.parametrize("host", ["", "headroom.local"], ids=["own port", "through the proxy"])
def test_the_page_is_there(start: Start, host: str) -> None:
    proxy = start()
    for path, beginning in (("/", b"<!DOCTYPE html>"), ("/static/page.js", b'"use strict"'), ("/api/state", b"{")):
        status, raw = get(proxy, path, host=host)
        assert (status, raw[: len(beginning)]) == (200, beginning)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/requests/none", 404), ("/static/../page.py", 404), ("/nowhere", 404), ("/api/report?days=0", 400)],
)
def test_what_is_not_there_is_said(start: Start, path: str, status: int) -> None:
    found, raw = get(start(), path)
    assert found == status
    assert json.loads(raw)["error"]


@pytest.mark.parametrize(
    "given",
    [
        {"method": "POST"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"},
        {"Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "no-cors"},
    ],
    ids=["changing", "another site", "a neighbouring site"],
)
def test_other_sites_and_other_methods_are_refused(start: Start, given: dict[str, str]) -> None:
    assert get(start(), "/api/state", **given)[0] == 403


def test_a_name_that_is_made_to_lead_here_gets_nothing(start: Start) -> None:
    """DNS rebinding: a browser believes that evil.example is this machine."""
    proxy = start()
    status, raw = get(proxy, "/api/state", Host=f"evil.example:{proxy.port}")
    assert status != 200
    assert b"version" not in raw


def test_a_request_is_shown_with_what_was_left_out(provider: Provider, start: Start, connect: Connect) -> None:
    proxy = start()
    text = measurements(600)
    provider.script(answer(Say("Fine.")))
    client = connect(proxy)
    client.post("/v1/messages", request(history()))
    client.post("/v1/messages", request(history(text)))
    newest, _ = told(proxy, "/api/requests")["requests"]
    assert newest["before"] > newest["after"]
    [described] = told(proxy, f"/api/requests/{newest['id']}")["texts"]
    assert described["changed"]
    found = told(proxy, f"/api/requests/{newest['id']}/texts/{described['number']}")
    assert found["before"] == text
    assert found["after"] != text
    assert f"-{text.splitlines()[300]}" in found["difference"]


def test_a_request_that_is_over_is_a_line_and_a_figure(
    provider: Provider, start: Start, connect: Connect, tmp_path: Path
) -> None:
    """The ledger is told in the background: the page shows the request as soon as it has been written down."""
    log = tmp_path / "log.jsonl"
    proxy = start(headroom_log=str(log), headroom_metrics="on")
    provider.script(answer(Say("Fine.")))
    connect(proxy).post("/v1/messages", request(history(measurements(600))))
    for _ in range(2_000):
        if told(proxy, "/api/report?days=1")["totals"]["requests"]:
            break
    line = json.loads(log.read_text(encoding="utf-8"))
    assert line["gen_ai.request.model"] == "claude-sonnet-4-5"
    assert line["gen_ai.usage.input_tokens"] > 0
    [conversation] = told(proxy, "/api/conversations")["conversations"]
    assert conversation["key"] == line["gen_ai.conversation.id"]
    [shown] = told(proxy, "/api/requests")["requests"]
    assert shown["conversation"] == conversation["key"], "what the page shows is what purge takes"
    assert b'headroom_requests_total{model="claude-sonnet-4-5"} 1' in get(proxy, "/metrics")[1]
