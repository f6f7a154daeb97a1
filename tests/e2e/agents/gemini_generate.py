"""An agent on Google's SDK: agent.py STREAM RESULT_FILE. As its siblings."""

import sys
from pathlib import Path
from typing import Any

from google import genai
from google.genai import types

STREAM, RESULT = sys.argv[1] == "stream", Path(sys.argv[2]).read_text(encoding="utf-8")
TOOL = types.FunctionDeclaration(name="list_rows", description="List rows.", parameters_json_schema={"type": "object"})

client = genai.Client()
contents: list[Any] = [types.Content(role="user", parts=[types.Part(text="How many rows failed?")])]
config = types.GenerateContentConfig(
    tools=[types.Tool(function_declarations=[TOOL])],
    automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
)
while True:
    request: dict[str, Any] = {"model": "gemini-3-pro", "contents": contents, "config": config}
    if STREAM:
        chunks = list(client.models.generate_content_stream(**request))
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
    else:
        parts = client.models.generate_content(**request).candidates[0].content.parts
    contents.append(types.Content(role="model", parts=parts))
    calls = [part.function_call for part in parts if part.function_call]
    if not calls:
        break
    answers = [types.FunctionResponse(id=call.id, name=call.name, response={"output": RESULT}) for call in calls]
    contents.append(types.Content(role="user", parts=[types.Part(function_response=answer) for answer in answers]))
sys.stdout.write("".join(part.text or "" for part in parts))
