"""The calls in the deltas of one streamed chat answer: ours are taken out, the client's are numbered without gaps."""

import json
from dataclasses import dataclass, field

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire import raw_object
from headroom_mitm.wire.openai_chat_turn import dumped, merged


@dataclass(slots=True)
class _Call:
    id: str
    number: int
    """By which the client knows it."""
    name: str = ""
    is_ours: bool | None = None
    """None: so far its name might be the beginning of ours."""
    held: list[bytes] = field(default_factory=list)


class Calls:
    """What is known of them so far."""

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._calls: dict[int, _Call] = {}
        self.ours = False
        """Our tool is called."""
        self.clients = False
        """A tool of the client's is called."""

    def shown(self, raw: bytes) -> bytes:
        """Return a list of pieces of calls as the client gets it: the very same bytes where nothing changes."""
        pieces = raw_object.items(raw)
        shown = [left for place, piece in enumerate(pieces) for left in self._piece(piece, place)]
        return raw if shown == pieces else raw_object.listed(shown)

    @property
    def undecided(self) -> bool:
        """A call is held back until more of its name comes."""
        return any(call.is_ours is None for call in self._calls.values())

    def released(self) -> list[bytes]:
        """Return the calls that were held back, since no more of their names will come: they are the client's."""
        held = [call for call in self._calls.values() if call.is_ours is None]
        for call in held:
            call.is_ours, self.clients = False, True
        return [_joined(call) for call in held]

    def _piece(self, raw: bytes, place: int) -> list[bytes]:
        members = raw_object.of(raw)
        function = raw_object.of(members["function"]) if members.get("function", b"").startswith(b"{") else {}
        index = int(members["index"]) if members.get("index", b"").isdigit() else place
        call = self._call(index, raw_object.string(members, "id"), has_name="name" in function)
        if call.is_ours is None:
            call.name += raw_object.string(function, "name")
            call.held.append(raw)
            call.is_ours = self._decided(call.name, has_name=function.get("name", b"").startswith(b'"'))
            if len(call.held) > 1 and call.is_ours is False:
                return [_joined(call)]
        if call.is_ours is not False:
            return []
        return [raw if call.number == index else raw_object.written({**members, "index": b"%d" % call.number})]

    def _call(self, index: int, call_id: str, *, has_name: bool) -> _Call:
        """Return the call that a piece belongs to; some servers give the same number to all calls of an answer."""
        call = self._calls.get(index)
        if call is None or (call_id and call.id and call_id != call.id and has_name):
            hidden = sum(1 for at, known in self._calls.items() if known.is_ours and at < index)
            call = self._calls[index] = _Call(call_id, index - hidden)
        return call

    def _decided(self, name: str, *, has_name: bool) -> bool | None:
        """Say whether a call whose name begins so is ours; None if more of it must come."""
        if name == self._tool:
            self.ours = True
            return True
        if has_name and self._tool.startswith(name):
            return None
        self.clients = True
        return False


def _joined(call: _Call) -> bytes:
    """Return what was held back of a call as one piece."""
    whole: object = {}
    try:
        for piece in call.held:
            whole = merged(whole, json.loads(piece))
    except (ValueError, RecursionError) as error:
        raise UnreadableBody(f"pieces that do not make a call: {error}") from None
    return dumped({**whole, "index": call.number} if isinstance(whole, dict) else whole)
