"""A worker says that it lives, and leaves without cutting an answer."""

import http.client
import socket
import threading

import pytest
from answers import Say, answer
from client import Connect, Reply
from conversations import history, request
from provider import Provider
from proxy import Mitmdump, Start


def health(proxy: Mitmdump) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    try:
        connection.request("GET", "/health", headers={"host": "worker1:8787"})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_it_says_that_it_lives(start: Start) -> None:
    """As soon as it has loaded what prompts need."""
    proxy = start()
    states = {health(proxy)}
    while (200, b"ok\n") not in states:
        states.add(health(proxy))
    assert states <= {(503, b"starting\n"), (200, b"ok\n")}


def test_it_leaves_when_the_last_answer_is_over(provider: Provider, start: Start, connect: Connect) -> None:
    """The balancer is told first, so that it takes another worker; then new connections are refused.

    Who is answered meanwhile asks on elsewhere; who has connected is still answered.
    """
    proxy = start()
    client, began = connect(proxy), threading.Event()
    silent, kept = connect(proxy), connect(proxy)
    silent.connect().connect()  # has shaken hands, and not asked yet
    kept.post("/v1/messages", request(history()))
    provider.script(answer(Say("To be continued, and ended."), hold=3))
    replies: list[Reply] = []

    def listen() -> None:
        body = request(history(), stream=True)
        replies.append(client.post("/v1/messages", body, on_piece=lambda _: began.set()))

    listener = threading.Thread(target=listen)
    listener.start()
    assert began.wait(30)
    proxy.send_drain()
    while "leaving" not in proxy.log:
        threading.Event().wait(0.02)
    assert health(proxy) == (503, b"leaving\n")
    assert kept.post("/v1/messages", request(history())).headers["connection"] == "close"
    with pytest.raises(OSError, match="refused"):
        wait_until_refused(proxy)
    provider.release()
    listener.join()
    assert silent.post("/v1/messages", request(history())).status == 200
    said = "".join(event.get("delta", {}).get("text", "") for event in replies[0].events)  # type: ignore[attr-defined]
    assert said == "To be continued, and ended."
    assert proxy.exit_status() == 0


def wait_until_refused(proxy: Mitmdump) -> None:
    for _ in range(1_000):
        socket.create_connection(("127.0.0.1", proxy.port)).close()
        threading.Event().wait(0.02)
