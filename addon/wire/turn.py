"""One message of a conversation, as every format says it."""

from dataclasses import dataclass

from headroom_mitm.segments import Call, Digest, Layout, Span


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
    """One message, with spans counted from its first byte. Calls may lack an id where the format does not give any."""

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
