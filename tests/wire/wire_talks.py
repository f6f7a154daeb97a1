"""Conversations in the four formats, written in every style that JSON allows: what the laws of the formats run on."""

import json
import random
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from headroom_mitm.segments import Prompt
from headroom_mitm.wire import document

Json = dict[str, Any]
BODIES = Path(__file__).parent.parent / "wire_bodies"
MARKER = {"cache_control": {"type": "ephemeral"}}
UNKNOWN = {"x_new": [1.50, -0.0, 12345678901234567890123456789, 1e400, None, {"deep": ["\ud83d", "é", {}]}, []]}


def fixture(wire: str, name: str) -> bytes:
    """Return a body from tests/wire_bodies."""
    return (BODIES / wire / f"{name}.json").read_bytes()


def seen(prompt: Prompt) -> list[tuple[str, str, str]]:
    """Return tool, subject and text of all segments."""
    found = []
    for segment in prompt.segments:
        call = prompt.calls[segment.call_id]
        found.append((call.name, call.subject, document.string(prompt.body, segment.span)))
    return found


@dataclass(frozen=True)
class Round:
    """The model says something and calls tools; each gives back one or more texts."""

    said: str
    results: tuple[tuple[str, ...], ...]
    in_list: bool
    """Results with one text are a list nevertheless, where the format has such."""


@dataclass(frozen=True)
class Talk:
    """A whole conversation. Each message is written in its own style, always the same for the same seed."""

    asked: str
    rounds: tuple[Round, ...]
    seed: int

    def until(self, count: int) -> "Talk":
        """Return the conversation as it was some rounds earlier."""
        return replace(self, rounds=self.rounds[:count])

    def texts(self, *, one_each: bool) -> list[str]:
        """Return all texts of results that are texts: no lone surrogates."""
        of_results = [texts for each in self.rounds for texts in each.results]
        return [text for texts in of_results for text in (texts[:1] if one_each else texts) if _is_text(text)]


