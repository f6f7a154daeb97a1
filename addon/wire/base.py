"""What a wire format is: it reads a body into a neutral ``Prompt`` and knows where edits go."""

from typing import Protocol

from headroom_mitm.segments import Edit, Prompt


class Wire(Protocol):
    """One format of requests. Members keep no state but a memo of what they have read."""

    @property
    def name(self) -> str:
        """Name in logs, such as ``anthropic_messages``."""
        ...

    def read(self, body: bytes) -> Prompt:
        """Return what stands where in a decoded (not compressed) body.

        Raises ``UnreadableBody`` if that is not exactly known, and nothing else.
        """
        ...

    def declare(self, prompt: Prompt, name: str, description: str, schema: bytes) -> Edit | None:
        """Return the edit that declares one more tool behind the client's own; None where there is no place for it.

        ``schema`` is the JSON schema of the arguments, an object.
        """
        ...
