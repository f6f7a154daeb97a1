"""A request of the past with what its answer took, wherever it was written down."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headroom_mitm.segments import Digest, digest
from headroom_mitm.usage import Counted

NOBODY = Digest(b"")


@dataclass(frozen=True, slots=True)
class Recording:
    """One request, whole."""

    at: float
    """Seconds since the epoch."""
    host: str
    port: int
    path: str
    wire: str
    body: bytes
    """Without its content encoding."""
    legs: tuple[Counted, ...] = ()
    """What the provider reported; empty where that is not known."""
    agent: str = ""
    """The user agent."""
    account: Digest = NOBODY
    session: str = ""
    """Names the conversation where a log tells; empty where only its beginning does."""
    is_partial: bool = False
    """A client's own log: without system prompt, tools and cache markers, which are there all the same."""

    @property
    def thread(self) -> Digest:
        """What tells conversations apart that begin alike."""
        return digest(self.account, self.session.encode("utf-8", "replace"))


def seconds(text: Any) -> float | None:
    """Return the seconds since the epoch of a time as logs write it; None for what is no time."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None
