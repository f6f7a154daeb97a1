"""OpenAI's Responses: ``POST …/responses``, and the frames of its WebSocket.

The conversation is a list of items; what a tool gave back is an item whose type ends in ``_call_output``. Reasoning,
the provider's own tools and items of unknown types are never looked into.
"""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from headroom_mitm.segments import Call, Digest, Edit, Prompt, Span, digest
from headroom_mitm.wire import document, subject
from headroom_mitm.wire.history import Envelope, History, said_results, text, texts
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.observations import command_in
from headroom_mitm.wire.openai_responses_turn import opened, settling
from headroom_mitm.wire.reply import Answered
from headroom_mitm.wire.splice import splice, text_edit
from headroom_mitm.wire.tools import Declarations, added, is_forced, listed
from headroom_mitm.wire.turn import Result, Text, Turn

_PREVIOUS = "previous_response_id"
_TOOLS_IN_INPUT = "additional_tools"
_FRONT = ("tools", "instructions")
_TEXT = frozenset({"input_text"})
_SAID = frozenset({"output_text"})
_OUTPUTS = frozenset(
    {"function_call_output", "custom_tool_call_output", "local_shell_call_output", "shell_call_output"}
)
# The model's items beside those whose type ends in "_call". A compaction is none: what follows it is a new beginning.
_BY_MODEL = frozenset({"reasoning", "item_reference", "mcp_list_tools", "mcp_approval_request"})


class OpenAIResponses:
    """Reads requests; keeps no state but a memo of items it has read."""

    name = "openai_responses"

    def __init__(self) -> None:
        self._history = History(Memo(_turn), _said, b"input")
        self._tools = Declarations(lambda raw: listed(raw, _names))

    def read(self, body: bytes) -> Prompt:
        """Return what stands where in a body; raise ``UnreadableBody`` if that is not exactly known."""
        prompt = self._history.read(body, self._opened)
        top = prompt.members
        previous = _text_at(body, top.get(_PREVIOUS))
        # A conversation at the provider is written to by every leg, and what runs in the background is fetched by the
        # client later: no answer of either can be watched.
        is_elsewhere = _is_given(body, top.get("conversation")) or document.is_true(body, top.get("background"))
        return dataclasses.replace(
            prompt,
            # The beginning of a conversation that goes on from an answer is not in this body.
            head=head_behind(previous) if previous else prompt.head,
            tool_slot=None if is_elsewhere else prompt.tool_slot or self._slot(body, prompt.messages),
        )

    def _opened(self, body: bytes) -> tuple[list[Span], Envelope]:
        top = document.members(body, document.whole(body))
        envelope = Envelope(
            model=document.member_string(body, top, "model"),
            streamed=document.is_true(body, top.get("stream")),
            forced_tool=is_forced(body, top.get("tool_choice")),
            tools=self._tools.at(body, top.get("tools")),
            continued=_is_given(body, top.get(_PREVIOUS)) or _is_given(body, top.get("conversation")),
            members=top,
            front=tuple((name, top[name]) for name in _FRONT if name in top),
            forgets=_is_given(body, top.get("context_management")) or _text_at(body, top.get("truncation")) == "auto",
        )
        return _items(body, top.get("input")), envelope

    def may_go_on(self, body: bytes) -> bool:
        """Say whether the member that names an answer may be there."""
        return _PREVIOUS.encode() in body

    def previous(self, body: bytes) -> str:
        """Return the id of the answer that a request goes on from."""
        if not self.may_go_on(body):
            return ""
        return _text_at(body, document.members(body, document.whole(body)).get(_PREVIOUS))

    def relinked(self, body: bytes, answer_id: str, answers: Sequence[Answered]) -> bytes:
        """Return the request with another id, and outputs in front of its input."""
        place = document.members(body, document.whole(body))[_PREVIOUS]
        edits = [text_edit(place, answer_id)]
        return splice(body, [*edits, *([settling(body, answers)] if answers else [])])

    def opened(self, beginning: bytes, body: bytes) -> bytes:
        """Return the request with the other's input in front of its own."""
        return opened(beginning, body)

    def stays_declared(self, prompt: Prompt) -> bool:
        """Say whether the tools are part of the conversation, as items of the input are."""
        slot, given = prompt.tool_slot, prompt.members.get("input")
        return slot is not None and given is not None and given.start < slot.start < given.end

    def _slot(self, body: bytes, items: Sequence[Span]) -> Span | None:
        """Return the place behind the tools in the input, where the client declares them there before all else."""
        if (
            not items
            or not document.is_object(body, items[0])
            or _TOOLS_IN_INPUT.encode() not in body[slice(*items[0])]
        ):
            return None
        item = document.members(body, items[0])
        is_declaration = document.member_string(body, item, "type") == _TOOLS_IN_INPUT
        return self._tools.at(body, item.get("tools")).slot if is_declaration else None

    def declare(self, prompt: Prompt, name: str, description: str, schema: bytes) -> Edit | None:
        """Return the edit that declares one more tool, in no namespace; None where the client declares none."""
        tool = {"type": "function", "name": name, "description": description, "strict": False}
        return added(prompt, name, msgspec.json.encode({**tool, "parameters": msgspec.Raw(schema)}))


