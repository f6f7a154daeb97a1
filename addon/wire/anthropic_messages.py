"""Anthropic's Messages API: ``POST /v1/messages``.

Tool results are blocks of user messages, paired with the model's ``tool_use`` blocks by id. Thinking, server tools and
their results, documents and search results are never looked into.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec

from headroom_mitm.segments import Call, Digest, Edit, Layout, Prompt, Span, digest
from headroom_mitm.wire import anthropic_cache, document, subject
from headroom_mitm.wire.history import Envelope, History, required, said_results, texts
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.observations import command_in
from headroom_mitm.wire.tools import Declarations, added, listed
from headroom_mitm.wire.turn import Result, Turn

_TEXT = frozenset({"text"})
_FORCING = ("tool", "none")
_FORGETTING = (b"clear_tool_uses", b"compact")  # clear_thinking leaves results alone


class AnthropicMessages:
    """Reads requests; keeps no state but a memo of messages it has read."""

    name = "anthropic_messages"

    def __init__(self) -> None:
        self._history = History(_Turns(), _said)
        self._tools = Declarations(lambda raw: listed(raw, _name))
        # In the order in which the provider reads them.
        self._layouts: dict[str, Memo[Layout]] = {
            "tools": Memo(anthropic_cache.of_tools, entries=256),
            "system": Memo(anthropic_cache.of_system, entries=256),
        }

    def read(self, body: bytes) -> Prompt:
        """Return what stands where in a body; raise ``UnreadableBody`` if that is not exactly known."""
        return self._history.read(body, self._opened)

    def _opened(self, body: bytes) -> tuple[list[Span], Envelope]:
        top = document.members(body, document.whole(body))
        front = tuple((name, top[name]) for name in self._layouts if name in top and _is_said(body, name, top[name]))
        envelope = Envelope(
            model=document.member_string(body, top, "model"),
            streamed=document.is_true(body, top.get("stream")),
            forced_tool=_is_forced(body, top.get("tool_choice")),
            tools=self._tools.at(body, top.get("tools")),
            members=top,
            front=front,
            layouts=tuple((span, self._laid_out(name, body[span.start : span.end])) for name, span in front),
            marked=anthropic_cache.lifetime_of(body, top),
            forgets=_is_managed(body, top.get("context_management")),
        )
        return document.items(body, required(top, "messages")), envelope

    def declare(self, prompt: Prompt, name: str, description: str, schema: bytes) -> Edit | None:
        """Return the edit that declares one more tool; None where the client declares none."""
        tool = {"name": name, "description": description, "input_schema": msgspec.Raw(schema)}
        return added(prompt, name, msgspec.json.encode(tool))

    def _laid_out(self, name: str, raw: bytes) -> Layout:
        return self._layouts[name].get(digest(raw), raw)


class _Turns:
    """Reads messages, each once.

    Clients mark their newest ones, in each request others, so these are read as they will be without the marker.
    """

    def __init__(self) -> None:
        self._read = Memo(_turn)
        self._marked = Memo(self._with_marker)

    def get(self, key: Digest, raw: bytes) -> Turn:
        """See ``Turns``."""
        return (self._marked if anthropic_cache.is_marked_at_end(raw) else self._read).get(key, raw)

    def _with_marker(self, raw: bytes) -> Turn:
        place = anthropic_cache.marker_at_end(raw)
        if place is None:
            return _turn(raw)
        bare = raw[: place.start] + raw[place.end :]
        turn = self._read.get(digest(bare), bare)
        layout = turn.layout and anthropic_cache.marked_at_end(turn.layout, bare, raw[slice(*place)])
        return replace(turn, layout=layout) if layout else _turn(raw)


def _turn(raw: bytes) -> Turn:
    message = document.members(raw, document.whole(raw))
    role = document.member_string(raw, message, "role")
    by_model = role == "assistant"
    content = message.get("content")
    said = said_results(raw, content, _TEXT) if role == "user" else ()
    if content is None or not document.is_list(raw, content):
        command = command_in(raw, content, _TEXT) if by_model else None
        return Turn(by_model, results=said, layout=anthropic_cache.of_string(raw, content, role), command=command)
    places = document.items(raw, content)
    blocks = [document.members(raw, place) for place in places]
    calls = tuple(_call(raw, block) for block in blocks if _kind(raw, block) == "tool_use")
    return Turn(
        by_model,
        calls=calls,
        results=(*(_result(raw, block) for block in blocks if _kind(raw, block) == "tool_result"), *said),
        layout=anthropic_cache.of_blocks(raw, places, blocks, role),
        command=command_in(raw, content, _TEXT) if by_model and not calls else None,
    )


def _is_managed(body: bytes, management: Span | None) -> bool:
    """Say whether the client lets the provider clear tool results, or compact what came before."""
    return management is not None and any(word in body[slice(*management)] for word in _FORGETTING)


def _is_said(body: bytes, name: str, span: Span) -> bool:
    return document.is_list(body, span) or (name == "system" and document.is_string(body, span))


def _kind(raw: bytes, block: dict[str, Span]) -> str:
    return document.member_string(raw, block, "type")


def _call(raw: bytes, block: dict[str, Span]) -> Call:
    id_, name = document.member_string(raw, block, "id"), document.member_string(raw, block, "name")
    return Call(id_, name, subject.of_object(raw, block.get("input")))


def _result(raw: bytes, block: dict[str, Span]) -> Result:
    call_id = document.member_string(raw, block, "tool_use_id")
    content = block.get("content")
    if content is not None and document.is_list(raw, content) and _has_reference(raw, content):
        return Result(call_id, ())
    is_error = document.is_true(raw, block.get("is_error"))
    return Result(call_id, tuple(texts(raw, content, _TEXT, is_error=is_error)))


def _has_reference(raw: bytes, content: Span) -> bool:
    """Say whether a result declares tools: the provider expands it, so nothing in it is touched."""
    parts = (document.members(raw, item) for item in document.items(raw, content))
    return any(_kind(raw, part) == "tool_reference" for part in parts)


def _said(message: Any) -> Any:
    if message.get("role") != "user":
        return None
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _name(raw: bytes, place: Span) -> Iterator[str]:
    yield document.member_string(raw, document.members(raw, place), "name")


def _is_forced(body: bytes, choice: Span | None) -> bool:
    if choice is None or not document.is_object(body, choice):
        return False
    return document.member_string(body, document.members(body, choice), "type") in _FORCING
