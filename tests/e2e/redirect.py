"""mitmproxy script, loaded after ours: requests to providers go to the stand-in on loopback, all others are refused.

Only where the connection leads is changed, not the Host header, and only when the request is complete: scripts before
this one see requests as they are in production.
"""

import logging

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader

LOOPBACK = "127.0.0.1"
PROVIDERS = frozenset(
    {
        "api.anthropic.com",
        "api.openai.com",
        "chatgpt.com",
        "generativelanguage.googleapis.com",
        "openrouter.ai",
    }
)


class Redirect:
    """See the module."""

    def load(self, loader: Loader) -> None:
        """Declare where the stand-in listens."""
        loader.add_option("stand_in_port", int, 0, "Port of the stand-in provider.")

    def request(self, flow: http.HTTPFlow) -> None:
        """Redirect or refuse."""
        request = flow.request
        if flow.response or (request.host, request.port) == (LOOPBACK, ctx.options.stand_in_port):
            return
        if request.pretty_host not in PROVIDERS:
            logging.warning("refused: %s", request.pretty_host)
            flow.response = http.Response.make(403, b"refused by the test")
            return
        # The setters of request would rewrite the Host header, and pretty_host with it.
        request.data.host, request.data.port, request.data.scheme = LOOPBACK, ctx.options.stand_in_port, b"http"


addons = [Redirect()]
