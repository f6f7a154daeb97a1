"""Texts as bytes: exact, whatever they hold, and small where they are only kept for a rare look."""

import zstandard

from headroom_mitm.errors import MissingOriginal
from headroom_mitm.segments import Digest

LARGEST = 256 * 2**20
"""Bytes. What claims to be larger is none of ours, and memory is not reserved for it."""
_LEVEL = 3  # 100 KB of logs or JSON take about 0.2 ms; higher levels take several times that for a tenth less


def to_bytes(text: str) -> bytes:
    """Return UTF-8 in which lone surrogates stand for themselves: clients cut strings in the middle of a pair."""
    return text.encode("utf-8", "surrogatepass")


def to_text(raw: bytes) -> str:
    """Return the text that ``to_bytes`` was given."""
    return raw.decode("utf-8", "surrogatepass")


def pack(text: str) -> bytes:
    """Return a text as ``squeeze`` packs it."""
    return squeeze(to_bytes(text))


def squeeze(raw: bytes) -> bytes:
    """Return a zstd frame with a checksum: SQLite and Redis have none of their own."""
    return zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(raw)


def unsqueeze(packed: bytes) -> bytes | None:
    """Return what ``squeeze`` was given; None if the frame is damaged."""
    try:
        return _opened(packed)
    except zstandard.ZstdError:
        return None


def unpack(packed: bytes, digest: Digest) -> str:
    """Return the text that ``pack`` was given; raise ``MissingOriginal`` if the frame is damaged."""
    try:
        return to_text(_opened(packed))
    except (zstandard.ZstdError, UnicodeDecodeError) as error:
        raise MissingOriginal(f"original {digest.hex()} is damaged: {error}") from error


def _opened(packed: bytes) -> bytes:
    if zstandard.get_frame_parameters(packed).content_size > LARGEST:
        raise zstandard.ZstdError("larger than anything that is kept")
    return zstandard.ZstdDecompressor().decompress(packed)
