"""What a wire format is: it reads a body into a neutral ``Prompt`` and knows where edits go."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from headroom_mitm.segments import Edit, Prompt
from headroom_mitm.wire.reply import Answered


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


@runtime_checkable
class Chaining(Protocol):
    """What a ``Wire`` has besides where a request may name the answer that it goes on from instead of carrying it."""

    def may_go_on(self, body: bytes) -> bool:
        """Say whether a request may name such an answer. Quick: it is asked in the event loop."""
        ...

    def previous(self, body: bytes) -> str:
        """Return the id of that answer; empty for none. Raises ``UnreadableBody``."""
        ...

    def relinked(self, body: bytes, answer_id: str, answers: Sequence[Answered]) -> bytes:
        """Return the body as one that goes on from another answer, with what calls in it have brought in front.

        Raises ``UnreadableBody``.
        """
        ...

    def opened(self, beginning: bytes, body: bytes) -> bytes:
        """Return a body as it would be if it carried all that stands in the one that it goes on from.

        Raises ``UnreadableBody``.
        """
        ...

    def stays_declared(self, prompt: Prompt) -> bool:
        """Say whether a tool that is declared in this request is known to those that go on from its answer, too."""
        ...


class ChainingWire(Wire, Chaining, Protocol):
    """Both."""
