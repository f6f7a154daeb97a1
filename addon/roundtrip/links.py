"""What an answer leaves for the request that goes on from it by its id alone, where the provider keeps conversations.

Such a request carries neither the beginning of its conversation nor the notes in it, and the id that it names is the
one that we have shown: the provider may go on from a later leg only, and may wait for what a hidden call was to bring.
"""

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from headroom_mitm.errors import StoreUnavailable, UnreadableBody
from headroom_mitm.recent import Recent
from headroom_mitm.roundtrip.answering import serve
from headroom_mitm.segments import Digest, Edit, Key, Prompt, Rendering, digest, digest_of_text
from headroom_mitm.store.base import Decision, Store
from headroom_mitm.wire.base import Chaining, Wire
from headroom_mitm.wire.reply import HiddenCall, Kept

logger = logging.getLogger(__name__)

REMEMBERED = 200_000
"""Links and the texts that they name, in memory."""
_NAME = "link/1"


@dataclass(frozen=True, slots=True)
class Link:
    """Leads from an answer as the client knows it to the conversation that it belongs to."""

    kept: Kept
    head: Digest
    """Of the conversation, see ``Prompt.head``."""
    originals: Mapping[str, Rendering]
    """What the model may ask for in it, by id."""


class LinkedWire:
    """Reads requests that go on from an answer as a part of that answer's conversation."""

    def __init__(self, wire: Wire, link: Link) -> None:
        self.name = wire.name
        self.originals = link.originals
        self._wire = wire
        self._link = link

    def read(self, body: bytes) -> Prompt:
        """Return what stands where. What our own tool has brought is never changed."""
        prompt, owed = self._wire.read(body), {call.id for call in self._link.kept.owed}
        segments = (
            dataclasses.replace(segment, protected=True) if segment.call_id in owed else segment
            for segment in prompt.segments
        )
        return dataclasses.replace(prompt, head=self._link.head, segments=tuple(segments))

    def declare(self, prompt: Prompt, name: str, description: str, schema: bytes) -> Edit | None:
        """Return the edit that declares one more tool."""
        return self._wire.declare(prompt, name, description, schema)


class Links:
    """Remembers links; the store remembers them for other workers and later days. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._links: Recent[str, Link] = Recent(REMEMBERED, lambda link: 1 + len(link.originals))

    def note(self, link: Link) -> None:
        """Remember a link, for this process. Quick."""
        self._links.put(link.kept.shown_id, link)

    def keep(self, link: Link) -> None:
        """Tell the store of a link."""
        key, text = _key(link.kept.shown_id), _written(link)
        rendering = Rendering(key, text, digest_of_text(text), _NAME, 0, True, 0, 0)  # noqa: FBT003  # lossless
        try:
            self._store.freeze([Decision(rendering)])
        except StoreUnavailable as error:
            logger.warning("store unavailable, only this process knows how an answer goes on: %s", error)

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
        link = self._links.get(answer_id)
        if link is None:
            link = self._recalled(answer_id)
            if link is not None:
                self.note(link)
        return link

    def _recalled(self, answer_id: str) -> Link | None:
        key = _key(answer_id)
        found = self._store.recall([key]).get(key)
        if found is None or found.compressor != _NAME or found.text is None:
            return None
        stored = msgspec.json.decode(found.text, type=_Stored)
        originals = self._store.recall([Key(raw) for raw in stored.originals])
        owed = tuple(HiddenCall(call_id, arguments) for call_id, arguments in stored.owed)
        return Link(Kept(answer_id, stored.id, owed), Digest(stored.head), {r.id: r for r in originals.values()})


class _Stored(msgspec.Struct):
    id: str
    head: bytes
    owed: list[tuple[str, bytes]]
    originals: list[bytes]


def _written(link: Link) -> str:
    owed = [(call.id, call.arguments) for call in link.kept.owed]
    stored = _Stored(link.kept.id, link.head, owed, [rendering.key for rendering in link.originals.values()])
    return msgspec.json.encode(stored).decode()


def _key(answer_id: str) -> Key:
    return Key(digest(b"link", answer_id.encode("utf-8", "surrogatepass")))
