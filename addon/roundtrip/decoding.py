"""Content encodings, undone piece by piece: a watched stream must be readable as it comes, a body must fit.

A few bytes may stand for gigabytes, so what comes out is bounded.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Any

import brotli
import zstandard

from headroom_mitm.errors import UnreadableBody

Decode = Callable[[bytes], bytes]

MOST_AT_ONCE = 32 * 2**20
"""Bytes that a piece of a stream may become."""
_SLICES = {"br": 16, "zstd": 512}
_SLICE = 4096
"""Bytes that are decoded before the size is looked at; what stands for most in the fewest is brotli."""
_LONGEST_BROTLI = 2**20
"""Bytes of a whole body: in slices so short it takes its time, and nobody sends prompts so."""

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
    return decode if decode is bytes else lambda data: _bounded(decode, data, encoding, MOST_AT_ONCE)


def decoded(encoding: str, raw: bytes, most: int) -> bytes:
    """Return a whole body; raise ``UnreadableBody`` if it is damaged, larger than ``most``, or in no encoding we know.

    One that breaks off is returned as far as it goes: whoever reads it finds that it is no JSON.
    """
    name = encoding.strip().lower()
    make = _DECODERS.get(name)
    if make is None or (name == "br" and len(raw) > _LONGEST_BROTLI):
        raise UnreadableBody(f"a body in {encoding!r}")
    decode = make()
    return raw if decode is bytes else _bounded(decode, raw, name, most)


def readable(encoding: str, raw: bytes) -> bytes | None:
    """Return a whole answer; None if it cannot be read, or stands for more than ``MOST_AT_ONCE``."""
    try:
        return decoded(encoding, raw, MOST_AT_ONCE)
    except UnreadableBody:
        return None


def _bounded(decode: Decode, data: bytes, encoding: str, most: int) -> bytes:
    texts: list[bytes] = []
    size = 0
    try:
        for piece in _slices(data, _SLICES.get(encoding.strip().lower(), _SLICE)):
            texts.append(decode(piece))
            size += len(texts[-1])
            if size > most:
                raise UnreadableBody(f"{len(data)} bytes of {encoding} stand for more than {most}")
    except _DAMAGED as error:
        raise UnreadableBody(f"damaged {encoding}: {error}") from None
    return b"".join(texts)


def _slices(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


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
