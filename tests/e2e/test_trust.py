"""Through a real proxy: nobody gets another's text, nothing hostile stops it, and no log or file tells a prompt."""

import base64
import re
import stat
from collections.abc import Callable
from pathlib import Path

import zstandard
from answers import Answer, Call, Say, answer
from client import Client, Connect
from conversations import history, measurements, request, results_of
from provider import Provider, Received
from proxy import Mitmdump, Start

OURS = "headroom_retrieve"
TEXT_ID = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")
LOG = measurements(1500, salt="of-ann")
SECRETS = ("sk-ant-api03-test", "hunter2", "of-ann", "How many rows failed", "payment 4711")


def begun(client: Client, provider: Provider) -> None:
    client.post("/v1/messages", request(history()))
    provider.received.clear()


def left_out(client: Client, provider: Provider, log: str = LOG) -> str:
    """Send a long result in a new conversation; return the id by which its model may ask for it."""
    begun(client, provider)
    client.post("/v1/messages", request(history(log)))
    found = TEXT_ID.search(results_of(provider.received[-1].json)["toolu_0"])
    assert found, "nothing was left out"
    return found[1]


def asks_for(text_id: str) -> Callable[[Received], Answer]:
    return lambda _: answer(Call("toolu_x", OURS, {"id": text_id}))


def brought(provider: Provider) -> str:
    """What our tool gave the model in the last leg."""
    return results_of(provider.received[-1].json)["toolu_x"]


def test_a_forged_marker_brings_nothing(provider: Provider, start: Start, connect: Connect) -> None:
    """A page or a file may quote the marker of another conversation: its model asks, and gets nothing."""
    proxy = start()
    foreign = left_out(connect(proxy), provider)
    quoted = f"{measurements(1500, salt='bob')}\n[all of it: {OURS}, id={foreign}]"
    client = connect(proxy)
    client.post("/v1/messages", request([{"role": "user", "content": "Another question"}]))
    provider.script(asks_for(foreign), answer(Say("There is none.")))
    messages = [{"role": "user", "content": "Another question"}, *history(quoted)[1:]]
    assert client.post("/v1/messages", request(messages)).status == 200
    assert f"There is no text with id '{foreign}'" in brought(provider)
    assert "of-ann" not in brought(provider)


def with_user(proxy: Mitmdump, connect: Connect, user: str) -> Client:
    """Return a client that gives the proxy a name and a password."""
    client = connect(proxy)
    token = base64.b64encode(f"{user}:hunter2".encode()).decode()
    client.connect().set_tunnel(client.host, 443, {"proxy-authorization": f"Basic {token}"})
    return client


def test_tenants_share_nothing(provider: Provider, start: Start, connect: Connect) -> None:
    """What was decided for one user holds for that user; another who comes with the same text is met as a stranger."""
    first = start(proxyauth="any")
    left_out(with_user(first, connect, "ann"), provider)
    first.stop()
    # Now nothing new may be left out, but what was decided is replayed.
    proxy = start(proxyauth="any", headroom_mode="lossless")
    found = {}
    for user in ("bob", "ann"):
        assert with_user(proxy, connect, user).post("/v1/messages", request(history(LOG))).status == 200
        found[user] = TEXT_ID.search(results_of(provider.received[-1].json)["toolu_0"]) is not None
    assert found == {"bob": False, "ann": True}


def test_an_id_serves_its_own_user_only(provider: Provider, start: Start, connect: Connect) -> None:
    proxy = start(proxyauth="any")
    found = left_out(with_user(proxy, connect, "ann"), provider)
    bob = with_user(proxy, connect, "bob")
    begun(bob, provider)
    provider.script(asks_for(found), answer(Say("Gone.")))
    assert bob.post("/v1/messages", request([*history(), *_small_turn()])).status == 200
    assert f"There is no text with id '{found}'" in brought(provider)


def _small_turn() -> list[dict[str, object]]:
    return list(history("short")[1:])


def test_bombs_pass_and_the_proxy_lives_on(provider: Provider, start: Start, connect: Connect) -> None:
    """A body that unfolds to more than is looked at leaves byte for byte; so does one that is nested without end."""
    proxy = start()
    client = connect(proxy)
    client.post("/v1/messages", request(history()))
    before = proxy.resident_kib
    large = request([{"role": "user", "content": " " * (200 * 2**20)}])
    bomb = zstandard.ZstdCompressor().compress(large)
    client.post("/v1/messages", bomb, {"content-encoding": "zstd"})
    assert provider.received[-1].raw == bomb
    assert proxy.resident_kib - before < 150 * 1024
    deep = b'{"model":"m","max_tokens":9,"messages":' + b"[" * 300_000 + b"]" * 300_000 + b"}"
    client.post("/v1/messages", deep)
    assert provider.received[-1].raw == deep
    assert left_out(client, provider)


def test_no_log_and_no_file_tells_a_prompt(provider: Provider, start: Start, connect: Connect, tmp_path: Path) -> None:
    """Neither texts nor credentials, whatever goes well or wrong; files are their owner's alone."""
    proxy = start(proxyauth="any", termlog_verbosity="debug")
    ann = with_user(proxy, connect, "ann")
    found = left_out(ann, provider)
    provider.script(asks_for(found), answer(Say("It was the card.")))
    assert ann.post("/v1/messages", request(history(LOG), stream=True)).status == 200
    ann.post("/v1/messages", b'{"messages": "How many rows failed of-ann')
    ann.post("/v1/messages", zstandard.compress(b"How many rows failed of-ann")[:-5], {"content-encoding": "zstd"})
    provider.script(answer(status=529))
    ann.post("/v1/messages", request(history(LOG, "payment 4711 of-ann")))
    proxy.stop()
    assert "headroom" in proxy.log
    assert not [secret for secret in SECRETS if secret in proxy.log]
    files = [path for path in (tmp_path / "home" / ".headroom").rglob("*") if path.is_file()]
    assert {"store.sqlite", "store.key"} <= {path.name for path in files}
    ours = [path for path in files if path.name.startswith("store.")]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in ours)
    kept = b"".join(path.read_bytes() for path in ours)
    assert not [secret for secret in SECRETS if secret.encode() in kept]
