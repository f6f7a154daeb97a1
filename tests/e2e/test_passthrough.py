"""What cannot be read exactly, and what is not a prompt, leaves as it came and about as fast as without us."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from client import Connect
from conversations import history, log, request
from provider import Provider
from proxy import Mitmdump, Start, running

MESSAGES = "/v1/messages"
LOG = log(1500)
GOOD = request(history(LOG))
TRIES = 9
SLOWER = 5
"""How many times slower than plain mitmdump a body may be, each at its best. The real figures: scripts/latency.py."""

# name -> path, headers, body. Each holds a large result that would be rewritten, were the rest in order.
UNTOUCHED: dict[str, tuple[str, dict[str, str], bytes]] = {
    "truncated": (MESSAGES, {}, GOOD[:-3]),
    "cut in a string": (MESSAGES, {}, GOOD[: len(GOOD) // 2]),
    "duplicate key at the top": (MESSAGES, {}, b'{"messages":[],' + GOOD[1:]),
    "duplicate key in a result": (MESSAGES, {}, GOOD.replace(b'"tool_use_id":', b'"content":"","tool_use_id":')),
    "NUL between values": (MESSAGES, {}, GOOD.replace(b'"messages":', b'"messages":\0')),
    "NUL in a string": (MESSAGES, {}, GOOD.replace(b"worker-a", b"worker\0a")),
    "lone surrogates": (MESSAGES, {}, GOOD.replace(b"worker-a", b"worker\\ud800a")),
    "bytes that are not UTF-8": (MESSAGES, {}, GOOD.replace(b"worker-a", b"worker\xffa")),
    "two documents": (MESSAGES, {}, GOOD + GOOD),
    "an array": (MESSAGES, {}, b"[" + GOOD + b"]"),
    "empty": (MESSAGES, {}, b""),
    "not JSON": (MESSAGES, {"content-type": "text/plain"}, LOG.encode()),
    "deep": (MESSAGES, {}, b"[" * 200_000),
    "said to be gzip": (MESSAGES, {"content-encoding": "gzip"}, GOOD),
    "gzip cut off": (MESSAGES, {"content-encoding": "gzip"}, gzip.compress(GOOD)[:-20]),
    "said to be br": (MESSAGES, {"content-encoding": "br"}, GOOD),
    "said to be zstd": (MESSAGES, {"content-encoding": "zstd"}, GOOD),
    "unknown coding": (MESSAGES, {"content-encoding": "x-secret"}, GOOD),
    "unknown path": ("/v1/sessions", {}, GOOD),
    "counting tokens": ("/v1/messages/count_tokens", {}, GOOD),
    "20 MB of one result": (MESSAGES, {}, request(history("x" * 20_000_000))),
    "20 MB, truncated": (MESSAGES, {}, request(history(LOG + "x" * 20_000_000))[:-1]),
}


@dataclass(frozen=True)
class Roads:
    """Two ways to one provider."""

    provider: Provider
    plain: Mitmdump
    ours: Mitmdump


@pytest.fixture(scope="module")
def roads(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roads]:
    """All bodies go through one pair of proxies: none may spoil it for the next."""
    home = tmp_path_factory.mktemp("home")
    with Provider().running() as provider:
        plain = Mitmdump(home, confdir, provider.port, scripts=())
        options = {"headroom_mode": "lossless", "headroom_deadline": "50"}
        ours = Mitmdump(home, confdir, provider.port, options=options)
        with running(plain), running(ours):
            yield Roads(provider, plain, ours)


@pytest.mark.parametrize(("path", "headers", "body"), UNTOUCHED.values(), ids=UNTOUCHED)
def test_it_leaves_byte_for_byte_and_quickly(
    roads: Roads, connect: Connect, path: str, headers: dict[str, str], body: bytes
) -> None:
    plain, ours = connect(roads.plain), connect(roads.ours)
    roads.provider.received.clear()
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(TRIES):
        for with_us, client in ((False, plain), (True, ours)):
            seconds[with_us].append(client.seconds(path, body, headers))
    without, *rest = roads.provider.received
    assert without.raw == body
    assert {request.raw for request in rest} == {body}
    assert {request.headers for request in rest} == {without.headers}
    assert min(seconds[True]) < SLOWER * min(seconds[False])


@pytest.mark.parametrize("mode", ["off", "audit"])
def test_modes_that_change_nothing(provider: Provider, start: Start, connect: Connect, mode: str) -> None:
    connect(start(headroom_mode=mode)).post(MESSAGES, GOOD)
    assert provider.received[0].raw == GOOD


@pytest.mark.parametrize(("choice", "changed"), [("audit", False), ("off", False), ("compress", True)])
def test_a_subscription_login_is_rewritten_only_if_the_user_says_so(
    provider: Provider, start: Start, connect: Connect, choice: str, *, changed: bool
) -> None:
    client = connect(start(headroom_subscription=choice))
    client.post(MESSAGES, GOOD, {"authorization": "Bearer sk-ant-oat01-test"})
    assert (provider.received[0].raw != GOOD) is changed


def test_an_excluded_tool_stays_raw(provider: Provider, start: Start, connect: Connect) -> None:
    connect(start(headroom_mode="lossless", headroom_exclude="Ba*")).post(MESSAGES, GOOD)
    assert provider.received[0].raw == GOOD


def test_a_dead_store_makes_nothing_fail(provider: Provider, start: Start, connect: Connect) -> None:
    """A conversation that cannot be remembered is not rewritten."""
    reply = connect(start(headroom_store="redis://127.0.0.1:1/0")).post(MESSAGES, GOOD)
    assert reply.status == 200
    assert provider.received[0].raw == GOOD


def test_what_the_deadline_made_raw_stays_raw(provider: Provider, start: Start, connect: Connect) -> None:
    """Rendering it later would break the provider's cache."""
    body = request(history(log(60_000)))  # takes seconds
    hurried = start(headroom_mode="lossless", headroom_deadline="0.2")
    connect(hurried).post(MESSAGES, body)
    hurried.stop()
    connect(start(headroom_mode="lossless")).post(MESSAGES, body)
    assert [received.raw for received in provider.received] == [body, body]


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("headroom_mode", "fast", "lossless"), ("headroom_store", "ftp://x", "redis"), ("headroom_deadline", "0", "0.5")],
)
def test_a_wrong_option_is_told_at_the_start(start: Start, name: str, value: str, told: str) -> None:
    """mitmdump ends, and says which option is wrong and what would be right."""
    try:
        proxy = start(**{name: value})
    except RuntimeError as ended:  # before the fixture had a look at it
        lines = str(ended).splitlines()
    else:
        assert proxy.exit_status() != 0
        lines = proxy.lines
    complaint = next(line for line in lines if "mitmproxy.exceptions.OptionsError" in line)
    assert name in complaint
    assert told in complaint


def test_json_that_needs_nothing_keeps_its_bytes(provider: Provider, start: Start, connect: Connect) -> None:
    """Odd white space and escapes are the client's own affair."""
    odd = json.dumps(json.loads(request(history("short"))), indent=3).replace("short", "\\u0073hort").encode()
    connect(start(headroom_mode="lossless")).post(MESSAGES, odd)
    assert provider.received[0].raw == odd
    assert provider.refused == []
