"""Answers of Anthropic's Messages API: calls of our tool are taken out, and the legs become one message.

Events and blocks that are shown leave byte for byte; only block indexes (without gaps, clients keep blocks in a list) and,
behind the first leg, usage are rewritten. Source: docs.anthropic.com, "Streaming messages".
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document, sse
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.splice import splice

_INDEX = re.compile(rb'"index"\s*:\s*(\d+)')
_INPUT_USAGE = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation")
_RETRYABLE = b'{"type":"error","error":{"type":"overloaded_error","message":"The answer could not be completed."}}'

Json = dict[str, Any]


class Usage:
    """What the client is told: the context of its own conversation, and the output of all legs."""

    def __init__(self) -> None:
        self._input: Json = {}
        self._output_before = 0
        self._output = 0

    def begin(self, usage: Json) -> None:
        """Note what the provider says when a leg begins."""
        self._output_before += self._output
        self._output = usage.get("output_tokens") or 0
        if not self._input:
            self._input = {name: usage[name] for name in _INPUT_USAGE if name in usage}

    def end(self, usage: Json) -> None:
        """Note what it says when the leg ends."""
        self._output = usage.get("output_tokens") or self._output

    def shown(self, usage: Json) -> Json:
        """Return a leg's usage as the client is to see it."""
        total = self._output_before + self._output
        return {**usage, **{name: self._input[name] for name in usage if name in self._input}, "output_tokens": total}


class StreamedReply:
    """An answer in events."""

    streamed = True

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._usage = Usage()
        self._first = True
        self._next_index = 0  # of the blocks the client sees, over all legs
        self._begin_leg()

    def _begin_leg(self) -> None:
        self._splitter = sse.Splitter()
        self._events: list[bytes] = []
        self._shown_as: dict[int, int] = {}
        self._hidden_indexes: set[int] = set()
        self._client_is_called = False
        self._whole = False
        self._last_delta = b""

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the current leg; return what the client may see now."""
        events = self._splitter.feed(data)
        self._events += events
        return b"".join(self._event(event) for event in events)

    def end_leg(self) -> bytes:
        """Pass on what an upstream that breaks off has left, unless it would show our tool."""
        rest = self._splitter.rest()
        return b"" if self._hidden_indexes else rest

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone. Where the client is called too, the turn is the client's: it cannot go on without it."""
        if not self._hidden_indexes or self._client_is_called or not self._whole:
            return ()
        return [
            HiddenCall(block["id"], bytes(block["input"]))
            for index, block in self._blocks().items()
            if index in self._hidden_indexes
        ]

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the messages."""
        blocks = [block for block in self._blocks().values() if block.get("type") != "text" or block.get("text")]
        self._first = False
        self._begin_leg()
        return with_turn(body, msgspec.json.encode(blocks), answers)

    def close(self) -> bytes:
        """End the message as if the model had finished."""
        data = msgspec.json.decode(sse.data_of(self._last_delta), type=dict[str, Any])
        data["delta"] = {**data.get("delta", {}), "stop_reason": "end_turn"}
        return self._with_usage(data) + sse.written("message_stop", b'{"type":"message_stop"}')

    def failed(self, status: int, raw: bytes) -> bytes:
        """Return an error event: the provider's own words where it had any."""
        return sse.written("error", _error(raw))

    def _event(self, event: bytes) -> bytes:
        """Return the event as the client gets it."""
        match sse.name_of(event):
            case "content_block_start":
                return self._block_start(event)
            case "content_block_delta" | "content_block_stop":
                return self._block_event(event)
            case "message_start":
                self._usage.begin(_decoded(event).get("message", {}).get("usage") or {})
                return event if self._first else b""
            case "message_delta":
                return self._message_delta(event)
            case "message_stop":
                self._whole = True
                return b"" if self._goes_on else event
            case _:
                return event

    @property
    def _goes_on(self) -> bool:
        return bool(self._hidden_indexes) and not self._client_is_called

    def _block_start(self, event: bytes) -> bytes:
        data = _decoded(event)
        block = data.get("content_block", {})
        if block.get("type") == "tool_use":
            if block.get("name") == self._tool:
                self._hidden_indexes.add(data["index"])
                return b""
            self._client_is_called = True
        self._shown_as[data["index"]] = self._next_index
        self._next_index += 1
        return self._block_event(event)

    def _block_event(self, event: bytes) -> bytes:
        match = _INDEX.search(event)
        if match is None:
            return event
        index = int(match[1])
        shown = self._shown_as.get(index)
        if shown is None:
            return b"" if index in self._hidden_indexes else event
        return event if shown == index else event[: match.start(1)] + b"%d" % shown + event[match.end(1) :]

    def _message_delta(self, event: bytes) -> bytes:
        data = _decoded(event)
        self._usage.end(data.get("usage") or {})
        self._last_delta = event
        if self._goes_on:
            return b""
        return event if self._first else self._with_usage(data)

    def _with_usage(self, data: Json) -> bytes:
        data["usage"] = self._usage.shown(data.get("usage") or {})
        return sse.written("message_delta", msgspec.json.encode(data))

    def _blocks(self) -> dict[int, Json]:
        """Put the leg's blocks together from its events; the arguments of calls keep their bytes."""
        blocks: dict[int, Json] = {}
        arguments: dict[int, str] = {}
        for event in self._events:
            name = sse.name_of(event)
            if name == "content_block_start":
                data = _decoded(event)
                blocks[data["index"]] = data["content_block"]
            elif name == "content_block_delta":
                data = _decoded(event)
                _apply(blocks[data["index"]], data["delta"], arguments, data["index"])
        for index, block in blocks.items():
            if "input" in block and (text := arguments.get(index)):
                block["input"] = msgspec.Raw(text.encode())
            elif "input" in block:
                block["input"] = msgspec.Raw(msgspec.json.encode(block["input"]))
        return blocks


