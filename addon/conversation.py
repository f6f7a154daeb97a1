"""Which requests belong together: by a conversation's beginning alone, several may; with the first answer they do."""

from dataclasses import dataclass

from headroom_mitm.segments import Digest, Prompt, digest
from headroom_mitm.wire.anthropic_cache import without_markers


@dataclass(frozen=True, slots=True)
class Conversation:
    """What a request's conversation is known by."""

    beginning: Digest
    """Of what the user has asked first, and whom."""
    name: Digest | None
    """Of the beginning and the model's first answer, which are no other conversation's; None before it."""

    @classmethod
    def of(cls, prompt: Prompt) -> "Conversation":
        """Return the conversation of a request."""
        beginning = digest(prompt.head, prompt.model.encode("utf-8", "surrogatepass"))
        if prompt.first_answer is None:
            return cls(beginning, None)
        start, end = prompt.first_answer
        return cls(beginning, digest(beginning, without_markers(prompt.body[start:end])))


def branch(prompt: Prompt) -> Digest:
    """Return what a conversation is known by whatever model it goes on with: its beginning and the first answer."""
    if prompt.first_answer is None:
        return prompt.head
    start, end = prompt.first_answer
    return digest(prompt.head, without_markers(prompt.body[start:end]))


def size(prompt: Prompt) -> int:
    """Return the bytes of a request's messages, nearly."""
    return len(prompt.body) - sum(end - start for _, (start, end) in prompt.front)
