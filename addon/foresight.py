"""Asks a distant store at once for all that a request will need. A near one is asked when the question comes up."""

import logging
from collections.abc import Iterable, Sequence

from headroom_mitm.conversation import branch
from headroom_mitm.epochs import Epochs
from headroom_mitm.fronts import Fronts
from headroom_mitm.offered import Offered
from headroom_mitm.recent import Recent
from headroom_mitm.router import SHORTEST
from headroom_mitm.segments import Digest, Key, Prompt, Rendering
from headroom_mitm.store.base import Decision, Store, Wanted
from headroom_mitm.wire import document

logger = logging.getLogger(__name__)


class Foresight:
    """Knows what memory knows. Thread-safe."""

    def __init__(
        self,
        store: Store,
        decided: Recent[Key, Rendering],
        offers: Offered,
        epochs: Epochs,
        fronts: Fronts,
    ) -> None:
        self._store = store
        self._decided = decided
        self._offers = offers
        self._epochs = epochs
        self._fronts = fronts

    @property
    def is_on(self) -> bool:
        """The store is a distant one."""
        return self._store.staging.is_on

    def ask(self, prompt: Prompt, account: Digest, rounds: Sequence[Digest]) -> None:
        """Ask for what is decided of a request and not in memory, for when it was sent, and for these hidden rounds."""
        may_stand, visits = self._epochs.foreseen(prompt)
        keys = {s.key: None for one in may_stand for s in one.segments if s.size >= SHORTEST and not s.protected}
        known = self._decided.get_all(keys)
        heads = dict.fromkeys((branch(prompt), prompt.head)) if prompt.tool_slot is not None else ()
        wanted = Wanted(
            renderings=[key for key in keys if key not in known],
            offers=[head for head in heads if self._offers.get(head) is None],
            rounds=rounds,
            visits=[*visits, *self._fronts.foreseen(prompt, account)],
        )
        self._store.staging.look_up(wanted)

    def asked_for(self, keys: Sequence[Key], unknown: Sequence[Key]) -> Sequence[Key]:
        """Return what to ask for, of texts that have to be counted as used: a distant store is told of it later."""
        if not self._store.staging.is_on:
            return keys
        self._store.staging.use(keys)
        return unknown

    def restore(self, prompt: Prompt, renderings: Iterable[Rendering]) -> None:
        """Keep again what a request was sent by and the store has shown not to have. Raises ``StoreUnavailable``.

        Decisions, and originals of those that leave something out.
        """
        staging = self._store.staging
        lost = [
            one
            for one in renderings
            if staging.certainty.misses(one.key) or (not one.lossless and staging.lacks(one.original))
        ]
        spans = {segment.digest: segment.span for segment in prompt.segments} if lost else {}
        decisions = [
            Decision(one, None if one.lossless else document.string(prompt.body, spans[one.original]))
            for one in lost
            if one.lossless or one.original in spans
        ]
        if decisions:
            logger.warning("%d texts or decisions were not in the store any more and are kept again", len(decisions))
            self._store.freeze(decisions)
