"""A proxy of ours says so, to programs on the same machine only."""

import json
from pathlib import Path

import pytest
from mitmproxy.test import taddons, tflow

from headroom_mitm.hosts import HOSTS, PRESENCE_HOST, allow_hosts_patterns, detect
from headroom_mitm.presence import Presence


@pytest.mark.parametrize(
    ("host", "peer", "status"),
    [
        (PRESENCE_HOST, "127.0.0.1", 200),
        (PRESENCE_HOST, "::1", 200),
        (PRESENCE_HOST, "::ffff:127.0.0.1", 200),
        (PRESENCE_HOST, "192.0.2.1", 403),
        ("api.anthropic.com", "127.0.0.1", None),
    ],
)
def test_who_is_here_is_told(
    host: str, peer: str, status: int | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HEADROOM_HOME", str(tmp_path))
    flow = tflow.tflow()
    flow.request.host = host
    flow.client_conn.peername = (peer, 50000)
    with taddons.context():
        Presence(lambda: None).request(flow)
    assert (flow.response.status_code if flow.response else None) == status
    if flow.response and status == 200:
        assert json.loads(flow.response.text or "")["home"] == str(tmp_path)


def test_the_host_is_decrypted_but_nothing_on_it_is_a_prompt() -> None:
    assert any("headroom" in pattern for pattern in allow_hosts_patterns(HOSTS))
    assert detect(PRESENCE_HOST, 443, "POST", "/v1/messages") is None
