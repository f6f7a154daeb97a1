"""Added latency against the length of a conversation, beside plain mitmdump: each time one new result of 5 KB.

Conversations are those of agents: calls and results of 5 KB in turn: rows as JSON, logs, files, words in which nothing
repeats. Both proxies get the same bodies in turn; the figures are medians of one run. What is computed more (a mean) is
told apart, since time is also spent waiting where a machine has other things to do.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "e2e"))

from answers import Json
from client import Client
from conversations import log, rows
from provider import Provider
from proxy import ADDON, Mitmdump, running

RESULT = 5_000
"""Bytes of one result."""
LENGTHS = (50_000, 200_000, 500_000, 1_000_000, 2_000_000)
AT_ONCE = 20
"""Results in a turn while a conversation is made longer, before it is measured."""
TURNS = 10
"""That are measured in a row."""
SETTLED = 2.0
"""Seconds after which a conversation that was made long is known."""
PER_ROW, PER_LINE = 140, 71  # bytes of ``rows`` and ``log``
WORDS = [f"{number * 7919 % 100_003:x}" for number in range(5_000)]
SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}}
INSTRUCTIONS = "You are an agent. " * 200


def code(choose: random.Random) -> str:
    """A file as agents read it: numbered lines."""
    names = choose.choices(WORDS, k=3 * (RESULT // 60))
    lines = (
        f"    value_{a} = self.read(item_{b}, limit={c!r})  # see {a}"
        for a, b, c in zip(*[iter(names)] * 3, strict=True)
    )
    return "\n".join(f"{number:6}\t{line}" for number, line in enumerate(lines, 1))


def result(number: int, salt: str) -> str:
    """The result of a call: rows, a log, a file, words in which nothing repeats."""
    choose = random.Random(f"{salt}-{number}")
    if number % 4 == 0:
        return rows(RESULT // PER_ROW, salt=f"{salt}-{number}")
    if number % 4 == 1:
        return log(RESULT // PER_LINE, salt=f"{salt}-{number}")
    return code(choose) if number % 4 == 2 else " ".join(choose.choices(WORDS, k=RESULT // 6))


class Conversation(ABC):
    """One that grows, in one format."""

    host: str
    path: str

    def __init__(self, salt: str) -> None:
        self.salt = salt
        self.calls = 0
        self.messages: list[Json] = self.begun(f"Task {salt}. How many rows failed?")

    def grow(self, count: int) -> None:
        """The model calls a tool so many times at once, and gets results."""
        numbers = range(self.calls, self.calls + count)
        results = {f"call_{self.salt}_{number}": result(number, self.salt) for number in numbers}
        self.calls += count
        self.messages += self.turn(results)

    def body(self) -> bytes:
        """The request as its client sends it."""
        return json.dumps(self.request(), ensure_ascii=False, separators=(",", ":")).encode()

    @abstractmethod
    def begun(self, asked: str) -> list[Json]:
        """What the user asks."""

    @abstractmethod
    def turn(self, results: dict[str, str]) -> list[Json]:
        """Calls by id, and what they bring."""

    @abstractmethod
    def request(self) -> Json:
        """All of it."""


class Anthropic(Conversation):
    """The client marks its last two turns for the cache, as most do."""

    host, path = "api.anthropic.com", "/v1/messages"

    def begun(self, asked: str) -> list[Json]:
        return [{"role": "user", "content": [{"type": "text", "text": asked}]}]

    def turn(self, results: dict[str, str]) -> list[Json]:
        calls = [{"type": "tool_use", "id": id_, "name": "Bash", "input": {"command": f"run {id_}"}} for id_ in results]
        texts = [{"type": "tool_result", "tool_use_id": id_, "content": text} for id_, text in results.items()]
        return [{"role": "assistant", "content": calls}, {"role": "user", "content": texts}]

    def request(self) -> Json:
        marker = {"cache_control": {"type": "ephemeral"}}
        marked = {number for number in (len(self.messages) - 3, len(self.messages) - 1) if number >= 0}
        messages = [
            {**message, "content": [*message["content"][:-1], {**message["content"][-1], **marker}]}
            if number in marked
            else message
            for number, message in enumerate(self.messages)
        ]
        system = [{"type": "text", "text": INSTRUCTIONS, **marker}]
        tools = [{"name": "Bash", "description": "Run a command.", "input_schema": SCHEMA}]
        return {"model": "claude-sonnet-4-5", "max_tokens": 9, "messages": messages, "system": system, "tools": tools}


class Chat(Conversation):
    """OpenAI's chat completions."""

    host, path = "api.openai.com", "/v1/chat/completions"

    def begun(self, asked: str) -> list[Json]:
        return [{"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": asked}]

    def turn(self, results: dict[str, str]) -> list[Json]:
        functions = {id_: {"name": "Bash", "arguments": json.dumps({"command": f"run {id_}"})} for id_ in results}
        calls = [{"id": id_, "type": "function", "function": function} for id_, function in functions.items()]
        said = {"role": "assistant", "content": None, "tool_calls": calls}
        return [said, *({"role": "tool", "tool_call_id": id_, "content": text} for id_, text in results.items())]

    def request(self) -> Json:
        tools = [{"type": "function", "function": {"name": "Bash", "parameters": SCHEMA}}]
        return {"model": "gpt-5", "messages": self.messages, "tools": tools}


