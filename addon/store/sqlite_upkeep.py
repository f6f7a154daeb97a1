"""What people have done to the whole embedded store: new keys for all, and removal."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from headroom_mitm.errors import UnreadableRecord
from headroom_mitm.segments import Digest
from headroom_mitm.store.base import Resealed
from headroom_mitm.store.sealing import Sealer
from headroom_mitm.store.sqlite_file import transaction
from headroom_mitm.store.sqlite_holdings import forget_all_lost
from headroom_mitm.store.sqlite_renderings import all_rows, seal_anew
from headroom_mitm.store.sqlite_sealed import ORIGINAL, ROUNDS, Database
from headroom_mitm.store.unreadable import UNREADABLE

_AT_ONCE = 200  # short transactions: others wait for a write lock at most a second
_OLD = {
    "rendering": "DELETE FROM rendering WHERE used < ?",
    "original": "DELETE FROM original WHERE digest NOT IN (SELECT original FROM rendering) AND ? IS NOT NULL",
    "offer": "DELETE FROM offer WHERE used < ?",
    "rounds": "DELETE FROM rounds WHERE used < ?",
    "visit": "DELETE FROM visit WHERE seen < ?",
    "record_request": "DELETE FROM record_request WHERE key IN (SELECT key FROM record WHERE seen < ?)",
    "record_sum": "DELETE FROM record_sum WHERE key IN (SELECT key FROM record WHERE seen < ?)",
    "record": "DELETE FROM record WHERE seen < ?",
}
"""What goes by its last use, in this order. Sums of what is learnt have no time, and no text."""
_NEW_EACH_TIME = "tally", "salt"


class _Table(NamedTuple):
    kind: bytes
    name: str
    key: str


_SEALED = _Table(ORIGINAL, "original", "digest"), _Table(ROUNDS, "rounds", "key")


class SqliteUpkeep:
    """See ``Upkeep``."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def reseal(self) -> Resealed:
        """See ``Upkeep``. Others may write meanwhile: they do so with the newest key."""
        found = [self._renderings(), *(self._values(table) for table in _SEALED)]
        return Resealed(sum(each.sealed for each in found), sum(each.lost for each in found))

    def purge(self, idle_since: float | None = None) -> int:
        """See ``Upkeep``. What is removed is overwritten in the file, and the file becomes small."""
        with self._database() as db:
            before = db.total_changes
            db.execute("PRAGMA secure_delete = ON").fetchall()
            with transaction(db):
                for statement in self._statements(idle_since):
                    db.execute(statement, () if idle_since is None else (idle_since,))
                gone = db.total_changes - before
                forget_all_lost(db)
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone

    def _statements(self, idle_since: float | None) -> Iterable[str]:
        if idle_since is not None:
            return _OLD.values()
        return [f"DELETE FROM {table}" for table in (*_OLD, *_NEW_EACH_TIME)]  # noqa: S608  # names of ours

    def _renderings(self) -> Resealed:
        sealed = lost = last = 0
        while True:
            with self._database() as db, transaction(db):
                rows = list(all_rows(db, last, _AT_ONCE, self._sealer))
                old = [row for row in rows if not row.is_current]
                seal_anew(db, old, self._sealer)
            if not rows:
                return Resealed(sealed, lost)
            last = rows[-1].id
            sealed += len(old)
            lost += sum(row.rendering.compressor == UNREADABLE for row in rows)

    def _values(self, table: _Table) -> Resealed:
        sealed = lost = 0
        last = b""
        while True:
            with self._database() as db, transaction(db):
                rows = _read(db, table, last)
                anew = list(self._opened(table, rows))
                db.executemany(f"UPDATE {table.name} SET packed = ? WHERE {table.key} = ?", anew)  # noqa: S608
            if not rows:
                return Resealed(sealed, lost)
            last = rows[-1][0]
            sealed += len(anew)
            lost += sum(not self._sealer.is_current(value) for _, value in rows) - len(anew)

    def _opened(self, table: _Table, rows: list[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
        for key, value in rows:
            if self._sealer.is_current(value):
                continue
            try:
                raw = self._sealer.open(table.kind, Digest(key), value)
            except UnreadableRecord:
                continue
            yield self._sealer.seal(table.kind, key, raw), key


def _read(db: sqlite3.Connection, table: _Table, after: bytes) -> list[tuple[bytes, bytes]]:
    query = f"SELECT {table.key}, packed FROM {table.name} WHERE {table.key} > ? ORDER BY 1 LIMIT ?"  # noqa: S608
    return db.execute(query, (after, _AT_ONCE)).fetchall()
