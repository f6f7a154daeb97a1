"""An agent on OpenAI's SDK, Responses over HTTP: agent.py STREAM RESULT_FILE. As its siblings."""

import sys
from pathlib import Path
from typing import Any

import openai

STREAM, RESULT = sys.argv[1] == "stream", Path(sys.argv[2]).read_text(encoding="utf-8")
TOOL = {"type": "function", "name": "list_rows", "strict": False, "parameters": {"type": "object", "properties": {}}}

client = openai.OpenAI(max_retries=0)
items: list[Any] = [{"role": "user", "content": "How many rows failed?"}]
while True:
    request: dict[str, Any] = {"model": "gpt-5", "tools": [TOOL], "input": items, "store": False}
    if STREAM:
        with client.responses.stream(**request) as stream:
            for _ in stream:
                pass
            response = stream.get_final_response()
    else:
        response = client.responses.create(**request)
    calls = [item for item in response.output if item.type == "function_call"]
    if not calls:
        break
    items += [item.model_dump(exclude_none=True, exclude={"status", "parsed_arguments"}) for item in response.output]
    items += [{"type": "function_call_output", "call_id": call.call_id, "output": RESULT} for call in calls]
sys.stdout.write(response.output_text)
