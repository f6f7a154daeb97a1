"""The table of visits in the embedded store."""

import sqlite3
from collections.abc import Callable
from contextlib import AbstractContextManager

from headroom_mitm.segments import Digest
from headroom_mitm.store.base import Visit
from headroom_mitm.store.sqlite_file import transaction

_COLUMNS = "seen, lifetime, epoch, offers, changed"
# A damaged file may hold values of other types: a column takes what it is given.
_SOUND = "typeof(seen)||typeof(lifetime)||typeof(epoch)||typeof(changed) = 'realrealintegerblob'"


class SqliteVisits:
    """One row for each prefix that is watched; see ``VisitStore``."""

    def __init__(self, database: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        self._database = database

    def get(self, key: Digest) -> Visit | None:
        """See ``VisitStore``."""
        with self._database() as db:
            return _read(db, key)

    def touch(self, key: Digest, seen: float, lifetime: float) -> Visit:
        """See ``VisitStore``."""
        with self._database() as db, transaction(db):
            db.execute(
                """INSERT INTO visit (key, seen, lifetime, epoch, offers, changed) VALUES (?, ?, ?, 0, 0, x'')
                ON CONFLICT (key) DO UPDATE
                SET seen = max(seen, excluded.seen), lifetime = max(lifetime, excluded.lifetime)""",
                (key, seen, lifetime),
            )
            return _read(db, key) or Visit(seen, lifetime)

    def begin(self, key: Digest, before: Visit | None, after: Visit) -> Visit:
        """See ``VisitStore``."""
        with self._database() as db, transaction(db):
            held = _read(db, key)
            if held is not None and (before is None or not before.is_same(held)):
                return held
            values = (key, after.seen, after.lifetime, after.epoch, after.offers, after.changed)
            db.execute(f"REPLACE INTO visit (key, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values)  # noqa: S608
            return after


def forget_visits(db: sqlite3.Connection, idle_since: float) -> None:
    """Remove what was seen last before a point in time."""
    db.execute("DELETE FROM visit WHERE seen < ?", (idle_since,))


def _read(db: sqlite3.Connection, key: Digest) -> Visit | None:
    row = db.execute(f"SELECT {_COLUMNS} FROM visit WHERE key = ? AND {_SOUND}", (key,)).fetchone()  # noqa: S608
    if row is None:
        return None
    seen, lifetime, epoch, offers, changed = row
    return Visit(seen, lifetime, epoch, bool(offers), changed)
