"""Clients that speak HTTP/2, as Codex does, get the same: streams at once, answers that go on, no trace of us."""

import subprocess
from pathlib import Path

from answers import Answer, Say, answer
from client import ANTHROPIC, sse_data
from conversations import history, measurements, request, results_of
from provider import Provider, Received
from proxy import Mitmdump, Start
from test_retrieve import asking

SECONDS = "60"


def curl(proxy: Mitmdump, folder: Path, body: bytes) -> bytes:
    """Send a request by HTTP/2 and return the answer, after ``HTTP/2 <status>`` and a newline."""
    (folder / "body").write_bytes(body)
    command = ["curl", "--silent", "--show-error", "--no-buffer", "--http2", "--max-time", SECONDS]
    command += ["--proxy", proxy.url, "--cacert", str(proxy.ca), "--data-binary", f"@{folder / 'body'}"]
    command += ["-H", "content-type: application/json", "-H", "x-api-key: sk-ant-api03-test"]
    command += ["--write-out", "%{stderr}%{http_version} %{http_code}", f"https://{ANTHROPIC}/v1/messages"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert done.stderr == b"2 200", done.stderr
    return done.stdout


def text_of(stream: bytes) -> str:
    """All text of a streamed answer."""
    deltas = [event["delta"] for event in sse_data(stream) if event["type"] == "content_block_delta"]
    return "".join(delta.get("text", "") for delta in deltas if isinstance(delta, dict))


def test_the_answer_goes_on_by_http2(provider: Provider, start: Start, tmp_path: Path) -> None:
    proxy = start()
    curl(proxy, tmp_path, request(history()))
    provider.received.clear()
    provider.script(asking(lines="701-703"), answer(Say("It was the card.")))
    log = measurements(1500)
    stream = curl(proxy, tmp_path, request(history(log), stream=True))
    assert text_of(stream) == "I look closer. It was the card."
    assert b"headroom" not in stream
    assert log.split("\n")[700] in results_of(provider.received[1].json)["toolu_r"]
    assert provider.refused == []


def test_several_requests_at_once_on_one_connection(provider: Provider, start: Start, tmp_path: Path) -> None:
    """Streams of one connection do not wait for each other, and each gets its own answer."""
    proxy = start()

    def echo(received: Received) -> Answer:
        return answer(Say(f"You said {received.json['messages'][0]['content']}."))

    provider.script(*[echo] * 6)
    config = []
    for number in range(6):
        body = tmp_path / f"body{number}"
        body.write_bytes(request([{"role": "user", "content": f"number {number}"}], stream=True))
        config += [
            f'url = "https://{ANTHROPIC}/v1/messages"',
            f'data-binary = "@{body}"',
            f'output = "{tmp_path}/answer{number}"',
            "next" if number < 5 else "",
        ]
    shared = ["http2", f'proxy = "{proxy.url}"', f'cacert = "{proxy.ca}"', 'header = "x-api-key: sk-ant-api03-test"']
    text = "\n".join(line if line != "next" else "\n".join(["next", *shared]) for line in [*shared, *config])
    (tmp_path / "config").write_text(text, encoding="utf-8")
    command = ["curl", "--silent", "--parallel", "--max-time", SECONDS, "--config", str(tmp_path / "config")]
    subprocess.run(command, capture_output=True, check=True)
    for number in range(6):
        assert text_of((tmp_path / f"answer{number}").read_bytes()) == f"You said number {number}."
    assert provider.refused == []
