"""Whether the answer to a request may hold copies of texts that we have shortened."""

from collections.abc import Mapping

from headroom_mitm.segments import Rendering
from headroom_mitm.wire.arguments import Arguments
from headroom_mitm.wire.retelling import Copies
from headroom_mitm.wire.retellings import COPIES, IN_FRAMES
from headroom_mitm.wording import NOTE


def looked_for(
    wire: str, originals: Mapping[str, Rendering], *, streamed: bool, in_frames: bool = False
) -> Copies | None:
    """Return what looks for them in an answer; None where there is none, or the format is not known."""
    texts = [rendering.text for rendering in originals.values() if rendering.text]
    form = (IN_FRAMES if in_frames else COPIES).get(wire)
    if form is None or not texts:
        return None
    return Arguments(texts, NOTE, form.calls(), form.framing() if streamed else None)
