"""Tells programs on this machine that this proxy is ours: ``https://headroom.localhost/``, without any network.

The name lies below one that our authority may sign for and that is never looked up, so that who asks for it sees at
once whether the proxy answers, decrypts, and signs with an authority that is trusted.
"""

import json
import os
from collections.abc import Callable

from mitmproxy import ctx, http
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

from headroom_mitm import __version__
from headroom_mitm.addressed import host_of
from headroom_mitm.hosts import PRESENCE_HOST
from headroom_mitm.neighbours import is_loopback
from headroom_mitm.settings import Settings, home


class Presence:
    """Answers for one host, and only to who is on this machine."""

    def __init__(self, settings: Callable[[], Settings | None]) -> None:
        self._settings = settings

    def server_connect(self, data: ServerConnectionHookData) -> None:
        """Lead the connection that mitmproxy opens ahead of a request back to this proxy: it is never used."""
        address = data.server.address
        if address is not None and address[0] == PRESENCE_HOST and data.client.sockname:
            data.server.address = (data.client.sockname[0], data.client.sockname[1])

    def request(self, flow: http.HTTPFlow) -> None:
        """Say who we are."""
        if flow.response is not None or host_of(flow.request) != PRESENCE_HOST:
            return
        if not is_loopback(flow.client_conn.peername):
            flow.response = http.Response.make(403, b"", {"content-length": "0"})
            return
        flow.response = http.Response.make(200, json.dumps(self._told()), {"content-type": "application/json"})

    def _told(self) -> dict[str, object]:
        chosen = self._settings()
        return {
            "headroom_mitm": __version__,
            "home": str(home()),
            "confdir": ctx.options.confdir,
            "mode": chosen.mode.value if chosen else "",
            "store": chosen.store.partition("@")[2] or chosen.store if chosen else "",
            "pid": os.getpid(),
        }
