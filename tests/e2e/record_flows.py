"""mitmproxy script: what its window would show of each flow, a line of JSON each."""

import json
from pathlib import Path

from mitmproxy import ctx, http
from mitmproxy.addonmanager import Loader


class Recorder:
    """See the module."""

    def load(self, loader: Loader) -> None:
        """Declare where to write."""
        loader.add_option("record_to", str, "", "File for a line per flow.")

    def response(self, flow: http.HTTPFlow) -> None:
        """A flow is over."""
        self._write(flow)

    def error(self, flow: http.HTTPFlow) -> None:
        """A flow is over, badly."""
        self._write(flow)

    def _write(self, flow: http.HTTPFlow) -> None:
        shown = {
            "comment": flow.comment,
            "status": flow.response.status_code if flow.response else 0,
            "error": flow.error.msg if flow.error else "",
        }
        with Path(ctx.options.record_to).open("a", encoding="utf-8") as file:
            file.write(json.dumps(shown) + "\n")


addons = [Recorder()]
