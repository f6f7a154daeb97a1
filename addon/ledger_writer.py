"""Writes down what requests took, behind the traffic: a thread of its own, in one go a second.

What it costs is never a request's: it is told of each with its answer, and may forget some rather than fall behind. A
store that does not answer loses what is older than a while.
"""

import dataclasses
import logging
import queue
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from headroom_mitm import calibration
from headroom_mitm.calibration import Calibration
from headroom_mitm.errors import StoreUnavailable, UnreadableBody
from headroom_mitm.ledger import About, Line, amounts_of, index_name, row_name, tokens_name
from headroom_mitm.ledger_entry import OTHER, Asked, Behind, Entry, entry, figures
from headroom_mitm.ledger_figures import Tokens
from headroom_mitm.ledger_misses import Misses
from headroom_mitm.ledger_sources import Composition, Sources
from headroom_mitm.recent import Recent
from headroom_mitm.segments import Digest, digest_of_text
from headroom_mitm.store.base import Clock, Noted, Store
from headroom_mitm.usage import Counted
from headroom_mitm.wire.continued import previous

logger = logging.getLogger(__name__)

MOST_WAITING = 200
"""Requests that wait to be written down. What comes beyond is not counted, and the log says so."""
FLUSH_SECONDS = 1.0
MOST_UNWRITTEN = 2_000
"""Requests that are kept while the store does not answer."""
REMEMBERED = 5_000
"""Answers that a request may go on from."""
_TAKEN = struct.Struct("=d")
MOST_NAMES = 200
"""Tools, and models with clients, that have sums of their own on a day, as far as one process knows."""
_FAULTS = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError, UnreadableBody)
"""What a fault of ours raises; it must not end the thread."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A request whose answer is over."""

    asked: Asked
    legs: Callable[[], tuple[Counted, ...]]
    """Reads what the provider reported, leg by leg."""
    retrieved: tuple[str, ...]
    """Ids of what the model asked for."""
    done: Callable[[dict[str, Any]], None] = lambda _: None
    """Told the request's figures; called in the ledger's thread."""
    answer_ids: Callable[[], tuple[str, ...]] = lambda: ()
    """Reads the ids under which the provider may keep the answer."""


class LedgerWriter:
    """``note`` is quick and thread-safe; all else happens in a thread that the first one starts."""

    def __init__(self, store: Store, clock: Clock = time.time) -> None:
        self._store = store
        self._calibration = Calibration(store.tallies, clock)
        self._sources = Sources()
        self._misses = Misses()
        self._answers = _Answers()
        self._waiting: queue.Queue[Finished | None] = queue.Queue(MOST_WAITING)
        self._page = _Page()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._has_told = False

    def note(self, finished: Finished) -> None:
        """Take a request whose answer is over."""
        try:
            self._waiting.put_nowait(finished)
        except queue.Full:
            if not self._has_told:
                self._has_told = True
                logger.warning("headroom: the ledger falls behind, some requests are not counted")
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="headroom-ledger", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Write down what is waiting. Nothing may be noted afterwards."""
        with self._lock:
            thread = self._thread
        if thread is not None:
            self._waiting.put(None)
            thread.join()

    def _work(self) -> None:
        due = time.monotonic() + FLUSH_SECONDS
        while True:
            try:
                finished = self._waiting.get(timeout=max(0.0, due - time.monotonic()) if self._page.count else None)
            except queue.Empty:
                self._write()
                due = time.monotonic() + FLUSH_SECONDS
                continue
            if finished is None:
                self._write()
                return
            if not self._page.count:
                due = time.monotonic() + FLUSH_SECONDS
            self._take(finished)
            if time.monotonic() >= due:
                self._write()
                due = time.monotonic() + FLUSH_SECONDS

    def _take(self, finished: Finished) -> None:
        """Reckon one request. What goes wrong costs its figures, and nobody else's."""
        try:
            asked, legs = self._linked(finished.asked), finished.legs()
            if self._misses.turned(asked):
                asked = dataclasses.replace(asked, turned=True)
            made_of = self._sources.of(asked.prompt) if asked.prompt is not None else None
            made = entry(asked, legs, len(finished.retrieved), made_of, self._calibration.of(asked.model))
            miss = self._misses.of(asked, made, made_of) if made_of is not None else ""
            self._page.add(asked, made, made_of, miss)
            found = figures(asked, made, legs, finished.retrieved) | {"miss": miss}
            if asked.key is not None:
                for answer_id in finished.answer_ids():
                    self._answers.note(answer_id, Behind(asked.key, made.taken))
        except _FAULTS:
            logger.exception("headroom: a request is missing in the ledger")
            return
        finished.done(found)

    def _linked(self, asked: Asked) -> Asked:
        """Return a request that goes on from an answer as one that knows of it."""
        if asked.prompt is None or not asked.goes_on:
            return asked
        return dataclasses.replace(asked, behind=self._answers.behind(previous(asked.prompt)))

    def _write(self) -> None:
        page = self._page
        try:
            if page.sums:
                self._store.tallies.add(page.sums)
                page.sums = {}
            self._store.records.add(page.noted)
        except StoreUnavailable as error:
            if page.count <= MOST_UNWRITTEN:
                return
            logger.warning("headroom: %d requests are missing in the ledger: %s", page.count, error)
        except _FAULTS:
            logger.exception("headroom: %d requests are missing in the ledger", page.count)
        self._page = _Page(page.names)


