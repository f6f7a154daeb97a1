"""The messages of a conversation, read one by one and put together: what the four formats have in common.

A format says what one message holds (``Turn``, with spans counted from the message's first byte) and what a user's
message says (for the head). Each message is read once and then remembered by its digest.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Blocks, Digest, Known, Layout, Prompt, Span, digest, digest_of_text
from headroom_mitm.wire import document, observations
from headroom_mitm.wire.earlier import Bodies, Earlier, Shared
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.reading import NOTHING, Read
from headroom_mitm.wire.tools import Tools
from headroom_mitm.wire.turn import Result, Text, Turn


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

    def widened(self, at: int, by: int) -> "Envelope":
        """Return the same in a body that has so many more bytes at a place."""

        def moved(span: Span) -> Span:
            return span if span.end <= at else Span(span.start + by * (span.start >= at), span.end + by)

        if not by:
            return self
        slot = self.tools.slot
        members = {name: moved(span) for name, span in self.members.items()}
        tools = self.tools if slot is None or slot.start < at else self.tools.shifted(by)
        if all(span.end <= at for _, span in self.front):  # as in front of the messages
            return replace(self, tools=tools, members=members)
        return replace(
            self,
            tools=tools,
            members=members,
            front=tuple((name, moved(span)) for name, span in self.front),
            layouts=self.layouts and tuple((moved(span), layout) for span, layout in self.layouts),
        )


Opened = Callable[[bytes], tuple[Sequence[Span], Envelope]]
"""Returns where the messages of a body stand, and what else it says. Raises ``UnreadableBody``."""


class Turns(Protocol):
    """Reads messages, each once."""

    def get(self, key: Digest, raw: bytes) -> Turn:
        """Return what a message holds; ``key`` is its digest. Raises ``UnreadableBody``."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """What was read of a body."""

    read: Read
    envelope: Envelope

    @property
    def ends(self) -> Sequence[int]:
        """See ``Stops``."""
        return self.read.ends

    @property
    def count(self) -> int:
        """See ``Stops``."""
        return self.read.count


class History:
    """Reads the messages of one format. Thread-safe.

    What a body has in common with an earlier one is not read again: see ``earlier``.
    """

    def __init__(self, turns: Turns, said: Callable[[Any], Any], name: bytes = b"messages") -> None:
        """Take what reads messages, and what a decoded message of the user says (None: it is not the user's).

        ``name`` is that of the member that holds the messages.
        """
        self._turns = turns
        self._said: Memo[bytes] = Memo(lambda raw: _canonical(raw, said))
        self._bodies: Bodies[_Whole] = Bodies(name)

    def read(self, body: bytes, opened: Opened) -> Prompt:
        """Return the prompt that a body is. Raises ``UnreadableBody``."""
        shared = self._bodies.shared(body)
        found = self._grown(body, shared, opened) if shared is not None else None
        if shared is None or found is None:
            spans, envelope = opened(body)
            read, known = self._extended(NOTHING, body, spans), None
        else:
            read, envelope = found
            known = shared.earlier.read.read.known(shared.stops) if shared.start == shared.earlier.start else None
        prompt = self._prompt(body, read, envelope, known)
        if read.ends:
            self._bodies.keep(Earlier(body, read.spans[0].start, _Whole(read, envelope)), shared)
        return prompt

    def prompt(self, body: bytes, spans: Sequence[Span], envelope: Envelope) -> Prompt:
        """Return the prompt that these messages and this envelope make."""
        return self._prompt(body, self._extended(NOTHING, body, spans), envelope)

    def _grown(self, body: bytes, shared: Shared[_Whole], opened: Opened) -> tuple[Read, Envelope] | None:
        """Read a body of which a part is known; None if that part is not where it seemed to be.

        What is known are whole messages, so that without them the body is as readable as with them.
        """
        start, by = shared.start, shared.size
        whole, more = shared.earlier.read, len(body) - len(shared.earlier.body)
        try:
            if found := _only_grown(body, shared):
                spans, envelope = found, whole.envelope.widened(start, more)
            else:
                cut, rest = opened(body[:start] + body[start + by :])
                if not cut or cut[0].start != start:
                    return None
                spans, envelope = [span.shifted(by) for span in cut], rest.widened(start, by)
        except UnreadableBody:
            return None
        if any(map(_is_masked, envelope.members)):
            return None
        past = whole.read.until(shared.stops).shifted(start - shared.earlier.start)
        return self._extended(past, body, spans), envelope

    def _extended(self, past: Read, body: bytes, spans: Sequence[Span]) -> Read:
        """Return what was read and these messages behind it."""
        raws = [body[start:end] for start, end in spans]
        keys = [digest(raw) for raw in raws]
        return past.extended(spans, keys, list(map(self._turns.get, keys, raws)))

    def _prompt(self, body: bytes, read: Read, envelope: Envelope, known: Known | None = None) -> Prompt:
        first = read.first_answer
        before = first if first is not None else read.count
        keys, spans = read.keys[:before], read.spans[:before]
        parts = [self._said.get(key, body[start:end]) for key, (start, end) in zip(keys, spans, strict=True)]
        tools = envelope.tools
        names = tools.names.union(*(names for _, names in read.named))
        return Prompt(
            body=body,
            model=envelope.model,
            streamed=envelope.streamed,
            segments=read.segments,
            calls=read.by_id,
            head=digest(b"tools" if names or read.named else b"", *(part for part in parts if part)),
            answered=first is not None or envelope.continued,
            tool_names=names,
            tool_slot=tools.slot,
            forced_tool=envelope.forced_tool,
            members=envelope.members,
            front=(*envelope.front, *_system_messages(read.turns[:before], spans)),
            first_answer=read.spans[first] if first is not None else None,
            blocks=None
            if envelope.layouts is None
            else Blocks(envelope.layouts, read.spans, read.layouts, read.totals, read.marked, envelope.marked),
            messages=read.spans,
            turns=read.turns,
            forgets=envelope.forgets,
            reading=read.reading,
            known=known,
        )


def _only_grown(body: bytes, shared: Shared[_Whole]) -> list[Span]:
    """Return where the further messages stand of a body that is an earlier one but for these; nothing for others.

    What is in front of the messages and behind them is the same, so it need not be read: where one list of values is
    valid, so is another.
    """
    earlier, start = shared.earlier, shared.start
    view = memoryview(earlier.body)
    behind = view[earlier.read.read.spans[-1].end :]
    first, end = start + shared.size, len(body) - len(behind)
    if start != earlier.start or end <= first or not (body.startswith(view[:start]) and body.endswith(behind)):
        return []
    further = b"[%b]" % body[first:end]
    try:
        return [span.shifted(first - 1) for span in document.items(further, Span(0, len(further)))]
    except UnreadableBody:
        return []


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


_DECODER = json.JSONDecoder(parse_int=str, parse_float=str)
_ENCODER = json.JSONEncoder(sort_keys=True)


def _canonical(raw: bytes, said: Callable[[Any], Any]) -> bytes:
    """Return a digest of what a message says, however it is written; empty if it does not count."""
    try:
        # Python's own decoder: it takes lone surrogates. Numbers stay as they are written.
        value = without_markers(said(_DECODER.decode(raw.decode("utf-8", "surrogateescape"))))
        return b"" if value is None else digest(_ENCODER.encode(value).encode())
    except (ValueError, RecursionError) as error:
        raise UnreadableBody(str(error)) from None


def _system_messages(turns: Sequence[Turn], spans: Sequence[Span]) -> Iterator[tuple[str, Span]]:
    return ((f"message {number}", spans[number]) for number, turn in enumerate(turns) if turn.by_system)


def _is_masked(key: str) -> bool:
    """Say whether a member's name may have been written as halves of characters.

    Such names are read otherwise where a half stands alone anywhere in a body: see ``document``.
    """
    return not key.isascii() and any(char > "\uffff" or char == "\ufffd" for char in key)
