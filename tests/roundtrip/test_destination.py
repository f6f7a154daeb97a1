"""Later legs go where the first one was sent, whatever scripts have made of it."""

import pytest
from mitmproxy.http import Request

from headroom_mitm.roundtrip import destination


@pytest.mark.parametrize("header", ["api.anthropic.com", "gateway.example:8443", None])
def test_a_request_is_led_back(header: str | None) -> None:
    request = Request.make("POST", "https://api.anthropic.com/v1/messages")
    request.host_header = header
    metadata: dict[str, object] = {}
    destination.note(metadata, request)
    leg = request.copy()
    leg.scheme, leg.host, leg.port = "http", "127.0.0.1", 8080
    destination.restore(metadata, leg)
    assert (leg.url, leg.host_header) == (request.url, header)
