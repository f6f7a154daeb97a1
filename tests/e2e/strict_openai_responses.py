"""OpenAI's Responses over HTTP: refuses what the API refuses, answers as it answers."""

import hashlib
import json
import re
from collections.abc import Iterator

from answers import Answer, Call, Json, Think, compact, demand, demand_known, demand_unique, fields, pieces, sse, words

TOP_LEVEL = fields(
    "background client_metadata context_management conversation include input instructions max_output_tokens "
    "max_tool_calls metadata model parallel_tool_calls previous_response_id prompt prompt_cache_key "
    "prompt_cache_retention reasoning safety_identifier service_tier store stream stream_options temperature text "
    "tool_choice tools top_logprobs top_p truncation user"
)
OUTPUT_OF = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
ITEMS = frozenset({"message", "reasoning", "additional_tools", "compaction", *OUTPUT_OF, *OUTPUT_OF.values()})
ASKS = b"response.create"
"""In a frame that is a request."""
SEALED = "gAAAA-"
KEPT: dict[str, list[Json]] = {}
"""What stands behind an id: the conversation up to that answer."""


def refusal(status: int, message: str) -> Json:
    """An error as the API words it."""
    kind = "invalid_request_error" if status == 400 else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def page(path: str) -> Json | None:
    """The conversation of an answer that is kept, newest first; None where the path names none."""
    match = re.fullmatch(r"/v1/responses/([^/]+)/input_items", path)
    return {"object": "list", "data": KEPT[match[1]][::-1], "has_more": False} if match else None


def check(body: Json) -> None:
    """Raise ``RefusedError`` where the API answers 400."""
    demand_known(body, TOP_LEVEL, "body")
    demand(body.get("model"), "Missing required parameter: 'model'.")
    demand("input" in body, "Missing required parameter: 'input'.")
    items = _conversation(body)
    tools = [*(body.get("tools") or []), *(tool for item in items for tool in item.get("tools") or [])]
    names = [tool.get("name", tool["type"]) for given in tools for tool in given.get("tools", [given])]
    demand(all(re.fullmatch(r"[a-zA-Z0-9_-]{1,128}", name) for name in names), f"Invalid tool name in {names}")
    demand_unique(names, "tool names")
    calls: dict[str, str] = {}
    answered: list[str] = []
    for number, item in enumerate(items):
        where, kind = f"input[{number}]", item.get("type", "message")
        demand(kind in ITEMS, f"Invalid value: {kind!r} in {where}")
        if kind in OUTPUT_OF:
            demand(item.get("name") in names, f"{where}: {item.get('name')} is not declared")
            demand(item.get("call_id") not in calls, f"{where}: duplicate call_id")
            calls[item["call_id"]] = kind
        elif kind in OUTPUT_OF.values():
            called = calls.get(item.get("call_id", ""))
            demand(called and OUTPUT_OF[called] == kind, f"No tool call found for output {item.get('call_id')}")
            demand("output" in item, f"Missing required parameter: '{where}.output'")
            answered.append(item["call_id"])
        elif kind == "reasoning":
            _check_reasoning(where, items, number)
    demand_unique(answered, "answered call ids")
    demand(set(answered) == set(calls), f"No tool output found for {sorted(set(calls) - set(answered))}")


def _conversation(body: Json) -> list[Json]:
    """All items of a request, also of the answers that it goes on from."""
    given = body["input"]
    items = given if isinstance(given, list) else [{"role": "user", "content": given}]
    previous = body.get("previous_response_id")
    demand(not previous or previous in KEPT, f"Previous response with id '{previous}' not found.")
    return [*KEPT.get(previous or "", []), *items]


def _check_reasoning(where: str, items: list[Json], number: int) -> None:
    """A reasoning item comes back sealed as it was, and before what it led to."""
    item = items[number]
    sealed = item.get("encrypted_content")
    demand(sealed in (None, SEALED + str(item.get("id"))), f"{where}: the encrypted content could not be verified")
    demand("status" not in item, f"Unknown parameter: '{where}.status'")
    follower = items[number + 1] if number + 1 < len(items) else {}
    leads_on = follower.get("type") in (*OUTPUT_OF, "reasoning") or follower.get("role") == "assistant"
    demand(leads_on, f"{where}: reasoning without its required following item")


