"""Texts of ours in the arguments of a client's calls: a model may write into a file what it was shown of a result.

A shortened text that stands there whole is replaced by what it stands for, before the client can run the call. To tell
it, no more is held back than the few events that may be the beginning of one. Once there is one, all that follows waits
for the end of the answer, since the original must be fetched. What cannot be replaced exactly stays as it is.
"""

import json
import logging
from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple, Protocol

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import sse
from headroom_mitm.wire.retelling import OriginalOf
from headroom_mitm.wire.splice import splice

logger = logging.getLogger(__name__)

START = 24
"""Characters by which the beginning of a text is known."""
_IN_PATCH = "\n+"
"""How the lines of a text are parted where a patch adds them."""


class Spot(NamedTuple):
    """Where arguments stand, or a piece of them: a string that holds JSON or plain text, or an object."""

    span: Span
    call: Hashable = None
    """Whose pieces belong together; None where all of them stand here."""


class Calls(Protocol):
    """Knows where the arguments of the client's calls stand in what one format sends. Of one answer."""

    def may_matter(self, piece: bytes) -> bool:
        """Say, quickly, whether ``spots`` may find anything in an event or document, or must see it."""
        ...

    def spots(self, data: bytes) -> list[Spot]:
        """Return where they stand in the data of an event, or in a document. Raises ``UnreadableBody``."""
        ...


