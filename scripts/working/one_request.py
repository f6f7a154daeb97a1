"""mitmproxy script: each request comes over a connection of its own, so that a balancer sends it to any worker.

``$WORKER_MET`` names a file that is told when which conversation has been met: what the header says that
``$WORKER_HEADER`` names, without what follows its last slash, which is the turn.
"""

import os
import time
from pathlib import Path

from mitmproxy import http

MET = Path(os.environ["WORKER_MET"])
HEADER = os.environ.get("WORKER_HEADER", "")


class OneRequest:
    """See the module."""

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        """Note who has come."""
        name = flow.request.headers.get(HEADER, "") if HEADER else ""
        if flow.request.method == "POST":
            with MET.open("a", encoding="utf-8") as file:
                file.write(f"{time.time()} {name.rpartition('/')[0]}\n")

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        """Hang up after the answer."""
        if flow.response is not None and not flow.request.is_http2:
            flow.response.headers["connection"] = "close"


addons = [OneRequest()]
