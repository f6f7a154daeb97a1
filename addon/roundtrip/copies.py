"""Whether the answer to a request may hold copies of texts that we have shortened."""

from collections.abc import Mapping

from headroom_mitm.segments import Rendering
from headroom_mitm.wire.retelling import Copies
from headroom_mitm.wire.retellings import COPIES
from headroom_mitm.wording import NOTE


def looked_for(wire: str, originals: Mapping[str, Rendering], *, streamed: bool) -> Copies | None:
    """Return what looks for them in an answer; None where there is none, or the format is not known."""
    texts = [rendering.text for rendering in originals.values() if rendering.text]
    make = COPIES.get(wire)
    return make(texts, NOTE, streamed=streamed) if make is not None and texts else None
