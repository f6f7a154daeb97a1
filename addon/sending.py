"""What the texts of a request leave as. Those that its conversation has sent before are not written again.

A text is written anew where it stands elsewhere now, or where something else is decided of it: both are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from headroom_mitm import tokens
from headroom_mitm.segments import Edit, Key, Prompt, Reading, Rendering, Segment
from headroom_mitm.wire.splice import text_edit


@dataclass(frozen=True, slots=True)
class Sent:
    """One item for each text of a request, in their order."""

    renderings: tuple[Rendering | None, ...] = ()
    """None where nothing is decided."""
    edits: tuple[Edit | None, ...] = ()
    """None where the text stays as it is."""
    before: tuple[int, ...] = ()
    """Tokens; estimated where nobody has counted them."""
    after: tuple[int, ...] = ()

    def first(self, count: int) -> "Sent":
        """Return the same of the first texts only."""
        return Sent(self.renderings[:count], self.edits[:count], self.before[:count], self.after[:count])

    @property
    def originals(self) -> dict[str, Rendering]:
        """What something was left out of, by the id under which the model may ask for it."""
        return {r.id: r for r in self.renderings if r is not None and not r.lossless}


class Sending:
    """Writes texts. Thread-safe; what it remembers goes with the readings that it belongs to."""

    def __init__(self) -> None:
        self._sent: WeakKeyDictionary[Reading, Sent] = WeakKeyDictionary()

    def of(self, prompt: Prompt, known: Mapping[Key, Rendering]) -> Sent:
        """Return what the texts of a request become by these decisions."""
        renderings = tuple([known.get(segment.key) for segment in prompt.segments])
        past = self._past(prompt, renderings)
        count = len(past.renderings)
        new = list(zip(prompt.segments[count:], renderings[count:], strict=True))
        sent = Sent(
            renderings,
            (*past.edits, *(_edit(segment, rendering) for segment, rendering in new)),
            (*past.before, *(r.tokens_before if r else tokens.estimate(segment.size) for segment, r in new)),
            (*past.after, *(r.tokens_after if r else tokens.estimate(segment.size) for segment, r in new)),
        )
        self._sent[prompt.reading] = sent
        return sent

    def _past(self, prompt: Prompt, renderings: Sequence[Rendering | None]) -> Sent:
        """Return what was written for those first texts of which all is as it was; nothing if any is not."""
        sent = self._sent.get(prompt.known.of) if prompt.known is not None else None
        if prompt.known is None or sent is None:
            return Sent()
        past = sent.first(prompt.known.segments)
        return past if past.renderings == renderings[: len(past.renderings)] else Sent()


def _edit(segment: Segment, rendering: Rendering | None) -> Edit | None:
    return text_edit(segment.span, rendering.text) if rendering is not None and rendering.text is not None else None
