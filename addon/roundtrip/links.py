"""What an answer leaves for the request that goes on from it by its id alone, where the provider keeps conversations.

Such a request carries neither the beginning of its conversation nor the notes in it, and the id that it names is the
one that we have shown: the provider may go on from a later leg only, and may wait for what a hidden call was to bring.
"""

import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from headroom_mitm.errors import StoreUnavailable, UnreadableBody
from headroom_mitm.recent import Recent
from headroom_mitm.roundtrip.answering import serve
from headroom_mitm.segments import Digest, Edit, Key, Prompt, Rendering, Span, digest, digest_of_text
from headroom_mitm.store.base import Decision, Store
from headroom_mitm.wire.base import Chaining, ChainingWire, Wire
from headroom_mitm.wire.reply import Answered, HiddenCall, Kept

logger = logging.getLogger(__name__)

REMEMBERED = 20_000
"""Links and the texts that they name, in memory."""
_NAME = "link/1"
_NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Link:
    """Leads from an answer as the client knows it to the conversation that it belongs to."""

    kept: Kept
    head: Digest
    """Of the conversation, see ``Prompt.head``."""
    originals: Mapping[str, Rendering]
    """What the model may ask for in it, by id."""
    is_declared: bool = False
    """Our tool is, in a part of the conversation that the provider keeps."""
    beginning: bytes = b""
    """The request, if the answer to it is empty: what goes on from it begins the conversation."""


def link_behind(kept: Kept, wire: Wire, prompt: Prompt, originals: Mapping[str, Rendering]) -> Link:
    """Return what leads on from the answer to a request in which our tool was declared."""
    is_declared = isinstance(wire, Chaining) and wire.stays_declared(prompt)
    return Link(kept, prompt.head, originals_in(wire, originals), is_declared)


def originals_in(wire: Wire, own: Mapping[str, Rendering]) -> Mapping[str, Rendering]:
    """Return what the model may ask for, from the texts of one request and how that request is read."""
    return {**wire.originals, **own} if isinstance(wire, LinkedWire) else own


class LinkedWire:
    """Reads requests that go on from an answer as a part of that answer's conversation."""

    def __init__(self, wire: ChainingWire, link: Link) -> None:
        self.name = wire.name
        self.originals = link.originals
        self.is_declared = link.is_declared
        self._wire = wire
        self._link = link

    def read(self, body: bytes) -> Prompt:
        """Return what stands where. What our own tool has brought is never changed."""
        prompt, owed = self._wire.read(body), {call.id for call in self._link.kept.owed}
        segments = (
            dataclasses.replace(segment, protected=True) if segment.call_id in owed else segment
            for segment in prompt.segments
        )
        prompt = dataclasses.replace(
            prompt, segments=tuple(segments), tool_slot=_NOWHERE if self.is_declared else prompt.tool_slot
        )
        if not self._link.beginning:
            return dataclasses.replace(prompt, head=self._link.head)
        whole = self._wire.read(self._wire.opened(self._link.beginning, body))
        return dataclasses.replace(prompt, head=whole.head, answered=whole.answered)

    def declare(self, prompt: Prompt, name: str, description: str, schema: bytes) -> Edit | None:
        """Return the edit that declares one more tool; one that changes nothing where ours is declared already."""
        if self.is_declared:
            return Edit(_NOWHERE, b"")
        return self._wire.declare(prompt, name, description, schema)

    def may_go_on(self, body: bytes) -> bool:
        """See ``Chaining``."""
        return self._wire.may_go_on(body)

    def previous(self, body: bytes) -> str:
        """See ``Chaining``."""
        return self._wire.previous(body)

    def relinked(self, body: bytes, answer_id: str, answers: Sequence[Answered]) -> bytes:
        """See ``Chaining``."""
        return self._wire.relinked(body, answer_id, answers)

    def opened(self, beginning: bytes, body: bytes) -> bytes:
        """See ``Chaining``."""
        return self._wire.opened(beginning, body)

    def stays_declared(self, prompt: Prompt) -> bool:
        """See ``Chaining``."""
        return self.is_declared or self._wire.stays_declared(prompt)


