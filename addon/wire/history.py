"""The messages of a conversation, read one by one and put together: what the four formats have in common.

A format says what one message holds (``Turn``, with spans counted from the message's first byte) and what a user's
message says (for the head). Each message is read once and then remembered by its digest.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import (
    Blocks,
    Call,
    Digest,
    Layout,
    Prompt,
    Role,
    Segment,
    Span,
    digest,
    digest_of_text,
)
from headroom_mitm.wire import document, observations
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.tools import Tools


@dataclass(frozen=True, slots=True)
class Text:
    """One text of a tool's result."""

    span: Span
    part: int
    digest: Digest
    size: int
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gave back, as it stands in one message."""

    call_id: str
    """Empty where the client gives none."""
    texts: tuple[Text, ...]
    name: str = ""
    """Of the tool, where the result repeats it."""
    is_said: bool = False
    """It stands in what the user says, as agents without function calling write it: it belongs to the command in the
    model's message before it, and without one it is nothing but words."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message. Calls may lack an id where the format does not give any."""

    by_model: bool = False
    calls: tuple[Call, ...] = ()
    results: tuple[Result, ...] = ()
    tool_names: tuple[str, ...] = ()
    by_system: bool = False
    """It is a system prompt, written as a message."""
    layout: Layout | None = None
    """Where the format has markers for the cache."""
    command: Call | None = None
    """What stands in the model's words instead of a call."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What a request says beside its messages."""

    model: str = ""
    streamed: bool = False
    forced_tool: bool = False
    tools: Tools = field(default_factory=Tools)
    continued: bool = False
    """It goes on from an answer that the provider keeps."""
    members: Mapping[str, Span] = field(default_factory=dict)
    """Where the values of the body's top level stand."""
    front: tuple[tuple[str, Span], ...] = ()
    """What is read before the messages, by name."""
    layouts: tuple[tuple[Span, Layout], ...] | None = None
    """The same as the provider's cache counts it, where the format has markers."""
    marked: str = ""
    """Lifetime of a marker for the whole request."""
    forgets: bool = False
    """The client lets the provider drop earlier texts."""


class History:
    """Reads the messages of one format. Thread-safe; keeps no texts."""

    def __init__(self, turn: Callable[[bytes], Turn], said: Callable[[Any], Any]) -> None:
        """Take how a message is read, and what a decoded message of the user says (None: it is not the user's)."""
        self._turns = Memo(turn)
        self._said: Memo[bytes] = Memo(lambda raw: _canonical(raw, said))

    def prompt(self, body: bytes, spans: Sequence[Span], envelope: Envelope) -> Prompt:
        """Return the prompt that these messages and this envelope make."""
        raws = [body[start:end] for start, end in spans]
        keys = [digest(raw) for raw in raws]
        turns = list(map(self._turns.get, keys, raws))
        spoken = [number for number, turn in enumerate(turns) if turn.by_model]
        calls, ids = _paired(turns, keys)
        first = spoken[0] if spoken else len(turns)
        parts = map(self._said.get, keys[:first], raws[:first])
        tools = envelope.tools
        has_tools = bool(tools.names) or any(turn.tool_names for turn in turns)
        return Prompt(
            body=body,
            model=envelope.model,
            streamed=envelope.streamed,
            segments=tuple(_segments(turns, spans, ids, spoken[-1] if spoken else -1)),
            calls=calls,
            head=digest(b"tools" if has_tools else b"", *(part for part in parts if part)),
            answered=bool(spoken) or envelope.continued,
            tool_names=tools.names.union(*(turn.tool_names for turn in turns if turn.tool_names)),
            tool_slot=tools.slot,
            forced_tool=envelope.forced_tool,
            members=envelope.members,
            front=(*envelope.front, *_system_messages(turns[:first], spans)),
            first_answer=spans[first] if spoken else None,
            blocks=_blocks(turns, spans, envelope),
            messages=tuple(spans),
            forgets=envelope.forgets,
        )


def texts(raw: bytes, span: Span | None, kinds: Collection[str], *, is_error: bool = False) -> Iterator[Text]:
    """Yield the texts of a content that is a string, or a list of parts of which those of some kinds are text.

    A part's number is its place in the list, so that it keeps its name when its neighbours cannot be read.
    """
    if span is None:
        return
    if document.is_string(raw, span):
        yield from text(raw, span, 0, is_error=is_error)
    elif document.is_list(raw, span):
        for part, item in enumerate(document.items(raw, span)):
            found = document.members(raw, item)
            if "text" in found and document.member_string(raw, found, "type") in kinds:
                yield from text(raw, found["text"], part, is_error=is_error)


def said_results(raw: bytes, content: Span | None, kinds: Collection[str]) -> tuple[Result, ...]:
    """Return what in a user's message has the form of an output: see ``observations``."""
    found = observations.observed(raw, content, kinds)
    texts_ = tuple(Text(span, part, digest_of_text(text), len(text)) for span, part, text in found)
    return (Result("", texts_, is_said=True),) if texts_ else ()


