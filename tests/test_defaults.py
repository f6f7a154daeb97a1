"""What holds unless the user says otherwise; tests/test_plugin.py holds most of it."""

import logging

import pytest
from mitmproxy.addons.proxyauth import ProxyAuth
from mitmproxy.test import taddons

from headroom_mitm import defaults


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        ({}, False),
        ({"listen_host": "127.0.0.1"}, False),
        ({"listen_host": "::1"}, False),
        ({"listen_host": "0.0.0.0"}, True),
        ({"listen_host": "::"}, True),
        ({"listen_host": "10.0.0.7"}, True),
        ({"listen_host": "proxy.example"}, True),
        ({"mode": ["regular@0.0.0.0:8080"]}, True),
        ({"mode": ["regular", "socks5@10.0.0.7:1080"]}, True),
        ({"listen_host": "0.0.0.0", "proxyauth": "ann:hunter2"}, False),
    ],
    ids=str,
)
def test_who_opens_the_proxy_to_others_is_told(
    caplog: pytest.LogCaptureFixture, options: dict[str, object], warned: bool
) -> None:
    """Where nobody is asked who he is, whoever reaches it can use it."""
    caplog.set_level(logging.WARNING)
    with taddons.context(ProxyAuth()) as context:
        context.options.update(**options)
        defaults.keep_to_loopback(context.options)
        defaults.tell_of_open_doors(context.options)
    assert ("can use this proxy" in caplog.text) == warned
