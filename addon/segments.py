"""The neutral vocabulary: frozen values that travel between wire formats, aligner, router and store."""

import enum
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple, NewType, Protocol

Digest = NewType("Digest", bytes)
"""16 bytes of BLAKE2b."""

Key = NewType("Key", bytes)
"""Names one decision: a digest of call id, part number and content. The same over restarts, workers and forks."""

DIGEST_SIZE = 16


def digest(*parts: bytes) -> Digest:
    """Return a digest in which each part's length counts, so that no two lists of parts agree by accident."""
    hasher = hashlib.blake2b(digest_size=DIGEST_SIZE)
    for part in parts:
        hasher.update(len(part).to_bytes(8, "big"))
        hasher.update(part)
    return Digest(hasher.digest())


def digest_of_text(text: str) -> Digest:
    """Return the digest of a text; lone surrogates count as themselves."""
    return digest(text.encode("utf-8", "surrogatepass"))


class Span(NamedTuple):
    """Where a JSON value stands in a body: byte offsets, the end is not included."""

    start: int
    end: int

    def shifted(self, by: int) -> "Span":
        """Return the same span in a body in which its text stands ``by`` bytes later."""
        return Span(self.start + by, self.end + by)


class Role(enum.StrEnum):
    """Who speaks."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call of the model, in the little that a router needs to know of it."""

    id: str
    name: str
    subject: str = ""
    """The command, path, pattern or address it was called with; cut to 400 characters."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One text in a body that a compressor may look at. The text itself is read on demand: see ``Prompt.text``."""

    span: Span
    """Of the JSON string, quotes included."""
    role: Role
    call_id: str
    """Id of the tool call whose result this is; empty where the text is no result."""
    part: int
    """Which text of that result: a result may have several."""
    digest: Digest
    """Of the decoded text."""
    size: int
    """Characters of the decoded text."""
    is_error: bool = False
    newest: bool = False
    """It stands behind the model's last answer: the provider has not seen it yet, unless this is a retry."""
    protected: bool = False
    """It is read (for references, for the ledger) but never changed."""
    variant: int = 0
    """Above 0: the text is decided anew, since what an earlier decision rested on is gone."""
    epoch: bytes = b""
    """Names the moment from which on it is another decision that counts: nothing was in the cache any more then."""
    _key: Key | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def key(self) -> Key:
        """Under which its rendering is stored; reckoned once, since a conversation's past is asked in every request."""
        if self._key is None:
            parts: tuple[bytes, ...] = (self.call_id.encode("utf-8", "surrogatepass"), b"%d" % self.part, self.digest)
            if self.epoch:
                parts = (*parts, b"%d" % self.variant, self.epoch)
            elif self.variant:
                parts = (*parts, b"%d" % self.variant)
            key = Key(digest(*parts))
            object.__setattr__(self, "_key", key)
            return key
        return self._key

    def shifted(self, by: int) -> "Segment":
        """Return the same text in a body in which it stands ``by`` bytes later."""
        moved = replace(self, span=self.span.shifted(by))
        object.__setattr__(moved, "_key", self._key)
        return moved


@dataclass(frozen=True, slots=True)
class Edit:
    """Put ``raw`` where ``span`` is; an empty span inserts."""

    span: Span
    raw: bytes


class Slot(NamedTuple):
    """A block that a marker of the provider's cache may be put on."""

    block: int
    """Its number in its message or list."""
    span: Span
    bare: bool
    """It is written as a mere string, and has to become a list of one block first."""

    def shifted(self, by: int) -> "Slot":
        """Return the same slot in a body in which its text stands ``by`` bytes later."""
        return Slot(self.block, self.span.shifted(by), self.bare)


