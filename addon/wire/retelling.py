"""What a client has not seen of an answer, and how it comes back into the requests that follow."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from headroom_mitm.segments import Digest, Edit, Prompt, Talk
from headroom_mitm.wire.reply import Answered, HiddenCall


@dataclass(frozen=True, slots=True)
class Round:
    """One leg of an answer as the provider has it, and what the calls of our tool in it brought. Bytes are JSON."""

    blocks: tuple[bytes, ...]
    """What the model said, in order."""
    hidden: tuple[int, ...] = ()
    """Numbers of the blocks that the client has not seen."""
    results: tuple[bytes, ...] = ()
    """One for each hidden block."""


@dataclass(frozen=True, slots=True)
class Untold:
    """What a client has not seen of an answer that has ended."""

    before: tuple[Round, ...]
    """All legs but the last."""
    calls: tuple[HiddenCall, ...]
    """Calls of our tool in the last leg, in which the client is called, too: no further leg answers them."""
    last: Callable[[Sequence[Answered]], Round]
    """Makes the last leg from what these calls brought."""


@runtime_checkable
class Telling(Protocol):
    """What a ``Reply`` has besides where hidden rounds can be put back into later requests."""

    @property
    def untold(self) -> Untold | None:
        """None where the client has seen all, or the answer has not ended well.

        Raises ``UnreadableBody`` where the last leg is not known.
        """
        ...


OriginalOf = Callable[[str], str | None]
"""Returns what a text of ours stands for; None if that cannot be read."""


class Copies(Protocol):
    """Looks, in what a client gets of one answer, for texts of ours that the model has written into its calls."""

    @property
    def held(self) -> bytes:
        """What waits for ``expanded``; empty for nothing."""
        ...

    def feed(self, shown: bytes) -> bytes:
        """Take what the client is to get; return what it may get now."""
        ...

    def end(self, last: bytes) -> bytes:
        """Take the end of the answer; return what the client may get at once."""
        ...

    def expanded(self, original_of: OriginalOf) -> bytes:
        """Return what was held, with what the texts in it stand for; nothing is held then. May block."""
        ...


Recall = Callable[[Sequence[Digest]], Mapping[Digest, Sequence[Round]]]
"""Returns the rounds that are known under some keys."""


class Retelling(Protocol):
    """What is hidden from clients of one format, in their history."""

    def key(self, prompt: Prompt, rounds: Sequence[Round]) -> Digest | None:
        """Return the name of the answer to a request, by what the client will say of it; None if it has no name."""
        ...

    def edits(self, talk: Talk, recall: Recall) -> list[Edit]:
        """Return what puts hidden rounds back where they were. Bytes of other messages are not touched."""
        ...
