"""The file below the SQLite store: who may read it, which schema it has, and what happens when it is damaged."""

import contextlib
import logging
import math
import os
import sqlite3
import stat
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from headroom_mitm.errors import StoreReadOnly, StoreUnavailable
from headroom_mitm.store.base import Clock

APPLICATION_ID = 0x4844524D  # "HDRM": tells our file from another program's database
BUSY_SECONDS = 1.0
_WAL_KEPT_BYTES = 8 * 2**20
_SIBLINGS = ("", "-wal", "-shm")
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_UNWRITABLE = {sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY}
"""Nothing can be written any more, and what is there can be read."""
_LEAST_ROOM = 2**16
"""Bytes. SQLite's index of the log takes half of them."""
FROZEN_SECONDS = 5.0
"""So long a file that cannot be written to is taken for one that nobody writes to."""

_LOG = logging.getLogger("headroom_mitm.store")

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # `used` stands before the text: to change it SQLite rewrites one page, not the text.
        """CREATE TABLE rendering (
            id INTEGER PRIMARY KEY,
            key BLOB NOT NULL UNIQUE,
            used INTEGER NOT NULL,
            original BLOB NOT NULL,
            compressor TEXT NOT NULL,
            level INTEGER NOT NULL,
            lossless INTEGER NOT NULL,
            tokens_before INTEGER NOT NULL,
            tokens_after INTEGER NOT NULL,
            base BLOB,
            text BLOB
        )""",
        "CREATE INDEX rendering_used ON rendering (used)",
        "CREATE INDEX rendering_original ON rendering (original)",
        "CREATE TABLE original (digest BLOB NOT NULL PRIMARY KEY, packed BLOB NOT NULL)",
        """CREATE TABLE offer (
            head BLOB NOT NULL PRIMARY KEY,
            used INTEGER NOT NULL,
            offered INTEGER NOT NULL
        ) WITHOUT ROWID""",
    ),
    (
        """CREATE TABLE rounds (
            key BLOB NOT NULL PRIMARY KEY,
            used INTEGER NOT NULL,
            packed BLOB NOT NULL
        )""",
        "CREATE INDEX rounds_used ON rounds (used)",
    ),
    (
        """CREATE TABLE visit (
            key BLOB NOT NULL PRIMARY KEY,
            seen REAL NOT NULL,
            lifetime REAL NOT NULL,
            epoch INTEGER NOT NULL,
            offers INTEGER NOT NULL,
            changed BLOB NOT NULL
        )""",
        "CREATE INDEX visit_seen ON visit (seen)",
    ),
    (
        """CREATE TABLE tally (
            name TEXT NOT NULL,
            field TEXT NOT NULL,
            amount REAL NOT NULL,
            PRIMARY KEY (name, field)
        ) WITHOUT ROWID""",
    ),
    (
        """CREATE TABLE record (
            key BLOB NOT NULL PRIMARY KEY,
            began REAL NOT NULL,
            seen REAL NOT NULL,
            about BLOB NOT NULL
        )""",
        "CREATE INDEX record_seen ON record (seen)",
        """CREATE TABLE record_sum (
            key BLOB NOT NULL,
            field TEXT NOT NULL,
            amount REAL NOT NULL,
            PRIMARY KEY (key, field)
        ) WITHOUT ROWID""",
        "CREATE TABLE record_request (id INTEGER PRIMARY KEY, key BLOB NOT NULL, packed BLOB NOT NULL)",
        "CREATE INDEX record_request_key ON record_request (key)",
        "CREATE TABLE salt (id INTEGER PRIMARY KEY, salt BLOB NOT NULL)",
    ),
    (
        """CREATE TABLE holding (
            conversation BLOB NOT NULL,
            held BLOB NOT NULL,
            PRIMARY KEY (conversation, held)
        ) WITHOUT ROWID""",
        "CREATE INDEX holding_held ON holding (held)",
    ),
)
"""What turns schema n into n + 1. A released entry is never changed, only followed by another."""