class WholeReply:
    """An answer in one JSON document."""

    streamed = False

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._usage = Usage()
        self._shown: list[msgspec.Raw] = []
        self._raw = b""
        self._leg: dict[str, msgspec.Raw] = {}
        self._legs = 0
        self._hidden: list[HiddenCall] = []
        self._client_is_called = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes; nothing is shown before the end."""
        self._raw += data
        return b""

    def end_leg(self) -> bytes:
        """Return the whole answer if it ends here; an answer without calls of ours, and without earlier legs, as it came."""
        raw, self._raw = self._raw, b""
        try:
            self._leg = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
            blocks = msgspec.json.decode(self._leg.get("content", b"[]"), type=list[msgspec.Raw])
        except msgspec.DecodeError:
            self._hidden = []
            return raw
        self._legs += 1
        self._hidden = []
        for block in blocks:
            self._take(block)
        usage = msgspec.json.decode(self._leg.get("usage", b"{}"), type=dict[str, Any])
        self._usage.begin(usage)
        if self._hidden and not self._client_is_called:
            return b""
        return raw if self._legs == 1 and not self._hidden else self._merged()

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """Calls of our tool alone, see ``StreamedReply.hidden``."""
        return () if self._client_is_called else self._hidden

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Append the leg and what its calls brought to the messages."""
        return with_turn(body, bytes(self._leg["content"]), answers)

    def close(self) -> bytes:
        """Return what the client gets if the answer ends here."""
        self._leg["stop_reason"] = msgspec.Raw(b'"end_turn"')
        return self._merged()

    def failed(self, status: int, raw: bytes) -> bytes:
        """Return the error document."""
        return _error(raw)

    def _take(self, raw: msgspec.Raw) -> None:
        block = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        kind = msgspec.json.decode(block.get("type", b"null"))
        if kind == "tool_use":
            if msgspec.json.decode(block["name"]) == self._tool:
                self._hidden.append(HiddenCall(msgspec.json.decode(block["id"]), bytes(block["input"])))
                return
            self._client_is_called = True
        self._shown.append(raw)

    def _merged(self) -> bytes:
        usage = msgspec.json.decode(self._leg.get("usage", b"{}"), type=dict[str, Any])
        shown = {"content": self._shown, "usage": self._usage.shown(usage)}
        return msgspec.json.encode({**self._leg, **shown})


def with_turn(body: bytes, content: bytes, answers: Sequence[Answered]) -> bytes:
    """Return a request body with one more answer of the model, and the results of its calls."""
    messages = document.members(body, document.whole(body)).get("messages")
    if messages is None or not document.is_list(body, messages):
        raise UnreadableBody("no list of messages")
    results = [
        {"type": "tool_result", "tool_use_id": answer.call.id, "content": answer.text, "is_error": answer.is_error}
        for answer in answers
    ]
    user = msgspec.json.encode({"role": "user", "content": results})
    turn = b',{"role":"assistant","content":%s},%s' % (content, user)
    end = messages.end - 1
    return splice(body, [Edit(Span(end, end), turn)])


def _apply(block: Json, delta: Json, arguments: dict[int, str], index: int) -> None:
    """Add a delta to its block: ``x_delta`` carries a piece of the member ``x``, or an item for its list."""
    for name, piece in delta.items():
        if name == "partial_json":
            arguments[index] = arguments.get(index, "") + piece
        elif name == "citation":
            block["citations"] = [*(block.get("citations") or []), piece]
        elif name != "type":
            block[name] = block[name] + piece if isinstance(block.get(name), str) else piece


def _decoded(event: bytes) -> Json:
    data: Json = msgspec.json.decode(sse.data_of(event), type=dict[str, Any])
    return data


def _error(raw: bytes) -> bytes:
    """Return an error document on one line, the provider's own if it sent one."""
    try:
        document_ = msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError:
        return _RETRYABLE
    return msgspec.json.encode(document_) if document_.get("type") == "error" else _RETRYABLE
