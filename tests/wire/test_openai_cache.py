"""The key by which requests of a conversation meet the same cache."""

import json
from typing import Any

import pytest

from headroom_mitm.wire.openai_cache import keyed
from headroom_mitm.wire.openai_chat import OpenAIChat
from headroom_mitm.wire.openai_responses import OpenAIResponses
from headroom_mitm.wire.splice import splice

ASKED = [{"role": "user", "content": "Hi"}]
CHAT, RESPONSES = (OpenAIChat(), "messages"), (OpenAIResponses(), "input")


@pytest.mark.parametrize(("wire", "member"), [CHAT, RESPONSES], ids=["chat", "responses"])
@pytest.mark.parametrize("end", ["", " \n"])
def test_it_becomes_the_last_member(wire: Any, member: str, end: str) -> None:
    raw = (json.dumps({"model": "gpt-5", "store": False, member: ASKED})[:-1] + end + "}" + end).encode()
    edit = keyed(wire.read(raw), "k1")
    assert edit is not None
    *others, last = json.loads(splice(raw, [edit])).items()
    assert last == ("prompt_cache_key", "k1")
    assert dict(others) == json.loads(raw)


@pytest.mark.parametrize(
    "members",
    [
        {"prompt_cache_key": "mine"},
        {"prompt_cache_key": None},
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"store": True},
        {"store": None},
    ],
    ids=str,
)
def test_there_is_one_or_none_would_be_stable(members: Any) -> None:
    assert keyed(OpenAIResponses().read(json.dumps({"input": ASKED, "store": False, **members}).encode()), "k1") is None


def test_a_null_goes_on_from_nothing() -> None:
    raw = json.dumps({"input": ASKED, "store": False, "previous_response_id": None}).encode()
    assert keyed(OpenAIResponses().read(raw), "k1") is not None


def test_an_answer_that_is_kept_may_be_gone_on_from() -> None:
    """Such a request comes without its past, so without the key, and must find what this one leaves."""
    assert keyed(OpenAIResponses().read(json.dumps({"input": ASKED}).encode()), "k1") is None
