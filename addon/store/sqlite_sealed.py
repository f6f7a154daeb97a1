"""The tables of originals and of rounds: sealed values by name."""

import contextlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from headroom_mitm.errors import MissingOriginal, StoreUnavailable, UnreadableRecord
from headroom_mitm.segments import Digest
from headroom_mitm.store import packing
from headroom_mitm.store.base import REFRESH_SECONDS, Clock, Decision
from headroom_mitm.store.sealing import Sealer
from headroom_mitm.store.sqlite_file import transaction
from headroom_mitm.store.sqlite_renderings import batches

ORIGINAL, ROUNDS = b"original", b"rounds"

Database = Callable[[], AbstractContextManager[sqlite3.Connection]]


def is_stale(used: object, now: int) -> bool:
    """Say whether a use is worth writing down. A time in the future is that of a clock since put right."""
    return not isinstance(used, int) or abs(now - used) > REFRESH_SECONDS


class SqliteOriginals:
    """Texts by digest."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    def sealed(self, decision: Decision) -> bytes | None:
        """Return what is kept of a decision's original, if it must be."""
        if decision.original is None:
            return None
        return self._sealer.seal(ORIGINAL, decision.rendering.original, packing.pack(decision.original))

    def read(self, digest: Digest) -> str:
        """See ``Store.original``."""
        with self._database() as db:
            row = db.execute("SELECT packed FROM original WHERE digest = ?", (digest,)).fetchone()
        if row is None:
            raise MissingOriginal(f"no original {digest.hex()}")
        try:
            packed = self._sealer.open(ORIGINAL, digest, row[0])
        except UnreadableRecord as error:
            raise MissingOriginal(f"original {digest.hex()}: {error}") from error
        if not self._sealer.is_current(row[0]):
            self._seal_anew(digest, packed)
        return packing.unpack(packed, digest)

    def _seal_anew(self, digest: Digest, packed: bytes) -> None:
        sealed = self._sealer.seal(ORIGINAL, digest, packed)
        with contextlib.suppress(StoreUnavailable), self._database() as db:
            db.execute("UPDATE original SET packed = ? WHERE digest = ?", (sealed, digest))


class SqliteRounds:
    """Hidden rounds by key."""

    def __init__(self, database: Database, sealer: Sealer, clock: Clock) -> None:
        self._database = database
        self._sealer = sealer
        self._clock = clock

    def read(self, keys: Sequence[Digest]) -> dict[Digest, bytes]:
        """See ``Store.rounds``."""
        rows: list[tuple[bytes, int, bytes]] = []
        with self._database() as db:
            for some in batches(keys):
                marks = ",".join("?" * len(some))
                rows += db.execute(f"SELECT key, used, packed FROM rounds WHERE key IN ({marks})", some)  # noqa: S608
        found: dict[Digest, bytes] = {}
        for key, _, sealed in rows:
            with contextlib.suppress(UnreadableRecord):
                found[Digest(key)] = self._sealer.open(ROUNDS, key, sealed)
        self._look_after(rows, found)
        return found

    def keep(self, key: Digest, packed: bytes) -> bytes:
        """See ``Store.keep_rounds``. What cannot be opened is not told again, as if nothing had been hidden."""
        sealed = self._sealer.seal(ROUNDS, key, packed)
        with self._database() as db, transaction(db):
            db.execute("INSERT INTO rounds VALUES (?, ?, ?) ON CONFLICT DO NOTHING", (key, int(self._clock()), sealed))
            row = db.execute("SELECT packed FROM rounds WHERE key = ?", (key,)).fetchone()
        try:
            return self._sealer.open(ROUNDS, key, row[0])
        except UnreadableRecord:
            return b""

    def _look_after(self, rows: Sequence[tuple[bytes, int, bytes]], found: dict[Digest, bytes]) -> None:
        """Count rounds as used, and seal those anew that another key has sealed, or none."""
        now = int(self._clock())
        used = [(now, key) for key, last, _ in rows if is_stale(last, now)]
        old = [Digest(key) for key, _, sealed in rows if key in found and not self._sealer.is_current(sealed)]
        if not (used or old):
            return
        anew = [(self._sealer.seal(ROUNDS, key, found[key]), key) for key in old]
        # Not to have counted a use is no reason to withhold what was read.
        with contextlib.suppress(StoreUnavailable), self._database() as db, transaction(db):
            db.executemany("UPDATE rounds SET used = ? WHERE key = ?", used)
            db.executemany("UPDATE rounds SET packed = ? WHERE key = ?", anew)
