"""Where our page is: ``http://headroom.local/`` through the proxy, and ``http://127.0.0.1:8787/``, its own port.

Only the user who runs the proxy sees it, where the system tells who asks (Linux does), and only by these names: a page
from elsewhere whose name is made to lead here (DNS rebinding) is answered by nobody, one that asks across sites is
refused.
"""

from collections.abc import Callable
from typing import Any, cast

from asgiref.wsgi import WsgiToAsgi
from mitmproxy import http
from mitmproxy.addons import asgiapp

from headroom_mitm.neighbours import is_loopback, is_stranger
from headroom_mitm.web.page import Sources, make_app

HOST = "headroom.local"
METRICS = "/metrics"
_OWN_NAMES = frozenset({"127.0.0.1", "::1", "localhost"})


class Site:
    """Answers requests for the page."""

    def __init__(self, sources: Callable[[], Sources]) -> None:
        self._sources = sources
        self._app: Any | None = None

    async def request(self, flow: http.HTTPFlow) -> None:
        """Serve the page, where it is asked for."""
        if not is_ours(flow) or flow.response is not None or flow.error is not None:
            return
        reason = refusal(flow)
        if reason:
            flow.response = http.Response.make(403, f"{reason}\n", {"content-type": "text/plain; charset=utf-8"})
            return
        if self._app is None:
            self._app = cast("Any", WsgiToAsgi)(make_app(self._sources()))
        await asgiapp.serve(self._app, flow)


def is_ours(flow: http.HTTPFlow) -> bool:
    """Say whether a request is for the page: by its name, or for the port that the proxy itself listens on."""
    request, own = flow.request, flow.client_conn.sockname
    if request.scheme != "http":
        return False
    if request.pretty_host == HOST:
        return True
    return bool(own) and request.pretty_host in _OWN_NAMES and request.port == own[1]


def refusal(flow: http.HTTPFlow) -> str:
    """Return why a request for the page is not answered; empty if it is."""
    request = flow.request
    if request.method not in ("GET", "HEAD"):
        return "The page shows, and changes nothing: GET only."
    if not is_loopback(flow.client_conn.peername):
        return "The page is for who is on the proxy's machine."
    # Figures for Prometheus have no texts, and it runs as a user of its own.
    if request.path != METRICS and is_stranger(*flow.client_conn.peername[:2]):
        return "The page is for the user who runs the proxy."
    # Browsers say so themselves; following a link to the page is all right.
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and (
        request.headers.get("sec-fetch-mode") != "navigate"
    ):
        return "The page is not for other sites."
    return ""
