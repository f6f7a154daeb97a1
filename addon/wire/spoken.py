"""Who says how much in a message, for the ledger: texts by source, in words that fit all four formats.

Nothing is decided by it, so what is not understood counts as said by whoever the message is from. What is encrypted or
binary is no text: files count as one each.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

SYSTEM, TOOLS, USER, ASSISTANT, RESULTS, FILES = "system", "tools", "user", "assistant", "results", "files"
SOURCES = (SYSTEM, TOOLS, USER, ASSISTANT, RESULTS, FILES)

_ROLES = {
    "system": SYSTEM,
    "developer": SYSTEM,
    "assistant": ASSISTANT,
    "model": ASSISTANT,
    "tool": RESULTS,
    "function": RESULTS,
}
_FILES = frozenset({"image", "image_url", "input_image", "input_file", "document", "file", "input_audio", "audio"})
_FILES |= {"inlineData", "inline_data", "fileData", "file_data"}
_TEXTS = {"text": "text", "input_text": "text", "output_text": "text", "summary_text": "text", "thinking": "thinking"}
_TEXTS |= {"reasoning_text": "text", "refusal": "refusal"}
_UNREAD = frozenset({"redacted_thinking", "compaction", "item_reference"})
_UNSAID = frozenset({"id", "call_id", "tool_use_id", "cache_control", "signature", "encrypted_content", "type"})
_UNSAID |= {"status", "thoughtSignature", "role"}
_OUTPUT = "_output"
"""Ends the types of what tools have given back."""
_DEEPEST = 4


class Said(NamedTuple):
    """One text; for a file an empty one."""

    source: str
    text: str


def in_message(raw: bytes) -> Iterator[Said]:
    """Yield what one message, item or content holds, and nothing for what is not JSON."""
    message = _decoded(raw)
    if not isinstance(message, dict):
        return
    kind = message.get("type")
    role = message.get("role")
    source = _ROLES.get(role, USER) if isinstance(role, str) else ASSISTANT
    if isinstance(kind, str) and kind.endswith(_OUTPUT):
        yield from _in(message.get("output"), RESULTS, 0)
    elif role is None and "parts" not in message:
        yield from _in(message, source, 0)
    else:
        for name in ("content", "parts", "reasoning_content"):
            yield from _in(message.get(name), source, 0)
        calls = message.get("tool_calls")
        yield from (Said(source, _spelt(call)) for call in (calls if isinstance(calls, list) else ()))


def in_front(name: str, raw: bytes) -> Iterator[Said]:
    """Yield what stands before the conversation: the tools one by one, or a system prompt."""
    value = _decoded(raw)
    if name == TOOLS or "tool" in name.lower():
        for tool in value if isinstance(value, list) else [value]:
            yield Said(TOOLS, _spelt(tool))
    else:
        yield from _in(value, SYSTEM, 0)


def _in(value: Any, source: str, depth: int) -> Iterator[Said]:
    """Yield the texts of a content: a string, a part, or a list of parts."""
    if value is None or depth > _DEEPEST:
        return
    if isinstance(value, str):
        yield Said(source, value)
    elif isinstance(value, list):
        for part in value:
            yield from _in(part, source, depth + 1)
    elif isinstance(value, dict):
        yield from _part(value, source, depth)
    else:
        yield Said(source, str(value))


def _part(part: Mapping[str, Any], source: str, depth: int) -> Iterator[Said]:
    given = part.get("type")
    kind = given if isinstance(given, str | None) else ""
    if kind in _FILES or not _FILES.isdisjoint(part):
        yield Said(FILES, "")
    elif kind in _TEXTS:
        yield from _in(part.get(_TEXTS[kind]), source, depth + 1)
    elif isinstance(kind, str) and kind.endswith("_result"):
        yield from _in(part.get("content"), RESULTS, depth + 1)
    elif kind == "reasoning":
        yield from _in(part.get("summary"), source, depth + 1)
        yield from _in(part.get("content"), source, depth + 1)
    elif "functionResponse" in part:
        yield Said(RESULTS, _spelt(part["functionResponse"]))
    elif kind is None and "parts" in part:
        yield from _in(part["parts"], source, depth + 1)
    elif kind is None and isinstance(part.get("text"), str):
        yield Said(source, part["text"])
    elif kind is None and part.get("role") and "content" in part:
        yield from _in(part["content"], source, depth + 1)
    elif kind not in _UNREAD:
        yield Said(source, _spelt(part))


def _spelt(value: Any) -> str:
    """Return a call, a declaration or what we do not know as a provider may show it to a model."""
    if isinstance(value, dict):
        inner = value.get("functionCall", value.get("function"))
        value = inner if isinstance(inner, dict) else value
        value = {name: member for name, member in value.items() if name not in _UNSAID}
        name, given = value.get("name"), value.get("input", value.get("args", value.get("arguments")))
        if isinstance(name, str) and given is not None:
            return f"{name}{given if isinstance(given, str) else _json(given)}"
    return _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
