"""What providers say that their answers took: the one figure of an answer that we read of every one.

An answer is listened to as it passes, and nothing of it is held but the events that may hold figures, the first and the
last of each leg: providers count on, and the last one tells all. Reading them is left to whoever asks at the end.

Sources: Anthropic's "Streaming messages" and "Prompt caching", OpenAI's references of chat completions and responses,
Gemini's UsageMetadata; cache hits also as DeepSeek, cache writes also as OpenRouter name them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from headroom_mitm.usage import Counted
from headroom_mitm.wire import sse
from headroom_mitm.wire.gemini_reply import Events, Framing, Items

LONGEST = 8 * 2**20
"""Bytes of an event. What is longer is not read."""
_MOST = 10**9
"""Tokens. No answer takes so many: a larger figure would only spoil the sums it is added to."""

Json = Mapping[str, Any]


class _Envelope(msgspec.Struct):
    """Where the formats keep their figures."""

    type: Any = None
    id: Any = None
    usage: Any = None
    message: Any = None
    response: Any = None
    usageMetadata: Any = None  # noqa: N815  # Gemini's name
    x_groq: Any = None


_GIVEN = re.compile(rb'"usage(?:Metadata)?"\s*:\s*\{')
"""Chunks of chat completions may have ``null`` there, all but one of them."""
_DECODER = msgspec.json.Decoder(_Envelope)


class _Format(NamedTuple):
    mark: bytes
    """Stands in every event with figures, and in few others: in a string its quotes would be escaped."""
    counted: Callable[[Json], Counted]
    begins: bytes = b""
    """Stands in the first event of a leg, where that one has figures that the last one need not repeat."""
    among: tuple[bytes, ...] = (b"",)
    """One of these stands in every event with figures, too."""
    beside: Callable[[Json], Counted] = lambda _: Counted()
    """What is billed beside, once an event says so."""


def _anthropic(usage: Json) -> Counted:
    written, parts = _number(usage, "cache_creation_input_tokens"), _object(usage, "cache_creation")
    long = min(_number(parts, "ephemeral_1h_input_tokens"), written)
    return Counted(
        fresh=_number(usage, "input_tokens"),
        read=_number(usage, "cache_read_input_tokens"),
        write_5m=written - long,
        write_1h=long,
        output=_number(usage, "output_tokens"),
    )


def _compactions(usage: Json) -> Counted:
    """What it took to summarize a conversation that was too long: it is billed, and no other figure holds it."""
    steps = usage.get("iterations")
    found = (step for step in steps if isinstance(step, dict)) if isinstance(steps, list) else ()
    return sum((_anthropic(step) for step in found if step.get("type") == "compaction"), Counted())


def _openai(usage: Json) -> Counted:
    """Both of OpenAI's formats: prompts are named with what was read and written."""
    prompt = max(_number(usage, "prompt_tokens"), _number(usage, "input_tokens"))
    details = {**_object(usage, "prompt_tokens_details"), **_object(usage, "input_tokens_details")}
    read = max(_number(details, "cached_tokens"), _number(usage, "prompt_cache_hit_tokens"))
    read = min(prompt, max(read, _number(usage, "cached_tokens")))
    written = min(prompt - read, max(_number(details, "cache_write_tokens"), _number(details, "cache_creation_tokens")))
    output = max(_number(usage, "completion_tokens"), _number(usage, "output_tokens"))
    return Counted(fresh=prompt - read - written, read=read, write_5m=written, output=output)


def _gemini(usage: Json) -> Counted:
    prompt = _number(usage, "promptTokenCount") + _number(usage, "toolUsePromptTokenCount")
    read = min(prompt, _number(usage, "cachedContentTokenCount"))
    output = _number(usage, "candidatesTokenCount") + _number(usage, "thoughtsTokenCount")
    return Counted(fresh=prompt - read, read=read, output=output)


_FORMATS = {
    "anthropic_messages": _Format(
        b'"usage"', _anthropic, b"message_start", (b"message_start", b"message_delta"), _compactions
    ),
    "openai_chat": _Format(b'"usage"', _openai),
    "openai_responses": _Format(b'"usage"', _openai),
    "gemini_generate": _Format(b'"usageMetadata"', _gemini),
}


_BLANK = (b"\n\n", b"\r\n\r\n")
_ENDS = (b"response.completed", b"response.incomplete", b"response.failed")


