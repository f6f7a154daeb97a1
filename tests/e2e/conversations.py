"""Requests as agents send them, and tool results of the sizes that cost money."""

import json
from collections.abc import Sequence

from answers import Json

TOOLS: list[Json] = [
    {
        "name": name,
        "description": f"{name} something.",
        "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}},
    }
    for name in ("Bash", "Read")
]


def rows(count: int, *, salt: str = "a") -> str:
    """A JSON result: an array of flat records, indented as tools write it."""
    cities = ("Berlin", "Lyon", "Porto", "Gdańsk")
    records = [
        {
            "id": number,
            "customer": f"customer-{salt}-{number * 7919 % 10_007}",
            "city": cities[number % len(cities)],
            "active": number % 3 == 0,
            "balance": round(number * 1.37, 2),
            "note": None,
        }
        for number in range(count)
    ]
    return json.dumps(records, indent=2, ensure_ascii=False)


def log(count: int, *, salt: str = "a") -> str:
    """A log of a service, with one error among many lines of a few shapes."""
    lines = []
    for number in range(count):
        at = f"2026-03-01T12:{number // 60 % 60:02}:{number % 60:02}.{number * 37 % 1000:03}Z"
        if number == count * 2 // 3:
            lines.append(f"{at} ERROR worker-{salt} payment 4711 failed: card declined")
        elif number % 5:
            lines.append(f"{at} INFO worker-{salt} request {number * 7919} served in {number % 90} ms")
        else:
            lines.append(f"{at} DEBUG worker-{salt} cache hit ratio 0.{number % 100:02} keys={number * 13}")
    return "\n".join(lines)


def measurements(count: int, *, salt: str = "a") -> str:
    """A log of a monitor: but for one error, lines that carry nothing but figures."""
    lines = []
    for number in range(count):
        at = f"2026-03-01T12:{number // 60 % 60:02}:{number % 60:02}.{number * 37 % 1000:03}Z"
        if number == count * 2 // 3:
            lines.append(f"{at} ERROR worker-{salt} payment 4711 failed: card declined")
        elif number % 3:
            lines.append(f"{at} INFO worker-{salt} health check passed in {number * 31 % 90} ms")
        else:
            lines.append(f"{at} DEBUG worker-{salt} cache hit ratio 0.{number % 100:02}, {number * 7 % 50} ms")
    return "\n".join(lines)


def turn(call_id: str, result: str, command: str = "list rows") -> list[Json]:
    """A tool call of the model and its result."""
    call = {"type": "tool_use", "id": call_id, "name": "Bash", "input": {"command": command}}
    return [
        {"role": "assistant", "content": [{"type": "text", "text": "Let me look."}, call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": result}]},
    ]


def history(*results: str) -> list[Json]:
    """A conversation with one call for each result, ids ``toolu_0`` and on."""
    messages: list[Json] = [{"role": "user", "content": "How many rows failed?"}]
    for number, result in enumerate(results):
        messages += turn(f"toolu_{number}", result)
    return messages


def request(messages: Sequence[Json], **fields: object) -> bytes:
    """An Anthropic request as a coding agent writes it: breakpoints on the system prompt and on the last block."""
    marked = json.loads(json.dumps(messages))
    last = marked[-1]
    if isinstance(last["content"], list):
        last["content"][-1]["cache_control"] = {"type": "ephemeral"}
    system = [{"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}}]
    body = {"model": "claude-sonnet-4-5", "max_tokens": 4096, "system": system, "tools": TOOLS, "messages": marked}
    return json.dumps({**body, **fields}, ensure_ascii=False, separators=(",", ":")).encode()


def results_of(body: Json) -> dict[str, str]:
    """The texts of all tool results in an Anthropic request, by call id."""
    blocks = [
        block
        for message in body["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] == "tool_result"
    ]
    return {block["tool_use_id"]: _text(block["content"]) for block in blocks}


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    assert isinstance(content, list)
    return "".join(part["text"] for part in content)
