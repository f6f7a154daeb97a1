"""``headroom-mitm learn``: what is known of levels, for people: to look at, to carry to another machine, to forget."""

import json
from collections.abc import Iterator, Mapping
from typing import TextIO

from rich.console import Console
from rich.table import Table

from headroom_mitm.compressors import Level
from headroom_mitm.learning import known_names, read
from headroom_mitm.store.base import TallyStore

_START = "learn|"


def show(tallies: TallyStore, console: Console) -> None:
    """Print a row for each kind and group that has outcomes, kinds first. Newer outcomes count more."""
    table = Table(title="Outcomes of shortened texts; a miss is one the model asked for, or went round us to read")
    for heading in ("of", "level", "outcomes", "misses", "left of the text", "tokens a miss brought"):
        table.add_column(heading, justify="left" if heading in ("of", "level") else "right")
    for row in rows(tallies):
        table.add_row(*row)
    if table.row_count:
        console.print(table)
    else:
        console.print("Nothing is learnt yet: no shortened text has been asked for, or lived for eight turns.")


def rows(tallies: TallyStore) -> Iterator[tuple[str, ...]]:
    """Yield what each kind and group has shown at each level: the columns of the table."""
    names = known_names(tallies.names(_START))
    for name in sorted(names, key=lambda name: (name.startswith(f"{_START}group"), name)):
        evidence, _ = read(tallies, name)
        for level, seen in evidence.items():
            left = f"{100 * seen.after / seen.before:.0f} %" if seen.before else "-"
            brought = f"{seen.asked / seen.misses:,.0f}" if seen.misses else "-"
            yield (
                name.removeprefix(_START).replace("|", " "),
                Level(level).name.lower(),
                f"{seen.outcomes:.1f}",
                f"{seen.misses:.1f}",
                left,
                brought,
            )


def reset(tallies: TallyStore) -> int:
    """Forget all of it; return how many groups and kinds there were."""
    names = tallies.names(_START)
    tallies.forget(names)
    return len(known_names(names))


def export(tallies: TallyStore, out: TextIO) -> int:
    """Write all of it as JSON: sums by name and field, no text of any user. Return how many groups and kinds."""
    names = tallies.names(_START)
    json.dump(tallies.read(names), out, indent=1, sort_keys=True)
    out.write("\n")
    return len(known_names(names))


def take_over(tallies: TallyStore, source: TextIO) -> int:
    """Put what ``export`` wrote in the place of what is there; return how many groups and kinds.

    Raises ``ValueError`` if it is something else; nothing is changed then.
    """
    found = _checked(json.load(source))
    tallies.forget(tallies.names(_START))
    tallies.add(found)
    return len(known_names(found))


def _checked(value: object) -> Mapping[str, Mapping[str, float]]:
    if not isinstance(value, dict):
        raise ValueError("no object")  # it is the file's content that is wrong
    for name, fields in value.items():
        if not name.startswith(_START) or not isinstance(fields, dict):
            raise ValueError(f"{name!r} is none of our names")
        if not all(isinstance(amount, int | float) and not isinstance(amount, bool) for amount in fields.values()):
            raise ValueError(f"{name!r} has a field that is no number")
    return value