@dataclass(frozen=True, slots=True)
class Layout:
    """The blocks of a message or a list, as the provider's cache counts them. Spans count from its first byte."""

    blocks: int = 0
    by_model: bool = False
    marks: tuple[tuple[int, str], ...] = ()
    """The client's markers: number of the block, lifetime."""
    slots: tuple[Slot, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocks:
    """A whole prompt as the provider's cache counts it, in the order in which it is rendered."""

    front: tuple[tuple[Span, Layout], ...]
    """The tools, then the system prompt: those that are there."""
    spans: tuple[Span, ...]
    """Of the messages."""
    messages: tuple[Layout, ...]
    totals: tuple[int, ...]
    """Blocks of the messages in front of each message, and of all."""
    marked: tuple[tuple[int, int, str], ...] = ()
    """The client's markers in messages: number of the message and of the block in it, lifetime."""
    whole: str = ""
    """Lifetime of a marker that the client has set for the whole request; empty for none."""


class Spoken(Protocol):
    """What a message is."""

    @property
    def by_model(self) -> bool:
        """The model says it."""
        ...

    @property
    def calls(self) -> tuple[Call, ...]:
        """Of tools, in it."""
        ...


class Talk(NamedTuple):
    """The conversation in a prompt, or its end."""

    body: bytes
    head: Digest
    calls: Mapping[str, Call]
    """All of the prompt, by id."""
    messages: tuple[Span, ...]
    turns: tuple[Spoken, ...]
    answers_before: int = 0
    """Messages of the model in front of it."""


class Reading:
    """One reading of a body, known by its identity: what is kept of it by others goes with it."""

    __slots__ = ("__weakref__",)


@dataclass(frozen=True, slots=True)
class Known:
    """What a prompt has in common with one that was read before: the same bytes at the same places."""

    of: Reading
    messages: int
    """So many, the last of them the model's."""
    segments: int
    """In these messages: the very same objects."""
    turn: int
    """Of these messages the first of a turn of the user's that is followed by a call of the model; 0 for none."""
    answers: int
    """Messages of the model before that turn."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request body, read: where its texts stand and what else decides. The body is not copied or changed."""

    body: bytes
    model: str
    streamed: bool
    segments: tuple[Segment, ...]
    """Texts of tool results, in the order in which the provider reads them."""
    calls: Mapping[str, Call]
    """The model's tool calls by id."""
    head: Digest
    """Of all that stands before the model's first answer, without cache markers: a conversation's beginning."""
    answered: bool
    """The model has spoken in this body, so an earlier request has been sent."""
    tool_names: frozenset[str]
    """Declared by the client."""
    tool_slot: Span | None
    """An empty span behind the last declared tool; None where the request declares no tools."""
    forced_tool: bool = False
    """The client demands a certain tool, or forbids all."""
    members: Mapping[str, Span] = field(default_factory=dict)
    """Where the values of the body's top level stand."""
    front: tuple[tuple[str, Span], ...] = ()
    """What the provider reads before the conversation, by a name for people: tools, system prompts."""
    first_answer: Span | None = None
    """The model's first message."""
    blocks: Blocks | None = None
    """None where the format has no markers."""
    messages: tuple[Span, ...] = ()
    """Where the conversation's messages, items or contents stand."""
    turns: tuple[Spoken, ...] = ()
    """The same, as they were read."""
    forgets: bool = False
    """The provider may drop earlier texts by itself: nothing may refer to them."""
    reading: Reading = field(default_factory=Reading, compare=False, repr=False)
    known: Known | None = field(default=None, compare=False, repr=False)
    """None where nothing is known, or stands elsewhere now."""

    def talk(self, *, is_end: bool = False) -> Talk:
        """Return the conversation; ``is_end``: from the turn on that is said in ``known``."""
        known = self.known if is_end else None
        if known is None or not known.turn:
            return Talk(self.body, self.head, self.calls, self.messages, self.turns)
        since = slice(known.turn, None)
        return Talk(self.body, self.head, self.calls, self.messages[since], self.turns[since], known.answers)


class Size(Protocol):
    """Tokens of a text, see ``sizes``."""

    @property
    def about(self) -> int:
        """Estimated, until somebody has counted."""
        ...

    @property
    def count(self) -> int:
        """Counted now, if nobody has."""
        ...

    @property
    def is_counted(self) -> bool:
        """Say whether ``about`` is the exact number."""
        ...


Amount = int | Size
"""Tokens, whether they are counted or not."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """A decision that was made once and is replayed for ever: what a text becomes, or that it stays as it is."""

    key: Key
    text: str | None
    """What is sent instead; None: the text stays raw."""
    original: Digest
    """Digest of what it stands for; the store keeps that text if the rendering is lossy."""
    compressor: str
    """Name and version, such as ``log_lines/1``; for a raw decision the reason, such as ``deadline``."""
    level: int
    lossless: bool
    before: Amount = field(compare=False)
    after: Amount = field(compare=False)
    """It is the same decision however its tokens were counted."""
    base: Key | None = None
    """Key of the earlier text that this one refers to: it holds only where that text stands verbatim above."""

    @property
    def tokens_before(self) -> int:
        """Of what it stands for; counted now, if nobody has. Not for what a request waits for."""
        return self.before if isinstance(self.before, int) else self.before.count

    @property
    def tokens_after(self) -> int:
        """The same of what is sent."""
        return self.after if isinstance(self.after, int) else self.after.count

    @property
    def about(self) -> tuple[int, int]:
        """About so many tokens before and after."""
        return (
            self.before if isinstance(self.before, int) else self.before.about,
            self.after if isinstance(self.after, int) else self.after.about,
        )

    @property
    def id(self) -> str:
        """What the model names when it asks for the original."""
        return text_id(self.key)

    @property
    def is_raw(self) -> bool:
        """The text is sent as it came."""
        return self.text is None


def text_id(key: Key) -> str:
    """Return the 8 hexadecimal digits by which a model asks for a text; served only where their marker stands."""
    return key[:4].hex()