class Framing(Protocol):
    """How documents stand in a stream."""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the pieces that are complete now; all pieces and the rest joined are the stream again."""
        ...

    def rest(self) -> bytes:
        """Return what stands behind the last piece, and forget it."""
        ...

    def document(self, piece: bytes) -> bytes:
        """Return the document in a piece; empty for none."""
        ...

    def with_document(self, piece: bytes, data: bytes) -> bytes:
        """Return a piece with another document in it."""
        ...


class Events(sse.Splitter):
    """Server-sent events. See ``Framing``."""

    def document(self, piece: bytes) -> bytes:
        """See ``Framing``."""
        return sse.data_of(piece)

    def with_document(self, piece: bytes, data: bytes) -> bytes:
        """See ``Framing``."""
        return sse.with_data(piece, data)


class Frames:
    """Frames of a socket, each whole. See ``Framing``."""

    def feed(self, data: bytes) -> list[bytes]:
        """See ``Framing``."""
        return [data] if data else []

    def rest(self) -> bytes:
        """See ``Framing``."""
        return b""

    def document(self, piece: bytes) -> bytes:
        """See ``Framing``."""
        return piece

    def with_document(self, piece: bytes, data: bytes) -> bytes:  # noqa: ARG002  # a frame is nothing else
        """See ``Framing``."""
        return data


class Wanted:
    """What is looked for. Nothing in it changes, so all copies of it are one."""

    def __init__(self, texts: Sequence[str], note: str) -> None:
        self.texts = sorted(texts, key=len, reverse=True)
        self.note = note
        self._starts = {form[:START] for text in (*texts, note) for form in _forms(text[:START])}
        self._beginnings = {start[:size] for start in self._starts for size in range(1, len(start))}

    def __deepcopy__(self, _: dict[int, object]) -> "Wanted":
        """See above."""
        return self

    def begins_in(self, text: str) -> bool:
        """Say whether one of the texts begins in another."""
        return any(start in text for start in self._starts)

    def overlap(self, text: str) -> int:
        """Return how much of a beginning ends a text."""
        sizes = range(min(START - 1, len(text)), 0, -1)
        return next((size for size in sizes if text[-size:] in self._beginnings), 0)


class Arguments:
    """See ``Copies``. Sans-IO."""

    def __init__(self, texts: Sequence[str], note: str, calls: Calls, framing: Framing | None) -> None:
        """Take the texts that stand for longer ones, how the note begins that each of them has; None: no stream."""
        self._wanted = Wanted(texts, note)
        self._calls = calls
        self._framing = framing
        self._tails: dict[Hashable, str] = {}  # of arguments, as far as they may be beginnings
        self._pending: list[bytes] = []
        self._held: list[bytes] = []

    @property
    def held(self) -> bytes:
        """What waits for ``expanded``; empty for nothing."""
        return b"".join(self._held)

    def feed(self, shown: bytes) -> bytes:
        """Take what the client is to get; return what it may get now."""
        return b"".join(map(self._passed, self._framing.feed(shown))) if self._framing is not None else shown

    def end(self, last: bytes) -> bytes:
        """Take the end of the answer; return what the client may get at once."""
        if self._framing is None:
            self._held = [last] if self._may_be_in(last) else []
            return b"" if self._held else last
        shown = self.feed(last)
        rest, self._pending = [*self._pending, self._framing.rest()], []
        if self._held:
            self._held += rest
            return shown
        return shown + b"".join(rest)

    def expanded(self, original_of: OriginalOf) -> bytes:
        """Return what was held, with what the texts in it stand for; nothing is held then."""
        pieces, self._held = self._held, []
        framing = self._framing
        try:
            documents = [piece if framing is None else framing.document(piece) for piece in pieces]
            rewritten = self._rewritten(documents, original_of)
            return b"".join(_with(framing, *pair) for pair in zip(pieces, rewritten, strict=True))
        except (UnreadableBody, ValueError, KeyError, TypeError):
            return b"".join(pieces)

    def _passed(self, piece: bytes) -> bytes:
        if self._held:
            self._held.append(piece)
            return b""
        if not (self._pending or self._calls.may_matter(piece)):
            return piece
        data = self._framing.document(piece) if self._framing is not None else piece
        found = self._found(data)
        if any(self._wanted.begins_in(text) for _, text in found):
            self._held, self._pending = [*self._pending, piece], []
            return b""
        if not found and self._pending and _is_filler(data):
            self._pending.append(piece)
            return b""
        return self._kept_back(piece, found)

    def _kept_back(self, piece: bytes, found: Sequence[tuple[Spot, str]]) -> bytes:
        """Return what the client may get of all so far: what is in no beginning of a text of ours."""
        tails: dict[Hashable, str] = {}
        reaches_back = False
        for spot, text in found:
            size = self._wanted.overlap(text) if spot.call is not None else 0
            if size:
                tails[spot.call] = text[len(text) - size :]
                reaches_back |= size > len(text) - len(self._tails.get(spot.call, ""))
        self._tails = tails
        released, kept = self._pending, [piece]
        if reaches_back:
            released, kept = [], [*self._pending, piece]
        elif not tails:
            released, kept = [*self._pending, piece], []
        self._pending = kept
        return b"".join(released)

    def _found(self, data: bytes) -> list[tuple[Spot, str]]:
        """Return the arguments in a document, pieces with the end of those before them."""
        try:
            spots = self._calls.spots(data) if data.startswith(b"{") else []
            return [(spot, self._tails.get(spot.call, "") + _text(data, spot.span)) for spot in spots]
        except (UnreadableBody, ValueError, RecursionError):
            return []

    def _may_be_in(self, last: bytes) -> bool:
        found = self._found(last.strip()) if self._calls.may_matter(last) else []
        return any(self._wanted.begins_in(text) for _, text in found)

    def _rewritten(self, documents: Sequence[bytes], original_of: OriginalOf) -> list[bytes]:
        """Return documents with the originals; of pieces that have changed the first one has all."""
        spots = [self._calls.spots(data) if data.startswith(b"{") else [] for data in documents]
        pieces: dict[Hashable, list[str]] = {}
        for data, found in zip(documents, spots, strict=True):
            for spot in found:
                if spot.call is not None:
                    pieces.setdefault(spot.call, []).append(_text(data, spot.span))
        told = {call: self._replaced("".join(texts), original_of) for call, texts in pieces.items()}
        left: dict[Hashable, str] = {call: text for call, text in told.items() if text != "".join(pieces[call])}
        return [
            splice(data, list(self._edits(data, found, left, original_of)))
            for data, found in zip(documents, spots, strict=True)
        ]

    def _edits(
        self, data: bytes, spots: Sequence[Spot], left: dict[Hashable, str], original_of: OriginalOf
    ) -> Iterator[Edit]:
        for spot in spots:
            text = _text(data, spot.span)
            if spot.call is None:
                changed = self._replaced(text, original_of)
            elif spot.call in left:
                changed, left[spot.call] = left[spot.call], ""
            else:
                continue
            if changed != text:
                is_string = data[spot.span.start] == ord('"')
                yield Edit(spot.span, (json.dumps(changed) if is_string else changed).encode())

    def _replaced(self, arguments: str, original_of: OriginalOf) -> str:
        """Return arguments, or a part of them, with the originals; written as the texts were."""
        for text in self._wanted.texts:
            forms = _forms(text)
            for number, form in enumerate(forms):
                is_new = form not in forms[:number]
                original = original_of(text) if is_new and form in arguments else None
                if original is not None:
                    arguments = arguments.replace(form, _forms(original)[number])
        if any(form in arguments for form in _forms(self._wanted.note)):
            logger.warning("headroom: a note of ours stands in the arguments of a call, and not with all of its text")
        return arguments


def _with(framing: Framing | None, piece: bytes, data: bytes) -> bytes:
    """Return a piece with this document in it."""
    if framing is None:
        return data
    return piece if framing.document(piece) == data else framing.with_document(piece, data)


def _forms(text: str) -> tuple[str, ...]:
    """Return a text as it may be written inside a JSON string, and where arguments are no JSON; in patches, too."""
    written = (text, text.replace("\n", _IN_PATCH))
    return tuple(
        form for one in written for form in (json.dumps(one, ensure_ascii=False)[1:-1], json.dumps(one)[1:-1], one)
    )


def _text(data: bytes, span: Span) -> str:
    """Return arguments: what a string holds, or an object as it is written."""
    raw = data[slice(*span)]
    return json.loads(raw) if raw.startswith(b'"') else raw.decode("utf-8", "surrogateescape")


def _is_filler(data: bytes) -> bool:
    """Say whether an event is a mere sign of life."""
    return not data.startswith(b"{") or data.replace(b" ", b"") == b'{"type":"ping"}'
