"""Gemini's generateContent: refuses what the API refuses, answers as it answers."""

import json
import re
from collections.abc import Iterator

from answers import Answer, Call, Json, Say, Think, demand, demand_known, demand_unique, fields, pieces, sse, words

TOP_LEVEL = fields(
    "contents systemInstruction system_instruction tools toolConfig tool_config generationConfig generation_config "
    "safetySettings safety_settings cachedContent model labels"
)
SIGNED = "c2lnbmVk"


def refusal(status: int, message: str) -> Json:
    """An error as the API words it."""
    kind = "INVALID_ARGUMENT" if status == 400 else "UNAVAILABLE"
    return {"error": {"code": status, "message": message, "status": kind}}


def check(body: Json) -> None:
    """Raise ``RefusedError`` where the API answers 400."""
    demand_known(body, TOP_LEVEL, "body")
    demand(body.get("contents"), "contents is not specified")
    names = [
        function.get("name", "")
        for tool in body.get("tools") or []
        for function in tool.get("functionDeclarations") or tool.get("function_declarations") or []
    ]
    demand(all(re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}", name) for name in names), "Invalid function name")
    demand_unique(names, "function names")
    called: list[str] | None = None
    for number, content in enumerate(body["contents"]):
        where, parts = f"contents[{number}]", content.get("parts")
        demand(content.get("role", "user") in ("user", "model", "function"), f"{where}: bad role")
        demand(parts, f"{where}.parts must not be empty")
        answered = [part["functionResponse"]["name"] for part in parts if "functionResponse" in part]
        demand(bool(answered) == (called is not None), f"{where}: function responses must follow their calls")
        demand(sorted(answered) == sorted(called or []), f"{where}: responses {answered} for calls {called}")
        calls = [part for part in parts if "functionCall" in part]
        undeclared = {part["functionCall"]["name"] for part in calls} - set(names)
        demand(not undeclared, f"{where}: undeclared {sorted(undeclared)}")
        demand(not calls or calls[0].get("thoughtSignature") == SIGNED, f"{where}: missing a thought_signature")
        called = [part["functionCall"]["name"] for part in calls] or None


def _parts(answer: Answer) -> list[Json]:
    parts: list[Json] = []
    signed = False
    for block in answer.blocks:
        if isinstance(block, Call):
            part: Json = {"functionCall": {"id": block.id, "name": block.name, "args": block.arguments}}
            parts.append(part if signed else {**part, "thoughtSignature": SIGNED})
            signed = True
        elif isinstance(block, Say):
            parts += [{"text": piece} for piece in pieces(block.text)]
        elif isinstance(block, Think):
            parts.append({"text": block.text, "thought": True})
    return parts


def _chunk(body: Json, parts: list[Json], *, last: bool) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if last:
        candidate["finishReason"] = "STOP"
    spent, written = words(body), words(parts)
    usage = {"promptTokenCount": spent, "candidatesTokenCount": written, "totalTokenCount": spent + written}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-3-pro", "responseId": "r1"}


def whole(body: Json, answer: Answer) -> Json:
    """The reply to a request that does not stream."""
    return _chunk(body, _parts(answer), last=True)


def events(body: Json, answer: Answer) -> Iterator[bytes]:
    """The reply to a request that streams: a part a chunk, lines ending in CRLF."""
    for chunk in _chunks(body, answer):
        yield sse(chunk, end="\r\n")


def items(body: Json, answer: Answer) -> Iterator[bytes]:
    """The reply to a request that streams but does not ask for events: a JSON array, an item a chunk."""
    for number, chunk in enumerate(_chunks(body, answer)):
        yield (b",\r\n" if number else b"[") + json.dumps(chunk, indent=2).encode()
    yield b"\r\n]\r\n"


def _chunks(body: Json, answer: Answer) -> list[Json]:
    parts = _parts(answer)
    return [_chunk(body, [part], last=number == len(parts) - 1) for number, part in enumerate(parts)]
