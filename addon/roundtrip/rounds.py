"""Remembers which rounds of an answer a client has not seen, and has them put back into the requests that follow.

Decided once, too: an answer that has left as the client tells it stays so, and one that was told in full stays so.
"""

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from weakref import WeakSet

import msgspec

from headroom_mitm.errors import StoreUnavailable, UnreadableBody
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest, Edit, Prompt, Reading, digest
from headroom_mitm.store import packing
from headroom_mitm.store.base import Store
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wire.retellings import RETELLINGS

logger = logging.getLogger(__name__)

Rounds = tuple[Round, ...]
"""Empty: the answer is told as the client tells it."""

REMEMBERED = 6_000_000
"""Bytes of rounds that are kept in memory."""
REMEMBERED_HEADS = 50_000
TOUCH_SECONDS = 3_600
"""The store counts idle time, so even what memory knows is asked for again after this long."""
MOST_OWED = 10_000
"""Answers that have left as the client tells them while the store did not answer."""
_ENTRY = 100  # what an answer without rounds counts
_FORM = list[tuple[tuple[bytes, ...], tuple[int, ...], tuple[bytes, ...]]]


class Retold:
    """Keeps rounds and puts them back. One for all requests; thread-safe."""

    def __init__(self, store: Store, clock: Callable[[], float], remembered: int = REMEMBERED) -> None:
        self.on_kept: Callable[[Prompt, Digest], None] = lambda *_: None
        """Told the request to whose answer rounds were kept, and under which key."""
        self._store = store
        self._clock = clock
        self._known: Recent[Digest, Rounds] = Recent(remembered, _weight, fades=True)
        self._touched: Recent[Digest, float] = Recent(REMEMBERED_HEADS, fades=True)
        self._silent: WeakSet[Reading] = WeakSet()  # in which nothing was hidden
        self._owed: set[Digest] = set()
        self._owed_lock = threading.Lock()

    def keep(self, wire: str, prompt: Prompt, rounds: Rounds) -> None:
        """Keep what was hidden in the answer to a request, durably, before the client can have all of the answer."""
        retelling = RETELLINGS.get(wire)
        try:
            key = retelling.key(prompt, rounds) if retelling is not None else None
            if key is not None:
                self._put(key, self._stored(key, rounds))
                self.on_kept(prompt, key)
        except UnreadableBody as error:
            logger.warning("hidden rounds of an answer are not told again: %s", error)

    def foreseen(self, wire: str, prompt: Prompt) -> list[Digest]:
        """Return what ``edits`` will ask the store for."""
        retelling = RETELLINGS.get(wire)
        if retelling is None or not prompt.answered:
            return []
        keys: list[Digest] = []

        def note(asked: Sequence[Digest]) -> dict[Digest, Rounds]:
            keys.extend(asked)
            return {}

        with contextlib.suppress(UnreadableBody):
            is_silent = prompt.known is not None and prompt.known.of in self._silent
            retelling.edits(prompt.talk(is_end=is_silent), note)
        known = {} if self._is_due(prompt.head) else self._known.get_all(keys)
        missing = [key for key in keys if key not in known]
        return [*missing, *map(_left_out, missing)]

    def edits(self, wire: str, prompt: Prompt) -> tuple[Edit, ...]:
        """Return what puts back what was hidden in this conversation's answers."""
        retelling = RETELLINGS.get(wire)
        if retelling is None or not prompt.answered:
            return ()
        told = False

        def recall(keys: Sequence[Digest]) -> dict[Digest, Rounds]:
            nonlocal told
            found = self._recall(keys, prompt.head)
            told = any(found.values())
            return found

        try:
            # Where nothing was hidden before, only what is new is looked at.
            is_silent = prompt.known is not None and prompt.known.of in self._silent
            edits = tuple(retelling.edits(prompt.talk(is_end=is_silent), recall))
            if not told:
                self._silent.add(prompt.reading)
            return edits
        except UnreadableBody as error:
            logger.warning("hidden rounds are not told again: %s", error)
            return ()

    def _stored(self, key: Digest, rounds: Rounds) -> bytes:
        """Return what the store holds now; nothing if it does not answer."""
        try:
            return self._store.keep_rounds(key, _packed(rounds))
        except StoreUnavailable as error:
            logger.warning("store unavailable, hidden rounds of an answer are not told again: %s", error)
            self._owe([key])  # they may have been written all the same
            return b""

    def _recall(self, keys: Sequence[Digest], head: Digest) -> dict[Digest, Rounds]:
        known = self._known.get_all(keys)
        missing = keys if self._is_idle(head) else [key for key in keys if key not in known]
        if missing:
            known |= self._asked(missing)
        return known

    def _asked(self, keys: Sequence[Digest]) -> dict[Digest, Rounds]:
        """Ask the store. What it does not know now has left without rounds, and stays so."""
        known = self._known.get_all(keys)
        try:
            self._pay()
            found = self._store.rounds([*keys, *map(_left_out, keys)])
        except StoreUnavailable as error:
            logger.warning("store unavailable, hidden rounds are not told again: %s", error)
            self._owe([key for key in keys if key not in known])
            found = {}
        return {key: self._put(key, b"" if _left_out(key) in found else found.get(key, b"")) for key in keys}

    def _put(self, key: Digest, packed: bytes) -> Rounds:
        """Remember rounds; return what holds. What memory knows has left from here, whatever the store says."""
        return self._known.put_first(key, _unpacked(packed))

    def _owe(self, keys: Sequence[Digest]) -> None:
        with self._owed_lock:
            self._owed.update(keys[: MOST_OWED - len(self._owed)])

    def _pay(self) -> None:
        """Tell the store what has left without rounds while it did not answer, so that other workers know."""
        with self._owed_lock:
            owed = list(self._owed)
        for key in owed:
            self._store.keep_rounds(_left_out(key), b"")
            with self._owed_lock:
                self._owed.discard(key)

    def _is_idle(self, head: Digest) -> bool:
        is_due = self._is_due(head)
        if is_due:
            self._touched.put(head, self._clock())
        return is_due

    def _is_due(self, head: Digest) -> bool:
        last = self._touched.get(head)
        return last is None or self._clock() - last >= TOUCH_SECONDS


def _left_out(key: Digest) -> Digest:
    """Return the key under which it stands that an answer stays without its rounds."""
    return digest(b"left out", key)


def _packed(rounds: Rounds) -> bytes:
    return packing.squeeze(msgspec.msgpack.encode([(turn.blocks, turn.hidden, turn.results) for turn in rounds]))


def _unpacked(packed: bytes) -> Rounds:
    """Return the rounds; none where there are none, or where they are damaged."""
    raw = packing.unsqueeze(packed) if packed else None
    if raw is None:
        return ()
    try:
        return tuple(Round(*parts) for parts in msgspec.msgpack.decode(raw, type=_FORM))
    except msgspec.DecodeError:
        return ()


def _weight(rounds: Rounds) -> int:
    return _ENTRY + sum(len(raw) for turn in rounds for raw in (*turn.blocks, *turn.results))
