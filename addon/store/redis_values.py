"""What stands under a name on the shared server, and what its names are."""

import msgspec

from headroom_mitm.errors import StoreUnavailable, UnreadableRecord
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.sizes import kept, restored
from headroom_mitm.store import packing
from headroom_mitm.store.sealing import Sealer
from headroom_mitm.store.unreadable import unreadable

PREFIX = b"headroom:1:"
"""The number is that of the layout of values: with another layout, two versions can still share a server."""


class _Record(msgspec.Struct, array_like=True, frozen=True):
    """A rendering without its key. New fields go to the end and have defaults."""

    text: bytes | None
    original: bytes
    compressor: str
    level: int
    lossless: bool
    tokens_before: int
    tokens_after: int
    base: bytes | None = None
    attempt: bytes = b""
    """Tells two attempts to keep the same from each other."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Record)


def named(kind: bytes, of: bytes) -> bytes:
    """Return the name of a record."""
    return b"%b%b:%b" % (PREFIX, kind, of.hex().encode())


def packed(rendering: Rendering, sealer: Sealer, attempt: bytes = b"") -> bytes:
    """Return a rendering as it is kept."""
    record = _ENCODER.encode(
        _Record(
            text=None if rendering.text is None else packing.to_bytes(rendering.text),
            original=rendering.original,
            compressor=rendering.compressor,
            level=rendering.level,
            lossless=rendering.lossless,
            tokens_before=kept(rendering.before),
            tokens_after=kept(rendering.after),
            base=rendering.base,
            attempt=attempt,
        )
    )
    return sealer.seal(b"rendering", rendering.key, record)


def unpacked(key: Key, value: bytes | None, sealer: Sealer) -> Rendering:
    """Return the rendering that a value holds. A value that is gone again, or not ours, is the server's fault.

    One that cannot be opened was decided upon, and nobody knows how: its text goes out raw.
    """
    try:
        record = _DECODER.decode(sealer.open(b"rendering", key, value or b""))
        text = None if record.text is None else packing.to_text(record.text)
        return Rendering(
            key=key,
            text=text,
            original=Digest(record.original),
            compressor=record.compressor,
            level=record.level,
            lossless=record.lossless,
            before=restored(record.tokens_before),
            after=restored(record.tokens_after, text),
            base=None if record.base is None else Key(record.base),
        )
    except UnreadableRecord:
        return unreadable(key)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StoreUnavailable(f"{named(b'rendering', key).decode()} cannot be read: {error}") from error
