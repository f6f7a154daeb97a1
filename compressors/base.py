"""What a compressor is: text in, shorter text out. It knows nothing of providers, flows or stores."""

import enum
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from headroom_mitm import tokens

_HEAD = 20_000  # characters
_FIRST_LINES, _WIDTH = 60, 300


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

    __hash__ = int.__hash__  # an enum's own asks for its name, and levels are looked up for each text


def in_one_piece(lines: Sequence[str]) -> str:
    r"""Return lines with a line feed in front of each.

    To find all that are of some kind by one search for ``\n(?=…)`` takes a fraction of a match with each.
    """
    return "\n".join(["", *lines])


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

    @functools.cached_property
    def head(self) -> list[str]:
        """The lines of the first 20,000 characters; the last of them may be cut."""
        return self.lines if len(self.text) <= _HEAD else self.text[:_HEAD].split("\n")

    @functools.cached_property
    def first_lines(self) -> list[str]:
        """Of the first 60 lines those that are not blank, 300 characters of each at most: they tell most kinds."""
        return [line[:_WIDTH] for line in self.head[:_FIRST_LINES] if line and not line.isspace()]

    @functools.cached_property
    def look(self) -> str:
        """The same in one piece, see ``in_one_piece``."""
        return in_one_piece(self.first_lines)

    def middle_lines(self, most: int, width: int = _WIDTH) -> list[str]:
        """Return so many lines from the middle on that are not blank, at most ``width`` characters of each."""
        middle = len(self.text) // 2
        lines = self.text[middle : middle + _HEAD].split("\n", most + 1)[1:-1]
        return [line[:width] for line in lines if line and not line.isspace()]

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
    def lossy(self) -> bool:
        """Something may be left out above ``LOSSLESS``; False if the form is the same at every level."""
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
