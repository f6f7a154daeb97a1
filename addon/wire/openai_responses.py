"""OpenAI's Responses: ``POST …/responses``, and the frames of its WebSocket.

The conversation is a list of items; what a tool gave back is an item whose type ends in ``_call_output``. Reasoning,
the provider's own tools and items of unknown types are never looked into.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from headroom_mitm.segments import Call, Edit, Prompt, Span
from headroom_mitm.wire import document, subject
from headroom_mitm.wire.history import Envelope, History, Result, Text, Turn, text, texts
from headroom_mitm.wire.tools import Declarations, added, is_forced, listed

_TEXT = frozenset({"input_text"})
_OUTPUTS = frozenset(
    {"function_call_output", "custom_tool_call_output", "local_shell_call_output", "shell_call_output"}
)
# The model's items beside those whose type ends in "_call". A compaction is none: what follows it is a new beginning.
_BY_MODEL = frozenset({"reasoning", "item_reference", "mcp_list_tools", "mcp_approval_request"})


class OpenAIResponses:
    """Reads requests; keeps no state but a memo of items it has read."""

    name = "openai_responses"

    def __init__(self) -> None:
        self._history = History(_turn, _said)
        self._tools = Declarations(lambda raw: listed(raw, _names))

    def read(self, body: bytes) -> Prompt:
        """Return what stands where in a body; raise ``UnreadableBody`` if that is not exactly known."""
        top = document.members(body, document.whole(body))
        envelope = Envelope(
            model=document.member_string(body, top, "model"),
            streamed=document.is_true(body, top.get("stream")),
            forced_tool=is_forced(body, top.get("tool_choice")),
            tools=self._tools.at(body, top.get("tools")),
            continued=_is_given(body, top.get("previous_response_id")) or _is_given(body, top.get("conversation")),
        )
        return self._history.prompt(body, _items(body, top.get("input")), envelope)

    def declare(self, prompt: Prompt, name: str, description: str, schema: bytes) -> Edit | None:
        """Return the edit that declares one more tool; None where the client declares none at the top."""
        tool = {"type": "function", "name": name, "description": description, "strict": False}
        return added(prompt, name, msgspec.json.encode({**tool, "parameters": msgspec.Raw(schema)}))


def _items(body: bytes, given: Span | None) -> list[Span]:
    """Return where the items stand; an input that is a string is an item too."""
    if given is None or not (document.is_list(body, given) or document.is_string(body, given)):
        return []
    return [given] if document.is_string(body, given) else document.items(body, given)


def _is_given(body: bytes, span: Span | None) -> bool:
    return span is not None and body[span.start : span.end] != b"null"


def _turn(raw: bytes) -> Turn:
    if raw.startswith(b'"'):
        return Turn()
    item = document.members(raw, document.whole(raw))
    kind = document.member_string(raw, item, "type")
    if kind in _OUTPUTS:
        return Turn(results=(Result(_call_id(raw, item), tuple(_texts(raw, item.get("output")))),))
    if kind == "additional_tools":
        return Turn(tool_names=tuple(_member_names(raw, item)))
    by_model = kind.endswith("_call") or kind in _BY_MODEL or document.member_string(raw, item, "role") == "assistant"
    read = _CALLS.get(kind)
    return Turn(by_model, calls=(read(raw, item),) if read else ())


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
