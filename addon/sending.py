"""What the texts of a request leave as. Those that its conversation has sent before are not written again.

A text is written anew where it stands elsewhere now, or where something else is decided of it: both are looked at.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from headroom_mitm import tokens
from headroom_mitm.segments import Edit, Key, Prompt, Reading, Rendering, Segment
from headroom_mitm.wire.splice import text_edit


@dataclass(frozen=True, slots=True)
class Sent:
    """One item for each text of a request, in their order."""

    keys: tuple[Key, ...] = ()
    renderings: tuple[Rendering | None, ...] = ()
    """None where nothing is decided."""
    edits: tuple[Edit | None, ...] = ()
    """None where the text stays as it is."""
    before: tuple[int, ...] = ()
    """About so many tokens."""
    after: tuple[int, ...] = ()

    def first(self, count: int) -> "Sent":
        """Return the same of the first texts only."""
        if count >= len(self.keys):
            return self
        cut = slice(count)
        return Sent(self.keys[cut], self.renderings[cut], self.edits[cut], self.before[cut], self.after[cut])

    @property
    def originals(self) -> dict[str, Rendering]:
        """What something was left out of, by the id under which the model may ask for it."""
        return {r.id: r for r in self.renderings if r is not None and not r.lossless}

    @property
    def changes(self) -> list[Edit]:
        """The edits, without those that are none."""
        return [edit for edit in self.edits if edit is not None]


class Sending:
    """Writes texts. Thread-safe; what it remembers goes with the readings that it belongs to."""

    def __init__(self) -> None:
        self._sent: WeakKeyDictionary[Reading, tuple[tuple[Segment, ...], Sent]] = WeakKeyDictionary()

    def of(self, prompt: Prompt, known: Mapping[Key, Rendering]) -> Sent:
        """Return what the texts of a request become by these decisions."""
        past = self._past(prompt, known)
        count = len(past.keys)
        segments = prompt.segments[count:]
        keys = [segment.key for segment in segments]
        new = list(zip(segments, map(known.get, keys), strict=True))
        sent = Sent(
            (*past.keys, *keys),
            (*past.renderings, *(rendering for _, rendering in new)),
            (*past.edits, *(_edit(segment, rendering) for segment, rendering in new)),
            (*past.before, *(r.about[0] if r else tokens.estimate(segment.size) for segment, r in new)),
            (*past.after, *(r.about[1] if r else tokens.estimate(segment.size) for segment, r in new)),
        )
        self._sent[prompt.reading] = prompt.segments, sent
        return sent

    def _past(self, prompt: Prompt, known: Mapping[Key, Rendering]) -> Sent:
        """Return what was written for those first texts of which all is as it was; nothing if any is not."""
        kept = self._sent.get(prompt.known.of) if prompt.known is not None else None
        if prompt.known is None or kept is None:
            return Sent()
        segments, sent = kept
        past, count = sent.first(prompt.known.segments), prompt.known.segments
        is_same = segments[:count] == prompt.segments[:count]  # so they have the same keys
        return past if is_same and past.renderings == tuple(map(known.get, past.keys)) else Sent()


def _edit(segment: Segment, rendering: Rendering | None) -> Edit | None:
    return text_edit(segment.span, rendering.text) if rendering is not None and rendering.text is not None else None
