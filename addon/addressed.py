"""What a request says of where it goes, and a message of how, read once: mitmproxy reads it for each question."""

import functools

from mitmproxy import http
from mitmproxy.net.http import url


def host_of(request: http.Request) -> str:
    """Return the host that a client asks for: ``request.pretty_host``."""
    # Where there is an authority it may be the one; else the look for the header is what takes the time.
    named = request.host_header if request.authority else header(request, b"host")
    return _host_in(named) if named else request.host


def header(message: http.Message, name: bytes) -> str:
    """Return the value of a header, its name in lower case, as ``by_name`` does; empty where there is none."""
    found = [value for raw_name, value in message.headers.fields if raw_name.lower() == name]
    return ", ".join([value.decode("utf-8", "surrogateescape") for value in found])


def by_name(message: http.Message) -> dict[str, str]:
    """Return the headers by their names in lower case. What stands there several times is joined as mitmproxy does."""
    found: dict[str, str] = {}
    for raw_name, raw_value in message.headers.fields:
        name, value = (raw.decode("utf-8", "surrogateescape") for raw in (raw_name.lower(), raw_value))
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


@functools.lru_cache(maxsize=256)
def _host_in(authority: str) -> str:
    return url.parse_authority(authority, check=False)[0]
