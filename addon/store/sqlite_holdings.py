"""Which records belong to which conversation, in the embedded store."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from headroom_mitm.segments import Digest
from headroom_mitm.store.holdings import Held, Kind
from headroom_mitm.store.sqlite_file import transaction
from headroom_mitm.store.sqlite_sealed import Database

_TABLES = {
    Kind.RENDERING: ("rendering", "key"),
    Kind.ORIGINAL: ("original", "digest"),
    Kind.ROUNDS: ("rounds", "key"),
    Kind.OFFER: ("offer", "head"),
    Kind.VISIT: ("visit", "key"),
}
_OWN = """SELECT held FROM holding AS mine WHERE conversation = ? AND substr(held, 1, 1) = ? AND NOT EXISTS
(SELECT 1 FROM holding AS other WHERE other.held = mine.held AND other.conversation <> mine.conversation)"""
_AT_ONCE = 50
"""Rows that are written before others may use the store."""
_FIGURES = "record", "record_sum", "record_request"


class SqliteHoldings:
    """A row for each record of each conversation; see ``HoldingStore``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, held: Mapping[Digest, Iterable[Held]]) -> None:
        """See ``HoldingStore``."""
        rows = [(conversation, one.packed()) for conversation, ones in held.items() for one in ones]
        for at in range(0, len(rows), _AT_ONCE):
            with self._database() as db, transaction(db):
                db.executemany("INSERT OR IGNORE INTO holding VALUES (?, ?)", rows[at : at + _AT_ONCE])

    def conversations(self, start: str) -> Sequence[Digest]:
        """See ``HoldingStore``."""
        query = """SELECT conversation FROM holding WHERE lower(hex(conversation)) GLOB ?1
        UNION SELECT key FROM record WHERE lower(hex(key)) GLOB ?1"""
        with self._database() as db:
            return [Digest(bytes(key)) for (key,) in db.execute(query, (f"{start.lower()}*",))]

    def purge(self, conversation: Digest) -> int:
        """See ``HoldingStore``. What is removed is overwritten in the file."""
        with self._database() as db:
            before = db.total_changes
            db.execute("PRAGMA secure_delete = ON").fetchall()
            with transaction(db):
                for kind, (table, column) in _TABLES.items():
                    own = db.execute(_OWN, (conversation, kind.value)).fetchall()
                    rows = [(bytes(held)[1:],) for (held,) in own]
                    db.executemany(f"DELETE FROM {table} WHERE {column} = ?", rows)  # noqa: S608  # names of ours
                for table in _FIGURES:
                    db.execute(f"DELETE FROM {table} WHERE key = ?", (conversation,))  # noqa: S608  # names of ours
                gone = db.total_changes - before
                db.execute("DELETE FROM holding WHERE conversation = ?", (conversation,))
            db.execute("VACUUM")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        return gone


def forget(db: sqlite3.Connection, kind: Kind, column: str, value: int) -> None:
    """Remove what names records that are about to go, told by a value in their table."""
    _forget(db, kind, f"{column} = ?", value)


def forget_idle(db: sqlite3.Connection, kind: Kind, column: str, idle_since: float) -> None:
    """Remove what names records that are about to go, since nobody has used them."""
    _forget(db, kind, f"{column} < ?", idle_since)


def forget_lost_originals(db: sqlite3.Connection, digests: Iterable[bytes]) -> None:
    """Remove what names originals of these that are not there any more."""
    db.executemany(
        "DELETE FROM holding WHERE held = ? AND NOT EXISTS (SELECT 1 FROM original WHERE digest = substr(held, 2))",
        [(Kind.ORIGINAL.value + digest,) for digest in digests],
    )


def forget_all_lost(db: sqlite3.Connection) -> None:
    """Remove what names a record that is not there any more. Looks at all of them."""
    for kind, (table, column) in _TABLES.items():
        db.execute(
            "DELETE FROM holding WHERE substr(held, 1, 1) = ? "  # noqa: S608  # names of ours
            f"AND NOT EXISTS (SELECT 1 FROM {table} WHERE {column} = substr(held, 2))",
            (kind.value,),
        )


def _forget(db: sqlite3.Connection, kind: Kind, where: str, value: float) -> None:
    table, column = _TABLES[kind]
    keys = db.execute(f"SELECT {column} FROM {table} WHERE {where}", (value,)).fetchall()  # noqa: S608  # names of ours
    ours = [(kind.value + key,) for (key,) in keys if isinstance(key, bytes)]  # others are damaged: nothing names them
    db.executemany("DELETE FROM holding WHERE held = ?", ours)
