"""The embedded store: one SQLite file in WAL mode, shared by threads and processes."""

import contextlib
import itertools
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.store.aside import Aside, FileAside
from headroom_mitm.store.base import REFRESH_SECONDS, Clock, Decision, Kept, Limits, Offer
from headroom_mitm.store.holdings import Kind
from headroom_mitm.store.sealing import Sealer
from headroom_mitm.store.sqlite_at_once import SqliteAtOnce
from headroom_mitm.store.sqlite_file import SqliteFile, transaction
from headroom_mitm.store.sqlite_holdings import SqliteHoldings, forget, forget_idle, forget_lost_originals
from headroom_mitm.store.sqlite_records import SqliteRecords
from headroom_mitm.store.sqlite_renderings import insert, refresh, rows, seal_anew
from headroom_mitm.store.sqlite_sealed import Database, SqliteOriginals, SqliteRounds, is_stale
from headroom_mitm.store.sqlite_tallies import SqliteTallies
from headroom_mitm.store.sqlite_upkeep import SqliteUpkeep
from headroom_mitm.store.sqlite_visits import SqliteVisits, forget_visits

RECENT_SECONDS = 3600
_SWEPT_AT_ONCE = 100  # short transactions: others wait for a write lock at most a second
_PAUSE_SECONDS = 0.01  # between them, so that waiting threads and processes get their turn
# Same digest, same text: written again, it is there even if what stood there cannot be opened any more.
_KEEP_ORIGINAL = "INSERT INTO original VALUES (?, ?) ON CONFLICT (digest) DO UPDATE SET packed = excluded.packed"


class SqliteStore:
    """Renderings, originals, offers, rounds, visits and sums in a table each; see ``MIGRATIONS``.

    An original lives as long as a rendering names it, so it has no time of its last use. One
    connection behind a lock: statements here take well under a millisecond, and SQLite has one writer anyway.
    """

    def __init__(self, path: Path, limits: Limits, clock: Clock, sealer: Sealer) -> None:
        self._file = SqliteFile(path, clock)
        self._limits = limits
        self._clock = clock
        self._lock = threading.Lock()
        self.staging = SqliteAtOnce(path, clock, self._lock, lambda: self._file.is_open)
        self.aside: Aside = FileAside(path)
        self._sealer = sealer
        self._originals = SqliteOriginals(self._database, sealer)
        self._rounds = SqliteRounds(self._database, sealer, clock)
        self.visits = SqliteVisits(self._database)
        self.tallies = SqliteTallies(self._database)
        self.upkeep = SqliteUpkeep(self._database, sealer)
        self.records = SqliteRecords(self._database)
        self.holdings = SqliteHoldings(self._database)

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        """See ``Store``."""
        with self._database() as db:
            found = list(rows(db, keys, self._sealer))
        now = int(self._clock())
        stale = [row.id for row in found if is_stale(row.used, now)]
        old = [row for row in found if not row.is_current]
        if stale or old:
            # Not to have counted a use is no reason to withhold what was read.
            with contextlib.suppress(StoreUnavailable), self._database() as db, transaction(db):
                refresh(db, stale, now)
                seal_anew(db, old, self._sealer)
        return {row.rendering.key: row.rendering for row in found}

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        """See ``Store``."""
        if not decisions:
            return {}
        packed = [(d.rendering, self._originals.sealed(d)) for d in decisions]
        now = int(self._clock())
        with self._database() as db, transaction(db):
            first: dict[Key, Rendering] = {}  # what was written now need not be read
            for rendering, original in packed:
                if not insert(db, rendering, now, self._sealer):
                    continue
                first[rendering.key] = rendering
                if original is not None:
                    db.execute(_KEEP_ORIGINAL, (rendering.original, original))
            found = list(rows(db, [r.key for r, _ in packed if r.key not in first], self._sealer))
            refresh(db, [row.id for row in found if is_stale(row.used, now)], now)
        return first | {row.rendering.key: row.rendering for row in found}

    def settle(self, offer: Offer, decisions: Sequence[Decision]) -> Kept:
        """See ``Store``."""
        holds = self.offer(offer.head, offer.offered)
        return Kept(self.freeze(decisions) if holds is offer.offered else {}, holds)

    def original(self, digest: Digest) -> str:
        """See ``Store``."""
        return self._originals.read(digest)

    def offered(self, head: Digest) -> bool | None:
        """See ``Store``."""
        with self._database() as db:
            row = db.execute("SELECT offered, used FROM offer WHERE head = ?", (head,)).fetchone()
        if row is None:
            return None
        now = int(self._clock())
        if is_stale(row[1], now):
            with contextlib.suppress(StoreUnavailable), self._database() as db:
                db.execute("UPDATE offer SET used = ? WHERE head = ?", (now, head))
        return bool(row[0])

    def offer(self, head: Digest, offered: bool) -> bool:  # noqa: FBT001  # the decision itself is the value
        """See ``Store``."""
        with self._database() as db, transaction(db):
            db.execute(
                """INSERT INTO offer (head, used, offered) VALUES (?, ?, ?)
                ON CONFLICT (head) DO UPDATE SET used = excluded.used""",
                (head, int(self._clock()), offered),
            )
            row = db.execute("SELECT offered FROM offer WHERE head = ?", (head,)).fetchone()
        return bool(row[0])

    def rounds(self, keys: Sequence[Digest]) -> dict[Digest, bytes]:
        """See ``Store``."""
        return self._rounds.read(keys)

    def keep_rounds(self, key: Digest, packed: bytes) -> bytes:
        """See ``Store``."""
        return self._rounds.keep(key, packed)

    def sweep(self) -> int:
        """See ``Store``. What is removed in one go is bounded; between two goes others may write."""
        now = int(self._clock())
        gone = 0
        while removed := _sweep_some(self._database, self._limits, now):
            gone += removed
            time.sleep(_PAUSE_SECONDS)
        return gone

    def close(self) -> None:
        """See ``Store``."""
        with self._lock:
            self.staging.close()
            self._file.close()

    @contextlib.contextmanager
    def _database(self) -> Iterator[sqlite3.Connection]:
        inside = self.staging.connection
        if inside is not None:
            try:
                yield inside
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise self.staging.failed(error) from error
            return
        with self._lock:
            try:
                yield self._file.connection()
            except (sqlite3.Error, UnicodeDecodeError) as error:
                raise self._file.failed(error) from error


