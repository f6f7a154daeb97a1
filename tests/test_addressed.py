"""What is read once is what mitmproxy says each time."""

import pytest
from mitmproxy import http
from mitmproxy.test import tutils

from headroom_mitm.addressed import by_name, header, host_of

HEADERS = http.Headers(
    [(b"X-Api-Key", b"k"), (b"accept", b"a"), (b"Accept", b"b"), (b"\xe2\x84\xaaey", b"\xff"), (b"empty", b"")]
)


@pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/2.0"])
@pytest.mark.parametrize("authority", ["", "api.example", "api.example:8443", "[::1]:1", "a b:c", "b\xfccher.example"])
@pytest.mark.parametrize("named", [None, "other.example", "other.example:1"])
def test_the_host_is_the_pretty_one(version: str, authority: str, named: str | None) -> None:
    headers = http.Headers() if named is None else http.Headers(host=named)
    request = tutils.treq(http_version=version.encode(), headers=headers)
    request.authority = authority
    assert host_of(request) == request.pretty_host


def test_headers_are_found_by_name() -> None:
    request = tutils.treq(headers=HEADERS)
    found = by_name(request)
    assert len(found) == len(request.headers)
    assert all(found[name] == request.headers[name] == header(request, name.encode()) for name in found)
    assert header(request, b"host") == ""
