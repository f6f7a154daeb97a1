"""Counts round trips to a Redis where they are made: at the sockets of redis-py."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator

from redis.connection import AbstractConnection


class Trips:
    """A trip is a question, or several at once, also to several servers, and the wait for the answers.

    Told apart are threads by the first parts of their names: what a request waits for, and what is done behind it.
    """

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()
        self._sending: set[str] = set()

    def sent(self) -> None:
        name = threading.current_thread().name
        if name not in self._sending:
            self._sending.add(name)
            self.counted[name.rpartition("_")[0]] += 1

    def read(self) -> None:
        self._sending.discard(threading.current_thread().name)

    @property
    def waited_for(self) -> int:
        return sum(self.counted[f"headroom-{name}"] for name in ("quick", "slow", "store"))


@contextlib.contextmanager
def counted_trips() -> Iterator[Trips]:
    """Count those that are made meanwhile, over connections of old as well."""
    trips = Trips()
    send, read = AbstractConnection.send_packed_command, AbstractConnection.read_response

    def sent(self: AbstractConnection, *args: object, **more: object) -> object:
        trips.sent()
        return send(self, *args, **more)  # type: ignore[arg-type]

    def got(self: AbstractConnection, *args: object, **more: object) -> object:
        trips.read()
        return read(self, *args, **more)  # type: ignore[arg-type]

    AbstractConnection.send_packed_command, AbstractConnection.read_response = sent, got  # type: ignore[method-assign,assignment]
    try:
        yield trips
    finally:
        AbstractConnection.send_packed_command, AbstractConnection.read_response = send, read  # type: ignore[method-assign]
