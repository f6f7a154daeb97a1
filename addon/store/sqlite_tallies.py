"""The table of sums in the embedded store."""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager

from headroom_mitm.store.sqlite_file import transaction

_AT_ONCE = 400  # names in one statement; SQLite takes 999 values at least


class SqliteTallies:
    """One row for each sum; see ``TallyStore``."""

    def __init__(self, database: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        self._database = database

    def add(self, amounts: Mapping[str, Mapping[str, float]]) -> None:
        """See ``TallyStore``."""
        rows = [(name, field, amount) for name, fields in amounts.items() for field, amount in fields.items()]
        if not rows:
            return
        with self._database() as db, transaction(db):
            db.executemany(
                """INSERT INTO tally VALUES (?, ?, ?)
                ON CONFLICT (name, field) DO UPDATE SET amount = amount + excluded.amount""",
                rows,
            )

    def read(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """See ``TallyStore``."""
        found: dict[str, dict[str, float]] = {}
        with self._database() as db:
            for at in range(0, len(names), _AT_ONCE):
                some = names[at : at + _AT_ONCE]
                marks = ",".join("?" * len(some))
                query = f"SELECT name, field, amount FROM tally WHERE name IN ({marks}) AND typeof(amount) = 'real'"  # noqa: S608
                for name, field, amount in db.execute(query, some):
                    found.setdefault(name, {})[field] = amount
        return found

    def names(self, start: str) -> list[str]:
        """See ``TallyStore``."""
        with self._database() as db:
            rows = db.execute(
                "SELECT DISTINCT name FROM tally WHERE substr(name, 1, ?) = ? ORDER BY name", (len(start), start)
            )
            return [name for (name,) in rows]

    def forget(self, names: Sequence[str]) -> None:
        """See ``TallyStore``."""
        with self._database() as db, transaction(db):
            db.executemany("DELETE FROM tally WHERE name = ?", [(name,) for name in names])
