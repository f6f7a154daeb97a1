"""The table of renderings: what is sealed in its rows, and what becomes of one that cannot be opened."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from types import NoneType
from typing import Any, NamedTuple

from headroom_mitm.errors import UnreadableRecord
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.sizes import about, kept, restored
from headroom_mitm.store import packing
from headroom_mitm.store.sealing import Sealer
from headroom_mitm.store.unreadable import unreadable

_VARIABLES = 900  # SQLite before 3.32 takes 999 in a statement
_COLUMNS = "key, text, original, compressor, level, lossless, tokens_before, tokens_after, base"
_BYTES_OR_NONE = (bytes, NoneType)
_TYPES: tuple[type | tuple[type, ...], ...] = (bytes, _BYTES_OR_NONE, bytes, str, int, int, int, int, _BYTES_OR_NONE)
"""Of the columns. A damaged file may have others, and a column takes what it is given."""
_KIND = b"rendering"


class Row(NamedTuple):
    """A row as it was read."""

    id: int
    used: int
    rendering: Rendering
    is_current: bool
    """Its text is sealed with the newest key, or there is none."""


def batches(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield as many as one statement takes."""
    return (keys[start : start + _VARIABLES] for start in range(0, len(keys), _VARIABLES))


def rows(db: sqlite3.Connection, keys: Sequence[Key], sealer: Sealer) -> Iterator[Row]:
    """Yield those of these that are there."""
    for some in batches(keys):
        marks = ",".join("?" * len(some))
        query = f"SELECT id, used, {_COLUMNS} FROM rendering WHERE key IN ({marks})"  # noqa: S608  # only marks
        for values in db.execute(query, some):
            yield _row(values, sealer)


def all_rows(db: sqlite3.Connection, after: int, count: int, sealer: Sealer) -> Iterator[Row]:
    """Yield rows with texts in the order of their ids."""
    query = f"SELECT id, used, {_COLUMNS} FROM rendering WHERE id > ? AND text IS NOT NULL ORDER BY id LIMIT ?"  # noqa: S608
    for values in db.execute(query, (after, count)):
        yield _row(values, sealer)


def insert(db: sqlite3.Connection, new: Rendering, now: int, sealer: Sealer) -> bool:
    """Say whether this decision is the first for its key."""
    values = (now, *_values(new, sealer))
    statement = f"INSERT INTO rendering (used, {_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?) ON CONFLICT (key) DO NOTHING"  # noqa: S608
    return db.execute(statement, values).rowcount == 1


def refresh(db: sqlite3.Connection, ids: Iterable[int], now: int) -> None:
    """Count rows as used."""
    db.executemany("UPDATE rendering SET used = ? WHERE id = ?", [(now, row_id) for row_id in ids])


def seal_anew(db: sqlite3.Connection, old: Iterable[Row], sealer: Sealer) -> None:
    """Seal texts with the newest key."""
    texts = [(_sealed_text(row.rendering, sealer), row.id) for row in old]
    db.executemany("UPDATE rendering SET text = ? WHERE id = ?", texts)


def _row(values: tuple[Any, ...], sealer: Sealer) -> Row:
    """Return a row from its id, its time of use and the columns."""
    row_id, used, *columns = values
    key, sealed, original, compressor, level, lossless, before, after, base = columns
    if not all(isinstance(value, kind) for value, kind in zip(columns, _TYPES, strict=True)):
        return Row(row_id, used, unreadable(Key(key if isinstance(key, bytes) else b"")), is_current=True)
    rendering = Rendering(
        key=Key(key),
        text=None,
        original=Digest(original),
        compressor=compressor,
        level=level,
        lossless=bool(lossless),
        before=restored(before),
        after=restored(after),
        base=None if base is None else Key(base),
    )
    if sealed is None:
        return Row(row_id, used, rendering, is_current=True)
    try:
        text = packing.to_text(sealer.open(_KIND, _bound(rendering), sealed))
    except (UnreadableRecord, UnicodeDecodeError):
        return Row(
            row_id, used, unreadable(rendering.key, rendering.original, about(rendering.before)), is_current=True
        )
    return Row(row_id, used, replace(rendering, text=text, after=restored(after, text)), sealer.is_current(sealed))


def _values(new: Rendering, sealer: Sealer) -> tuple[Any, ...]:
    """Return the values of the columns."""
    return (
        new.key,
        _sealed_text(new, sealer),
        new.original,
        new.compressor,
        new.level,
        new.lossless,
        kept(new.before),
        kept(new.after),
        new.base,
    )


def _sealed_text(rendering: Rendering, sealer: Sealer) -> bytes | None:
    """Return the column ``text``; the columns that say what the text stands for are bound to it."""
    if rendering.text is None:
        return None
    return sealer.seal(_KIND, _bound(rendering), packing.to_bytes(rendering.text))


def _bound(rendering: Rendering) -> bytes:
    """Return what the text belongs to: fixed lengths, so that no two lists of parts agree."""
    return b"%b%b%d%b" % (rendering.key, rendering.original, rendering.lossless, rendering.base or b"")
