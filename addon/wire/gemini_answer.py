"""The documents that a Gemini answer consists of, chunks or a whole one: calls of our tool are taken out.

Parts that are shown leave byte for byte. Source: ai.google.dev, "GenerateContentResponse".
"""

import re
from collections.abc import Sequence

import msgspec

from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document, raw_object
from headroom_mitm.wire.gemini_notes import Notes
from headroom_mitm.wire.gemini_turn import USAGE, is_taken_back
from headroom_mitm.wire.reply import HiddenCall
from headroom_mitm.wire.splice import splice
from headroom_mitm.wire.usage import Usage

_HEAD = ("responseId", "modelVersion")
_ENDING = ("finishReason", "finishMessage")
# What a candidate that has lost its only part is not shown for.
_ASIDE = frozenset(("content", "index", "safetyRatings", "tokenCount", "avgLogprobs", "logprobsResult", *_ENDING))
_NO_TEXT = b'{"text":""}'  # what the model itself sends where it has nothing to say
# What a document has that is more than text.
_NEWS = re.compile(rb'"(?:functionCall|finishReason|error|promptFeedback)"')
_SIGNATURE = "thoughtSignature"

Found = dict[str, Span]


class Leg:
    """What one answer of the provider has brought so far."""

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._signature = b""  # of a hidden call
        self.documents: list[bytes] = []
        self.said: list[bytes] = []
        """Those that the client sees."""
        self.calls: list[HiddenCall] = []
        self.client_is_called = False
        self.finish = ""
        self.has_failed = False
        """The provider itself says that there is no answer."""
        self.ending: list[bytes] = []
        """Documents that end an answer which goes on; the client does not see them, unless it is closed."""

    @property
    def goes_on(self) -> bool:
        """Calls of our tool alone end it. Any other reason to stop may have cut a call, and is the client's to see."""
        return bool(self.calls) and not self.client_is_called and self.finish == "STOP"

    @property
    def is_open(self) -> bool:
        """It calls the client, and us as well."""
        return bool(self.calls) and self.client_is_called and self.finish == "STOP"

    def is_unmoved_by(self, data: bytes) -> bool:
        """Say whether a document is sure to be shown as it is: nearly all of them are."""
        return not (self.finish or _NEWS.search(data))

    def parts(self) -> list[bytes]:
        """Return what the model has said as it came, for the next request."""
        parts = [part for candidate in self.candidates() for part in _parts(candidate)]
        return [part for part in parts if is_taken_back(raw_object.of(part))]

    def candidates(self) -> list[dict[str, bytes]]:
        """Return the first candidate as each document has it."""
        found = [raw_object.at(data, place) for data in self.documents for place in _candidates(data, _response(data))]
        return [candidate for candidate in found if _is_watched(candidate)]

    def take(self, raw: bytes) -> list[bytes]:
        """Take a part; return it as the client gets it, if it does."""
        part = raw_object.of(raw)
        shown = self._shown_call(raw, part) if part.get("functionCall", b"").startswith(b"{") else [raw]
        self.said += shown
        return shown

    def _shown_call(self, raw: bytes, part: dict[str, bytes]) -> list[bytes]:
        call = raw_object.of(part["functionCall"])
        if raw_object.string(call, "name") == self._tool:
            self.calls.append(HiddenCall(raw_object.string(call, "id"), call.get("args", b"")))
            self._signature = self._signature or part.get(_SIGNATURE, b"")
            return []
        # Of calls made at once only the first is signed, and refused when it comes back without.
        inherits = self._signature and not self.client_is_called and _SIGNATURE not in part
        self.client_is_called = True
        return [raw_object.written({**part, _SIGNATURE: self._signature})] if inherits else [raw]