def _items(answer: Answer) -> list[Json]:
    items: list[Json] = []
    for number, block in enumerate(answer.blocks):
        if isinstance(block, Think):
            item: Json = {"id": f"rs_{number}", "type": "reasoning", "encrypted_content": f"{SEALED}rs_{number}"}
            item["summary"] = [{"type": "summary_text", "text": block.text}]
        elif isinstance(block, Call):
            item = {"id": f"fc_{block.id}", "type": "function_call", "status": "completed", "call_id": block.id}
            item |= {"name": block.name, "arguments": compact(block.arguments)}
        else:
            part = {"type": "output_text", "annotations": [], "logprobs": [], "text": block.text}
            item = {"id": f"msg_{number}", "type": "message", "status": "completed", "role": "assistant"}
            item["content"] = [part]
        items.append(item)
    return items


def whole(body: Json, answer: Answer) -> Json:
    """The reply to a request that does not stream."""
    output = _items(answer)
    spent, written = words(body), words(output)
    usage = {
        "input_tokens": spent,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": spent + written,
    }
    response = _response(body, answer)
    if response["store"]:
        KEPT[response["id"]] = [*_conversation(body), *output]
    return {**response, "status": "completed", "output": output, "usage": usage}


def _response(body: Json, answer: Answer) -> Json:
    return {
        "id": "resp_" + hashlib.sha256(compact([body, repr(answer)]).encode()).hexdigest()[:32],
        "object": "response",
        "created_at": 1_767_000_000,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": True,
        "previous_response_id": body.get("previous_response_id"),
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": None,
        "metadata": {},
    }


def events(body: Json, answer: Answer) -> Iterator[bytes]:
    """The reply to a request that streams."""
    yield from (sse(event, event["type"]) for event in _events(body, answer))


def check_frame(body: Json) -> None:
    """Raise ``RefusedError`` where a frame of a WebSocket is refused."""
    check({name: value for name, value in body.items() if name not in ("type", "generate", "stream_id")})


def frames(body: Json, answer: Answer) -> Iterator[bytes]:
    """The reply to a frame. Whatever is not stored is still known to the socket."""
    mark = {"stream_id": body["stream_id"]} if "stream_id" in body else {}
    for event in _events({**body, "store": True}, answer):
        yield json.dumps({**event, **mark}, ensure_ascii=False).encode()


def refused_frame(status: int, message: str) -> bytes:
    """An error as a frame."""
    return json.dumps({"type": "error", "status": status, **refusal(status, message)}).encode()


def _events(body: Json, answer: Answer) -> Iterator[Json]:
    """The last one carries the whole response."""
    started = {"response": _response(body, answer)}
    steps: list[tuple[str, Json]] = [("response.created", started), ("response.in_progress", started)]
    for index, item in enumerate(_items(answer)):
        where = {"item_id": item["id"], "output_index": index}
        empty = {"message": {"content": []}, "function_call": {"arguments": ""}, "reasoning": {"summary": []}}
        added = {**item, **empty[item["type"]]}
        steps.append(("response.output_item.added", {"output_index": index, "item": added}))
        steps += _inside(item, where)
        steps.append(("response.output_item.done", {"output_index": index, "item": item}))
    steps.append(("response.completed", {"response": whole(body, answer)}))
    for number, (name, more) in enumerate(steps):
        yield {"type": name, "sequence_number": number, **more}


def _inside(item: Json, where: Json) -> Iterator[tuple[str, Json]]:
    if item["type"] == "function_call":
        name = "response.function_call_arguments"
        yield from ((f"{name}.delta", {**where, "delta": piece}) for piece in pieces(item["arguments"], 7))
        yield f"{name}.done", {**where, "arguments": item["arguments"], "name": item["name"]}
    elif item["type"] == "message":
        part = item["content"][0]
        where = {**where, "content_index": 0}
        yield "response.content_part.added", {**where, "part": {**part, "text": ""}}
        for piece in pieces(part["text"]):
            yield "response.output_text.delta", {**where, "delta": piece, "logprobs": []}
        yield "response.output_text.done", {**where, "text": part["text"], "logprobs": []}
        yield "response.content_part.done", {**where, "part": part}
