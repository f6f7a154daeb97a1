"""What a terminal overwrites: progress bars, spinners and colours in captured panes.

A bare carriage return starts a line again. Lossless, each state of such a line becomes a line of its own, marked; at
the other levels the last state stays, as on a screen, and colours go.
"""

import re
from typing import NamedTuple

from headroom_mitm.compressors.log_alarms import alarms_in

MARK = "␍"
"""Begins a line that overwrote the one before it. A text that has it already is left as it is."""
FEWEST = 8  # states, or codes for colours, for which it is worth it
_NO_LETTER = re.compile(r"[^A-Za-z]+")
_SHAPE = 5  # letters by which a state is known as one of the same thing
_BARE = re.compile(r"\r(?![\r\n]|\Z)")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m|\x1b\[[0-2]?K")


class Settled(NamedTuple):
    """A text as it stood on the screen at last."""

    text: str
    states: int
    """How many states of lines are left out."""
    colours: int
    """How many codes for colours, and for the erasing of what stood in a line, are left out."""

    def in_words(self) -> str:
        """Say what is left out."""
        states = f"{self.states} overwritten states of lines" if self.states else ""
        colours = f"{self.colours} codes for colours" if self.colours else ""
        return " and ".join(filter(None, (states, colours)))


def unrolled(text: str) -> str | None:
    """Return the text with each state of a line in a line of its own, or None where there are too few."""
    if MARK in text or text.count("\r") < FEWEST or len(_BARE.findall(text)) < FEWEST:
        return None
    return _BARE.sub(f"\n{MARK}", text)


def settled(text: str) -> Settled | None:
    """Return the text with the last state of each line, or None where there is hardly another.

    A state that speaks of trouble stays, too. The numbers of lines are those of the original.
    """
    if "\r" not in text and "\x1b[" not in text:
        return None
    lines = text.split("\n")
    states = 0
    written = {
        number: [state for state in line.rstrip("\r").split("\r") if state.strip()]
        for number, line in enumerate(lines)
        if "\r" in line[:-1]
    }
    alarms = iter(alarms_in([state for every in written.values() for state in every]))
    for number, every in written.items():
        shapes = [*map(_shape, every)]
        # Where what follows says something else, it may be a text with old line ends. The last state always stays.
        both = zip(shapes, [*shapes[1:], None], alarms, strict=False)  # of the alarms, as many as there are states
        stays = [alarm or one != later for one, later, alarm in both]
        gone = stays.count(False)
        if 2 * gone > len(every):
            states += gone
            kept = [state for state, stay in zip(every, stays, strict=True) if stay]
            lines[number] = f"[{gone} states overwritten] {' '.join(kept)}"
    found, colours = _COLOUR.subn("", "\n".join(lines)) if "\x1b[" in text else ("\n".join(lines), 0)
    return Settled(found, states, colours) if states + colours >= FEWEST else None


def _shape(state: str) -> str:
    return _NO_LETTER.sub("", state[:200])[:_SHAPE]
