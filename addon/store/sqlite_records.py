"""The ledger's newest conversations in the embedded store."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from headroom_mitm.segments import Digest
from headroom_mitm.store.base import MOST_RECORDS, MOST_REQUESTS, Noted, Recorded
from headroom_mitm.store.sqlite_file import transaction

_SALT_BYTES = 16
# A damaged file may hold values of other types: a column takes what it is given.
_SOUND = "typeof(key) = 'blob' AND typeof(began) = 'real' AND typeof(seen) = 'real' AND typeof(about) = 'blob'"
_AT_ONCE = 10
"""Requests that are written, or conversations that are read, before others may use the store."""


class SqliteRecords:
    """A row for each conversation, for each of its sums, and for each request; see ``RecordStore``."""

    def __init__(self, database: Callable[[], AbstractContextManager[sqlite3.Connection]]) -> None:
        self._database = database

    def add(self, noted: Sequence[Noted]) -> None:
        """See ``RecordStore``."""
        for at in range(0, len(noted), _AT_ONCE):
            self._add(noted[at : at + _AT_ONCE])

    def _add(self, noted: Sequence[Noted]) -> None:
        sums = [(one.key, field, amount) for one in noted for field, amount in one.amounts.items()]
        with self._database() as db, transaction(db):
            db.executemany(
                """INSERT INTO record VALUES (?1, ?2, ?2, ?3)
                ON CONFLICT (key) DO UPDATE SET seen = max(seen, excluded.seen), about = excluded.about""",
                [(one.key, one.at, one.about) for one in noted],
            )
            db.executemany(
                """INSERT INTO record_sum VALUES (?, ?, ?)
                ON CONFLICT (key, field) DO UPDATE SET amount = amount + excluded.amount""",
                sums,
            )
            db.executemany(
                "INSERT INTO record_request (key, packed) VALUES (?, ?)", [(one.key, one.packed) for one in noted]
            )
            _trim(db)

    def newest(self, limit: int, *, with_requests: bool = False) -> list[Recorded]:
        """See ``RecordStore``."""
        with self._database() as db:
            query = f"SELECT key, began, seen, about FROM record WHERE {_SOUND} ORDER BY seen DESC LIMIT ?"  # noqa: S608
            rows = db.execute(query, (limit,)).fetchall()
        found: list[Recorded] = []
        for at in range(0, len(rows), _AT_ONCE):
            with self._database() as db:
                for key, began, seen, about in rows[at : at + _AT_ONCE]:
                    requests = _requests(db, key) if with_requests else ()
                    found.append(Recorded(Digest(key), began, seen, about, _amounts(db, key), requests))
        return found

    def salt(self) -> bytes:
        """See ``RecordStore``."""
        with self._database() as db, transaction(db):
            db.execute("INSERT INTO salt VALUES (1, ?) ON CONFLICT DO NOTHING", (os.urandom(_SALT_BYTES),))
            return bytes(db.execute("SELECT cast(salt AS BLOB) FROM salt").fetchone()[0])


def _amounts(db: sqlite3.Connection, key: bytes) -> dict[str, float]:
    query = "SELECT field, amount FROM record_sum WHERE key = ? AND typeof(amount) = 'real'"
    return dict(db.execute(query, (key,)).fetchall())


def _requests(db: sqlite3.Connection, key: bytes) -> tuple[bytes, ...]:
    query = "SELECT cast(packed AS BLOB) FROM record_request WHERE key = ? ORDER BY id DESC LIMIT ?"
    return tuple(packed for (packed,) in db.execute(query, (key, MOST_REQUESTS)))[::-1]


def _trim(db: sqlite3.Connection) -> None:
    """Keep the newest. What is beyond them is little, since this follows each addition."""
    gone = db.execute("SELECT key FROM record ORDER BY seen DESC LIMIT -1 OFFSET ?", (MOST_RECORDS,)).fetchall()
    for table in ("record", "record_sum", "record_request"):
        db.executemany(f"DELETE FROM {table} WHERE key = ?", gone)  # noqa: S608  # one of these three names
    db.execute("DELETE FROM record_request WHERE id <= (SELECT max(id) FROM record_request) - ?", (MOST_RECORDS * 10,))
