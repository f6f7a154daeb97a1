"""Content encodings, undone piece by piece: a watched stream must be readable as it comes."""

import zlib
from collections.abc import Callable
from typing import Any

import brotli
import zstandard

from headroom_mitm.errors import UnreadableBody

Decode = Callable[[bytes], bytes]

_DAMAGED = (zlib.error, brotli.error, zstandard.ZstdError)


def _gzip() -> Decode:
    return _joined(lambda: zlib.decompressobj(wbits=47))  # 47: gzip or zlib, told by the header


def _brotli() -> Decode:
    decode: Decode = brotli.Decompressor().process
    return decode


def _zstd() -> Decode:
    return _joined(lambda: zstandard.ZstdDecompressor().decompressobj())


_DECODERS: dict[str, Callable[[], Decode]] = {
    "": lambda: bytes,
    "identity": lambda: bytes,
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _gzip,
    "br": _brotli,
    "zstd": _zstd,
}


def decoder(encoding: str) -> Decode | None:
    """Return a function that takes the pieces of an encoded body in turn; None for an encoding we do not know.

    The function raises ``UnreadableBody`` where a piece is damaged.
    """
    make = _DECODERS.get(encoding.strip().lower())
    if make is None:
        return None
    decode = make()

    def checked(data: bytes) -> bytes:
        try:
            return decode(data)
        except _DAMAGED as error:
            raise UnreadableBody(f"damaged {encoding}: {error}") from None

    return checked


def _joined(make: Callable[[], Any]) -> Decode:
    """Decode members one after the other: a server may end one at each flush and begin the next."""
    member = make()

    def decode(data: bytes) -> bytes:
        nonlocal member
        texts: list[bytes] = []
        while data:
            if member.eof:
                member = make()
            texts.append(member.decompress(data))
            data = member.unused_data if member.eof else b""
        return b"".join(texts)

    return decode