@contextlib.contextmanager
def transaction(db: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[None]:
    """Commit what is done inside, or nothing of it; where it is part of another transaction, with that one."""
    is_inside = db.in_transaction
    if is_inside:
        yield
        return
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            with contextlib.suppress(sqlite3.Error):  # the first error is what counts, and closes the connection
                db.execute("ROLLBACK")


def migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring a database to the newest schema.

    Raises ``StoreUnavailable``, and touches nothing, if a newer version of this program or another program made it.
    """
    with transaction(db, "DEFERRED"):  # one look at several things: another process may be changing them
        version = _schema(db, path, len(migrations))
    if version == len(migrations):
        return
    if not _number(db, "page_count"):
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # can only be chosen while a file is empty
    with transaction(db, "EXCLUSIVE"):
        for statements in migrations[_schema(db, path, len(migrations)) :]:  # another process may have been first
            for statement in statements:
                db.execute(statement)
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {len(migrations)}")


class SqliteFile:
    """One database file: opened on first use, opened again if it was replaced, moved aside if it is damaged.

    Where nothing can be written, as on a disk that is read-only or full, what is in it is read all the same: SQLite
    opens a file with a write-ahead log only where it can make files beside it, or where it is told that nobody writes.

    Not thread-safe: the store holds a lock around every use.
    """

    def __init__(self, path: Path, clock: Clock, patience: float = BUSY_SECONDS) -> None:
        """Take how many seconds to wait for others that write; who does not wait does not write back either."""
        self.path = path
        self._patience = patience
        self._clock = clock
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        self._room = 0  # bytes on the disk when that was found out
        self._thaws = math.inf  # when to try again whether a file that could not be written to can be

    def connection(self) -> sqlite3.Connection:
        """Return a connection with the newest schema; raise ``StoreUnavailable`` or ``sqlite3.Error``."""
        is_thawed = self._thaws < math.inf and (time.monotonic() >= self._thaws or _has_room(self.path) > self._room)
        if self._db is not None and self._identity == _identity(self.path) and not is_thawed:
            return self._db
        self.close()
        try:
            _create(self.path)
        except OSError as error:
            raise StoreUnavailable(f"{self.path} cannot be created: {error.strerror or error}") from error
        self._identity = _identity(self.path)
        try:
            self._db, self._thaws = self._opened(self.path.absolute().as_uri()), math.inf
        except sqlite3.OperationalError as error:
            self._room = _has_room(self.path)
            if not _is_frozen(self.path, _kind(error), self._room):
                raise
            self._db = self._opened(f"{self.path.absolute().as_uri()}?immutable=1", is_frozen=True)
            if self._thaws == math.inf:
                _LOG.warning("%s cannot be written to (%s): what it holds is read, nothing is kept", self.path, error)
            self._thaws = time.monotonic() + FROZEN_SECONDS
        return self._db

    def _opened(self, uri: str, *, is_frozen: bool = False) -> sqlite3.Connection:
        with contextlib.ExitStack() as undo:
            # Autocommit, so that transactions begin and end where they are written; any thread, under the store's lock.
            db = sqlite3.connect(uri, timeout=self._patience, isolation_level=None, check_same_thread=False, uri=True)
            undo.callback(db.close)
            db.text_factory = _decoded
            migrate(db, self.path)
            if is_frozen:
                undo.pop_all()
                return db
            _configure(db)
            if not self._patience:
                db.execute("PRAGMA wal_autocheckpoint = 0").fetchall()
            undo.pop_all()
        _close_to_others(self.path)
        return db

    @property
    def is_open(self) -> bool:
        """It has been opened, and was sound."""
        return self._db is not None

    def failed(self, error: sqlite3.Error | UnicodeDecodeError) -> StoreUnavailable:
        """Return what to raise. The next use opens the file anew, unless it was only busy."""
        code = _kind(error)
        if isinstance(error, UnicodeDecodeError):  # Python could not read SQLite's message, which quotes the damage
            code = sqlite3.SQLITE_CORRUPT
        if code in _BUSY:
            return StoreUnavailable(f"{self.path} is busy: another process has been writing for {BUSY_SECONDS:g} s")
        if code in _UNWRITABLE and self._thaws < math.inf:
            return StoreReadOnly(f"{self.path} cannot be written to")
        self.close()
        if code in _FULL:
            return StoreReadOnly(f"{self.path}: {error}")
        if code in _DAMAGED:
            self._move_aside(error)
        return StoreUnavailable(f"{self.path}: {error}")

    def close(self) -> None:
        """Give the file back. The last process to do so also removes its ``-wal`` and ``-shm``."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def _move_aside(self, error: sqlite3.Error | UnicodeDecodeError) -> None:
        """Make room for a new file: without past decisions the proxy saves less, without a store it saves nothing."""
        if self._identity != _identity(self.path):
            return  # another process has already moved it; what stands there now is sound
        stamp = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        aside = self.path.with_name(f"{self.path.name}.corrupt-{stamp}")
        try:
            if not _looks_like_sqlite(self.path):
                return  # it never was a database: somebody's file, named by mistake
            for suffix in _SIBLINGS:
                with contextlib.suppress(FileNotFoundError):
                    Path(f"{self.path}{suffix}").rename(f"{aside}{suffix}")
        except OSError as cause:
            _LOG.warning("%s is damaged (%s) and cannot be moved aside: %s", self.path, error, cause)
        else:
            _LOG.warning("%s is damaged (%s): moved to %s, a new file takes its place", self.path, error, aside)


def _schema(db: sqlite3.Connection, path: Path, newest: int) -> int:
    version, owner = _number(db, "user_version"), _number(db, "application_id")
    empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if owner != APPLICATION_ID and not (empty and owner == 0 and version == 0):
        raise StoreUnavailable(f"{path} is the database of another program; it was not touched")
    if version > newest:
        raise StoreUnavailable(
            f"{path} has schema {version}, this version of headroom-mitm knows {newest}; it was not touched"
        )
    return version


def _configure(db: sqlite3.Connection) -> None:
    try:
        db.execute("PRAGMA journal_mode = WAL").fetchall()
    except sqlite3.OperationalError as error:
        if _kind(error) not in _BUSY:
            raise
        # Another process is opening the same new file; the mode is the file's, and one of them will set it.
    db.execute("PRAGMA synchronous = NORMAL")  # outlives a killed process; a power cut may cost the last moments
    db.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}").fetchall()


