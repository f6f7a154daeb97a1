"""What a request would have cost without us: the same answer, where the cache reads and writes the same parts.

A prompt's beginning is read from the cache, what follows is written, what is left is fresh. So a text that we made
shorter would have been as much longer there as it stands: one in the cached past at the price of reading, a new one at
that of writing. Where a text stands is reckoned from the tokens before it, and from what the conversation's previous
request carried: that is what the cache may have.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from headroom_mitm import prices
from headroom_mitm.prices import Rates
from headroom_mitm.usage import Counted

_SLACK = 0.05
_LEAST_SLACK = 300
"""Tokens. Caches count in steps of 128, and our counts are not the provider's."""
HIDDEN_CALL = 60
"""Tokens of output that a call for what was left out takes, nearly: an id, a pattern, and what is around them."""


class Change(NamedTuple):
    """What we did to one place of a prompt. All in estimated tokens, as the prompt left."""

    at: float
    """Tokens before it."""
    size: float
    """Tokens it takes."""
    by: float
    """Tokens added; less than 0 where something was taken away."""
    is_old: bool
    """The conversation's previous request carried it, too."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A prompt as it left, in estimated tokens."""

    total: float
    sent_before: float
    """So many at its beginning were in the conversation's previous request; 0 for none."""
    changes: Sequence[Change] = ()
    ratio: float = 1.0
    """The provider's tokens for one of ours."""
    turned: bool = False
    """Our tool is declared here for the first time: where the past was not read, that may be why."""


def without(counted: Counted, sent: Sent) -> Counted:
    """Return how the provider would have counted a prompt that we had left alone."""
    if not (sent.changes and counted.input and sent.total > 0):
        return counted
    scale = counted.input / sent.total
    if sent.turned:
        counted = _as_read(counted, sent.sent_before * scale)
    read, written, fresh = 0.0, 0.0, 0.0
    for change in sent.changes:
        taken = -change.by * sent.ratio
        place = _place(change, scale, counted, sent.sent_before * scale)
        read += taken * (place == "read")
        written += taken * (place == "written")
        fresh += taken * (place == "fresh")
    share = counted.write_1h / (counted.write_1h + counted.write_5m) if counted.write_1h else 0.0
    return Counted(
        fresh=max(0, round(counted.fresh + fresh)),
        read=max(0, round(counted.read + read)),
        write_5m=max(0, round(counted.write_5m + written * (1 - share))),
        write_1h=max(0, round(counted.write_1h + written * share)),
        output=counted.output,
    )


def _as_read(counted: Counted, past: float) -> Counted:
    """Return the figures of a request whose past was read. Where that is not known, we are not to gain by it."""
    missed = round(past) - counted.read
    if missed <= 0:
        return counted
    long = min(missed, counted.write_1h)
    short = min(missed - long, counted.write_5m)
    fresh = min(missed - long - short, counted.fresh)
    return Counted(
        counted.fresh - fresh,
        counted.read + long + short + fresh,
        counted.write_5m - short,
        counted.write_1h - long,
        counted.output,
    )


def _place(change: Change, scale: float, counted: Counted, sent_before: float) -> str:
    """Say what the cache did with a text."""
    slack = _LEAST_SLACK + _SLACK * counted.input
    end = (change.at + change.size) * scale
    if counted.read and change.is_old and counted.read >= sent_before - slack:
        return "read"
    if counted.read >= end:
        return "read"
    written = counted.write_5m + counted.write_1h
    return "written" if written and end <= counted.read + written + slack else "fresh"


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars of one request."""

    paid: float
    without: float
    rounds: float = 0.0
    """Of ``paid``: rounds beyond the first."""
    caching: float = 0.0
    """Saved beyond ``without`` by markers of ours, where the client sets none."""

    @property
    def saved(self) -> float:
        """Without us, less what was paid."""
        return self.without - self.paid


@dataclass(frozen=True, slots=True)
class Priced:
    """Whose prices hold."""

    provider: str | None
    model: str
    day: str

    def rates(self, size: int) -> Rates | None:
        """Return the prices of a prompt of so many tokens; None where they are not known."""
        return prices.rates(self.provider, self.model, self.day, size)


def bill(legs: Sequence[Counted], alone: Counted, priced: Priced, *, calls: int, marked: bool) -> Bill | None:
    """Return what an answer cost, by its rounds, and what it would have; None where prices are unknown.

    ``alone`` is the first round's prompt without us, ``calls`` how often the model asked for what was left out, and
    ``marked`` says that without markers of ours nothing would have come from a cache.
    """
    costs = list(_costs(legs, priced))
    rates = priced.rates(alone.input)
    if rates is None or len(costs) != len(legs) or not legs:
        return None
    output = max(0, sum(leg.output for leg in legs) - HIDDEN_CALL * calls)
    same = Counted(alone.fresh, alone.read, alone.write_5m, alone.write_1h, output)
    whole = prices.dollars(same, rates)
    plain = prices.dollars(Counted(fresh=alone.input, output=output), rates)
    return Bill(sum(costs), whole, sum(costs[1:]), plain - whole if marked else 0.0)


def _costs(legs: Iterable[Counted], priced: Priced) -> Iterable[float]:
    for leg in legs:
        rates = priced.rates(leg.input)
        if rates is not None:
            yield prices.dollars(leg, rates)
