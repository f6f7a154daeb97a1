"""mitmproxy script: what each flow was told of its request, a line of JSON each, as screens are told of it."""

import json
from collections.abc import Sequence
from pathlib import Path

from mitmproxy import ctx, flow
from mitmproxy.addonmanager import Loader


class Recorder:
    """See the module."""

    def load(self, loader: Loader) -> None:
        """Declare where to write."""
        loader.add_option("record_to", str, "", "File for a line per flow.")

    def update(self, flows: Sequence[flow.Flow]) -> None:
        """Flows have changed."""
        for one in flows:
            shown = {"comment": one.comment, "figures": one.metadata.get("headroom")}
            with Path(ctx.options.record_to).open("a", encoding="utf-8") as file:
                file.write(json.dumps(shown) + "\n")


addons = [Recorder()]
