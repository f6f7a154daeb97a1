"""Conversations as agents hold them, in all formats: what is asked, what is made of an answer, what a tool gives."""

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence

from answers import Answer, Call, Json, Say, Think, answer, compact

INSTRUCTIONS = "You are an agent. " * 200
SCHEMA: Json = {"type": "object", "properties": {"command": {"type": "string"}}}
MARKER: Json = {"cache_control": {"type": "ephemeral"}}
NAME = re.compile(r"(?:soak|look)_(\d+)_(\d+)")


class WrongError(Exception):
    """An answer is not what the provider said."""


def named(number: int, turn: int) -> str:
    """Return what stands in a request for what turn of what conversation; the last of them is meant."""
    return f"soak_{number}_{turn}"


def says(number: int, turn: int) -> Answer:
    """What the model answers: it calls a tool once more."""
    name = named(number, turn + 1)
    call = Call(name, "Bash", {"command": f"run {name}"})
    return answer(Think(f"Thoughts on {turn}."), Say(f"Step {turn} of task {number}."), call)


class Talk(ABC):
    """One conversation, that grows by a call and its result a turn."""

    host: str
    path: str
    is_chained = False
    """The provider keeps the conversation; only what is new is sent."""

    def __init__(self, number: int, *, stream: bool) -> None:
        self.number, self.stream = number, stream
        self.turn = 0
        self.messages: list[Json] = self.begun(f"Task {named(number, 0)}. How many rows failed?")

    def take(self, documents: list[Json]) -> None:
        """Read an answer, whole or as its events, and go on from it."""
        messages = self.answered(documents)
        text, wanted = compact(messages), named(self.number, self.turn + 1)
        if f"Step {self.turn} of task {self.number}." not in text or f"run {wanted}" not in text or "look_" in text:
            raise WrongError(text[:300])
        self.messages += messages
        self.turn += 1

    def give(self, text: str) -> None:
        """Add the result of the call."""
        self.messages += [self.result(named(self.number, self.turn), text)]

    def body(self) -> bytes:
        """The request as its client sends it."""
        return json.dumps(self.request(), ensure_ascii=False, separators=(",", ":")).encode()

    @abstractmethod
    def begun(self, asked: str) -> list[Json]:
        """What the user asks."""

    @abstractmethod
    def answered(self, documents: list[Json]) -> list[Json]:
        """What goes back of an answer."""

    @abstractmethod
    def result(self, call: str, text: str) -> Json:
        """What a call brings."""

    @abstractmethod
    def request(self) -> Json:
        """All of it."""


class Anthropic(Talk):
    """The client marks its last turn for the cache."""

    host, path = "api.anthropic.com", "/v1/messages"

    def begun(self, asked: str) -> list[Json]:
        return [{"role": "user", "content": [{"type": "text", "text": asked}]}]

    def answered(self, documents: list[Json]) -> list[Json]:
        if not self.stream:
            return [{"role": "assistant", "content": documents[0]["content"]}]
        blocks: list[Json] = []
        for event in documents:
            if event["type"] == "content_block_start":
                blocks.append(dict(event["content_block"]))
            elif event["type"] == "content_block_delta":
                for name, piece in event["delta"].items():
                    if name != "type":
                        blocks[-1][name] = blocks[-1].get(name, "") + piece
        for block in blocks:
            if "partial_json" in block:
                block["input"] = json.loads(block.pop("partial_json"))
        return [{"role": "assistant", "content": blocks}]

    def result(self, call: str, text: str) -> Json:
        return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call, "content": text}]}

    def request(self) -> Json:
        last = self.messages[-1]
        marked = {**last, "content": [*last["content"][:-1], {**last["content"][-1], **MARKER}]}
        front = {"model": "claude-sonnet-4-5", "max_tokens": 4096, "stream": self.stream}
        system = [{"type": "text", "text": INSTRUCTIONS, **MARKER}]
        tools = [{"name": "Bash", "description": "Run a command.", "input_schema": SCHEMA}]
        return {**front, "system": system, "tools": tools, "messages": [*self.messages[:-1], marked]}


