"""Content encodings, undone piece by piece: a watched stream must be readable as it comes."""

import zlib
from collections.abc import Callable

import brotli
import zstandard

Decode = Callable[[bytes], bytes]


def _gzip() -> Decode:
    return zlib.decompressobj(wbits=47).decompress  # 47: gzip or zlib, told by the header


def _brotli() -> Decode:
    decode: Decode = brotli.Decompressor().process
    return decode


def _zstd() -> Decode:
    return zstandard.ZstdDecompressor().decompressobj().decompress


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
    """Return a function that takes the pieces of an encoded body in turn; None for an encoding we do not know."""
    make = _DECODERS.get(encoding.strip().lower())
    return make() if make else None
