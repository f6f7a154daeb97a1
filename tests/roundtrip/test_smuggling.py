"""Requests that two servers may read in two ways: mitmproxy refuses them before our hooks, and nothing is forwarded.

The addon adds nothing to that; the test holds what SECURITY.md says of it.
"""

import pytest
from layer_driver import REQUEST, Driver

from headroom_mitm.roundtrip.substream import WatchLayers

HEAD = b"POST http://provider/v1/messages HTTP/1.1\r\nhost: provider\r\n"
CHUNKS = b"0\r\n\r\nPOST http://provider/v1/messages HTTP/1.1\r\nhost: provider\r\n\r\n"
ATTACKS = {
    "length and chunks": b"content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n" + CHUNKS,
    "chunks and length": b"transfer-encoding: chunked\r\ncontent-length: 6\r\n\r\n" + CHUNKS,
    "two lengths": b"content-length: 6\r\ncontent-length: 60\r\n\r\n" + REQUEST,
    "a list of lengths": b"content-length: 6, 60\r\n\r\n" + REQUEST,
    "a signed length": b"content-length: +6\r\n\r\n" + REQUEST,
    "unknown transfer": b"transfer-encoding: xchunked\r\n\r\n" + CHUNKS,
    "chunks, then another": b"transfer-encoding: chunked, identity\r\n\r\n" + CHUNKS,
    "a space before the colon": b"content-length : 6\r\n\r\n" + REQUEST,
}


def driven(head: bytes) -> Driver:
    driver = Driver(WatchLayers(lambda _: None, lambda _: None), lambda _: True)
    driver.from_client(HEAD + head)
    return driver


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_request_that_can_be_read_in_two_ways_is_refused(attack: bytes) -> None:
    driver = driven(attack)
    assert driver.sent[driver.client].startswith(b"HTTP/1.1 400")
    assert driver.servers == []


def test_an_ordinary_one_is_forwarded() -> None:
    """The test above can fail."""
    driver = driven(b"content-length: %d\r\n\r\n%b" % (len(REQUEST), REQUEST))
    assert driver.sent[driver.servers[0]].endswith(REQUEST)
