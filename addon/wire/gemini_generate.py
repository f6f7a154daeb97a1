"""Google's generateContent, on the Gemini API, Vertex and (inside ``request``) the Cloud Code service.

Model and streaming are said in the path there, not in the body: the prompt has neither, unless the body does. What a
tool gave back is a ``functionResponse`` part, an object of the client's own making: its strings are the texts. Ids are
rare: without one a response belongs to the call of the same name before it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from headroom_mitm.segments import Call, Edit, Prompt, Span
from headroom_mitm.wire import document, subject
from headroom_mitm.wire.history import Envelope, History, required, said_results, text
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.observations import command_in
from headroom_mitm.wire.tools import Declarations, Tools, added
from headroom_mitm.wire.turn import Result, Text, Turn

_TEXT = frozenset({""})
"""Parts have no type here; those with a text are what is said."""
Found = dict[str, Span]


class GeminiGenerate:
    """Reads requests; keeps no state but a memo of contents it has read."""

    name = "gemini_generate"

    def __init__(self) -> None:
        self._history = History(Memo(_turn), _said, b"contents")
        self._tools = Declarations(_tools)

    def read(self, body: bytes) -> Prompt:
        """Return what stands where in a body; raise ``UnreadableBody`` if that is not exactly known."""
        return self._history.read(body, self._opened)

    def _opened(self, body: bytes) -> tuple[list[Span], Envelope]:
        top = document.members(body, document.whole(body))
        request = top
        if "contents" not in top and "request" in top:
            request = document.members(body, top["request"])
        envelope = Envelope(
            model=document.member_string(body, top, "model"),
            forced_tool=_is_forced(body, request),
            tools=self._declared(body, request),
        )
        return document.items(body, required(request, "contents")), envelope

    def _declared(self, body: bytes, request: Found) -> Tools:
        tools = self._tools.at(body, request.get("tools"))
        return tools if _takes_one_more(body, request) else Tools(tools.names)

    def declare(self, prompt: Prompt, name: str, description: str, schema: bytes) -> Edit | None:
        """Return the edit that declares one more function; None where the client declares none."""
        # The plain "parameters" take only a subset of JSON Schema; each declaration is free to use either.
        function = {"name": name, "description": description, "parametersJsonSchema": msgspec.Raw(schema)}
        return added(prompt, name, msgspec.json.encode(function))


def _either(found: Found, name: str, snake: str) -> Span | None:
    """Return a member by either of its spellings: Google's services take both."""
    return found.get(name, found.get(snake))


def _object(raw: bytes, found: Found, name: str, snake: str) -> Found | None:
    span = _either(found, name, snake)
    return document.members(raw, span) if span is not None and document.is_object(raw, span) else None


def _list(raw: bytes, span: Span | None) -> list[Span]:
    return document.items(raw, span) if span is not None and document.is_list(raw, span) else []


def _turn(raw: bytes) -> Turn:
    content = document.members(raw, document.whole(raw))
    parts = [document.members(raw, part) for part in _list(raw, content.get("parts"))]
    if document.member_string(raw, content, "role") == "model":
        objects = (_object(raw, part, "functionCall", "function_call") for part in parts)
        calls = tuple(_call(raw, call) for call in objects if call is not None)
        return Turn(by_model=True, calls=calls, command=None if calls else command_in(raw, content.get("parts"), _TEXT))
    responses = (_object(raw, part, "functionResponse", "function_response") for part in parts)
    results = (_result(raw, response) for response in responses if response is not None)
    return Turn(results=(*results, *said_results(raw, content.get("parts"), _TEXT)))


def _call(raw: bytes, call: Found) -> Call:
    id_, name = document.member_string(raw, call, "id"), document.member_string(raw, call, "name")
    return Call(id_, name, subject.of_object(raw, call.get("args")))


def _result(raw: bytes, response: Found) -> Result:
    id_, name = document.member_string(raw, response, "id"), document.member_string(raw, response, "name")
    return Result(id_, tuple(_texts(raw, response.get("response"))), name)


def _texts(raw: bytes, response: Span | None) -> Iterator[Text]:
    if response is None or not document.is_object(raw, response):
        return
    for part, (key, span) in enumerate(document.members(raw, response).items()):
        yield from text(raw, span, part, is_error=key == "error")


def _said(content: Any) -> Any:
    return content.get("parts") if content.get("role", "user") == "user" else None


def _tools(raw: bytes) -> Tools:
    """Return the declared functions; the next one goes behind those of the last tool that has any."""
    names: set[str] = set()
    slot: Span | None = None
    for tool in _list(raw, document.whole(raw)):
        functions = _list(raw, _either(document.members(raw, tool), "functionDeclarations", "function_declarations"))
        names.update(document.member_string(raw, document.members(raw, place), "name") for place in functions)
        slot = Span(functions[-1].end, functions[-1].end) if functions else slot
    return Tools(frozenset(names), slot)


def _takes_one_more(body: bytes, request: Found) -> bool:
    """Say whether one more function can be declared.

    Of several candidates one might call it and the others not; arguments that come in pieces are not put together.
    """
    config = _object(body, request, "generationConfig", "generation_config") or {}
    count = _either(config, "candidateCount", "candidate_count")
    tool_config = _object(body, request, "toolConfig", "tool_config") or {}
    calling = _object(body, tool_config, "functionCallingConfig", "function_calling_config") or {}
    in_pieces = _either(calling, "streamFunctionCallArguments", "stream_function_call_arguments")
    return (count is None or body[slice(*count)] == b"1") and not document.is_true(body, in_pieces)


def _is_forced(body: bytes, request: Found) -> bool:
    config = _object(body, request, "toolConfig", "tool_config") or {}
    calling = _object(body, config, "functionCallingConfig", "function_calling_config") or {}
    allowed = _list(body, _either(calling, "allowedFunctionNames", "allowed_function_names"))
    return bool(allowed) or document.member_string(body, calling, "mode").upper() == "NONE"
