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
from headroom_mitm.wire.reply import Answered
from headroom_mitm.wire.splice import splice
from headroom_mitm.wire.usage import Names

USAGE = Names(
    "promptTokenCount", "totalTokenCount", ("prompt", "cache", "toolUsePrompt"), ("candidates", "thoughts", "response")
)

_RETRYABLE = b'{"error":{"code":503,"message":"The answer could not be completed.","status":"UNAVAILABLE"}}'


def with_turn(body: bytes, tool: str, parts: Sequence[bytes], answers: Sequence[Answered]) -> bytes:
    """Return a request body with one more content of the model, and one with the results of its calls."""
    contents = _contents(body)
    if contents is None or not document.is_list(body, contents):
        raise UnreadableBody("no list of contents")
    user = msgspec.json.encode({"role": "user", "parts": [_result(tool, answer) for answer in answers]})
    end = contents.end - 1
    turn = b',{"role":"model","parts":%s},%s' % (raw_object.listed([*parts]), user)
    return splice(body, [Edit(Span(end, end), turn)])


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