def text(raw: bytes, span: Span, part: int, *, is_error: bool = False) -> Iterator[Text]:
    """Yield the text at a span, or nothing where there is no string or one that is no text (lone surrogates)."""
    if not document.is_string(raw, span):
        return
    try:
        decoded = document.string(raw, span)
    except UnreadableBody:
        return
    yield Text(span, part, digest_of_text(decoded), len(decoded), is_error)


def required(found: dict[str, Span], key: str) -> Span:
    """Return where a member stands that must be there."""
    if key not in found:
        raise UnreadableBody(f"no {key!r}")
    return found[key]


def without_markers(value: Any) -> Any:
    """Return a decoded value without any ``cache_control``: clients move it every turn."""
    if isinstance(value, dict):
        return {key: without_markers(member) for key, member in value.items() if key != "cache_control"}
    if isinstance(value, list):
        return [without_markers(item) for item in value]
    return value


def _canonical(raw: bytes, said: Callable[[Any], Any]) -> bytes:
    """Return a digest of what a message says, however it is written; empty if it does not count."""
    try:
        # Python's own decoder: it takes lone surrogates. Numbers stay as they are written.
        decoded = json.loads(raw.decode("utf-8", "surrogateescape"), parse_int=str, parse_float=str)
        value = without_markers(said(decoded))
        return b"" if value is None else digest(json.dumps(value, sort_keys=True).encode())
    except (ValueError, RecursionError) as error:
        raise UnreadableBody(str(error)) from None


def _system_messages(turns: Sequence[Turn], spans: Sequence[Span]) -> Iterator[tuple[str, Span]]:
    return ((f"message {number}", spans[number]) for number, turn in enumerate(turns) if turn.by_system)


def _blocks(turns: Sequence[Turn], spans: Sequence[Span], envelope: Envelope) -> Blocks | None:
    if envelope.layouts is None:
        return None
    messages = tuple(turn.layout or Layout(by_model=turn.by_model) for turn in turns)
    return Blocks(envelope.layouts, tuple(spans), messages, envelope.marked)


def _segments(turns: Sequence[Turn], spans: Sequence[Span], ids: dict[int, list[str]], last: int) -> Iterator[Segment]:
    """Yield all texts where they stand in the body; ``last`` is the number of the model's last message."""
    for number, turn in enumerate(turns):
        if not turn.results:
            continue
        by = spans[number].start
        given = ids.get(number)
        for ordinal, result in enumerate(turn.results):
            call_id = given[ordinal] if given else result.call_id
            if result.is_said and not call_id:
                continue
            for one in result.texts:
                yield Segment(
                    Span(one.span.start + by, one.span.end + by),
                    Role.USER if result.is_said else Role.TOOL,
                    call_id,
                    one.part,
                    one.digest,
                    one.size,
                    one.is_error,
                    number > last,
                )


def _paired(turns: Sequence[Turn], keys: Sequence[Digest]) -> tuple[dict[str, Call], dict[int, list[str]]]:
    """Return the calls by id, and for messages with results of unknown calls the ids under which they go.

    A result without an id belongs to the first call of its name in the model's answer before it that has no result
    yet. If the call has no id either, one is made from all that stands before it: history only grows, so it stays.
    """
    calls: dict[str, Call] = {}
    ids: dict[int, list[str]] = {}
    waiting: list[Call] = []
    answered = False
    command: Call | None = None
    past = _Past(keys)
    for number, turn in enumerate(turns):
        if turn.by_model:
            command = turn.command
            calls.update({command.id: command} if command is not None else {})
        if turn.calls:
            waiting = [*([] if answered else waiting), *turn.calls]
            answered = False
            calls.update((call.id, call) for call in turn.calls if call.id)
        if turn.results:
            answered = True
            if any(result.call_id not in calls for result in turn.results):
                # Only where it is needed: it costs a look at all that stands before.
                made = past.before(number).hex() if not all(result.is_said for result in turn.results) else ""
                said = command.id if command is not None else ""
                ids[number] = [
                    said if result.is_said else _adopted(result, waiting, calls, f"{made}-{ordinal}")
                    for ordinal, result in enumerate(turn.results)
                ]
    return calls, ids


def _adopted(result: Result, waiting: list[Call], calls: dict[str, Call], made: str) -> str:
    """Return the id of a result, its own if it has one, and make its call known under that id."""
    call = next((call for call in waiting if call.id and call.id == result.call_id), None)
    call = call or next((call for call in waiting if call.name == result.name), None)
    if call is not None:
        waiting.remove(call)
    call_id = result.call_id or (call.id if call else "") or made
    if call is not None:
        calls.setdefault(call_id, Call(call_id, call.name, call.subject))
    elif result.name:
        calls.setdefault(call_id, Call(call_id, result.name))
    return call_id


class _Past:
    """A digest of all messages before a certain one, computed only as far as it is asked for."""

    def __init__(self, keys: Sequence[Digest]) -> None:
        self._keys = keys
        self._reached = 0
        self._digest = digest()

    def before(self, number: int) -> Digest:
        """Return it for a message that is not before the one asked for last."""
        for key in self._keys[self._reached : number]:
            self._digest = digest(self._digest, key)
        self._reached = number
        return self._digest