class Links:
    """Remembers links; the store remembers them for other workers and later days. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._only_here: Recent[str, Link] = Recent(REMEMBERED, _weight)
        self._stored: Recent[str, Link] = Recent(REMEMBERED, _weight, fades=True)

    def note(self, link: Link) -> None:
        """Remember a link, for this process. Quick."""
        self._only_here.put(link.kept.shown_id, link)

    def forget(self, answer_id: str) -> None:
        """Forget a link whose socket is closed, unless its provider keeps the answer."""
        link = self._only_here.get(answer_id)
        if link is not None and not _lasts(link):
            self._only_here.take(answer_id)

    def keep(self, link: Link) -> None:
        """Tell the store of a link that outlives its connection."""
        if not _lasts(link):
            return
        key, text = key_of(link.kept.shown_id), _written(link)
        rendering = Rendering(key, text, digest_of_text(text), _NAME, 0, True, 0, 0)  # noqa: FBT003  # lossless
        try:
            self._store.freeze([Decision(rendering)])
        except StoreUnavailable as error:
            logger.warning("store unavailable, only this process knows how an answer goes on: %s", error)
            return
        self._stored.put(link.kept.shown_id, link)
        self._only_here.take(link.kept.shown_id)

    def knows(self, answer_id: str) -> bool:
        """Say whether our tool was declared for an answer. May block; raises ``StoreUnavailable``."""
        return self._behind(answer_id) is not None

    def linked(self, wire: Wire, body: bytes) -> tuple[Wire, bytes]:
        """Return a request as the provider is to get it, and how to read it; the same where there is no link."""
        if not isinstance(wire, Chaining):
            return wire, body
        try:
            link = self._behind(wire.previous(body))
            if link is None:
                return wire, body
            kept = link.kept
            answers = [serve(call, link.originals, self._store.original).answered for call in kept.owed]
            is_same = not answers and kept.id == kept.shown_id
            return LinkedWire(wire, link), body if is_same else wire.relinked(body, kept.id, answers)
        except UnreadableBody:
            return wire, body
        except StoreUnavailable as error:
            logger.warning("store unavailable, a request may not be accepted: %s", error)
            return wire, body

    def _behind(self, answer_id: str) -> Link | None:
        if not answer_id:
            return None
        link = self._stored.get(answer_id) or self._only_here.get(answer_id)
        if link is None:
            link = self._recalled(answer_id)
            if link is not None:
                self._stored.put(answer_id, link)
        return link

    def _recalled(self, answer_id: str) -> Link | None:
        key = key_of(answer_id)
        found = self._store.recall([key]).get(key)
        if found is None or found.compressor != _NAME or found.text is None:
            return None
        try:
            stored = msgspec.json.decode(found.text, type=_Stored)
        except ValueError:  # of another version
            return None
        originals = self._store.recall([Key(raw) for raw in stored.originals])
        owed = tuple(HiddenCall(call_id, arguments) for call_id, arguments in stored.owed)
        known = {rendering.id: rendering for rendering in originals.values()}
        return Link(Kept(answer_id, stored.id, owed), Digest(stored.head), known, stored.is_declared)


def _lasts(link: Link) -> bool:
    """Say whether a link outlives its connection."""
    return link.kept.lasts and not link.beginning


def _weight(link: Link) -> int:
    return 1 + len(link.originals) + len(link.beginning) // 500


class _Stored(msgspec.Struct):
    id: str
    head: bytes
    owed: list[tuple[str, bytes]]
    originals: list[bytes]
    is_declared: bool


def _written(link: Link) -> str:
    owed = [(call.id, call.arguments) for call in link.kept.owed]
    keys: list[bytes] = [rendering.key for rendering in link.originals.values()]
    stored = _Stored(link.kept.id, link.head, owed, keys, link.is_declared)
    return msgspec.json.encode(stored).decode()


def key_of(answer_id: str) -> Key:
    """Return what a link is kept under."""
    return Key(digest(b"link", answer_id.encode("utf-8", "surrogatepass")))