class Chat(Talk):
    """OpenAI's chat completions."""

    host, path = "api.openai.com", "/v1/chat/completions"

    def begun(self, asked: str) -> list[Json]:
        return [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": asked}]

    def answered(self, documents: list[Json]) -> list[Json]:
        choices = [choice for document in documents for choice in document["choices"]]
        deltas = [choice["delta"] if self.stream else choice["message"] for choice in choices]
        calls: list[Json] = []
        for piece in (piece for delta in deltas for piece in delta.get("tool_calls") or ()):
            if "id" in piece:
                function = {"name": piece["function"]["name"], "arguments": ""}
                calls.append({"id": piece["id"], "type": "function", "function": function})
            calls[-1]["function"]["arguments"] += piece["function"].get("arguments") or ""
        text = "".join(delta.get("content") or "" for delta in deltas)
        return [{"role": "assistant", "content": text, "tool_calls": calls}]

    def result(self, call: str, text: str) -> Json:
        return {"role": "tool", "tool_call_id": call, "content": text}

    def request(self) -> Json:
        streamed: Json = {"stream": True, "stream_options": {"include_usage": True}} if self.stream else {}
        tools = [{"type": "function", "function": {"name": "Bash", "parameters": SCHEMA}}]
        return {"model": "gpt-5", "messages": self.messages, "tools": tools, **streamed}


class Responses(Talk):
    """OpenAI's Responses, by a client that keeps the conversation itself."""

    host, path = "api.openai.com", "/v1/responses"

    def begun(self, asked: str) -> list[Json]:
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": asked}]}]

    def answered(self, documents: list[Json]) -> list[Json]:
        response: Json = documents[-1]["response"] if self.stream else documents[0]
        items: list[Json] = response["output"]
        return items

    def result(self, call: str, text: str) -> Json:
        return {"type": "function_call_output", "call_id": call, "output": text}

    def request(self) -> Json:
        tools = [{"type": "function", "name": "Bash", "parameters": SCHEMA}]
        front = {"model": "gpt-5", "instructions": INSTRUCTIONS, "store": self.is_chained, "stream": self.stream}
        return {**front, "input": self.messages, "tools": tools}


class Chained(Responses):
    """Responses that the provider keeps."""

    is_chained = True

    def __init__(self, number: int, *, stream: bool) -> None:
        self.previous: Json = {}
        super().__init__(number, stream=stream)

    def answered(self, documents: list[Json]) -> list[Json]:
        response = documents[-1]["response"] if self.stream else documents[0]
        self.previous = {"previous_response_id": response["id"]}
        items: list[Json] = response["output"]
        return items

    def give(self, text: str) -> None:
        self.messages = [self.result(named(self.number, self.turn), text)]

    def request(self) -> Json:
        return {**super().request(), **self.previous}


class Socket(Chained):
    """Responses over a WebSocket: frames of one connection."""

    def __init__(self, number: int, *, stream: bool) -> None:  # noqa: ARG002  # frames are always a stream
        super().__init__(number, stream=True)

    def request(self) -> Json:
        rest = {name: value for name, value in super().request().items() if name != "stream"}
        return {"type": "response.create", **rest, "store": False}


class Gemini(Talk):
    """generateContent."""

    host = "generativelanguage.googleapis.com"

    def __init__(self, number: int, *, stream: bool) -> None:
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        self.path = f"/v1beta/models/gemini-3-pro:{method}"
        super().__init__(number, stream=stream)

    def begun(self, asked: str) -> list[Json]:
        return [{"role": "user", "parts": [{"text": asked}]}]

    def answered(self, documents: list[Json]) -> list[Json]:
        candidates = [candidate for document in documents for candidate in document["candidates"]]
        return [{"role": "model", "parts": [part for one in candidates for part in one["content"]["parts"]]}]

    def result(self, call: str, text: str) -> Json:
        response = {"id": call, "name": "Bash", "response": {"output": text}}
        return {"role": "user", "parts": [{"functionResponse": response}]}

    def request(self) -> Json:
        front = {"systemInstruction": {"parts": [{"text": INSTRUCTIONS}]}}
        return {"contents": self.messages, **front, "tools": [{"functionDeclarations": [{"name": "Bash"}]}]}


FORMATS: Sequence[type[Talk]] = (Anthropic, Chat, Responses, Chained, Socket, Gemini)
