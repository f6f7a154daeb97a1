"""What a ledger tells: frozen figures, for the page, the command line and whoever else shows them.

Token counts of answers and the dollars made of them are the providers' own figures at the prices of the day. What the
same requests would have cost without us is an estimate, and named so: see ``Sums.without``.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CHANGED, AUDIT, HOLDOUT = "changed", "audit", "holdout"
"""What was done to a request: it was free to be shortened; looked at only; kept as it was, to compare with."""


@dataclass(frozen=True, slots=True)
class Sums:
    """Figures of some requests, added up."""

    requests: int = 0
    legs: int = 0
    """Rounds with the provider: one for each request, and one for each time that the model read what was left out."""
    retrieved: int = 0
    """Texts that models asked for."""
    measured: int = 0
    """Requests of which the provider said what they took. All token counts below are of these."""
    priced: int = 0
    """Requests whose model has a known price. All dollars below are of these; those of others are unknown, not 0."""
    fresh: int = 0
    """Tokens of prompts, as reported: neither read from the cache nor written to it."""
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0
    output: int = 0
    texts_before: int = 0
    """Estimated tokens of tool results in all requests, as the clients sent them."""
    texts_after: int = 0
    """The same as they left. Where nothing may be changed: as they would have left, of those this process has met."""
    paid: float = 0.0
    """Dollars, measured: what was reported, at the prices of the day."""
    without: float = 0.0
    """Dollars, estimated: the same requests without us, where the cache reads and writes the same parts of them."""
    rounds: float = 0.0
    """Dollars, measured, in ``paid``: rounds beyond each request's first one."""
    caching: float = 0.0
    """Dollars, estimated, not in ``without``: what reading from the cache saved where only our markers made it."""

    @property
    def saved(self) -> float:
        """Dollars, estimated; less than 0 where we cost more than we saved."""
        return self.without - self.paid

    @property
    def input(self) -> int:
        """Tokens of all prompts."""
        return self.fresh + self.read + self.write_5m + self.write_1h

    @property
    def cache_share(self) -> float | None:
        """Share of the prompts that was read from the cache, 0 to 1; None where nothing was reported."""
        return self.read / self.input if self.input else None

    def __add__(self, other: "Sums") -> "Sums":
        """Add up, by figure."""
        names = (one.name for one in dataclasses.fields(self))
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True, slots=True)
class Tokens:
    """Estimated tokens of one kind of text in all requests: a text counts each time it is sent."""

    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Calibrated:
    """How a provider counts, against our own counts (o200k)."""

    ratio: float
    """The provider's tokens for one of ours; 1.0 as long as too little is known."""
    requests: int
    reported: int
    estimated: int
    is_known: bool
    """Enough was reported; otherwise ``ratio`` is an assumption."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the interval of 95 % confidence."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Conversations that were free to be shortened, against those of the holdout. Shares: 0.2 is 20 % less cost."""

    conversations: int = 0
    held: int = 0
    """Conversations of the holdout."""
    per_turn: Interval | None = None
    """Share saved of the cost of a request; None: not enough data."""
    per_session: Interval | None = None
    """Share saved of the cost of a conversation; None: not enough data."""
    dollars_per_turn: Interval | None = None
    dollars_per_session: Interval | None = None
    why: str = ""
    """Where there is no estimate: what is missing."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything about some days. Names are bounded: what is beyond them counts as ``other``."""

    since: str
    """First day, as ``2026-11-22``; days are UTC's."""
    until: str
    """Last day, included."""
    prices: str
    """Day of the price table."""
    totals: Sums = Sums()
    """Of all requests that were free to be shortened, looked at only, or held out; ``by_arm`` has them apart."""
    by_arm: Mapping[str, Sums] = field(default_factory=dict)
    by_day: Mapping[str, Sums] = field(default_factory=dict)
    by_model: Mapping[str, Sums] = field(default_factory=dict)
    by_client: Mapping[str, Sums] = field(default_factory=dict)
    by_source: Mapping[str, Tokens] = field(default_factory=dict)
    """system, tools, user, assistant, results, files; and ours: the tool that we declare, rounds that we tell again."""
    by_tool: Mapping[str, Tokens] = field(default_factory=dict)
    """Results, by the tool or command they came from."""
    by_compressor: Mapping[str, Tokens] = field(default_factory=dict)
    """Results that were shortened, by what shortened them."""
    holdout: Comparison = Comparison()
    calibration: Mapping[str, Calibrated] = field(default_factory=dict)
    """By model."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a conversation. None where it is not known."""

    at: float
    """Seconds since the epoch."""
    model: str
    arm: str
    texts_before: int
    """Estimated tokens of the tool results in it, as the client sent them."""
    texts_after: int
    without_tokens: int | None
    """Tokens of the whole prompt without us, estimated in the provider's own count."""
    fresh: int | None
    """Tokens of the first round's prompt, reported; all rounds are in ``output`` and in the dollars."""
    read: int | None
    write: int | None
    output: int | None
    paid: float | None
    without: float | None
    legs: int = 1
    retrieved: int = 0
    miss: str = ""
    """Why less was read from the cache than was sent before; empty where it was not less."""

    @property
    def saved(self) -> float | None:
        """Dollars, estimated."""
        return None if self.paid is None or self.without is None else self.without - self.paid


@dataclass(frozen=True, slots=True)
class Session:
    """A conversation: what is known by its beginning. No text of it is kept."""

    key: str
    """Hexadecimal digits."""
    began: float
    seen: float
    """Seconds since the epoch."""
    model: str
    """Of the last request."""
    client: str
    arm: str
    sums: Sums
    requests: tuple[Request, ...] = ()
    """Oldest first; only the newest are kept."""


def told(value: Any) -> Any:
    """Return what JSON can hold of any of these: members, and what is reckoned from them."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        found = {one.name: told(getattr(value, one.name)) for one in dataclasses.fields(value)}
        found |= {name: getattr(value, name) for name in ("saved", "input", "cache_share") if hasattr(value, name)}
        return found
    if isinstance(value, Mapping):
        return {name: told(member) for name, member in value.items()}
    if isinstance(value, tuple):
        return [told(member) for member in value]
    return value