def _is_text(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def _joined(text: str) -> str:
    """Return a text in which two halves of a character that stand side by side are one, as JSON has it."""
    return text.encode("utf-16-be", "surrogatepass").decode("utf-16-be", "surrogatepass")


NASTY = (
    *('"', "\\", '\\"', "\\ud800", "{}", "a\x00b", "𝄞", "line 1\nline 2\r\n\t", "\x7f\u2028", "\ud83d", "a\udc00b"),
    '"},{"type":"text","text":"',
)
TEXTS = st.text(st.characters(exclude_categories=()), max_size=24).map(_joined) | st.sampled_from(NASTY)
ROUNDS = st.builds(
    Round, TEXTS, st.lists(st.lists(TEXTS, min_size=1, max_size=3).map(tuple), max_size=3).map(tuple), st.booleans()
)
TALKS = st.builds(Talk, TEXTS, st.lists(ROUNDS, max_size=4).map(tuple), st.integers(0, 2**32))


class Raw(bytes):
    """JSON that is written already."""

    __slots__ = ()


def body(wire: str, talk: Talk) -> bytes:
    """Return the request body that a client would send at the end of this conversation."""
    messages = _MESSAGES[wire](talk)
    if wire == "anthropic_messages":
        messages[-1] = _marked(messages[-1])
    styled = [Raw(written(message, random.Random(f"{talk.seed}-{number}"))) for number, message in enumerate(messages)]
    style = random.Random(talk.seed)
    space = style.choice(["", "\n", " \t\r\n"])
    return (space + written(_ENVELOPES[wire](styled), style).decode("utf-8", "surrogatepass") + space).encode()


def written(value: Any, style: random.Random) -> bytes:
    """Return a value as JSON in some style: white space, order of keys, escapes."""
    space = style.choice([("", ""), ("", " "), ("\n", " "), (" ", "\t"), ("\r\n  ", "  ")])
    return _written(value, style, space).encode("utf-8", "surrogatepass")


def _written(value: Any, style: random.Random, space: tuple[str, str]) -> str:
    before, after = space
    if isinstance(value, Raw):
        return value.decode()
    if isinstance(value, str):
        return _string(value, style)
    if isinstance(value, list):
        inner = f"{before},{after}".join(_written(item, style, space) for item in value)
        return f"[{before}{inner}{after}]"
    if isinstance(value, dict):
        members = list(value.items())
        style.shuffle(members)
        inner = f",{before}".join(f"{_string(k, style)}{before}:{after}{_written(v, style, space)}" for k, v in members)
        return f"{{{before}{inner}{after}}}"
    return "1e400" if value == float("inf") else json.dumps(value)


def _string(text: str, style: random.Random) -> str:
    how = style.randrange(4)
    if how == 0 or not _is_text(text):
        return json.dumps(text)
    if how == 1:
        return json.dumps(text, ensure_ascii=False)
    if how == 2:
        return json.dumps(text).replace("/", "\\/")
    units = text.encode("utf-16-be")
    return '"' + "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2)) + '"'


def _parts(texts: tuple[str, ...], kind: str, *, in_list: bool) -> Any:
    if len(texts) == 1 and not in_list:
        return texts[0]
    return [{"type": kind, "text": text, **UNKNOWN} for text in texts]


def _marked(message: Json) -> Json:
    """Return a message with the client's cache marker on its last block."""
    content = message["content"]
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {**message, "content": [*blocks[:-1], {**blocks[-1], **MARKER}]}


def _anthropic(talk: Talk) -> list[Json]:
    messages: list[Json] = [{"role": "user", "content": talk.asked}]
    for number, each in enumerate(talk.rounds):
        ids = [f"toolu_{number}_{at}" for at in range(len(each.results))]
        calls = [{"type": "tool_use", "id": id_, "name": "Bash", "input": {"command": f"run {id_}"}} for id_ in ids]
        thinking = {"type": "thinking", "thinking": each.said, "signature": "c2ln"}
        messages.append({"role": "assistant", "content": [thinking, {"type": "text", "text": each.said}, *calls]})
        results: list[Json] = [
            {"type": "tool_result", "tool_use_id": id_, "content": _parts(texts, "text", in_list=each.in_list)}
            for id_, texts in zip(ids, each.results, strict=True)
        ]
        messages.append({"role": "user", "content": [*results, {"type": "text", "text": "go on", **UNKNOWN}]})
    return messages


def _chat(talk: Talk) -> list[Json]:
    messages: list[Json] = [{"role": "system", "content": "s"}, {"role": "user", "content": talk.asked}]
    for number, each in enumerate(talk.rounds):
        ids = [f"call_{number}_{at}" for at in range(len(each.results))]
        arguments = json.dumps({"path": "/x"})
        calls = [{"id": id_, "type": "function", "function": {"name": "read", "arguments": arguments}} for id_ in ids]
        messages.append({"role": "assistant", "content": each.said, **({"tool_calls": calls} if calls else {})})
        for id_, texts in zip(ids, each.results, strict=True):
            content = _parts(texts, "text", in_list=each.in_list)
            messages.append({"role": "tool", "tool_call_id": id_, "content": content, **UNKNOWN})
    return messages


def _responses(talk: Talk) -> list[Json]:
    asked = {"type": "input_text", "text": talk.asked}
    items: list[Json] = [{"type": "message", "role": "user", "content": [asked]}]
    for number, each in enumerate(talk.rounds):
        ids = [f"call_{number}_{at}" for at in range(len(each.results))]
        items.append({"type": "reasoning", "id": f"rs_{number}", "summary": [], "encrypted_content": "gAAA"})
        said = {"type": "output_text", "text": each.said}
        items.append({"type": "message", "role": "assistant", "content": [said], **UNKNOWN})
        items += [{"type": "function_call", "call_id": id_, "name": "shell", "arguments": "{}"} for id_ in ids]
        for id_, texts in zip(ids, each.results, strict=True):
            output = _parts(texts, "input_text", in_list=each.in_list)
            items.append({"type": "function_call_output", "call_id": id_, "output": output, **UNKNOWN})
    return items


def _gemini(talk: Talk) -> list[Json]:
    contents: list[Json] = [{"role": "user", "parts": [{"text": talk.asked}]}]
    for each in talk.rounds:
        calls: list[Json] = [
            {"functionCall": {"name": "ls", "args": {"path": f"/{n}"}}} for n in range(len(each.results))
        ]
        contents.append({"role": "model", "parts": [{"text": each.said, **UNKNOWN}, *calls]})
        responses = [
            {"functionResponse": {"name": "ls", "response": {"output": texts[0], "exit_code": 0}, **UNKNOWN}}
            for texts in each.results
        ]
        contents.append({"role": "user", "parts": responses or [{"text": "go on"}]})
    return contents


_SCHEMA = {"type": "object", "properties": {}}
_MESSAGES = {
    "anthropic_messages": _anthropic,
    "openai_chat": _chat,
    "openai_responses": _responses,
    "gemini_generate": _gemini,
}
_ENVELOPES = {
    "anthropic_messages": lambda messages: {
        "model": "claude",
        "max_tokens": 10,
        "stream": True,
        "system": [{"type": "text", "text": "s", **MARKER}],
        "messages": messages,
        "tools": [{"name": "Bash", "input_schema": _SCHEMA}, {"name": "Read", "input_schema": _SCHEMA}],
        **UNKNOWN,
    },
    "openai_chat": lambda messages: {
        "model": "gpt",
        "stream": True,
        "messages": messages,
        "tools": [{"type": "function", "function": {"name": "read", "parameters": _SCHEMA}}],
        **UNKNOWN,
    },
    "openai_responses": lambda items: {
        "model": "gpt",
        "stream": True,
        "input": items,
        "tools": [{"type": "function", "name": "shell", "parameters": _SCHEMA}],
        **UNKNOWN,
    },
    "gemini_generate": lambda contents: {
        "contents": contents,
        "tools": [{"functionDeclarations": [{"name": "ls", "parameters": _SCHEMA}]}, {"googleSearch": {}}],
        **UNKNOWN,
    },
}
