"""How many tokens a text has: about, at once; exactly, once somebody has to know.

Most decisions are clear without: a form of half the length saves tokens however they are counted.
"""

from collections.abc import Callable

from headroom_mitm import tokens
from headroom_mitm.segments import Amount
from headroom_mitm.tokens import SHORTER

_LONGER = 1.3
"""``SHORTER`` the other way round, where nothing but some tokens hangs on it."""
_FEW, _MANY = 0.8, 1.4
"""Estimates that are off by more than these are very rare."""

_OFF = 1.6
"""Differences of some hundred tokens that are off by more than this have not been seen, but with data in the text."""


class Size:
    """The tokens of a text. Thread-safe: who counts at the same time finds the same."""

    __slots__ = ("_count", "_text")

    def __init__(self, text: str) -> None:
        self._text: str | None = text  # goes as soon as it is counted
        self._count = 0

    @property
    def about(self) -> int:
        """Estimated, until somebody has counted."""
        text = self._text
        return self._count if text is None else tokens.about(text)

    @property
    def count(self) -> int:
        """Counted now, if it was not."""
        text = self._text
        if text is not None:
            self._count = tokens.count(text)
            self._text = None
        return self._count

    @property
    def is_counted(self) -> bool:
        """Say whether somebody has."""
        return self._text is None

    @property
    def has_data(self) -> bool:
        """Say whether a text that was not counted has what is no words: its tokens are misjudged."""
        text = self._text
        return text is not None and tokens.has_long_words(text)

    def __repr__(self) -> str:
        """Tell what is known."""
        return f"Size(about {self.about})" if self._text is not None else f"Size({self._count})"


class Guess:
    """The tokens of a text that is elsewhere: an estimate, until somebody who has the text counts."""

    __slots__ = ("about", "is_counted")

    def __init__(self, about: int) -> None:
        self.about = about
        self.is_counted = False

    @property
    def count(self) -> int:
        """The best that is known."""
        return self.about

    def count_of(self, text: str) -> None:
        """Count."""
        self.about = tokens.count(text)
        self.is_counted = True


def kept(amount: Amount) -> int:
    """Return the number that a store has: an estimate is told from a count by its sign."""
    if isinstance(amount, int):
        return amount
    return amount.about if amount.is_counted else ~amount.about


def restored(number: int, text: str | None = None) -> Amount:
    """Return what ``kept`` has made a number of; ``text`` where it is at hand."""
    if number >= 0:
        return number
    return Guess(~number) if text is None else Size(text)


def counted_of(amount: Amount, text: Callable[[], str]) -> int:
    """Return the exact number; ``text``: reads the text, which a store does not have."""
    if isinstance(amount, Guess) and not amount.is_counted:
        amount.count_of(text())
    return counted(amount)


def counted(amount: Amount) -> int:
    """Return the exact number."""
    return amount if isinstance(amount, int) else amount.count


def about(amount: Amount) -> int:
    """Return what is known without counting."""
    return amount if isinstance(amount, int) else amount.about


def exceeds(amount: Amount, most: int) -> bool:
    """Say whether there are more tokens than this; counted only where that is not clear."""
    found = about(amount)
    return found * _FEW > most or (found * _MANY > most and counted(amount) > most)


def saves(text: Amount, form: Amount, least: int, share: float = 0.0) -> bool:
    """Say whether a form saves so many tokens, and such a share; counted only where that is not clear."""
    before, after = about(text), about(form)
    if after <= SHORTER * (1 - share) * before and before - after >= 2 * least:
        return True
    if before * _MANY < least:
        return False
    return counted(text) - counted(form) >= max(least, share * counted(text))


def may_save(text: Size, form: Size, least: int) -> bool:
    """Say whether a form may save hundreds of tokens at all, by estimates: those of a text with data in it are poor."""
    return (text.about - form.about) * _OFF >= least or text.has_data


def is_less(form: Amount, other: Amount, share: float) -> bool:
    """Say whether a form has less than a share of another one's tokens; counted only where that is not clear."""
    one, two = about(form), share * about(other)
    if not SHORTER * two < one < _LONGER * two:
        return one < two
    return counted(form) < share * counted(other)
