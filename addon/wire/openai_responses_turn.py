"""A turn of OpenAI's Responses: whom its items call, and the request that goes on from it.

Items go back as they came, reasoning beside what it led to, unknown types too. Only the ``status`` of reasoning is left
out: the provider writes it and refuses to read it.
Source: platform.openai.com/docs, "Reasoning models", "Conversation state", "Function calling".
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document, raw_object
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wire.splice import splice

Json = dict[str, Any]

# Items whose type ends in "_call" and that the provider answers by itself.
_BY_PROVIDER = frozenset(
    {"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call"}
)
_BUSY = {429: "rate_limit_exceeded"}


class Item:
    """One item of an answer."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._members = document.members(raw, document.whole(raw))
        self.kind = self._string("type")

    def is_call_of(self, tool: str) -> bool:
        """Say whether it is a call of this function."""
        return self.kind == "function_call" and self._string("name") == tool

    @property
    def call(self) -> HiddenCall:
        """The item as a call. The arguments are a text, and what the model wrote may be no JSON."""
        try:
            arguments = self._string("arguments").encode()
        except UnreadableBody:
            arguments = b""  # a text that cannot be sent names none of ours
        return HiddenCall(self.call_id, arguments)

    @property
    def call_id(self) -> str:
        """What pairs a call and its output."""
        return self._string("call_id")

    @property
    def waits(self) -> bool:
        """It is a call that the provider does not answer itself, or a question."""
        if self.kind == "mcp_approval_request":
            return True
        return self.kind.endswith("_call") and self.kind not in _BY_PROVIDER and self._string("execution") != "server"

    def sent_back(self) -> bytes | None:
        """Return the item as a part of the next input; None: it cannot be."""
        if self.kind != "reasoning":
            return self.raw
        if not self._string("encrypted_content"):
            return None  # the provider has not kept it, and there is nothing that it could read here
        return without_member(self.raw, self._members, "status")

    def _string(self, name: str) -> str:
        return document.member_string(self.raw, self._members, name)


def calls_client(items: Sequence[Item], tool: str) -> bool:
    """Say whether some item waits for the client: a call of another tool that is not answered beside it."""
    answered = {item.call_id for item in items if item.kind.endswith("_output")}
    return any(item.waits and not item.is_call_of(tool) and item.call_id not in answered for item in items)


def outputs(answers: Iterable[Answered]) -> list[bytes]:
    """Return the items that answer calls."""
    return [
        msgspec.json.encode({"type": "function_call_output", "call_id": answer.call.id, "output": answer.text})
        for answer in answers
    ]


def told(items: Sequence[Item], tool: str, answers: Sequence[Answered]) -> Round:
    """Return a leg: its items, and what our calls brought; without that they are left out, since each needs one."""
    kept = [item for item in items if answers or not item.is_call_of(tool)]
    hidden = tuple(number for number, item in enumerate(kept) if item.is_call_of(tool))
    raws = raw_object.sendable([item.sent_back() or item.raw for item in kept])
    return Round(tuple(raws), hidden, tuple(outputs(answers)))


def going_on(body: bytes, items: Sequence[Item], answers: Sequence[Answered]) -> bytes:
    """Return a request with a turn of the model and what its calls brought behind the input."""
    sent_back = [raw for item in items if (raw := item.sent_back()) is not None]
    given = _input(body)
    return splice(body, [Edit(given, _list(body, given, behind=[*sent_back, *outputs(answers)]))])


def linked(body: bytes, answer_id: str, answers: Sequence[Answered]) -> bytes:
    """Return a request that goes on from an answer that the provider keeps, with nothing but what its calls brought."""
    top = document.members(body, document.whole(body))
    news, previous = b"[%s]" % b",".join(outputs(answers)), msgspec.json.encode(answer_id)
    if "previous_response_id" in top:
        return splice(body, [Edit(_input(body), news), Edit(top["previous_response_id"], previous)])
    return splice(body, [Edit(_input(body), news + b',"previous_response_id":' + previous)])


def settling(body: bytes, answers: Sequence[Answered]) -> Edit:
    """Return the edit by which a request's input begins with what earlier calls brought."""
    given = _input(body)
    return Edit(given, _list(body, given, before=outputs(answers)))


def opened(beginning: bytes, body: bytes) -> bytes:
    """Return a request as it would be if it carried the input of the one that it goes on from."""
    top = document.members(body, document.whole(body))
    given, earlier = _input(body), _list(beginning, _input(beginning))[1:-1]
    edits = [Edit(given, _list(body, given, before=[earlier] if earlier else ()))]
    return splice(body, edits + [Edit(top[name], b"null") for name in ("previous_response_id",) if name in top])


def without_tool(data: bytes, tools: Span | None, name: str) -> list[Edit]:
    """Return the edit that takes our declaration out of the tools that an answer repeats."""
    if tools is None or not document.is_list(data, tools):
        return []
    raws = [data[slice(*place)] for place in document.items(data, tools)]
    kept = [raw for raw in raws if document.member_string(raw, _members(raw), "name") != name]
    return [] if len(kept) == len(raws) else [Edit(tools, b"[%s]" % b",".join(kept))]


def error_of(status: int, raw: bytes) -> Json:
    """Return what went wrong, as an answer that has failed says it: in the provider's own words where it had any."""
    error = _error(raw)
    code = error.get("code") or _BUSY.get(status, "server_error")
    return {"code": code, "message": error.get("message") or "The answer could not be completed."}


def is_error(raw: bytes) -> bool:
    """Say whether the provider has said what went wrong."""
    return bool(_error(raw))


def object_at(data: bytes, span: Span | None) -> Json:
    """Return the object at a place in JSON; an empty one if there is none."""
    value = document.value(data, span) if span is not None else None
    return value if isinstance(value, dict) else {}


def _error(raw: bytes) -> Json:
    try:
        found = msgspec.json.decode(raw, type=dict[str, Any]).get("error")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _input(body: bytes) -> Span:
    given = document.members(body, document.whole(body)).get("input")
    if given is None or not (document.is_list(body, given) or document.is_string(body, given)):
        raise UnreadableBody("no input")
    return given


def _list(body: bytes, given: Span, before: Sequence[bytes] = (), behind: Sequence[bytes] = ()) -> bytes:
    """Return an input with more items; a text is a message of the user's."""
    raw = body[slice(*given)]
    if document.is_string(body, given):
        inner = b'{"role":"user","content":%s}' % raw
    else:
        inner = raw[1:-1].strip(b" \t\r\n") and raw[1:-1]
    return b"[%s]" % b",".join([*before, *([inner] if inner else []), *behind])


def _members(raw: bytes) -> dict[str, Span]:
    return document.members(raw, document.whole(raw)) if raw.startswith(b"{") else {}


def without_member(raw: bytes, members: dict[str, Span], name: str) -> bytes:
    """Return an object without one of its members."""
    if name not in members:
        return raw
    kept = (b"%s:%s" % (msgspec.json.encode(key), raw[slice(*at)]) for key, at in members.items() if key != name)
    return b"{%s}" % b",".join(kept)
