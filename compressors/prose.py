"""Text for people: left as it is, but for blocks that stand in it already, and data that nobody reads."""

from dataclasses import dataclass

from headroom_mitm.compressors.base import Compressed, Content, Level
from headroom_mitm.compressors.prose_blobs import blobs, in_words, without
from headroom_mitm.compressors.prose_repeats import fold, original_lines

_SCORE = 0.05  # whatever else there is knows more of a text
_WORTH = 0.97  # of the tokens


@dataclass(frozen=True, slots=True)
class Prose:
    """Lossless: a block of lines that stands above becomes a reference. Lossy: base64 is left out, with its size."""

    name: str = "prose"
    version: int = 1
    lossy: bool = True
    exact: bool = True

    def score(self, content: Content) -> float:
        """Claim any text, if nobody else does, but for a file just read: who is about to edit it needs all of it."""
        return 0.0 if content.fresh_read or content.text.isspace() or not content.text else _SCORE

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return the text without repeats, or None where there are none."""
        if content.fresh_read:
            return None
        folded = fold(content.text) or content.text
        found = blobs(folded) if level > Level.LOSSLESS else []
        shown = without(folded, found)
        if shown is content.text or not content.outweighs(shown, _WORTH):
            return None
        if not found:
            return Compressed(shown, lossless=True)
        return Compressed(shown, lossless=False, left_out=in_words(folded, found, original_lines(folded)))
