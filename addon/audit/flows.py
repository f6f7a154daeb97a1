"""Requests in files of mitmproxy's: what ``mitmdump -w FILE`` and mitmweb's "save" write."""

from collections.abc import Iterator
from pathlib import Path

from mitmproxy import exceptions, http, io

from headroom_mitm.audit.recording import Recording
from headroom_mitm.credentials import account
from headroom_mitm.hosts import Host, detect
from headroom_mitm.usage import Counted
from headroom_mitm.wire.reported import Listener

_FIGURES = "headroom"
"""In a flow's metadata: see addon/metering.py."""
_FAULTS = (exceptions.FlowReadException, AttributeError, LookupError, TypeError)
"""What mitmproxy raises where a file is not its own; the last ones where it only looks like that."""


def flows(path: Path, hosts: tuple[Host, ...] = ()) -> Iterator[Recording]:
    """Yield the prompts in a file, in its order. Raises ``ValueError`` where the file is not whole."""
    with path.open("rb") as file:
        try:
            for flow in io.FlowReader(file).stream():
                if isinstance(flow, http.HTTPFlow) and (found := _recording(flow, hosts)) is not None:
                    yield found
        except _FAULTS as error:
            raise ValueError(f"{path}: {error}") from error


def _recording(flow: http.HTTPFlow, hosts: tuple[Host, ...]) -> Recording | None:
    request = flow.request
    wire = detect(request.pretty_host, request.port, request.method, request.path, hosts)
    if wire is None:
        return None
    try:
        body = request.get_content(strict=True)
    except ValueError:
        return None
    if not body:
        return None
    return Recording(
        at=request.timestamp_start,
        host=request.pretty_host,
        port=request.port,
        path=request.path,
        wire=wire,
        body=body,
        legs=_noted(flow) or _legs(flow.response, wire),
        agent=request.headers.get("user-agent", ""),
        account=account(request.headers),
    )


def _noted(flow: http.HTTPFlow) -> tuple[Counted, ...]:
    """Return what our addon has noted of the answer: a body that was streamed is not in the file."""
    figures = flow.metadata.get(_FIGURES)
    usage = figures.get("usage") if isinstance(figures, dict) else None
    if not isinstance(usage, dict):
        return ()
    return (Counted(**{name: int(usage.get(name) or 0) for name in Counted.__dataclass_fields__}),)


def _legs(response: http.Response | None, wire: str) -> tuple[Counted, ...]:
    if response is None or response.status_code >= 300:
        return ()
    listener = Listener(wire, streamed="event-stream" in response.headers.get("content-type", ""))
    try:
        listener.feed(response.get_content(strict=False) or b"")
    except ValueError:
        return ()
    return listener.counted()[:1]
