"""Requests that go on from an answer their provider keeps: their bodies hold only what is new."""

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.segments import Prompt
from headroom_mitm.wire import document

_PREVIOUS = "previous_response_id"


def goes_on(prompt: Prompt) -> bool:
    """Say whether a request is one."""
    return prompt.answered and prompt.first_answer is None


def previous(prompt: Prompt) -> str:
    """Return the id of the answer; empty where it is not named."""
    try:
        return document.member_string(prompt.body, prompt.members, _PREVIOUS)
    except UnreadableBody:
        return ""
