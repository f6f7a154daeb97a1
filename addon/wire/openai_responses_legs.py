"""The legs of one answer of OpenAI's Responses become one: calls of our tool are taken out, all else is the provider's.

What goes in and comes out is the JSON of one event, whether of a stream or a frame of a WebSocket. Changed are only its
number, the place of its item and, where it carries the answer itself, what legs and our tool have changed in that. The
client knows the answer by the first leg's id: no other is known when the first event leaves, and SDKs refuse an answer
whose id changes. The provider goes on from the last leg's alone, see ``kept``.
Source: platform.openai.com/docs, "Streaming events".
"""

import contextlib
import re
from collections.abc import Mapping, Sequence

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document, openai_account
from headroom_mitm.wire import openai_responses_turn as turn
from headroom_mitm.wire.openai_account import Account
from headroom_mitm.wire.openai_responses_turn import Item, object_at
from headroom_mitm.wire.reply import Answered, HiddenCall, Kept
from headroom_mitm.wire.retelling import Round, Untold
from headroom_mitm.wire.splice import member_edits, splice

_BEGINNINGS = frozenset({"response.queued", "response.created", "response.in_progress"})
_ENDINGS = frozenset({"response.completed", "response.incomplete", "response.failed"})
_IDENTITY = ("id", "previous_response_id")
# Nearly all events of nearly all answers; the provider writes the type first.
_DELTA = re.compile(rb'\{"type":"response\.[a-z_.]+\.delta",')
_OF_ITEM = frozenset({"response.output_item.added", "response.output_item.done"})


class Leg:
    """What one answer of the provider has brought so far."""

    def __init__(self, tool: str, first_place: int) -> None:
        self._tool = tool
        self.first_place = first_place
        self.next_place = first_place
        """Of an item that the client sees, over all legs."""
        self.hidden_places: set[int] = set()
        self._items: dict[int, Item] = {}
        self.ending = b""
        """The event that ended it, as it came."""
        self.answer_id = ""
        self.is_stored = False
        """The provider keeps it, so that a request can name it instead of carrying it."""
        self.has_failed = False
        """The provider itself says so."""
        self.goes_on = False
        """Calls of our tool alone complete it. Where the client is called too, the turn is the client's.

        An answer that is not complete may have cut the call, and is the client's to deal with.
        """
        self.is_open = False
        """It is complete, and calls the client, and us as well."""

    @property
    def items(self) -> list[Item]:
        """All that are whole, in their order."""
        return [self._items[place] for place in sorted(self._items)]

    @property
    def calls(self) -> list[HiddenCall]:
        """Those of our tool."""
        return [item.call for item in self.items if item.is_call_of(self._tool)]

    def take_item(self, place: int, raw: bytes, *, is_whole: bool) -> None:
        """Note an item that begins or is whole."""
        item = Item(raw)
        if item.is_call_of(self._tool):
            self.hidden_places.add(place)
        else:
            self.next_place = max(self.next_place, self.place_shown(place) + 1)
        if is_whole:
            self._items[place] = item

    def place_shown(self, place: int) -> int:
        """Return where the client sees an item."""
        return self.first_place + place - sum(hidden < place for hidden in self.hidden_places)

    def end(self, kind: str, event: bytes, answer: Mapping[str, Span]) -> None:
        """Take the event that ends it; some providers name the items only there, others never there."""
        self.ending = event
        self.answer_id = document.member_string(event, answer, "id")
        self.is_stored = document.is_true(event, answer.get("store"))
        for place, raw in enumerate(raws_at(event, answer.get("output"))):
            self._items.setdefault(place, Item(raw))
        self.has_failed = kind == "response.failed"
        if kind == "response.completed" and self.calls:
            self.is_open = turn.calls_client(self.items, self._tool)
            self.goes_on = not self.is_open


