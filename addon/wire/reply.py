"""What a watched answer is: one or more legs of the provider's, shown to the client as one message."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeGuard, runtime_checkable


@dataclass(frozen=True, slots=True)
class HiddenCall:
    """A call of our tool that the client does not see."""

    id: str
    arguments: bytes
    """JSON as the model wrote it; may be empty or broken."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A hidden call with what it brought."""

    call: HiddenCall
    text: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that the provider keeps: a request may go on from it by its id alone."""

    shown_id: str
    """What the client knows it by."""
    id: str
    """What the provider goes on from."""
    owed: tuple[HiddenCall, ...]
    """Calls of our tool in it. Only we know of them, so the request that goes on must bring what they ask for."""
    lasts: bool = True
    """False: only as long as the connection."""


class Reply(Protocol):
    """Sans-IO. Bytes of a leg go in, bytes for the client come out; between two legs the next request is made."""

    @property
    def streamed(self) -> bool:
        """The client reads events as they come; otherwise it gets one document at the end."""
        ...

    def feed(self, data: bytes) -> bytes:
        """Take bytes of the current leg; return what the client may see now, possibly nothing."""
        ...

    def end_leg(self) -> bytes:
        """Take note that the leg is over; return what the client may still see of it.

        Raises ``UnreadableBody`` if the leg cannot be read to its end, and the client would not notice.
        """
        ...

    @property
    def hidden(self) -> Sequence[HiddenCall]:
        """The calls of our tool in the leg that is over, if the answer has to go on with another leg; else empty."""
        ...

    def next_body(self, body: bytes, answers: Sequence[Answered]) -> bytes:
        """Return the request that goes on: ``body``, the leg that is over, what its calls brought. A new leg begins."""
        ...

    def close(self) -> bytes:
        """Return what ends the message for the client although the model wanted to go on."""
        ...

    def idle(self) -> bytes:
        """Return what shows a client that waits that the answer goes on; empty where the format has no such thing."""
        ...

    def failed(self, status: int, raw: bytes) -> bytes:
        """Return what tells the client that a later leg failed, as an error that it may retry.

        Empty for a stream that had better break off: where the provider has said nothing, its clients try again after
        a lost connection, and not after an error of which they know no kind.
        """
        ...


class FramedReply(Reply, Protocol):
    """A ``Reply`` that is fed whole frames of a WebSocket."""

    @property
    def is_over(self) -> bool:
        """The leg is, since the last frame."""
        ...


@runtime_checkable
class Failing(Protocol):
    """What a ``Reply`` has besides where a provider may say in the middle of an answer that it has failed."""

    @property
    def has_failed(self) -> bool:
        """It has said so in the current leg."""
        ...


@runtime_checkable
class Keeping(Protocol):
    """What a ``Reply`` has besides where providers keep answers."""

    @property
    def kept(self) -> Kept | None:
        """The answer, once it has ended and if the provider keeps it."""
        ...


@runtime_checkable
class Passing(Protocol):
    """What a ``Reply`` has besides that knows at a look what most of an answer is made of."""

    def passes(self, data: bytes) -> bool:
        """Take bytes for which ``feed`` would surely return just them; False: ``feed`` is to take them."""
        ...


def is_passing(reply: object) -> TypeGuard[Passing]:
    """Say whether a reply can be asked. All of one class may, or none."""
    return _fits(reply, Passing)


def is_failing(reply: object) -> TypeGuard[Failing]:
    """Say whether a reply may tell that it has failed. All of one class may, or none."""
    return _fits(reply, Failing)


def is_keeping(reply: object) -> TypeGuard[Keeping]:
    """Say whether a reply may tell of a kept answer. All of one class may, or none."""
    return _fits(reply, Keeping)


def _fits(reply: object, protocol: type) -> bool:
    place = type(reply), protocol
    found = _FITTING.get(place)
    if found is None:
        found = _FITTING[place] = isinstance(reply, protocol)
    return found


_FITTING: dict[tuple[type, type], bool] = {}
"""By class and protocol: a look at a protocol's members takes longer than all else that is done to an event."""