class Answer:
    """All legs. Only the first candidate is watched: where there are several, the tool is not offered."""

    def __init__(self, tool: str, *, in_stream: bool) -> None:
        self._tool = tool
        self._notes = Notes(in_stream=in_stream)  # on what the legs before have said
        self._usage = Usage(USAGE)
        self._head: dict[str, bytes] = {}
        self.is_first = True
        self.leg = Leg(tool)

    def next_leg(self) -> None:
        """A leg is over, and another one begins."""
        noted: dict[str, bytes] = {}
        parts: list[bytes] = []
        for candidate in self.leg.candidates():
            noted |= candidate
            parts += _parts(candidate)
        self._notes.add(noted, [part for part in parts if "functionCall" not in raw_object.of(part)])
        self._usage.next_leg()
        self.is_first, self.leg = False, Leg(self._tool)

    def shown(self, data: bytes) -> bytes:
        """Return a document as the client gets it: the very same where nothing changes, empty for none.

        Raises ``UnreadableBody`` where it is not as documented.
        """
        leg, was_over = self.leg, self.leg.goes_on
        if self.is_first and leg.is_unmoved_by(data):
            leg.documents.append(data)
            return data
        inner = _response(data)
        leg.has_failed |= "error" in inner or _is_refused(data, inner.get("promptFeedback"))
        edits, places = self._frame(data, inner), _candidates(data, inner)
        kept = not places
        for place in places:
            changes, says = self._candidate(data, place)
            edits += changes
            kept |= says
        leg.documents.append(data)
        if leg.goes_on:
            leg.ending.append(data)
        return splice(data, edits) if kept and not was_over else b""

    def ended(self, data: bytes, parts: Sequence[bytes]) -> bytes:
        """Return a document with these parts, and with the notes of the legs before, as the end of the answer."""
        inner = _response(data)
        edits = self._frame(data, inner)
        for place in _candidates(data, inner):
            candidate = raw_object.at(data, place)
            candidate |= self._notes.shown(candidate)
            edits.append(Edit(place, _with_parts(candidate, parts, drop_ending=False)))
        return splice(data, edits)

    def _candidate(self, data: bytes, place: Span) -> tuple[list[Edit], bool]:
        """Return what changes in a candidate, and whether it says anything then."""
        candidate, leg = raw_object.at(data, place), self.leg
        if not _is_watched(candidate):
            return [], True
        leg.finish = raw_object.string(candidate, "finishReason") or leg.finish
        parts = _parts(candidate)
        shown = [left for part in parts for left in leg.take(part)]
        ends = "finishReason" in candidate
        noted = {name: raw for name, raw in self._notes.shown(candidate).items() if name in candidate}
        if shown == parts and not noted and not (ends and leg.goes_on):
            return [], True
        says = any(raw_object.of(part) != {"text": b'""'} for part in shown) or not _ASIDE.issuperset(candidate)
        changed = _with_parts(candidate | noted, shown, drop_ending=leg.goes_on)
        return [Edit(place, changed)], says or (ends and not leg.goes_on)

    def _frame(self, data: bytes, inner: Found) -> list[Edit]:
        """Note what a document says of the whole answer; return what of it must change."""
        if self.is_first:
            self._head |= {name: data[slice(*inner[name])] for name in _HEAD if name in inner}
        edits = [Edit(inner[name], self._head[name]) for name in _HEAD if name in inner and name in self._head]
        place = inner.get("usageMetadata")
        if place is not None and document.is_object(data, place):
            usage = document.value(data, place)
            self._usage.note(usage)
            edits.append(Edit(place, msgspec.json.encode(self._usage.shown(usage))))
        return [] if self.is_first else edits


def _response(data: bytes) -> Found:
    """Return the members of a response; Cloud Code wraps it."""
    top = document.members(data, document.whole(data))
    place = top.get("response")
    return document.members(data, place) if place is not None and document.is_object(data, place) else top


def _candidates(data: bytes, inner: Found) -> list[Span]:
    place = inner.get("candidates")
    return document.items(data, place) if place is not None and document.is_list(data, place) else []


def _is_refused(data: bytes, feedback: Span | None) -> bool:
    """Say whether a prompt was blocked; older models rate prompts that they answer, too."""
    return feedback is not None and raw_object.at(data, feedback).get("blockReason", b"null") != b"null"


def _is_watched(candidate: dict[str, bytes]) -> bool:
    return candidate.get("index", b"0") == b"0"


def _parts(candidate: dict[str, bytes]) -> list[bytes]:
    content = candidate.get("content", b"")
    raw = raw_object.of(content).get("parts", b"") if content.startswith(b"{") else b""
    return raw_object.items(raw) if raw.startswith(b"[") else []


def _with_parts(candidate: dict[str, bytes], parts: Sequence[bytes], *, drop_ending: bool) -> bytes:
    content = raw_object.of(candidate["content"]) if "content" in candidate else {"role": b'"model"'}
    content["parts"] = raw_object.listed([*parts] or [_NO_TEXT])
    kept = {name: raw for name, raw in candidate.items() if not (drop_ending and name in _ENDING)}
    return raw_object.written({**kept, "content": raw_object.written(content)})
