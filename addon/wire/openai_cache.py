"""OpenAI's ``prompt_cache_key``: requests with the same one meet the same cache."""

from headroom_mitm.segments import Edit, Prompt, Span
from headroom_mitm.wire import document

KEY = "prompt_cache_key"
_KEPT = ("previous_response_id", "conversation")
"""A request that goes on from what the provider keeps does not carry the beginning from which a key is made."""


def keyed(prompt: Prompt, key: str) -> Edit | None:
    """Return the edit that adds a key as the last member; None where there is one, or none that would be stable."""
    members = prompt.members
    if not members or KEY in members or any(_is_given(prompt.body, members.get(name)) for name in _KEPT):
        return None
    if "input" in members and not _is_stateless(prompt):
        return None
    end = document.whole(prompt.body).end - 1
    return Edit(Span(end, end), f',"{KEY}":"{key}"'.encode())


def _is_stateless(prompt: Prompt) -> bool:
    """Say whether no later request can go on from this answer: it would come without the key, and to another cache."""
    store = prompt.members.get("store")
    return store is not None and prompt.body[store.start : store.end] == b"false"


def _is_given(body: bytes, span: Span | None) -> bool:
    return span is not None and body[span.start : span.end] != b"null"
