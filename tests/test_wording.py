"""What a model reads from us is short, complete, and cannot be taken for damage."""

import json
import re

import pytest

from headroom_mitm import tokens
from headroom_mitm.segments import Edit, Key, digest, text_id
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wording import TOOL_DESCRIPTION, TOOL_NAME, TOOL_SCHEMA, marker

TOOL = {"name": "f", "description": "", "parameters": {}}
BODIES = {
    "anthropic_messages": {"messages": [], "tools": [{"name": "f", "input_schema": {}}]},
    "openai_chat": {"messages": [], "tools": [{"type": "function", "function": TOOL}]},
    "openai_responses": {"input": [], "tools": [{"type": "function", **TOOL}]},
    "gemini_generate": {"contents": [], "tools": [{"functionDeclarations": [TOOL]}]},
}


@pytest.mark.parametrize("name", BY_NAME)
def test_the_whole_declaration_takes_less_than_a_hundred_tokens(name: str) -> None:
    """It is sent with every request of every conversation."""
    wire = BY_NAME[name]
    declared = wire.declare(wire.read(json.dumps(BODIES[name]).encode()), TOOL_NAME, TOOL_DESCRIPTION, TOOL_SCHEMA)
    assert isinstance(declared, Edit)
    assert tokens.count(declared.raw.decode()) < 100


def test_every_format_is_weighed() -> None:
    assert set(BODIES) == set(BY_NAME)


def test_the_schema_names_what_the_description_explains() -> None:
    schema = json.loads(TOOL_SCHEMA)
    assert schema["required"] == ["id", "search"]
    assert all(re.search(rf"\b{name}\b", TOOL_DESCRIPTION) for name in schema["properties"])


def test_the_name_is_one_that_every_provider_takes() -> None:
    """Letters, digits and underscores; not the prefix under which clients keep tools of servers."""
    assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}", TOOL_NAME)
    assert not TOOL_NAME.startswith("mcp_")


def test_a_marker_says_what_is_left_out_and_how_to_get_it() -> None:
    key = Key(digest(b"call"))
    text = marker("lines 6-300 of 300", text_id(key))
    assert "lines 6-300 of 300" in text
    assert re.search(rf"{TOOL_NAME}, id={key.hex()[:8]}\]$", text)
    assert "\n" not in text
    assert tokens.count(text) < 60
    assert not re.search(r"truncat|corrupt|error|omitted|redact", text, re.IGNORECASE)
