"""Through a real proxy: no credential of anybody's is printed, logged or kept, whatever becomes of its request."""

import base64
import json
from pathlib import Path

from answers import Say, answer
from client import Client
from conversations import history, measurements, request
from provider import Provider
from proxy import Start

KEYS = {
    "x-api-key": "sk-ant-api03-DUMMY-anthropic",
    "authorization": "Bearer sk-DUMMY-openai",
    "x-goog-api-key": "AIzaDUMMY-google-header",
    "api-key": "DUMMY-azure",
    "cookie": "session=DUMMY-cookie",
}
IN_ADDRESS = "AIzaDUMMY-google-address"
PASSWORD = "DUMMY-password"
ASKED = [{"role": "user", "content": "Hello"}]
CHAT = json.dumps({"model": "gpt-5.1", "messages": ASKED}).encode()
CONTENTS = json.dumps({"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}).encode()
GEMINI = "/v1beta/models/gemini-2.5-pro:generateContent"


def test_none_is_printed_logged_or_kept(provider: Provider, start: Start, tmp_path: Path) -> None:
    """Neither of requests that go well, nor of those that are refused, cannot be read, or are not ours."""
    journal = tmp_path / "journal.jsonl"
    proxy = start(
        proxyauth="any", termlog_verbosity="debug", flow_detail="2", headroom_log=str(journal), headroom_metrics="on"
    )
    login = {"Proxy-Authorization": "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode()}
    hosts = ("api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com")
    anthropic, openai, gemini = (Client(proxy, host) for host in hosts)
    for client in (anthropic, openai, gemini):
        client.connect().set_tunnel(client.host, 443, login)
    for status in (200, 401, 529):
        answers = [answer(Say("Hello."), status=status)] if status == 200 else [answer(status=status)]
        provider.script(*answers * 5)
        anthropic.post("/v1/messages", request(history(measurements(1500))), KEYS)
        anthropic.post("/v1/messages", b'{"messages": "no', KEYS)
        openai.post("/v1/chat/completions", CHAT, KEYS)
        gemini.post(f"{GEMINI}?key={IN_ADDRESS}", CONTENTS, KEYS)
        gemini.post(f"/v1beta/files?alt=json&key={IN_ADDRESS}", b"{}", KEYS)
    for client in (anthropic, openai, gemini):
        client.close()
    proxy.stop()
    assert "generativelanguage.googleapis.com" in proxy.log
    assert "?key=…" in proxy.log
    assert "x-api-key: …" in proxy.log
    assert journal.read_bytes()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"SQLite format 3" in kept
    secrets = [*KEYS.values(), IN_ADDRESS, PASSWORD, login["Proxy-Authorization"]]
    assert not [secret for secret in secrets if secret in proxy.log]
    assert not [secret for secret in (*secrets, "DUMMY") if secret.encode() in kept]
    assert "DUMMY" not in proxy.log
