"""A bounded memory of what was used last."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A mapping that forgets what was unused longest once its values weigh more than ``capacity``. Thread-safe."""

    def __init__(self, capacity: int, weigh: Callable[[V], int] = lambda _: 1) -> None:
        self._capacity = capacity
        self._weigh = weigh
        self._values: OrderedDict[K, V] = OrderedDict()
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        """Return a value, and count it as used."""
        with self._lock:
            return self._used(key)

    def get_all(self, keys: Iterable[K]) -> dict[K, V]:
        """Return the values that are known among these, and count them as used."""
        with self._lock:
            get, use = self._values.get, self._values.move_to_end  # a conversation's past has hundreds of keys
            found = {key: value for key in keys if (value := get(key)) is not None}
            for key in found:
                use(key)
            return found

    def put(self, key: K, value: V) -> None:
        """Remember a value, in place of an earlier one."""
        with self._lock:
            self._put(key, value)

    def put_first(self, key: K, value: V) -> V:
        """Remember a value, unless there is one; return the one that is remembered now."""
        with self._lock:
            if (earlier := self._used(key)) is not None:
                return earlier
            self._put(key, value)
            return value

    def take(self, key: K) -> V | None:
        """Return a value, and forget it: it may weigh something else when it is put back."""
        with self._lock:
            value = self._values.pop(key, None)
            if value is not None:
                self._weight -= self._weigh(value)
            return value

    def __len__(self) -> int:
        return len(self._values)

    def _put(self, key: K, value: V) -> None:
        if (old := self._values.pop(key, None)) is not None:
            self._weight -= self._weigh(old)
        self._values[key] = value
        self._weight += self._weigh(value)
        while self._weight > self._capacity and len(self._values) > 1:
            _, forgotten = self._values.popitem(last=False)
            self._weight -= self._weigh(forgotten)

    def _used(self, key: K) -> V | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value