def _is_frozen(path: Path, code: int, room: int) -> bool:
    """Say whether nobody like us can write to a database that is there, and nobody has left a log beside it.

    SQLite says the same where there are no more file descriptors; what is read there while another writes may be wrong.
    """
    if code in _UNWRITABLE:
        cannot = not os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    else:
        cannot = code == sqlite3.SQLITE_IOERR and room < _LEAST_ROOM
    return cannot and path.stat().st_size > 0 and not _size(Path(f"{path}-wal"))


def _has_room(path: Path) -> int:
    """Return how many bytes the disk takes that a file is on."""
    if not hasattr(os, "statvfs"):
        return _LEAST_ROOM
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize


def _size(path: Path) -> int:
    """Return a file's bytes; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _kind(error: Exception) -> int:
    """Return the low byte of SQLite's code for an error: the rest says more."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _number(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])


def _decoded(text: bytes) -> str:
    """Return what a damaged file may have made of a name: a whole row would be lost with it."""
    return text.decode("utf-8", "replace")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  # asked at each use, and a third of the time that a path takes
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _looks_like_sqlite(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(16)
    return head in {b"SQLite format 3\0", bytes(16)}  # zeros are what a crash leaves of a page that was to be written


def _create(path: Path) -> None:
    """Create the file, and the folders above it, so that nobody else can read them at any moment."""
    for folder in reversed([folder for folder in path.parents if not folder.exists()]):
        folder.mkdir(mode=0o700, exist_ok=True)
    # An existing file is not opened here: to close it again would end the locks that this process holds on it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _close_to_others(path: Path) -> None:
    for suffix in _SIBLINGS:
        # A file that belongs to somebody else keeps the mode that its owner gave it.
        with contextlib.suppress(FileNotFoundError, PermissionError):
            file = Path(f"{path}{suffix}")
            if (mode := stat.S_IMODE(file.stat().st_mode)) & 0o077:
                file.chmod(mode & 0o700)
