"""Encoded bodies can be read as they come, wherever they are cut."""

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.roundtrip.decoding import decoder

TEXT = b"event: ping\ndata: {}\n\n" * 200


def _flushed_gzip(data: bytes) -> bytes:
    """As a server writes events: flushed behind each of them."""
    state = zlib.compressobj(wbits=31)
    pieces = [state.compress(data[at : at + 100]) + state.flush(zlib.Z_SYNC_FLUSH) for at in range(0, len(data), 100)]
    return b"".join(pieces) + state.flush()


ENCODED: dict[str, tuple[str, bytes]] = {
    "none": ("", TEXT),
    "identity": ("identity", TEXT),
    "gzip": ("gzip", gzip.compress(TEXT)),
    "flushed": (" GZip ", _flushed_gzip(TEXT)),
    "two members": ("x-gzip", gzip.compress(TEXT[:99]) + gzip.compress(TEXT[99:])),
    "deflate": ("deflate", zlib.compress(TEXT)),
    "br": ("br", brotli.compress(TEXT)),
    "zstd": ("zstd", zstandard.compress(TEXT)),
    "two frames": ("zstd", zstandard.compress(TEXT[:99]) + zstandard.compress(TEXT[99:])),
}


@pytest.mark.parametrize(("name", "data"), ENCODED.values(), ids=ENCODED)
@given(size=st.integers(1, 5000))
def test_pieces_make_the_text(name: str, data: bytes, size: int) -> None:
    decode = decoder(name)
    assert decode is not None
    assert b"".join(decode(data[at : at + size]) for at in range(0, len(data), size)) == TEXT


def test_what_is_flushed_is_seen_at_once() -> None:
    state, decode = zlib.compressobj(wbits=31), decoder("gzip")
    assert decode is not None
    assert decode(state.compress(b"data: 1\n\n") + state.flush(zlib.Z_SYNC_FLUSH)) == b"data: 1\n\n"


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_a_damaged_body_is_unreadable(name: str) -> None:
    decode = decoder(name)
    assert decode is not None
    with pytest.raises(UnreadableBody):
        decode(b"no such thing, and long enough to tell" * 9)


@pytest.mark.parametrize("name", ["compress", "gzip, br", "aes128gcm"])
def test_an_encoding_that_nobody_knows_is_none(name: str) -> None:
    assert decoder(name) is None
