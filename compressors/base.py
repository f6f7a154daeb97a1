"""What a compressor is: text in, shorter text out. It knows nothing of providers, flows or stores."""

import enum
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from headroom_mitm import tokens


class Level(enum.IntEnum):
    """How much may be left out. Only ``LOSSLESS`` needs no way back."""

    LOSSLESS = 0
    """Another form of the same text: a decoder in the tests turns it back exactly, a reader needs no decoder."""
    LIGHT = 1
    """Leaves out what carries no fact one could ask for by name: counters, durations, repetitions."""
    MEDIUM = 2
    """Leaves out most ordinary rows; keeps errors, outliers, rare values, beginning and end."""
    HARD = 3
    """Keeps only what is unusual, and says what the rest looks like."""


@dataclass(frozen=True)
class Content:
    """A text and what is known of the call that produced it."""

    text: str
    tool: str = ""
    """Name of the client's tool, such as ``Bash``; empty if unknown."""
    subject: str = ""
    """The command, path, pattern or address the tool was called with; empty if unknown."""
    fresh_read: bool = False
    """No later result shows this file: who has just read it may edit it next, and must then name its text exactly."""
    count: Callable[[str], int] = tokens.count
    """Size of a text in tokens; a compressor with several forms to offer picks the smallest by it."""
    worked_on: bool = False
    """The text is a file that the conversation edits: each of its lines stays in its place."""

    @functools.cached_property
    def lines(self) -> list[str]:
        r"""The text split at ``\n`` only: ``"\n".join(lines)`` is the text again."""
        return self.text.split("\n")

    def outweighs(self, form: str, share: float = 1.0, than: str = "") -> bool:
        """Say whether a form has less than a share of the text's tokens, or of another form's."""
        text = than or self.text
        if self.count is tokens.count:
            return tokens.is_shorter(form, text, share)  # counts where it is not clear only
        return self.count(form) < share * self.count(text)


@dataclass(frozen=True, slots=True)
class Compressed:
    """A shorter form of a text, without any marker: the caller says how to get the rest back."""

    text: str
    lossless: bool
    left_out: str = ""
    """For the marker of a lossy form: what is not shown, as exact counts and ranges, such as
    ``lines 12-80 and 95-210 of 220``. Ranges refer to lines of the original, the first is 1."""
    spared: int = 0
    """Tokens by which it is shorter at least, where that follows from what is gone; 0 where it does not."""


class Compressor(Protocol):
    """One strategy. Members are frozen and keep no state between calls; both methods are thread-safe."""

    @property
    def name(self) -> str:
        """Name in options, logs and the store, such as ``json_records``."""
        ...

    @property
    def version(self) -> int:
        """Stored with each rendering; raised when the same text would come out differently."""
        ...

    @property
    def exact(self) -> bool:
        """The lossless form gives back every character; False if white space is lost, as that of JSON."""
        ...

    def score(self, content: Content) -> float:
        """Say how sure this compressor is that the text is of its kind: 0 or less is "not mine", 1 is certain.

        Called on every new text, so it looks at a sample and takes well under a millisecond.
        """
        ...

    def compress(self, content: Content, level: Level) -> Compressed | None:
        """Return a form with fewer tokens, or None where there is none at this level or below.

        At ``LOSSLESS`` the result is lossless. At the other levels it is, too, where leaving out is not worth it.
        """
        ...
