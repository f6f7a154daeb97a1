"""What another program, or a disk, has written into a sound database: what cannot be read is lost, and nothing else."""

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from decision_samples import key, lossless, lossy, raw

from headroom_mitm.errors import MissingOriginal, StoreUnavailable
from headroom_mitm.segments import Digest, digest, digest_of_text
from headroom_mitm.store import Store, open_store, packing
from headroom_mitm.store.base import Noted, Visit
from headroom_mitm.store.sealing import Keys

HEAD = Digest(digest(b"head"))
NOW = 1_800_000_000.0
DECISIONS = [lossy("a"), lossless("b"), raw("c")]
KNOWN = {decision.rendering.key: decision.rendering.text for decision in DECISIONS}


def uses(store: Store) -> Iterator[Callable[[], object]]:
    """Yield all that requests do with a store, and what people do."""
    yield lambda: store.recall(list(KNOWN))
    yield lambda: store.freeze(DECISIONS)
    yield lambda: store.original(digest_of_text("a long text"))
    yield lambda: store.offer(HEAD, True)
    yield lambda: store.rounds([HEAD])
    yield lambda: store.keep_rounds(HEAD, b"packed")
    yield lambda: store.visits.touch(HEAD, NOW, 300.0)
    yield lambda: store.visits.begin(HEAD, Visit(NOW, 300.0), Visit(NOW + 1, 300.0, 1))
    yield lambda: store.tallies.add({"a": {"b": 1.0}})
    yield lambda: store.tallies.read(["a"])["a"]["b"] + 1.0 if store.tallies.read(["a"]) else None
    yield lambda: store.records.add([Noted(HEAD, NOW, b"about", {"x": 1.0}, b"figures")])
    yield lambda: [sum(one.amounts.values()) + one.seen for one in store.records.newest(5, with_requests=True)]
    yield store.records.salt
    yield store.upkeep.reseal
    yield store.sweep


def opened(path: Path) -> Store:
    return open_store(str(path), clock=lambda: NOW, keys=lambda: Keys((bytes(32),)))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A file in which every table has a row."""
    path = tmp_path_factory.mktemp("sound") / "s.sqlite"
    store = opened(path)
    for use in uses(store):
        with suppress(MissingOriginal):
            use()
    store.close()
    return path.read_bytes()


def columns(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return [(table, row[1]) for table in tables for row in db.execute(f'PRAGMA table_info("{table}")')]


def test_a_value_of_another_type_is_lost(sound: bytes, tmp_path: Path) -> None:
    """In any column of any table: nothing but what a store may raise, and no text that was never kept."""
    path = tmp_path / "s.sqlite"
    path.write_bytes(sound)
    values = itertools.cycle((2**62, "text", b"\xff\x01", 1.5))
    for (table, column), value in zip(columns(path), values, strict=False):
        path.write_bytes(sound)
        with closing(sqlite3.connect(path)) as db, db, suppress(sqlite3.IntegrityError):
            db.execute(f'UPDATE "{table}" SET "{column}" = ?', (value,))
        store = opened(path)
        for use in uses(store):
            with suppress(StoreUnavailable, MissingOriginal):
                use()
        found = store.recall(list(KNOWN))
        assert all(one.text in {None, KNOWN[known]} for known, one in found.items()), (table, column)
        assert isinstance(sum(one.tokens_before for one in found.values()), int)
        store.close()


@pytest.mark.parametrize(
    ("table", "column"), [("offer", "head"), ("rendering", "key"), ("rounds", "key"), ("visit", "key")]
)
@pytest.mark.parametrize("value", ["text", 7, 10**15], ids=["a text", "a number", "a large number"])
def test_a_key_of_another_type_goes_like_any_other(
    sound: bytes, tmp_path: Path, table: str, column: str, value: object
) -> None:
    """When nobody has used it for long enough."""
    path = tmp_path / "s.sqlite"
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(f"UPDATE {table} SET {column} = ? WHERE {column} = (SELECT min({column}) FROM {table})", (value,))
    store = open_store(str(path), clock=lambda: NOW + 400 * 86_400, keys=lambda: Keys((bytes(32),)))
    store.sweep()
    store.close()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)


def test_a_name_that_is_no_text_costs_no_row(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    path.write_bytes(sound)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE rendering SET compressor = cast(x'6c6fff' AS TEXT)")
    store = opened(path)
    assert store.recall([key("a")])[key("a")].text == KNOWN[key("a")]
    store.close()


def test_damage_that_sqlite_quotes_makes_room_for_a_new_file(sound: bytes, tmp_path: Path) -> None:
    """Python cannot read a message in which a table's name is no text: it is damage like any other."""
    path = tmp_path / "s.sqlite"
    path.write_bytes(sound.replace(b"CREATE TABLE visit", b"CREATE TABLE vi\xa0it"))
    store = opened(path)
    with suppress(StoreUnavailable):
        store.recall([key("a")])
    assert store.freeze(DECISIONS)
    store.close()


def test_a_frame_that_claims_to_be_huge_is_damaged() -> None:
    """Memory is not reserved for it."""
    frame = bytearray(packing.squeeze(b"a" * 70_000))
    frame[4] |= 0b1100_0000  # the size takes eight bytes then
    frame[5:9] = (2**50).to_bytes(8, "little")
    assert packing.unsqueeze(bytes(frame)) is None
    with pytest.raises(MissingOriginal, match="damaged"):
        packing.unpack(bytes(frame), digest_of_text("x"))
