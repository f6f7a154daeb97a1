"""An agent on OpenAI's SDK, chat completions: agent.py STREAM RESULT_FILE. As its siblings."""

import sys
from pathlib import Path
from typing import Any

import openai

STREAM, RESULT = sys.argv[1] == "stream", Path(sys.argv[2]).read_text(encoding="utf-8")
TOOL = {"type": "function", "function": {"name": "list_rows", "parameters": {"type": "object", "properties": {}}}}

client = openai.OpenAI(max_retries=0)
messages: list[Any] = [{"role": "user", "content": "How many rows failed?"}]
while True:
    request: dict[str, Any] = {"model": "gpt-5", "tools": [TOOL], "messages": messages}
    if STREAM:
        with client.chat.completions.stream(**request, stream_options={"include_usage": True}) as stream:
            for _ in stream:
                pass
            reply = stream.get_final_completion()
    else:
        reply = client.chat.completions.create(**request)
    message = reply.choices[0].message
    calls = [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.function.name, "arguments": call.function.arguments},
        }
        for call in message.tool_calls or []
    ]
    if not calls:
        break
    messages.append({"role": "assistant", "content": message.content, "tool_calls": calls})
    messages += [{"role": "tool", "tool_call_id": call["id"], "content": RESULT} for call in calls]
sys.stdout.write(message.content)
