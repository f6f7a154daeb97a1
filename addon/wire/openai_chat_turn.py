"""A turn of a chat model, put together from its pieces and put back into a request.

All members that a server sends with its message go back with it, those it only invented too. Within a turn that calls
tools, reasoning is part of the history: DeepSeek and Moonshot refuse the request where ``reasoning_content`` is
missing, even an empty one; OpenRouter wants ``reasoning_details`` in their order, Gemini its signatures
(``extra_content`` of a call), Copilot its ``reasoning_opaque``. What servers send, their own SDKs send back.
Sources: api-docs.deepseek.com, "Thinking mode"; openrouter.ai/docs, "Reasoning tokens"; the OpenAI API reference.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document, raw_object
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.retelling import Round, Untold
from headroom_mitm.wire.splice import splice
from headroom_mitm.wire.usage import Names

Json = dict[str, Any]

# ``cost`` is OpenRouter's, and is what the user pays.
USAGE = Names("prompt_tokens", "total_tokens", ("prompt_", "cached_tokens"), ("completion_", "cost"))
GOES_ON = ("tool_calls", "stop")
"""Reasons to stop with which calls are whole; some servers say ``stop``. Any other is the client's to deal with."""
BREAK = "\n\n"
"""Between the texts of two legs, where neither has white space: they were two messages."""

_RETRYABLE = (
    b'{"error":{"message":"The answer could not be completed.","type":"server_error","param":null,"code":null}}'
)
# Strings that some servers say again with each piece.
_REPEATED = frozenset({"role", "type", "id", "name", "format"})
_NOT_TAKEN_BACK = frozenset({"function_call", "index"})
# What pieces that are not as documented raise when they are put together.
_NOT_AS_DOCUMENTED = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def merged(first: Any, second: Any, name: str = "") -> Any:
    """Return what two pieces of a message make: texts are joined, objects merged, items of lists found by number."""
    if second is None:
        return first
    if isinstance(first, str) and isinstance(second, str):
        return first if name in _REPEATED and second == first else first + second
    if isinstance(first, dict) and isinstance(second, dict):
        return {**first, **{key: merged(first.get(key), value, key) for key, value in second.items()}}
    if isinstance(first, list) and isinstance(second, list):
        return _merged_lists(first, second)
    return second


def message_of(pieces: Iterable[bytes]) -> Json:
    """Return the message that deltas make, or whole messages that are parts of one, as a request takes it.

    Raises ``UnreadableBody`` where they are not as documented. The standard library reads the JSON, for it takes half
    an emoji: the other half may come with the next piece.
    """
    whole: Json = {"role": "assistant", "content": None}
    try:
        for piece in pieces:
            whole = merged(whole, json.loads(piece))
        calls = [_taken_back(call) for call in whole.get("tool_calls") or ()]
    except _NOT_AS_DOCUMENTED as error:
        raise UnreadableBody(f"pieces that do not make a message: {error!r}") from None
    kept = {name: value for name, value in whole.items() if name == "content" or value is not None}
    if isinstance(kept.get("audio"), dict):
        kept["audio"] = {"id": kept["audio"].get("id")}  # the server has the sound
    return {name: value for name, value in kept.items() if name not in _NOT_TAKEN_BACK} | {"tool_calls": calls}


def hidden_calls(message: Json, tool: str) -> list[HiddenCall]:
    """Return the calls of our tool in a message."""
    return [
        HiddenCall(str(call.get("id") or ""), _arguments(call["function"]["arguments"]))
        for call in message["tool_calls"]
        if _is_of(call, tool)
    ]


def told(message: Json, tool: str, answers: Sequence[Answered]) -> Round:
    """Return a leg: its message without calls, the calls, what ours brought; without that they are left out."""
    calls = [call for call in message["tool_calls"] if answers or not _is_of(call, tool)]
    spoken = {name: value for name, value in message.items() if name != "tool_calls"}
    results = ({"role": "tool", "tool_call_id": answer.call.id, "content": answer.text} for answer in answers)
    hidden = tuple(number for number, call in enumerate(calls, 1) if _is_of(call, tool))
    return Round(tuple(map(dumped, (spoken, *calls))), hidden, tuple(map(dumped, results)))


def untold(rounds: Sequence[Round], message: Json, tool: str, *, is_open: bool) -> Untold:
    """Return what the client has not seen; ``message`` is the last leg's, ``is_open`` says that it calls us, too."""
    calls = tuple(hidden_calls(message, tool)) if is_open else ()
    return Untold(tuple(rounds), calls, lambda answers: told(message, tool, answers))


