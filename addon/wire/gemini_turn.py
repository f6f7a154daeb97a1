"""A turn of a Gemini model, put back into a request as it came, with what its calls brought.

Parts go back as the very bytes that came: some are signed, and none may be merged or split. Source: ai.google.dev,
"Thought signatures".
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import document, raw_object
from headroom_mitm.wire.reply import Answered, HiddenCall
from headroom_mitm.wire.retelling import Round, Untold
from headroom_mitm.wire.splice import splice
from headroom_mitm.wire.usage import Names

USAGE = Names(
    "promptTokenCount", "totalTokenCount", ("prompt", "cache", "toolUsePrompt"), ("candidates", "thoughts", "response")
)

_RETRYABLE = b'{"error":{"code":503,"message":"The answer could not be completed.","status":"UNAVAILABLE"}}'


def told(parts: Sequence[bytes], tool: str, answers: Sequence[Answered]) -> Round:
    """Return a leg: its parts, and those that bring what our calls asked for; without these our calls are left out."""
    kept = [(raw, name_called(raw_object.of(raw)) == tool) for raw in raw_object.sendable(parts)]
    kept = [(raw, is_ours) for raw, is_ours in kept if answers or not is_ours]
    hidden = tuple(number for number, (_, is_ours) in enumerate(kept) if is_ours)
    results = (msgspec.json.encode(_result(tool, answer)) for answer in answers)
    return Round(tuple(raw for raw, _ in kept), hidden, tuple(results))


def untold(rounds: Sequence[Round], parts: Sequence[bytes], tool: str, calls: Sequence[HiddenCall]) -> Untold:
    """Return what the client has not seen; ``calls`` are those of our tool in a last leg that calls the client, too."""
    return Untold(tuple(rounds), tuple(calls), lambda answers: told(parts, tool, answers))


def contents_of(turn: Round) -> bytes:
    """Return a leg that calls us as a request carries it: the model's content and the results, with a comma between."""
    model, user = raw_object.listed([*turn.blocks]), raw_object.listed([*turn.results])
    return b'{"role":"model","parts":%s},{"role":"user","parts":%s}' % (model, user)


def with_turn(body: bytes, turn: Round) -> bytes:
    """Return a request body with one more content of the model, and one with the results of its calls."""
    contents = _contents(body)
    if contents is None or not document.is_list(body, contents):
        raise UnreadableBody("no list of contents")
    end = contents.end - 1
    return splice(body, [Edit(Span(end, end), b"," + contents_of(turn))])


def name_called(part: dict[str, bytes]) -> str:
    """Return the name of the function that a part calls; empty for none."""
    call = part.get("functionCall", b"")
    return raw_object.string(raw_object.of(call), "name") if call.startswith(b"{") else ""


def is_taken_back(part: dict[str, bytes]) -> bool:
    """Say whether a part may be sent back: an empty text may not, unless it carries a signature."""
    return part.get("text") != b'""' or "thoughtSignature" in part


def error_document(raw: bytes) -> bytes:
    """Return an error document on one line: the provider's own if it sent one, else one that is worth a retry."""
    try:
        found = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return _RETRYABLE
    if isinstance(found, list) and found:
        found = found[0]  # the form of a stream that has no events
    return msgspec.json.encode(found) if isinstance(found, dict) and found.get("error") else _RETRYABLE


def _contents(body: bytes) -> Span | None:
    top = document.members(body, document.whole(body))
    if "contents" not in top and "request" in top:
        top = document.members(body, top["request"])
    return top.get("contents")


def _result(tool: str, answer: Answered) -> dict[str, Any]:
    response = {"name": tool, "response": {"error" if answer.is_error else "output": answer.text}}
    return {"functionResponse": {"id": answer.call.id, **response} if answer.call.id else response}