class Responses(Conversation):
    """OpenAI's Responses, by a client that keeps the conversation itself."""

    host, path = "api.openai.com", "/v1/responses"

    def begun(self, asked: str) -> list[Json]:
        return [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": asked}]}]

    def turn(self, results: dict[str, str]) -> list[Json]:
        given = {id_: json.dumps({"command": f"run {id_}"}) for id_ in results}
        calls = ({"type": "function_call", "call_id": id_, "name": "Bash", "arguments": given[id_]} for id_ in results)
        outputs = ({"type": "function_call_output", "call_id": id_, "output": text} for id_, text in results.items())
        return [*calls, *outputs]

    def request(self) -> Json:
        tools = [{"type": "function", "name": "Bash", "parameters": SCHEMA}]
        front = {"model": "gpt-5", "instructions": INSTRUCTIONS, "store": False}
        return {**front, "input": self.messages, "tools": tools}


class Gemini(Conversation):
    """generateContent, without ids."""

    host, path = "generativelanguage.googleapis.com", "/v1beta/models/gemini-2.5-pro:generateContent"

    def begun(self, asked: str) -> list[Json]:
        return [{"role": "user", "parts": [{"text": asked}]}]

    def turn(self, results: dict[str, str]) -> list[Json]:
        functions = [{"name": "Bash", "args": {"command": f"run {id_}"}} for id_ in results]
        calls = [{"functionCall": function, "thoughtSignature": "c2lnbmVk"} for function in functions]
        texts = [{"functionResponse": {"name": "Bash", "response": {"output": text}}} for text in results.values()]
        return [{"role": "model", "parts": calls}, {"role": "user", "parts": texts}]

    def request(self) -> Json:
        front = {"systemInstruction": {"parts": [{"text": INSTRUCTIONS}]}}
        return {"contents": self.messages, **front, "tools": [{"functionDeclarations": [{"name": "Bash"}]}]}


FORMATS: dict[str, type[Conversation]] = {
    "anthropic_messages": Anthropic,
    "openai_chat": Chat,
    "openai_responses": Responses,
    "gemini_generate": Gemini,
}


def milliseconds(provider: Provider, client: Client, path: str, body: bytes) -> float:
    """How long one request takes to the provider."""
    provider.received.clear()
    began = time.perf_counter()
    client.post(path, body)
    return (provider.received[0].at - began) * 1000


def measure(
    provider: Provider, clients: Sequence[Client], conversation: Conversation, count: int, pause: float = 0.0
) -> list[list[float]]:
    """Send the next turns of a conversation through each proxy in turn, and return what they take in each."""
    times: list[list[float]] = [[] for _ in clients]
    for number in range(count):
        body = conversation.body()
        for which in (0, 1) if number % 2 else (1, 0):
            time.sleep(pause)  # before each: the second of two would find the machine awake
            times[which].append(milliseconds(provider, clients[which], conversation.path, body))
        if provider.refused:
            raise SystemExit(f"refused: {provider.refused[0]}")
        conversation.grow(1)
    return times


def row(provider: Provider, proxies: Sequence[Mitmdump], name: str, length: int, count: int, pause: float) -> str:
    """One line of the table: new conversations, made long and measured for ten turns each."""
    kind = FORMATS[name]
    clients = [Client(proxy, kind.host) for proxy in proxies]
    times: list[list[float]] = [[] for _ in clients]
    cpu = [0.0, 0.0]
    for salt in range(0, count, TURNS):
        conversation = kind(f"{name}{length}{salt}")
        measure(provider, clients, conversation, 1)
        while (lacking := length // RESULT - conversation.calls - TURNS // 2) > 0:
            conversation.grow(min(AT_ONCE, lacking))
            measure(provider, clients, conversation, 1)
        time.sleep(SETTLED if pause else 0.0)
        before = [proxy.cpu_milliseconds for proxy in proxies]
        for which, found in enumerate(measure(provider, clients, conversation, TURNS, pause)):
            times[which] += found
            cpu[which] += proxies[which].cpu_milliseconds - before[which]
    for client in clients:
        client.close()
    plain, ours = (statistics.median(found) for found in times)
    slowest = statistics.quantiles(times[1], n=20)[-1]
    computed = (cpu[1] - cpu[0]) / len(times[0])
    cells = f"{plain:8.1f} {ours:8.1f} {ours - plain:8.1f} {slowest:8.1f} {computed:9.1f}"
    return f"{name:20} {length // 1000:6} KB {cells}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="requests per length and proxy, in tens")
    parser.add_argument(
        "--pause",
        type=float,
        default=0.3,
        help="seconds before each request: an agent waits for the model and for its tools, and what is still done for "
        "the request before is not in the way of the next; 0: each follows at once",
    )
    parser.add_argument("--format", action="append", choices=FORMATS, help="of requests; all of them without")
    parser.add_argument("--length", action="append", type=int, help="of the conversation's results, in bytes")
    parser.add_argument("--set", action="append", default=[], metavar="OPTION=VALUE", help="an option of the addon")
    chosen = parser.parse_args()
    options = dict(option.split("=", 1) for option in chosen.set)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(Provider().running())
        proxies = [
            stack.enter_context(
                running(Mitmdump(folder / name, folder / "confdir", provider.port, scripts, values), show_log=False)
            )
            for name, scripts, values in (("plain", (), {}), ("ours", (ADDON,), options))
        ]
        heads = ("plain", "ours", "added", "ours p95", "added CPU")
        print(f"{'milliseconds, medians':30}", *(f"{head:>8}" for head in heads))
        for name in chosen.format or FORMATS:
            for length in chosen.length or LENGTHS:
                print(row(provider, proxies, name, length, chosen.count, chosen.pause), flush=True)


if __name__ == "__main__":
    main()