def messages_of(turn: Round) -> bytes:
    """Return a leg that calls us as a request carries it: the model's message and the results, with commas between."""
    spoken, *calls = turn.blocks
    message = b'%s,"tool_calls":[%s]}' % (spoken[:-1], b",".join(calls))
    return b",".join((message, *turn.results))


def with_turn(body: bytes, turn: Round) -> bytes:
    """Return a request body with one more message of the model, and the results of its calls."""
    messages = document.members(body, document.whole(body)).get("messages")
    if messages is None or not document.is_list(body, messages):
        raise UnreadableBody("no list of messages")
    end = messages.end - 1
    return splice(body, [Edit(Span(end, end), b"," + messages_of(turn))])


def shifted(raw: bytes, by: int) -> tuple[bytes, int]:
    """Return a list with the numbers of its items raised, and the first number that is free behind them."""
    found = [raw_object.of(item) for item in raw_object.items(raw)]
    free = by
    for item in found:
        if item.get("index", b"").isdigit():
            number = int(item["index"]) + by
            item["index"], free = b"%d" % number, max(free, number + 1)
    return (raw_object.listed([raw_object.written(item) for item in found]) if by else raw), free


def cited_behind(raw: bytes, by: int) -> bytes:
    """Return annotations with the places in the text that they speak of, so many characters further on."""
    try:
        found = json.loads(raw) if by else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        return raw
    for note in found:
        cited = note.get("url_citation") if isinstance(note, dict) else None
        if isinstance(cited, dict):
            places = {
                name: cited[name] + by for name in ("start_index", "end_index") if isinstance(cited.get(name), int)
            }
            cited.update(places)
    return dumped(found)


def characters(text: bytes) -> int:
    """Return how long a text is; 0 for what is none."""
    try:
        return len(json.loads(text)) if text.startswith(b'"') else 0
    except ValueError:  # half a character, in bytes
        return 0


def needs_break(before: bytes, text: bytes) -> bool:
    """Say whether two texts, as JSON strings, would run into each other."""
    if raw_object.EMPTY.intersection((before, text)) or not (before.startswith(b'"') and text.startswith(b'"')):
        return False
    return not (before[:-1].endswith((b" ", b"\\n", b"\\t")) or text[1:].startswith((b" ", b"\\n", b"\\t")))


def error_document(raw: bytes) -> bytes:
    """Return an error document: the provider's own if it sent one, else one that is worth a retry."""
    return error_said(raw) or _RETRYABLE


def error_said(raw: bytes) -> bytes:
    """Return the provider's own error document on one line; empty where it sent none."""
    try:
        found = msgspec.json.decode(raw, type=Json)
    except (ValueError, RecursionError):
        return b""
    return msgspec.json.encode(found) if found.get("error") else b""


def dumped(value: Any) -> bytes:
    """Return JSON in which half an emoji is still half an emoji."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")


def _arguments(given: Any) -> bytes:
    """Return arguments as JSON; a few servers write an object instead of a text."""
    return given.encode("utf-8", "replace") if isinstance(given, str) else dumped(given)


def _is_of(call: Json, tool: str) -> bool:
    return bool(call.get("function", {}).get("name") == tool)


def _merged_lists(first: list[Any], second: list[Any]) -> list[Any]:
    found = list(first)
    for item in second:
        at = next((at for at, known in enumerate(found) if _is_same(known, item)), None)
        if at is None:
            found.append(item)
        else:
            found[at] = merged(found[at], item)
    return found


def _is_same(first: Any, second: Any) -> bool:
    """Say whether two items of lists are pieces of one: some servers give all calls of a message the same number."""
    if not (isinstance(first, dict) and isinstance(second, dict)) or not isinstance(second.get("index"), int):
        return False
    is_other = any(first.get(name) and second.get(name) and first[name] != second[name] for name in ("id", "type"))
    return bool(first.get("index") == second["index"]) and not is_other


def _taken_back(call: Json) -> Json:
    """Return a call as a request takes it."""
    if "custom" in call and "function" not in call:
        return {"type": "custom", **{name: value for name, value in call.items() if name != "index"}}
    function = {**call["function"], "arguments": call["function"].get("arguments") or ""}
    return {
        "type": "function",
        **{name: value for name, value in call.items() if name != "index"},
        "function": function,
    }