def _sweep_some(database: Database, limits: Limits, now: int) -> int:
    idle_since = now - limits.idle_seconds - REFRESH_SECONDS
    with database() as db:
        if db.execute("SELECT 1 FROM offer WHERE used < ? LIMIT 1", (idle_since,)).fetchone():
            with transaction(db):
                forget_idle(db, Kind.OFFER, "used", idle_since)
                db.execute("DELETE FROM offer WHERE used < ?", (idle_since,))
        with transaction(db):
            forget_idle(db, Kind.ROUNDS, "used", idle_since)
            db.execute("DELETE FROM rounds WHERE used < ?", (idle_since,))
            forget_idle(db, Kind.VISIT, "seen", idle_since)
            forget_visits(db, idle_since)
        if not _victims(db, now, idle_since, limits.max_bytes):
            return 0
        with transaction(db):  # what was read before it began may have been used since
            removed = _remove(db, _victims(db, now, idle_since, limits.max_bytes))
            _remove_rounds(db, now)
        # A page is given back with each step of the statement, and only a script is stepped to its end.
        db.executescript("PRAGMA incremental_vacuum")
    return removed


def _victims(db: sqlite3.Connection, now: int, idle_since: float, max_bytes: int) -> list[tuple[int, bytes]]:
    """Return the next rows to go, longest unused first: id and digest of the original."""
    idle = db.execute(
        "SELECT id, original FROM rendering WHERE used < ? ORDER BY used LIMIT ?", (idle_since, _SWEPT_AT_ONCE)
    ).fetchall()
    if idle:
        return idle
    # Pages in use are the cheapest sum there is: SQLite keeps it, and it is what the disk sees.
    pages, free, page_bytes = (
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
    )
    excess = (pages - free) * page_bytes - max_bytes
    if excess <= 0:
        return []
    # The time of last use is up to REFRESH_SECONDS old: twice the hour keeps what was used within the last one.
    oldest = db.execute(
        """SELECT r.id, r.original, ifnull(length(r.text), 0) + ifnull(length(o.packed), 0)
        FROM rendering r LEFT JOIN original o ON o.digest = r.original
        WHERE r.used < ? ORDER BY r.used LIMIT ?""",
        (now - RECENT_SECONDS - REFRESH_SECONDS, _SWEPT_AT_ONCE),
    ).fetchall()
    before = itertools.accumulate((size for _, _, size in oldest), initial=0)
    return [(row_id, original) for (row_id, original, _), freed in zip(oldest, before, strict=False) if freed < excess]


def _remove(db: sqlite3.Connection, victims: list[tuple[int, bytes]]) -> int:
    """Remove renderings and the originals that no other rendering names; return how many of both."""
    for row_id, _ in victims:
        forget(db, Kind.RENDERING, "id", row_id)
    db.executemany("DELETE FROM rendering WHERE id = ?", [(row_id,) for row_id, _ in victims])
    orphans = db.executemany(
        "DELETE FROM original WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM rendering WHERE original = ?1)",
        [(digest,) for digest in {digest for _, digest in victims}],
    )
    forget_lost_originals(db, [digest for _, digest in victims])
    return len(victims) + orphans.rowcount


def _remove_rounds(db: sqlite3.Connection, now: int) -> None:
    """Remove the rounds that were last used before all renderings that are left: those of their time are gone."""
    oldest = db.execute("SELECT min(used) FROM rendering").fetchone()[0]
    idle_since = oldest if oldest is not None else now - RECENT_SECONDS - REFRESH_SECONDS
    forget_idle(db, Kind.ROUNDS, "used", idle_since)
    db.execute("DELETE FROM rounds WHERE used < ?", (idle_since,))
