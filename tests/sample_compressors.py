"""Small real compressors whose work can be checked by eye, and some that misbehave."""

import threading
from dataclasses import dataclass, field

from headroom_mitm.compressors import Compressed, Content, Level

PHRASE = "all is well in the machine room of the ship"
ROW = f"row {{}}: {PHRASE}, and so it was an hour ago"


def rows(count: int, seed: str = "") -> str:
    """Return a text of ``count`` lines that ``Shorten`` can shorten."""
    return "\n".join(f"{seed}{ROW.format(number)}" for number in range(1, count + 1))


LARGE = 300
"""Rows of a text from which something may be left out; a lossless form is enough for ``SMALL`` ones."""
SMALL = 20


@dataclass(frozen=True)
class Shorten:
    """Lossless: one phrase becomes a short word. Lossy: five lines are left."""

    name: str = "shorten"
    version: int = 1
    lossy: bool = True
    exact: bool = True
    word: str = "WELL"
    sure: float = 0.9

    def score(self, content: Content) -> float:
        return self.sure if PHRASE in content.text else 0.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        text = content.text.replace(PHRASE, self.word)
        if level is Level.LOSSLESS:
            return Compressed(text, lossless=True)
        kept, count = text.split("\n")[:5], len(content.lines)
        return Compressed("\n".join(kept), lossless=False, left_out=f"lines 6-{count} of {count}")


@dataclass(frozen=True)
class LossyOnly(Shorten):
    """Has no lossless form."""

    name: str = "lossy_only"

    def compress(self, content: Content, level: Level) -> Compressed | None:
        return None if level is Level.LOSSLESS else super().compress(content, level)


@dataclass(frozen=True)
class Liar(Shorten):
    """Leaves something out where nothing may be left out."""

    name: str = "liar"

    def compress(self, content: Content, level: Level) -> Compressed | None:
        return super().compress(content, Level.LIGHT)


@dataclass(frozen=True)
class Verbose(Shorten):
    """Needs more words to say what it leaves out than it saves by that."""

    name: str = "verbose"

    def compress(self, content: Content, level: Level) -> Compressed | None:
        found = super().compress(content, level)
        if found is None or found.lossless:
            return found
        numbers = ", ".join(str(number) for number in range(6, 6 + 10 * len(content.lines)))
        return Compressed(found.text, lossless=False, left_out=f"lines {numbers}")


@dataclass(frozen=True)
class Grow(Shorten):
    """Makes texts longer."""

    name: str = "grow"
    sure: float = 1.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        return Compressed(content.text + " and more" * 100, lossless=True)


@dataclass(frozen=True)
class Raise(Shorten):
    """Fails when it is to compress."""

    name: str = "raise"
    sure: float = 1.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        raise RuntimeError("this compressor is broken")


@dataclass(frozen=True)
class RaiseOnSight(Raise):
    """Fails when it looks at a text."""

    name: str = "raise_on_sight"

    def score(self, content: Content) -> float:
        raise RuntimeError("this compressor is blind")


@dataclass(frozen=True)
class HalfACharacter(Shorten):
    """Makes a text that is no text: half of a surrogate pair cannot be sent."""

    name: str = "half_a_character"
    sure: float = 1.0

    def compress(self, content: Content, level: Level) -> Compressed | None:
        return Compressed("\ud83d", lossless=True)


@dataclass(frozen=True)
class Block(Shorten):
    """Works as ``Shorten``, but not before it is told to go on."""

    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go_on: threading.Event = field(default_factory=threading.Event)

    def compress(self, content: Content, level: Level) -> Compressed | None:
        self.begun.release()
        assert self.go_on.wait(60)
        return super().compress(content, level)
