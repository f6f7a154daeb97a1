"""OpenAI's chat completions, which most other providers speak too: ``POST …/chat/completions``.

Tool results are messages of their own (``role: "tool"``, of old ``"function"``), paired with ``tool_calls`` by id.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from headroom_mitm.segments import Call, Edit, Prompt, Span
from headroom_mitm.wire import document, subject
from headroom_mitm.wire.history import Envelope, History, required, said_results, texts
from headroom_mitm.wire.memo import Memo
from headroom_mitm.wire.observations import command_in
from headroom_mitm.wire.tools import Declarations, Tools, added, is_forced, listed
from headroom_mitm.wire.turn import Result, Turn

_TEXT = frozenset({"text"})
_FRONT = ("tools", "functions")


class OpenAIChat:
    """Reads requests; keeps no state but a memo of messages it has read."""

    name = "openai_chat"

    def __init__(self) -> None:
        self._history = History(Memo(_turn), _said)
        self._tools = Declarations(lambda raw: listed(raw, _tool_names))
        self._functions = Declarations(lambda raw: listed(raw, _function_names))

    def read(self, body: bytes) -> Prompt:
        """Return what stands where in a body; raise ``UnreadableBody`` if that is not exactly known."""
        return self._history.read(body, self._opened)

    def _opened(self, body: bytes) -> tuple[list[Span], Envelope]:
        top = document.members(body, document.whole(body))
        tools = self._tools.at(body, top.get("tools"))
        functions = self._functions.at(body, top.get("functions"))
        envelope = Envelope(
            model=document.member_string(body, top, "model"),
            streamed=document.is_true(body, top.get("stream")),
            forced_tool=is_forced(body, top.get("tool_choice")) or is_forced(body, top.get("function_call")),
            tools=Tools(tools.names | functions.names, tools.slot if _takes_one_more(body, top) else None),
            members=top,
            front=tuple((name, top[name]) for name in _FRONT if name in top),
        )
        return document.items(body, required(top, "messages")), envelope

    def declare(self, prompt: Prompt, name: str, description: str, schema: bytes) -> Edit | None:
        """Return the edit that declares one more tool; None where the client declares none."""
        function = {"name": name, "description": description, "parameters": msgspec.Raw(schema)}
        return added(prompt, name, msgspec.json.encode({"type": "function", "function": function}))


def _takes_one_more(body: bytes, top: dict[str, Span]) -> bool:
    """Say whether one more tool can be declared.

    Of several choices one might call it and the others not; old-style functions do not stand beside tools.
    """
    choices, functions = top.get("n"), top.get("functions")
    return (choices is None or body[slice(*choices)] in (b"1", b"null")) and (
        functions is None or not document.is_list(body, functions)
    )


def _turn(raw: bytes) -> Turn:
    message = document.members(raw, document.whole(raw))
    role = document.member_string(raw, message, "role")
    if role == "assistant":
        calls = tuple(_calls(raw, message))
        return Turn(
            by_model=True, calls=calls, command=None if calls else command_in(raw, message.get("content"), _TEXT)
        )
    if role == "user":
        return Turn(results=said_results(raw, message.get("content"), _TEXT))
    if role == "tool":
        call_id = document.member_string(raw, message, "tool_call_id")
        name = document.member_string(raw, message, "name")
        return Turn(results=(Result(call_id, tuple(texts(raw, message.get("content"), _TEXT)), name),))
    if role == "function":
        name = document.member_string(raw, message, "name")
        return Turn(results=(Result("", tuple(texts(raw, message.get("content"), _TEXT)), name),))
    return Turn(by_system=role in ("system", "developer"))


def _calls(raw: bytes, message: dict[str, Span]) -> Iterator[Call]:
    calls = message.get("tool_calls")
    if calls is not None and document.is_list(raw, calls):
        for item in document.items(raw, calls):
            call = document.members(raw, item)
            yield _call(raw, document.member_string(raw, call, "id"), call.get("function") or call.get("custom"))
    function = message.get("function_call")
    if function is not None and document.is_object(raw, function):
        yield _call(raw, "", function)


def _call(raw: bytes, call_id: str, function: Span | None) -> Call:
    if function is None:
        return Call(call_id, "")
    found = document.members(raw, function)
    arguments = found.get("arguments") or found.get("input")
    return Call(call_id, document.member_string(raw, found, "name"), subject.of_string(raw, arguments))


def _said(message: Any) -> Any:
    if message.get("role") != "user":
        return None
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _tool_names(raw: bytes, place: Span) -> Iterator[str]:
    tool = document.members(raw, place)
    function = tool.get("function") or tool.get("custom")
    if function is not None and document.is_object(raw, function):
        yield from _function_names(raw, function)


def _function_names(raw: bytes, place: Span) -> Iterator[str]:
    yield document.member_string(raw, document.members(raw, place), "name")