class Legs:
    """Takes the events of one answer, leg by leg."""

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self.is_first = True
        self._account = Account()
        self._begun = b""  # the last event, as shown, that says how the answer begins
        self._earlier: list[bytes] = []  # the items that the client has seen of earlier legs, as their ends repeat them
        self._identity: dict[str, bytes] = {}  # what the answer is known by, and what it goes on from
        self._next_number = 0
        self._is_renumbered = False  # something was left out
        self._unread = b""  # an event that was shown without being read
        self._is_closed = False
        self._rounds: list[Round] = []  # the legs before
        self.leg = Leg(tool, 0)

    def shown(self, data: bytes) -> bytes:
        """Return an event as the client gets it; empty if it does not. Raises ``UnreadableBody``."""
        if not (self._is_renumbered or self.leg.hidden_places) and _DELTA.match(data):
            self._unread = data  # nothing is hidden so far, so it keeps its place and number
            return data
        members = document.members(data, document.whole(data))
        kind = document.member_string(data, members, "type")
        place = _integer(data, members.get("output_index"))
        if kind in _OF_ITEM and place is not None and "item" in members:
            self.leg.take_item(place, data[slice(*members["item"])], is_whole=kind.endswith("done"))
        if kind in _ENDINGS and "response" in members:
            return self._ended(kind, data, members)
        is_repeated = kind in _BEGINNINGS and not self.is_first
        if is_repeated or place in self.leg.hidden_places:
            self._is_renumbered = True
            return b""
        self.leg.has_failed |= kind == "error"
        edits = self._numbered(data, members)
        if place is not None and self.leg.place_shown(place) != place:
            edits.append(Edit(members["output_index"], b"%d" % self.leg.place_shown(place)))
        if kind not in _BEGINNINGS or "response" not in members:
            return splice(data, edits)
        answer = document.members(data, members["response"])
        self._identity = self._identity or _identity(data, answer)
        self._begun = splice(data, edits + turn.without_tool(data, answer.get("tools"), self._tool))
        return self._begun

    @property
    def kept(self) -> Kept | None:
        """What a request may go on from, once the answer has ended well."""
        leg = self.leg
        is_over = leg.ending and not leg.has_failed and (self._is_closed or not leg.goes_on)
        shown = _text(self._identity.get("id", b'""'))
        if not (is_over and leg.answer_id and shown):
            return None
        return Kept(shown, leg.answer_id, tuple(leg.calls), lasts=leg.is_stored)

    @property
    def holds_end(self) -> bool:
        """The answer has ended, and something of it must be kept before the client may go on."""
        return bool(self.leg.ending) and (self.leg.is_open or not self.is_first)

    @property
    def untold(self) -> Untold | None:
        """See ``Telling``."""
        leg = self.leg
        if leg.has_failed or not (leg.ending and (self._rounds or leg.is_open)):
            return None
        calls = tuple(leg.calls) if leg.is_open else ()
        return Untold(tuple(self._rounds), calls, lambda answers: turn.told(leg.items, self._tool, answers))

    def begin_leg(self) -> None:
        """Take note that another leg follows."""
        ending = self.leg.ending
        self._earlier += _shown_items(ending, _answer_of(ending), self._tool)
        self.is_first, self._is_renumbered = False, True
        self.leg = Leg(self._tool, self.leg.next_place)
        self._account.next_leg()

    def next_body(self, body: bytes, answers: Sequence[Answered], *, is_kept: bool) -> bytes:
        """Return the request for a next leg; see ``Reply``. ``is_kept``: it can name the leg that is over."""
        self._rounds.append(turn.told(self.leg.items, self._tool, answers))
        if is_kept and self.leg.answer_id:
            return turn.linked(body, self.leg.answer_id, answers)
        return turn.going_on(body, self.leg.items, answers)

    def closing(self) -> bytes:
        """Return the event that ends the answer although the leg wanted to go on."""
        ending, self._is_closed = self.leg.ending, True
        return self._merged(ending, document.members(ending, document.whole(ending)))

    def failure(self, status: int, raw: bytes) -> bytes:
        """Return the event by which an answer fails: clients read the error's code, and try again where they may."""
        self._numbered(b"", {})
        error = turn.error_of(status, raw)
        try:
            answer = object_at(self._begun, document.members(self._begun, document.whole(self._begun))["response"])
        except UnreadableBody:
            event = {"type": "error", **error, "param": None, "sequence_number": self._next_number}
        else:
            event = {"type": "response.failed", "sequence_number": self._next_number}
            event["response"] = {**answer, "status": "failed", "error": error}
        return msgspec.json.encode(event)

    def _ended(self, kind: str, data: bytes, members: Mapping[str, Span]) -> bytes:
        answer = document.members(data, members["response"])
        self._identity = self._identity or _identity(data, answer)
        self.leg.end(kind, data, answer)
        self._account.note(openai_account.reported(data, answer))
        return b"" if self.leg.goes_on else self._merged(data, members)

    def _merged(self, data: bytes, members: Mapping[str, Span]) -> bytes:
        """Return the event that ends a leg as the one that ends the answer."""
        answer = document.members(data, members["response"])
        edits = self._numbered(data, members) + turn.without_tool(data, answer.get("tools"), self._tool)
        if self.leg.calls or not self.is_first:
            items = [*self._earlier, *_shown_items(data, answer, self._tool)]
            changed = {"output": b"[%s]" % b",".join(items)}
            told: dict[str, bytes] = {}
            if not self.is_first:
                changed |= self._identity
                shown = self._account.shown(openai_account.reported(data, answer))
                told = {name: msgspec.json.encode(value) for name, value in shown.items()}
            changed = {name: raw for name, raw in changed.items() if name in answer}
            edits += member_edits(members["response"], answer, changed | told)
        return splice(data, edits)

    def _numbered(self, data: bytes, members: Mapping[str, Span]) -> list[Edit]:
        unread, self._unread = self._unread, b""
        if unread:
            with contextlib.suppress(UnreadableBody):
                number = _integer(unread, document.members(unread, document.whole(unread)).get("sequence_number"))
                self._next_number = self._next_number if number is None else number + 1
        number = _integer(data, members.get("sequence_number"))
        if number is None:
            return []
        shown = self._next_number if self._is_renumbered else number
        self._next_number = shown + 1
        return [Edit(members["sequence_number"], b"%d" % shown)] if shown != number else []


def _identity(data: bytes, answer: Mapping[str, Span]) -> dict[str, bytes]:
    return {name: data[slice(*answer[name])] for name in _IDENTITY if name in answer}


def _text(raw: bytes) -> str:
    """Return the text of a value as it is written; empty where it is none."""
    try:
        value = msgspec.json.decode(raw)
    except ValueError:
        return ""
    return value if isinstance(value, str) else ""


def _shown_items(data: bytes, answer: Mapping[str, Span], tool: str) -> list[bytes]:
    return [raw for raw in raws_at(data, answer.get("output")) if not Item(raw).is_call_of(tool)]


def raws_at(data: bytes, span: Span | None) -> list[bytes]:
    """Return the items of a list as they are written; none where there is no list."""
    if span is None or not document.is_list(data, span):
        return []
    return [data[slice(*place)] for place in document.items(data, span)]


def _answer_of(event: bytes) -> dict[str, Span]:
    return document.members(event, document.members(event, document.whole(event))["response"])


def _integer(data: bytes, span: Span | None) -> int | None:
    value = document.value(data, span) if span is not None else None
    return value if isinstance(value, int) else None