class Listener:
    """Hears one answer, leg by leg. ``feed``, ``hear`` and ``next_leg`` are quick and never raise."""

    def __init__(self, wire: str, *, streamed: bool) -> None:
        """Take the name of the format, and whether the answer comes in events."""
        self._format = _FORMATS[wire]
        self._streamed = streamed
        self._framing: Framing | None = None
        self._pieces: list[bytes] = []
        self._legs: list[list[bytes]] = [[]]
        self._size = 0  # bytes since the last whole event
        self._is_between = False  # no event has begun

    def feed(self, data: bytes) -> None:
        """Take a piece of a leg, without its content encoding."""
        is_whole = data.endswith(_BLANK)
        if self._is_between and is_whole and self._format.mark not in data:
            return  # whole events without figures: nearly all pieces of a stream
        self._size += len(data)
        if self._size > LONGEST:
            self._pieces.clear()
            self._framing, self._is_between = None, False
            return
        if not self._streamed:
            self._pieces.append(data)
            return
        if self._framing is None:
            start = data.lstrip()
            if not start:
                return
            self._framing = Items() if start.startswith(b"[") else Events()
        self._is_between = is_whole and isinstance(self._framing, Events)
        events = self._framing.feed(data)
        if events:
            self._size = 0
            for event in events:
                self.hear(event)

    def hear(self, event: bytes) -> None:
        """Take an event, or a frame of a socket."""
        form = self._format
        if form.mark not in event or not any(name in event for name in form.among) or not _GIVEN.search(event):
            return
        leg = self._legs[-1]
        if leg and form.begins and form.begins in event:
            self.next_leg()
            leg = self._legs[-1]
        leg[1 if leg and form.begins else 0 :] = [event]

    def next_leg(self) -> None:
        """A leg is over, and another one may begin."""
        self._end_leg()
        if self._legs[-1]:
            self._legs.append([])

    def counted(self) -> tuple[Counted, ...]:
        """Return the figures of each leg that has said any, once all is over."""
        self._end_leg()
        found = [usage for leg in self._legs if (usage := self._of_leg(leg)) is not None]
        return tuple(found)

    def answer_ids(self) -> tuple[str, ...]:
        """Return the ids under which a provider may keep the answer: one for each leg, once all is over."""
        self._end_leg()
        tops = (_opened(leg[-1]) for leg in self._legs if leg)
        inner = ((top.response if isinstance(top.response, dict) else {"id": top.id}) for top in tops if top)
        return tuple(found for one in inner if isinstance(found := one.get("id"), str) and found)

    def _end_leg(self) -> None:
        if self._pieces:
            self._legs[-1] = [b"".join(self._pieces)]
        elif self._framing is not None and (rest := self._framing.rest()):
            self.hear(rest)
        self._pieces, self._framing, self._size, self._is_between = [], None, 0, False

    def _of_leg(self, events: Sequence[bytes]) -> Counted | None:
        usages = [usage for event in events if (usage := _usage_in(event))]
        if not usages:
            return None
        found = [self._format.counted(usage) for usage in usages]
        # Each figure is counted on from event to event; which event has it, differs.
        figures = ("fresh", "read", "write_5m", "write_1h", "output")
        most = Counted(*(max(getattr(one, name) for one in found) for name in figures))
        most += self._format.beside(usages[-1])
        return most if most != Counted() else None


def is_end(frame: bytes) -> bool:
    """Say whether a frame of a socket is the last one of an answer, or of a leg of it."""
    if not any(name in frame for name in _ENDS):
        return False
    top = _opened(frame)
    return top is not None and isinstance(top.type, str) and top.type.encode() in _ENDS


def _opened(event: bytes) -> _Envelope | None:
    """Return what an event, an item, a frame or a whole answer says; None for what is none of these."""
    raw = event.lstrip(b" \t\r\n,[")
    if not raw.startswith(b"{"):
        raw = sse.data_of(event)
    try:
        return _DECODER.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _usage_in(event: bytes) -> Json:
    """Return the figures in an event; empty for none."""
    top = _opened(event)
    if top is None:
        return {}
    holders = (top.message, top.response, top.x_groq)
    inner = [holder.get(name) for holder in holders if isinstance(holder, dict) for name in ("usage", "usageMetadata")]
    return next((usage for usage in (top.usage, top.usageMetadata, *inner) if isinstance(usage, dict) and usage), {})


def _object(value: Json, name: str) -> Json:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _number(value: Json, name: str) -> int:
    found = value.get(name)
    return min(max(0, int(found)), _MOST) if isinstance(found, int | float) and not isinstance(found, bool) else 0
