"""Records as no version of ours has written them: cut, changed, another's; and a server that answers nonsense."""

import functools
import json
import random
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import decision_samples
import mutations
from lying_server import REPLIES, LyingServer

from headroom_mitm.errors import MissingOriginal, StoreUnavailable, UnreadableRecord
from headroom_mitm.roundtrip import rounds
from headroom_mitm.roundtrip.links import Link, Links
from headroom_mitm.segments import Digest, Rendering, digest
from headroom_mitm.store import Store, open_store, packing
from headroom_mitm.store.base import Noted, Visit
from headroom_mitm.store.sealing import KEY_BYTES, Keys, Sealer
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.reply import HiddenCall, Kept
from headroom_mitm.wire.retelling import Round

KEYS = (Keys((bytes(KEY_BYTES),), sealed_only=True), Keys((b"k" * KEY_BYTES,)))
DECISIONS = (decision_samples.lossy("a"), decision_samples.lossless("b"), decision_samples.raw("c"))
NAMES = tuple(decision.rendering.key for decision in DECISIONS)
HEAD = Digest(digest(b"head"))
NOW = 1_800_000_000.0


def records(rng: random.Random) -> None:
    """A sealed record opens as what was sealed, under its own name, or not at all."""
    sealer = Sealer(lambda: KEYS[0], random=bytes)
    text = mutations.text(rng)
    raw = packing.pack(text)
    sealed = sealer.seal(b"original", HEAD, raw)
    others = [sealed, raw, Sealer(lambda: KEYS[1], random=bytes).seal(b"original", HEAD, raw)]
    others.append(sealer.seal(b"rounds", HEAD, raw))
    damaged = mutations.mutated(rng, rng.choice(others), others, mutations.TOKENS, 3)
    only = Sealer(lambda: Keys(KEYS[0].secrets, sealed_only=True))
    try:
        opened = only.open(b"original", HEAD, damaged)
    except UnreadableRecord:
        assert damaged != sealed
    else:
        assert (damaged, opened) == (sealed, raw)
    with suppress(UnreadableRecord):
        sealer.open(b"rounds", HEAD, damaged)
    with suppress(MissingOriginal):
        assert packing.unpack(damaged, HEAD) == text or damaged != raw
    packing.unsqueeze(damaged)


def hidden(rng: random.Random) -> None:
    """Rounds and links that are damaged are none, or some; no error."""
    packed = rounds._packed((Round((b'{"a":1}',), (0,), (b'{"b":2}',)), Round((b"1", b"2"))))
    plain = packing.unsqueeze(packed) or b""
    heads = [
        b"\x90",
        b"\x91",
        b"\xc0",
        b"\xc4\x01a",
        b"\xdd\xff\xff\xff\xff",
        b"\xc6\xff\xff\xff\xff",
        b"\xcf" + b"\xff" * 8,
    ]
    rounds._unpacked(packing.squeeze(mutations.mutated(rng, plain, [plain], heads)))
    rounds._unpacked(mutations.mutated(rng, packed, [packed], mutations.TOKENS, 2))


