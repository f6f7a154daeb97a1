"""What is added to a request for the provider's cache, and to which."""

import json
from typing import Any

import pytest

from headroom_mitm.caching import Caching, Wishes
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.splice import splice

KEYED = Wishes(takes_key=True)
ASKED = {"role": "user", "content": "Do it."}
DONE = {"role": "assistant", "content": "Done."}
TOOL = {"type": "function", "function": {"name": "ls", "parameters": {}}}
CHAT, RESPONSES = BY_NAME["openai_chat"], BY_NAME["openai_responses"]


def sent(body: dict[str, Any], wishes: Wishes = KEYED, wire: Any = CHAT) -> dict[str, Any]:
    raw = json.dumps(body).encode()
    found: dict[str, Any] = json.loads(splice(raw, Caching().edits(wire.read(raw), wishes)))
    return found


def test_the_requests_of_an_agent_carry_one_key() -> None:
    """From the first on; another conversation has another."""
    first = sent({"messages": [ASKED], "tools": [TOOL]})
    later = sent({"messages": [ASKED, DONE, {"role": "user", "content": "Go on"}], "tools": [TOOL]})
    other = sent({"messages": [DONE | {"role": "user"}], "tools": [TOOL]})
    assert first["prompt_cache_key"] == later["prompt_cache_key"] != other["prompt_cache_key"]
    assert 16 <= len(first["prompt_cache_key"]) <= 64


def test_responses_carry_one_too() -> None:
    tool = {"type": "function", "name": "ls"}
    assert "prompt_cache_key" in sent({"input": [ASKED], "tools": [tool]}, wire=RESPONSES)


@pytest.mark.parametrize(
    ("body", "wishes"),
    [
        ({"messages": [ASKED], "tools": [TOOL]}, Wishes()),
        ({"messages": [ASKED]}, KEYED),
        ({"messages": [ASKED, DONE, ASKED]}, KEYED),
        ({"messages": [ASKED], "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "ls"}}}, KEYED),
        ({"messages": [ASKED], "tools": [TOOL], "prompt_cache_key": "mine"}, KEYED),
    ],
    ids=["another host", "a question", "questions", "an answer in a form", "the client's own"],
)
def test_no_key_is_added(body: dict[str, Any], wishes: Wishes) -> None:
    assert sent(body, wishes) == body
