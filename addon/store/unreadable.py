"""What holds where a text was decided upon and its record cannot be opened: it goes out raw, which is never false."""

from headroom_mitm.segments import Digest, Key, Rendering

UNREADABLE = "unreadable record"
"""The compressor of such a decision."""


def unreadable(key: Key, original: Digest | None = None, tokens: int = 0) -> Rendering:
    """Return the decision; the digest of the text is not always known."""
    return Rendering(key, None, original or Digest(key), UNREADABLE, 0, True, tokens, tokens)  # noqa: FBT003  # lossless
