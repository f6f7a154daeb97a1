"""A turn of Anthropic's model, put together from its events and put back into a request.

The provider compares what comes back with what it sent (thinking is signed), so blocks go back as they came: every
member, and the arguments of calls byte for byte. Source: docs.anthropic.com, "Streaming messages".
"""

import contextlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import anthropic_breakpoint, document, raw_object, sse
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wire.splice import member_edits, splice

Json = dict[str, Any]

_RETRYABLE = b'{"type":"error","error":{"type":"overloaded_error","message":"The answer could not be completed."}}'
# What a block or a delta that is not as documented raises when it is read.
_NOT_AS_DOCUMENTED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def assembled(events: Iterable[bytes]) -> dict[int, Json]:
    """Put blocks together from their events, by index. The arguments of calls are bytes: the model's own.

    Raises ``UnreadableBody`` where events are not as documented. The standard library reads the JSON, for it takes half
    an emoji: the other half may come with the next event.
    """
    blocks: dict[int, Json] = {}
    arguments: dict[int, str] = {}
    try:
        for event in events:
            data = json.loads(sse.data_of(event))
            if "content_block" in data:
                blocks[data["index"]] = dict(data["content_block"])
            elif "delta" in data:
                delta, index = data["delta"], data["index"]
                arguments[index] = arguments.get(index, "") + delta.get("partial_json", "")
                _add(blocks[index], delta)
        for index, block in blocks.items():
            if "input" in block:
                block["input"] = _arguments(arguments.get(index, ""), block["input"])
    except _NOT_AS_DOCUMENTED as error:
        raise UnreadableBody(f"events that do not make blocks: {error!r}") from None
    return blocks


def written(block: Json) -> bytes:
    """Return a block from ``assembled`` as JSON."""
    members = (_dumped(name) + b":" + (v if isinstance(v, bytes) else _dumped(v)) for name, v in block.items())
    return b"{%s}" % b",".join(members)


class Said:
    """What the model says in one leg: its blocks as the provider takes them back, and its calls of our tool."""

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._blocks: list[tuple[bytes, bool]] = []  # and whether they are hidden
        self.calls: list[HiddenCall] = []

    def add(self, raw: bytes) -> None:
        """Take a block. A text without words is left out: the model may send one, but the provider refuses it."""
        block = document.members(raw, document.whole(raw))
        kind = document.member_string(raw, block, "type")
        is_ours = kind == "tool_use" and document.member_string(raw, block, "name") == self._tool
        if is_ours:
            arguments = raw[slice(*block["input"])] if "input" in block else b""
            self.calls.append(HiddenCall(document.member_string(raw, block, "id"), arguments))
        if kind != "text" or not _is_blank(raw, block.get("text")):
            self._blocks.append((raw, is_ours))

    def answered(self, answers: Sequence[Answered]) -> Round:
        """Return the leg with what its calls brought. Without that they are left out: a call needs a result.

        Raises ``UnreadableBody`` where the provider has sent what no request may carry.
        """
        kept = [(raw, is_ours) for raw, is_ours in self._blocks if answers or not is_ours]
        hidden = tuple(number for number, (_, is_ours) in enumerate(kept) if is_ours)
        raws = raw_object.sendable([raw for raw, _ in kept])
        return Round(tuple(raws), hidden, tuple(map(_result, answers)))


def messages_of(blocks: Iterable[bytes], results: Iterable[bytes]) -> bytes:
    """Return a turn of the model and the results of its calls: two messages, with a comma between."""
    return b'{"role":"assistant","content":[%s]},{"role":"user","content":[%s]}' % (
        b",".join(blocks),
        b",".join(results),
    )


def with_turn(body: bytes, turn: Round, container: str = "") -> bytes:
    """Return a request body with one more turn of the model, and with the client's last cache marker behind it.

    The model goes on in the container in which it has worked, unless the client has named one.
    """
    top = document.members(body, document.whole(body))
    messages = top.get("messages")
    if messages is None or not document.is_list(body, messages):
        raise UnreadableBody("no list of messages")
    marker, edits = anthropic_breakpoint.carried(body, messages)
    results = [*turn.results[:-1], anthropic_breakpoint.marked(turn.results[-1], marker)]
    end = messages.end - 1
    edits += [Edit(Span(end, end), b"," + messages_of(turn.blocks, results)), *_working_in(body, top, container)]
    return splice(body, edits)


def _working_in(body: bytes, top: dict[str, Span], container: str) -> list[Edit]:
    """Return what names a container in a request that names none; skills may be loaded into it all the same."""
    named, raw = top.get("container"), msgspec.json.encode(container)
    if not container:
        return []
    holder, found, name = document.whole(body), top, "container"
    if named is not None and document.is_object(body, named):
        holder, found, name = named, document.members(body, named), "id"
    is_free = name not in found or body[slice(*found[name])] == b"null"
    return member_edits(holder, found, {name: raw}) if is_free else []


def object_at(data: bytes, span: Span | None) -> Json:
    """Return the object at a place in JSON; an empty one if there is none."""
    value = document.value(data, span) if span is not None else None
    return value if isinstance(value, dict) else {}


def error_document(raw: bytes) -> bytes:
    """Return an error document on one line: the provider's own if it sent one, else one that is worth a retry."""
    found = _error(raw)
    return msgspec.json.encode(found) if found else _RETRYABLE


def error_in_stream(status: int, raw: bytes) -> bytes:
    """Return an error for an event: in the provider's words, and where it may be tried again of the type that says so.

    In a stream there is no status, and clients take no other type for one that passes. Empty without such words.
    """
    found = _error(raw)
    if not found:
        return b""
    if status == 429 or status >= 500:
        found["error"]["type"] = "overloaded_error"
    return msgspec.json.encode(found)


def _error(raw: bytes) -> Json:
    try:
        found = msgspec.json.decode(raw, type=Json)
    except (ValueError, RecursionError):
        return {}
    return found if found.get("type") == "error" and isinstance(found.get("error"), dict) else {}


def _result(answer: Answered) -> bytes:
    result = {"type": "tool_result", "tool_use_id": answer.call.id, "content": answer.text, "is_error": answer.is_error}
    return msgspec.json.encode(result)


def _is_blank(raw: bytes, span: Span | None) -> bool:
    try:
        return span is not None and document.is_string(raw, span) and not document.string(raw, span).strip()
    except UnreadableBody:  # half a character
        return False


def _add(block: Json, delta: Json) -> None:
    """Add a delta to its block: ``x_delta`` carries a piece of the member ``x``, or an item for its list.

    That of a block which begins empty, a compaction, may be named for the block, and brings all its texts.
    """
    is_for_block = delta["type"] == f"{block.get('type')}_delta"
    for name, piece in delta.items():
        is_text = is_for_block and isinstance(piece, str) and name != "type"
        if name == "citation":
            block["citations"] = [*(block.get("citations") or []), piece]
        elif is_text or f"{name}_delta" == delta["type"] or (name in block and name != "type"):
            block[name] = block[name] + piece if isinstance(block.get(name), str) else piece


def _arguments(text: str, given: Any) -> bytes:
    """Return the arguments of a call as the model wrote them. What is no object is wrapped as the provider says."""
    if not text:
        return _dumped(given)
    raw = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
    with contextlib.suppress(ValueError, RecursionError):
        if isinstance(json.loads(raw), dict):
            return raw
    return _dumped({"INVALID_JSON": text})


def _dumped(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
