"""What the texts of a request leave as. Those that its conversation has sent before are not written again.

A text is written anew where it stands elsewhere now, or where something else is decided of it: both are looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from weakref import WeakKeyDictionary

from headroom_mitm import tokens
from headroom_mitm.segments import Edit, Key, Prompt, Reading, Rendering, Segment
from headroom_mitm.wire.splice import span_of, text_edit


@dataclass(frozen=True, slots=True)
class Sent:
    """The texts of a request, as they leave."""

    edits: Sequence[Edit]
    """Of those that do not stay as they are, in the order of the body."""
    originals: Mapping[str, Rendering]
    """What something was left out of, by the id under which the model may ask for it."""
    before: int
    """About the tokens of all of them."""
    after: int


class Sending:
    """Writes texts. Thread-safe; what it remembers goes with the readings that it belongs to."""

    def __init__(self) -> None:
        self._written: WeakKeyDictionary[Reading, _Written] = WeakKeyDictionary()

    def of(self, prompt: Prompt, known: Mapping[Key, Rendering]) -> Sent:
        """Return what the texts of a request become by these decisions."""
        written = self._past(prompt, known)
        segments = prompt.segments
        settled = len(segments)
        while settled and segments[settled - 1].newest:
            settled -= 1
        written.add(segments[len(written.segments) : settled], known)
        newest = _Written()
        newest.add(segments[settled:], known)
        edits = [*written.edits, *newest.edits]
        seam = len(written.edits)
        follows = not (0 < seam < len(edits)) or edits[seam - 1].span <= edits[seam].span
        if not (written.is_ordered and newest.is_ordered and follows):
            edits.sort(key=span_of)
        sent = Sent(
            edits, written.originals | newest.originals, written.before + newest.before, written.after + newest.after
        )
        self._written[prompt.reading] = written
        return sent

    def _past(self, prompt: Prompt, known: Mapping[Key, Rendering]) -> "_Written":
        """Take what was written for those first texts of which all is as it was; nothing if any is not.

        Another request that has the same past writes it anew: mostly there is one that goes on.
        """
        written = self._written.pop(prompt.known.of, None) if prompt.known is not None else None
        if prompt.known is None or written is None:
            return _Written()
        written.cut(prompt.known.segments)
        is_same = tuple(written.segments) == prompt.segments[: len(written.segments)]  # so they have the same keys
        return written if is_same and written.renderings == list(map(known.get, written.keys)) else _Written()


class _Before(NamedTuple):
    """What was written before a text was."""

    edits: int
    tokens_before: int
    tokens_after: int
    new_id: str
    """Under which the text's original is the first; empty if it is not."""


@dataclass(slots=True, eq=False)
class _Written:
    """Texts in front of the model's last answer. Changed only by the request that took it."""

    segments: list[Segment] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    renderings: list[Rendering | None] = field(default_factory=list)
    """None where nothing is decided."""
    steps: list[_Before] = field(default_factory=list)
    """One item for each text, as in those above."""
    edits: list[Edit] = field(default_factory=list)
    """Of some of them only."""
    originals: dict[str, Rendering] = field(default_factory=dict)
    """See ``Sent``, as the next two."""
    before: int = 0
    after: int = 0
    is_ordered: bool = True
    """The edits are in the order of the body."""

    def add(self, segments: Sequence[Segment], known: Mapping[Key, Rendering]) -> None:
        """Write further texts."""
        for segment in segments:
            key = segment.key
            rendering = known.get(key)
            id_ = rendering.id if rendering is not None and not rendering.lossless else ""
            new_id = id_ if id_ not in self.originals else ""
            self.segments.append(segment)
            self.keys.append(key)
            self.renderings.append(rendering)
            self.steps.append(_Before(len(self.edits), self.before, self.after, new_id))
            before, after = rendering.about if rendering is not None else (tokens.estimate(segment.size),) * 2
            self.before += before
            self.after += after
            if rendering is not None and new_id:
                self.originals[new_id] = rendering
            if rendering is not None and rendering.text is not None:
                edit = text_edit(segment.span, rendering.text)
                self.is_ordered = self.is_ordered and (not self.edits or self.edits[-1].span <= edit.span)
                self.edits.append(edit)

    def cut(self, count: int) -> None:
        """Keep the first texts only."""
        gone = self.steps[count:]
        if not gone:
            return
        for step in gone:
            self.originals.pop(step.new_id, None)
        self.before, self.after = gone[0].tokens_before, gone[0].tokens_after
        del self.edits[gone[0].edits :]
        for column in (self.segments, self.keys, self.renderings, self.steps):
            del column[count:]