def _items(body: bytes, given: Span | None) -> list[Span]:
    """Return where the items stand; an input that is a string is an item too."""
    if given is None or not (document.is_list(body, given) or document.is_string(body, given)):
        return []
    return [given] if document.is_string(body, given) else document.items(body, given)


def head_behind(answer_id: str) -> Digest:
    """Return the head of requests that go on from an answer which the provider keeps."""
    return digest(b"answer", answer_id.encode())


def _text_at(body: bytes, span: Span | None) -> str:
    return document.string(body, span) if span is not None and document.is_string(body, span) else ""


def _is_given(body: bytes, span: Span | None) -> bool:
    return span is not None and body[span.start : span.end] != b"null"


def _turn(raw: bytes) -> Turn:
    if raw.startswith(b'"'):
        return Turn()
    item = document.members(raw, document.whole(raw))
    kind = document.member_string(raw, item, "type")
    if kind in _OUTPUTS:
        return Turn(results=(Result(_call_id(raw, item), tuple(_texts(raw, item.get("output")))),))
    if kind == _TOOLS_IN_INPUT:
        return Turn(tool_names=tuple(_member_names(raw, item)), by_system=True)
    role = document.member_string(raw, item, "role")
    by_model = kind.endswith("_call") or kind in _BY_MODEL or role == "assistant"
    if role == "user":
        return Turn(results=said_results(raw, item.get("content"), _TEXT))
    read = _CALLS.get(kind)
    command = command_in(raw, item.get("content"), _SAID) if role == "assistant" else None
    calls = (read(raw, item),) if read else ()
    return Turn(by_model, calls=calls, by_system=role in ("system", "developer"), command=command)


def _call_id(raw: bytes, item: dict[str, Span]) -> str:
    # Items of the local shell have no call_id in the documentation; their id is that of the call.
    return document.member_string(raw, item, "call_id") or document.member_string(raw, item, "id")


def _texts(raw: bytes, output: Span | None) -> Iterator[Text]:
    """Yield the texts of an output: a string, parts, or what a shell wrote to its two streams."""
    yield from texts(raw, output, _TEXT)
    if output is None or not document.is_list(raw, output):
        return
    for number, place in enumerate(document.items(raw, output)):
        found = document.members(raw, place)
        for offset, stream in enumerate(("stdout", "stderr")):
            if stream in found:
                yield from text(raw, found[stream], 2 * number + offset)


def _function_call(raw: bytes, item: dict[str, Span]) -> Call:
    about = subject.of_string(raw, item.get("arguments"))
    return Call(_call_id(raw, item), document.member_string(raw, item, "name"), about)


def _custom_call(raw: bytes, item: dict[str, Span]) -> Call:
    about = subject.of_string(raw, item.get("input"))
    return Call(_call_id(raw, item), document.member_string(raw, item, "name"), about)


def _local_shell_call(raw: bytes, item: dict[str, Span]) -> Call:
    return Call(_call_id(raw, item), "local_shell", subject.of_object(raw, item.get("action")))


def _shell_call(raw: bytes, item: dict[str, Span]) -> Call:
    return Call(_call_id(raw, item), "shell", subject.of_object(raw, item.get("action")))


_CALLS: dict[str, Callable[[bytes, dict[str, Span]], Call]] = {
    "function_call": _function_call,
    "custom_tool_call": _custom_call,
    "local_shell_call": _local_shell_call,
    "shell_call": _shell_call,
}


def _said(item: Any) -> Any:
    """Return what an item of the user says. Developers' items are left out: some clients write them anew every time."""
    if isinstance(item, str):
        return [{"type": "input_text", "text": item}]
    if item.get("role") != "user":
        return None
    content = item.get("content")
    return [{"type": "input_text", "text": content}] if isinstance(content, str) else content


def _names(raw: bytes, place: Span) -> Iterator[str]:
    """Yield the name of a tool, or of all tools in a namespace; a tool of the provider has its type for a name."""
    tool = document.members(raw, place)
    if "tools" in tool:
        yield from _member_names(raw, tool)
    else:
        yield document.member_string(raw, tool, "name") or document.member_string(raw, tool, "type")


def _member_names(raw: bytes, holder: dict[str, Span]) -> Iterator[str]:
    tools = holder.get("tools")
    if tools is not None and document.is_list(raw, tools):
        for place in document.items(raw, tools):
            yield from _names(raw, place)
