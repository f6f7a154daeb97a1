"""What an audit tells: figures only, for the terminal, the page and JSON."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from headroom_mitm.ledger_figures import Sums, Tokens

MONTH = 30.0
"""Days."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What one way to save would have done."""

    name: str
    about: str
    tokens: int
    """Of all prompts, estimated: so many fewer."""
    dollars: float
    """Estimated; of requests with known prices."""
    per_month: float


@dataclass(frozen=True, slots=True)
class Spent:
    """Where tokens went."""

    name: str
    tokens: int
    """Estimated; a text counts each time it was sent."""
    shorter: int
    """As it would have been with us."""
    times: int = 0
    """Texts: different ones, or reads of a file."""


@dataclass(frozen=True, slots=True)
class Miss:
    """Requests that read less from the cache than the one before had sent."""

    reason: str
    requests: int
    tokens: int
    dollars: float
    """Beyond what reading would have cost."""


@dataclass(frozen=True, slots=True)
class Front:
    """What changes in tools or system prompts, before all that a cache could keep."""

    kind: str
    place: str
    conversations: int
    tokens: int
    """Behind it, of one request in each: they had to be written again."""
    advice: str


@dataclass(frozen=True, slots=True)
class Day:
    """One day, in UTC."""

    day: str
    requests: int
    dollars: float
    saved: float


@dataclass(frozen=True, slots=True)
class Findings:
    """All of it."""

    files: int
    requests: int
    conversations: int
    since: str
    until: str
    days: float
    """At least 1: what a month is reckoned from."""
    prices: str
    """Day of the price table."""
    sums: Sums
    """As the ledger would have them, had these requests passed and nothing been changed."""
    per_month: float
    """Dollars of prompts and answers, as they were."""
    simulated: int
    """Requests whose cache hits were not written down, and are reckoned by the providers' rules."""
    unpriced: Mapping[str, int] = field(default_factory=dict)
    """Requests by models whose price is not known: their dollars are in no figure."""
    by_source: Mapping[str, Tokens] = field(default_factory=dict)
    by_model: Mapping[str, Sums] = field(default_factory=dict)
    by_client: Mapping[str, Sums] = field(default_factory=dict)
    tools: tuple[Spent, ...] = ()
    """By tool, or program that a shell was told to run."""
    kinds: tuple[Spent, ...] = ()
    """By what shortens them; texts that nothing shortens stand below ``as they are``."""
    places: tuple[Spent, ...] = ()
    """Files and addresses, by how much of them was sent."""
    repeats: Spent = Spent("repeats", 0, 0)
    """Results whose text stood in the conversation before."""
    misses: tuple[Miss, ...] = ()
    fronts: tuple[Front, ...] = ()
    measures: tuple[Measure, ...] = ()
    by_day: tuple[Day, ...] = ()
    failed: tuple[str, ...] = ()
    """Files that could not be read, and why."""

    @property
    def saved(self) -> float:
        """Dollars, estimated: all measures together."""
        return sum(measure.dollars for measure in self.measures)


def largest(rows: Mapping[str, Spent], most: int) -> tuple[Spent, ...]:
    """Return the largest rows, the rest as one."""
    ordered = sorted(rows.values(), key=lambda row: (-row.tokens, row.name))
    rest = ordered[most:]
    if not rest:
        return tuple(ordered)
    together = Spent(
        "1 other" if len(rest) == 1 else f"{len(rest)} others",
        sum(row.tokens for row in rest),
        sum(row.shorter for row in rest),
        sum(row.times for row in rest),
    )
    return (*ordered[:most], together)


def grown(row: Spent | None, name: str, tokens: int, shorter: int, times: int) -> Spent:
    """Return a row with more in it."""
    row = row or Spent(name, 0, 0)
    return dataclasses.replace(row, tokens=row.tokens + tokens, shorter=row.shorter + shorter, times=row.times + times)
