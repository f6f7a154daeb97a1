"""Where a request is sent: scripts behind ours may lead it elsewhere, and must see later legs as they saw the first."""

from collections.abc import MutableMapping
from typing import Any

_KEY = "headroom_destination"


def note(metadata: MutableMapping[str, Any], request: Any) -> None:
    """Keep in a flow's metadata where its client has sent it."""
    metadata[_KEY] = request.scheme, request.host, request.port, request.host_header


def restore(metadata: MutableMapping[str, Any], request: Any) -> None:
    """Send a request there."""
    # The header comes last: to set a host changes it, too.
    request.scheme, request.host, request.port, request.host_header = metadata[_KEY]