class _Answers:
    """What stands behind answers that their providers keep. As bytes: it is the ledger's largest memory."""

    def __init__(self) -> None:
        self._kept: Recent[Digest, bytes] = Recent(REMEMBERED)

    def note(self, answer_id: str, behind: Behind) -> None:
        """Remember it."""
        self._kept.put(digest_of_text(answer_id), behind.key + _TAKEN.pack(behind.taken))

    def behind(self, answer_id: str) -> Behind | None:
        """Return it, if it is known."""
        packed = self._kept.get(digest_of_text(answer_id))
        if packed is None:
            return None
        return Behind(Digest(packed[: -_TAKEN.size]), *_TAKEN.unpack(packed[-_TAKEN.size :]))


class _Page:
    """What is reckoned and not written yet."""

    def __init__(self, names: dict[str, set[str]] | None = None) -> None:
        self.sums: dict[str, dict[str, float]] = {}
        self.noted: list[Noted] = []
        self.names: dict[str, set[str]] = names if names is not None else defaultdict(set)
        self.count = 0

    def add(self, asked: Asked, made: Entry, made_of: Composition | None, miss: str) -> None:
        """Add one request."""
        self.count += 1
        amounts, day = amounts_of(made.sums), asked.day
        model = self._bounded(f"model|{day}", asked.model)
        row = "|".join((day, asked.arm, model, self._bounded(f"client|{day}", asked.client)))
        self._sum(row_name(row), amounts)
        self._sum(index_name(day), {row: 1.0})
        for kind, found in (("source", made.sources), ("tool", made.tools), ("compressor", made.compressors)):
            self._sum(tokens_name(kind, day), self._sides(f"{kind}|{day}", found))
        if made.first is not None and made_of is not None and made_of.counted:
            self._sum(calibration.name_of(model), calibration.amounts(made.estimated, made.first.input))
        if asked.key is None or asked.prompt is None:
            return
        about = About(asked.model, asked.client, asked.arm)
        begun = {"begun": 1.0} if not asked.prompt.answered else {}
        packed = msgspec.msgpack.encode(_line(asked, made, miss))
        noted = Noted(asked.key, asked.at, msgspec.msgpack.encode(about), {**amounts, **begun}, packed)
        self.noted.append(noted)

    def _sum(self, name: str, amounts: Mapping[str, float]) -> None:
        held = self.sums.setdefault(name, {}) if amounts else {}
        for field, amount in amounts.items():
            held[field] = held.get(field, 0.0) + amount

    def _sides(self, kind: str, found: Mapping[str, Tokens]) -> dict[str, float]:
        amounts: dict[str, float] = {}
        for name, one in found.items():
            kept = self._bounded(kind, name)
            for side, tokens in (("before", one.before), ("after", one.after)):
                amounts[f"{kept}|{side}"] = amounts.get(f"{kept}|{side}", 0.0) + tokens
        return amounts

    def _bounded(self, kind: str, name: str) -> str:
        names = self.names.setdefault(kind, set())
        if name not in names and len(names) >= MOST_NAMES:
            return OTHER
        names.add(name)
        return name


def _line(asked: Asked, made: Entry, miss: str) -> Line:
    first, sums, billed = made.first, made.sums, made.bill
    return Line(
        asked.at,
        asked.model,
        asked.arm,
        sums.texts_before,
        sums.texts_after,
        made.alone.input if made.alone is not None else None,
        first.fresh if first is not None else None,
        first.read if first is not None else None,
        first.write_5m + first.write_1h if first is not None else None,
        sums.output if first is not None else None,
        billed.paid if billed is not None else None,
        billed.without if billed is not None else None,
        sums.legs,
        sums.retrieved,
        miss,
    )
