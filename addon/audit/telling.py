"""What is said of findings, in words and rows, whatever it is shown on."""

from collections.abc import Sequence
from dataclasses import dataclass

from headroom_mitm.audit.findings import MONTH, Findings, Spent
from headroom_mitm.audit.wording import count, money, share, times

NOTES = (
    (
        "Measured: what providers reported, at the prices of the table. Estimated: what would have been saved; tokens "
        "are o200k's, so that of Claude and Gemini rather too few are counted."
    ),
    "No model answers here: what it would have asked for of what was left out, and any turn more, is in no figure.",
)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table, with a bar."""

    cells: tuple[str, ...]
    size: float = 0.0
    """Of the whole bar."""
    saved: float = 0.0
    """The part of it that would not have been there."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under one title. The last columns are figures."""

    title: str
    about: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def largest(self) -> float:
        """The longest bar."""
        return max((row.size for row in self.rows), default=0.0)


def summary(found: Findings) -> list[tuple[str, str]]:
    """Return the few figures that count, with what they are of."""
    spent = found.per_month / MONTH * found.days
    saved, days = found.saved, f"{found.since} to {found.until}"
    counted = (times(found.files, "file"), times(found.requests, "request"), times(found.conversations, "conversation"))
    monthly = money(saved / found.days * MONTH)
    prompts = found.sums.input
    return [
        ("read", f"{', '.join(counted)}, {days}"),
        ("spent", f"{money(spent)}, {money(found.per_month)} a month ({_known(found)})"),
        ("could be saved", f"{money(saved)}, {monthly} a month, {share(saved, spent)} (estimated)"),
        ("prompts", f"{count(prompts)} tokens, {share(found.sums.read, prompts)} read from caches"),
        ("tool results", f"{count(found.sums.texts_before)} tokens (estimated; each counts whenever it is sent)"),
    ]


def warnings(found: Findings) -> list[str]:
    """Return what is missing in the figures."""
    said = [
        f"The price of {model} is not known: {times(number, 'request')} in no figure of money."
        for model, number in sorted(found.unpriced.items())
    ]
    if found.simulated:
        said.append(
            f"Of {times(found.simulated, 'request')} the provider's figures are not known: caches are reckoned by rule."
        )
    return [*said, *(f"Not read: {reason}" for reason in found.failed)]


def tables(found: Findings) -> list[Table]:
    """Return the tables that have something in them."""
    shown = (
        _measures(found),
        _sources(found),
        _spent("Tool results by tool and command", "Tokens as often as they were sent.", found.tools, "texts"),
        _spent("Tool results by what shortens them", "By kind of text.", found.kinds, "texts"),
        _spent("Files and addresses", "Results of calls that named one.", found.places, "times"),
        _spent("Repeats", "Results whose very text stood in the conversation before.", _only(found.repeats), "texts"),
        _misses(found),
        _fronts(found),
        _days(found),
    )
    return [table for table in shown if table.rows]


def _known(found: Findings) -> str:
    return "reckoned" if found.simulated == found.requests else "measured"


def _measures(found: Findings) -> Table:
    rows = (
        Row(
            (one.name, one.about, count(one.tokens) if one.tokens else "-", money(one.dollars), money(one.per_month)),
            max(0.0, one.dollars),
            max(0.0, one.dollars),
        )
        for one in found.measures
    )
    heads = ("measure", "how", "tokens less", "saved", "a month")
    return Table("What would be saved", "Each adds to the one above it. Estimated.", heads, tuple(rows))


def _sources(found: Findings) -> Table:
    whole = sum(held.before for held in found.by_source.values())
    rows = (
        Row((name, share(held.before, whole), count(held.before)), held.before, held.before - held.after)
        for name, held in found.by_source.items()
    )
    about = "All that prompts held, as often as it was sent. Logs of clients hold no system prompts and no tools."
    return Table("Prompts by source", about, ("source", "share", "tokens"), tuple(rows))


def _spent(title: str, about: str, rows: Sequence[Spent], noun: str) -> Table:
    shown = (
        Row(
            (row.name, f"{row.times:,}", count(row.tokens), share(row.tokens - row.shorter, row.tokens)),
            row.tokens,
            row.tokens - row.shorter,
        )
        for row in rows
    )
    return Table(title, about, ("", noun, "tokens", "less"), tuple(shown))


def _only(row: Spent) -> Sequence[Spent]:
    return (row,) if row.tokens else ()


def _misses(found: Findings) -> Table:
    rows = (
        Row((one.reason, f"{one.requests:,}", count(one.tokens), money(one.dollars)), one.dollars)
        for one in found.misses
    )
    about = "Requests that read clearly less from the cache than the one before had sent, and what that cost."
    return Table("Cache misses", about, ("reason", "requests", "tokens", "cost"), tuple(rows))


def _fronts(found: Findings) -> Table:
    rows = (
        Row((f"{one.kind}, {one.place}", one.advice, f"{one.conversations:,}", count(one.tokens)))
        for one in found.fronts
    )
    about = "What changed in tools or system prompts of a conversation. All behind it has to be written anew each time."
    return Table("Volatile prefixes", about, ("what", "how", "conversations", "tokens behind"), tuple(rows))


def _days(found: Findings) -> Table:
    rows = (
        Row((one.day, f"{one.requests:,}", money(one.dollars), money(one.saved)), one.dollars, max(0.0, one.saved))
        for one in found.by_day[-31:]
    )
    return Table("Days", "The last 31 of them.", ("day", "requests", "spent", "could be saved"), tuple(rows))
