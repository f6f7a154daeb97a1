"""One thread that may not wait uses the embedded store by a connection of its own: at once, or not at all.

A transaction there takes tens of microseconds, and a turn through another thread a thousand where many requests begin
together. What may take its time is left to others: to create the file, to sweep it, to write back what was written.
"""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.store.base import Clock
from headroom_mitm.store.sqlite_file import SqliteFile
from headroom_mitm.store.staging import Unstaged

PATIENCE = 0.001
"""Seconds to wait for another thread of ours, which hardly ever takes so long."""


class SqliteAtOnce(Unstaged):
    """See ``Staging``: ``at_once`` is all there is of it, since the store is near."""

    def __init__(self, path: Path, clock: Clock, lock: threading.Lock, is_open: Callable[[], bool]) -> None:
        """Take the store's lock, and what says whether the file has been opened: only then it is known to be sound."""
        self._file = SqliteFile(path, clock, patience=0)
        self._lock = lock
        self._is_open = is_open
        self._thread = 0
        self._db: sqlite3.Connection | None = None

    @property
    def connection(self) -> sqlite3.Connection | None:
        """The one to be used by who asks; None for all threads but the one that is inside of ``at_once``."""
        return self._db if self._thread == threading.get_ident() else None

    @contextlib.contextmanager
    def at_once(self) -> Iterator[bool]:
        """See ``Staging``."""
        if not self._lock.acquire(timeout=PATIENCE):
            yield False
            return
        try:
            self._db = db = self._begun()
            self._thread = threading.get_ident()
            yield db is not None
            if db is not None and db.in_transaction:
                db.execute("COMMIT")
        except sqlite3.Error as error:
            raise self.failed(error) from error
        finally:
            self._end()

    def failed(self, error: sqlite3.Error | UnicodeDecodeError) -> StoreUnavailable:
        """Return what to raise. Others find out what is wrong with the file: nothing is done about it here."""
        return StoreUnavailable(f"{self._file.path}: {error}")

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _begun(self) -> sqlite3.Connection | None:
        """Return the connection, in a transaction; None where that would have to wait."""
        if not self._is_open():
            return None
        try:
            db = self._file.connection()
            db.execute("BEGIN IMMEDIATE")
        except (sqlite3.Error, StoreUnavailable):
            return None
        return db

    def _end(self) -> None:
        db, self._db, self._thread = self._db, None, 0
        try:
            if db is not None and db.in_transaction:
                db.execute("ROLLBACK")
        except sqlite3.Error:
            self._file.close()
        finally:
            self._lock.release()
