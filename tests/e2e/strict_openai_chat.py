"""OpenAI's chat completions: refuses what the API refuses, answers as it answers."""

import re
from collections.abc import Iterator

from answers import Answer, Call, Json, Say, compact, demand, demand_known, demand_unique, fields, pieces, sse, words

TOP_LEVEL = fields(
    "messages model audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens "
    "max_tokens metadata modalities n parallel_tool_calls prediction presence_penalty prompt_cache_key "
    "prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier stop store stream "
    "stream_options temperature tool_choice tools top_logprobs top_p user verbosity web_search_options"
)
MESSAGE = {
    "developer": frozenset(),
    "system": frozenset(),
    "user": frozenset(),
    "assistant": frozenset({"tool_calls", "refusal", "audio", "annotations"}),
    "tool": frozenset({"tool_call_id"}),
}
ALWAYS = frozenset({"role", "content", "name"})


def refusal(status: int, message: str) -> Json:
    """An error as the API words it."""
    kind = "invalid_request_error" if status == 400 else "server_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def check(body: Json) -> None:
    """Raise ``RefusedError`` where the API answers 400."""
    demand_known(body, TOP_LEVEL, "body")
    demand(body.get("model"), "you must provide a model parameter")
    demand(body.get("messages"), "Missing required parameter: 'messages'.")
    demand(body.get("tools") != [], "Invalid 'tools': empty array.")
    names = [tool.get("function", {}).get("name", "") for tool in body.get("tools") or []]
    demand(all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names), f"Invalid tool name in {names}")
    demand_unique(names, "tool names")
    pending: list[str] = []
    seen: list[str] = []
    for number, message in enumerate(body["messages"]):
        where, role = f"messages[{number}]", message.get("role")
        demand(role in MESSAGE, f"Invalid value: {role!r} in {where}")
        demand_known(message, ALWAYS | MESSAGE[role], where)
        if role == "tool":
            demand(message.get("tool_call_id") in pending, f"{where}: no call for {message.get('tool_call_id')}")
            demand(message.get("content") is not None, f"{where}: content is missing")
            pending.remove(message["tool_call_id"])
            continue
        demand(not pending, f"tool_call_ids did not have response messages: {pending}")
        calls = message.get("tool_calls") or []
        demand(message.get("tool_calls") != [], f"{where}: empty array 'tool_calls'")
        demand(calls or message.get("content") is not None, f"{where}: content is null")
        for call in calls:
            demand(isinstance(call["function"]["arguments"], str), f"{where}: arguments must be a string")
            demand(call["function"]["name"] in names, f"{where}: {call['function']['name']} is not declared")
        pending = [call["id"] for call in calls]
        seen += pending
    demand(not pending, f"tool_call_ids did not have response messages: {pending}")
    demand_unique(seen, "tool call ids")


def _message(answer: Answer) -> Json:
    text = "".join(block.text for block in answer.blocks if isinstance(block, Say))
    calls = [
        {"id": block.id, "type": "function", "function": {"name": block.name, "arguments": compact(block.arguments)}}
        for block in answer.blocks
        if isinstance(block, Call)
    ]
    message: Json = {"role": "assistant", "content": text or None, "refusal": None}
    return {**message, "tool_calls": calls} if calls else message


def _usage(body: Json, message: Json) -> Json:
    prompt, completion = words(body), words(message)
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def whole(body: Json, answer: Answer) -> Json:
    """The reply to a request that does not stream."""
    message = _message(answer)
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
    return {**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(body, message)}


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.calls else "stop"


def _head(body: Json, kind: str) -> Json:
    return {"id": "chatcmpl-1", "object": kind, "created": 1_767_000_000, "model": body["model"]}


def events(body: Json, answer: Answer) -> Iterator[bytes]:
    """The reply to a request that streams. There is a usage only if the client asked for it."""
    message = _message(answer)
    wants_usage = (body.get("stream_options") or {}).get("include_usage")
    head = _head(body, "chat.completion.chunk")

    def chunk(delta: Json, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse({**head, "choices": [choice], **({"usage": None} if wants_usage else {})})

    yield chunk({"role": "assistant", "content": "", "refusal": None})
    if message["content"]:
        yield from (chunk({"content": piece}) for piece in pieces(message["content"]))
    for index, call in enumerate(message.get("tool_calls", ())):
        function = {"name": call["function"]["name"], "arguments": ""}
        yield chunk({"tool_calls": [{**call, "index": index, "function": function}]})
        for piece in pieces(call["function"]["arguments"], 7):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, _finish(answer))
    if wants_usage:
        yield sse({**head, "choices": [], "usage": _usage(body, message)})
    yield b"data: [DONE]\n\n"
