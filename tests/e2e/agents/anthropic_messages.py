"""An agent on Anthropic's SDK: agent.py STREAM RESULT_FILE. Tool calls get the file's text; prints the last answer."""

import sys
from pathlib import Path
from typing import Any

import anthropic

STREAM, RESULT = sys.argv[1] == "stream", Path(sys.argv[2]).read_text(encoding="utf-8")
TOOL: Any = {"name": "list_rows", "description": "List rows.", "input_schema": {"type": "object", "properties": {}}}

client = anthropic.Anthropic(max_retries=0)
messages: list[Any] = [{"role": "user", "content": "How many rows failed?"}]
while True:
    request: dict[str, Any] = {"model": "claude-sonnet-4-5", "max_tokens": 1000, "tools": [TOOL], "messages": messages}
    if STREAM:
        with client.messages.stream(**request) as stream:
            reply = stream.get_final_message()
    else:
        reply = client.messages.create(**request)
    messages.append({"role": "assistant", "content": reply.content})
    calls = [block for block in reply.content if block.type == "tool_use"]
    if not calls:
        break
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": RESULT} for call in calls]
    messages.append({"role": "user", "content": results})
sys.stdout.write("".join(block.text for block in reply.content if block.type == "text"))