def links(rng: random.Random) -> None:
    """What a damaged link leads to is a request as it came, or one that goes on from another answer."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(str(Path(folder) / "s.sqlite"))
        form = BY_NAME["openai_responses"]
        kept = Kept("resp_1", "resp_2", (HiddenCall("call_1", b'{"id":"0a1b2c3d"}'),))
        Links(store).keep(Link(kept, HEAD, {DECISIONS[0].rendering.id: DECISIONS[0].rendering}))
        with closing(sqlite3.connect(Path(folder) / "s.sqlite")) as db, db:
            [[text]] = db.execute("SELECT text FROM rendering").fetchall()
            spoilt = mutations.mutated_json(rng, text) if rng.random() < 0.7 else text
            db.execute("UPDATE rendering SET text = ?", (mutations.mutated(rng, spoilt, [text], mutations.TOKENS, 2),))
        body = b'{"model":"m","previous_response_id":"resp_1","input":[{"role":"user","content":"x"}]}'
        _, linked = Links(store).linked(form, body)
        assert json.loads(linked)["previous_response_id"] == "resp_1" or linked is not body
        store.close()


def _use(store: Store) -> None:
    """Do all that is done with a store in requests; what is read must be what was kept."""
    known = {decision.rendering.key: decision.rendering for decision in DECISIONS}
    steps: tuple[Callable[[], Any], ...] = (
        lambda: _are_kept(store.recall(NAMES), known),
        lambda: _are_kept(store.freeze(DECISIONS), known),
        lambda: _is(store.original(DECISIONS[0].rendering.original), DECISIONS[0].original),
        lambda: store.offered(HEAD),
        lambda: store.offer(HEAD, True),
        lambda: store.rounds([HEAD, Digest(NAMES[0])]),
        lambda: store.keep_rounds(HEAD, b"packed"),
        lambda: store.visits.get(HEAD),
        lambda: store.visits.touch(HEAD, NOW, 300.0),
        lambda: store.visits.begin(HEAD, Visit(NOW, 300.0), Visit(NOW + 1, 300.0, 1)),
        lambda: store.tallies.add({"a": {"b": 1.0}}),
        lambda: store.tallies.read(["a"]),
        lambda: store.tallies.names("a"),
        lambda: store.records.add([Noted(HEAD, NOW, b"about", {"x": 1.0}, b"figures")]),
        lambda: store.records.newest(5, with_requests=True),
        store.records.salt,
        store.sweep,
    )
    for step in steps:
        with suppress(StoreUnavailable, MissingOriginal):
            step()


def _are_kept(found: dict[Any, Rendering], known: dict[Any, Rendering]) -> None:
    """Texts must be right; what cannot be read goes out raw."""
    for key, rendering in found.items():
        assert rendering.text is None or rendering.text == known[key].text, "a text that was never kept"


def _is(found: str, kept: str | None) -> None:
    assert found == kept, "an original that was never kept"


@functools.cache
def _filled() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sqlite"
        store = open_store(str(path), clock=lambda: NOW, keys=lambda: KEYS[0])
        _use(store)
        store.close()
        return path.read_bytes()


def files(rng: random.Random) -> None:
    """A damaged database file: what cannot be read is lost, what is read was kept, and the proxy goes on."""
    raw = bytearray(_filled())
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(100 if rng.random() < 0.2 else len(raw))
        if rng.random() < 0.7:
            raw[at] ^= 1 << rng.randrange(8)
        else:
            raw[at : at + 8] = rng.choice((bytes(8), b"\xff" * 8, rng.randbytes(8)))
    if rng.random() < 0.1:
        del raw[rng.randrange(len(raw)) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sqlite"
        path.write_bytes(raw)
        _used_with_keys(path)


def cells(rng: random.Random) -> None:
    """Values of other types in the rows of a sound file, as another program may write them."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sqlite"
        path.write_bytes(_filled())
        with closing(sqlite3.connect(path)) as db, db:
            for _ in range(rng.randint(1, 3)):
                table, column = rng.choice(_columns())
                value = rng.choice(
                    (1, -1.5, "text", "", b"", b"\xff\x01", mutations.TOKENS[3], 2**62, b"\x28\xb5\x2f\xfd")
                )
                with suppress(sqlite3.Error):
                    db.execute(f'UPDATE "{table}" SET "{column}" = ?', (value,))
        _used_with_keys(path)


@functools.cache
def _columns() -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "s.sqlite"
        path.write_bytes(_filled())
        with closing(sqlite3.connect(path)) as db:
            tables = [
                name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            ]
            return [(table, row[1]) for table in tables for row in db.execute(f'PRAGMA table_info("{table}")')]


def _used_with_keys(path: Path) -> None:
    store = open_store(str(path), clock=lambda: NOW, keys=lambda: KEYS[0])
    try:
        _use(store)
        _use(store)
        with suppress(StoreUnavailable):
            store.upkeep.reseal()
        with suppress(StoreUnavailable):
            store.upkeep.purge(NOW - 10)
    finally:
        store.close()


def replies(rng: random.Random) -> None:
    """Whatever a server answers: the store is said not to answer, and no text is taken for one of ours."""
    handshake = [b"+OK\r\n"] * rng.randint(0, 3)
    answers = [b"".join(rng.choice(REPLIES) for _ in range(rng.randint(1, 6))) for _ in range(rng.randint(0, 20))]
    liar = LyingServer(*handshake, *answers, b"\r\n")
    clock = iter(range(10_000))
    store = open_store(f"redis://127.0.0.1:{liar.port}/0", clock=lambda: NOW + 3.0 * next(clock), keys=lambda: KEYS[0])
    try:
        _use(store)
    finally:
        store.close()
        liar.close()
