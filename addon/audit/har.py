"""Requests in HAR files: what browsers' developer tools and mitmproxy's ``save.har`` write."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson

from headroom_mitm.audit.recording import Recording, seconds
from headroom_mitm.credentials import account
from headroom_mitm.hosts import Host, detect
from headroom_mitm.usage import Counted
from headroom_mitm.wire.reported import Listener

Json = Mapping[str, Any]


def har(path: Path, hosts: tuple[Host, ...] = ()) -> Iterator[Recording]:
    """Yield the prompts in a file, in its order. Raises ``ValueError`` where it is no HAR file."""
    entries = entries_of(path.read_bytes())
    if entries is None:
        raise ValueError(f"{path} is no HAR file")
    for entry in entries:
        if (found := _recording(entry, hosts)) is not None:
            yield found


def entries_of(raw: bytes) -> Sequence[Any] | None:
    """Return the entries; None if this is something else."""
    try:
        top = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    entries = _object(_object(top).get("log")).get("entries")
    return entries if isinstance(entries, list) else None


def _recording(entry: Any, hosts: tuple[Host, ...]) -> Recording | None:
    request = _object(_object(entry).get("request"))
    place = urlsplit(str(request.get("url", "")))
    host = place.hostname or ""
    port = _port(place.port if _is_port(place.netloc) else None, place.scheme)
    wire = detect(host, port, str(request.get("method", "")), place.path, hosts)
    body = _text(_object(request.get("postData")))
    at = seconds(_object(entry).get("startedDateTime"))
    if wire is None or not body or at is None:
        return None
    headers = _headers(request)
    return Recording(
        at=at,
        host=host,
        port=port,
        path=place.path,
        wire=wire,
        body=body,
        legs=_legs(_object(_object(entry).get("response")), wire),
        agent=headers.get("user-agent", ""),
        account=account(headers),
    )


def _is_port(netloc: str) -> bool:
    port = netloc.rpartition(":")[2]
    return not port.isdigit() or int(port) < 65536


def _port(port: int | None, scheme: str) -> int:
    return port or (80 if scheme == "http" else 443)


def _legs(response: Json, wire: str) -> tuple[Counted, ...]:
    content = _object(response.get("content"))
    status = response.get("status")
    if not isinstance(status, int) or status >= 300:
        return ()
    listener = Listener(wire, streamed="event-stream" in str(content.get("mimeType", "")))
    listener.feed(_text(content))
    return listener.counted()[:1]


def _text(holder: Json) -> bytes:
    """Return a body; browsers write some in base64."""
    text = holder.get("text")
    if not isinstance(text, str):
        return b""
    if holder.get("encoding") != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text)
    except binascii.Error:
        return b""


def _headers(request: Json) -> dict[str, str]:
    headers = request.get("headers")
    pairs = [_object(header) for header in headers] if isinstance(headers, list) else []
    return {str(pair.get("name", "")).lower(): str(pair.get("value", "")) for pair in pairs}


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
