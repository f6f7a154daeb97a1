"""A bounded memory of what was used last."""

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar
from weakref import WeakSet

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

AGES = 5
"""How often ``fade`` is called, once a minute, until what was not used meanwhile is forgotten."""
HOUR = 60
"""The same for what cannot be had again, and is of no use once a conversation has paused for so long."""

_AT_ONCE = 50


class _Mark:
    """Stands in a memory between what was used before and after a time."""


class Recent(Generic[K, V]):
    """A mapping that forgets what was unused longest once its values weigh more than ``capacity``. Thread-safe.

    One that ``fades`` also forgets what nobody has used for a while, however little it weighs: what it holds can be had
    again elsewhere, so it takes what the conversations of the moment need, not what it may take. See ``fade``.
    """

    def __init__(
        self, capacity: int, weigh: Callable[[V], int] = lambda _: 1, *, fades: bool = False, ages: int = AGES
    ) -> None:
        """``weigh`` gives a value's weight, the same for as long as the value is in here; ``ages``: see ``AGES``."""
        self._capacity = capacity
        self._ages = ages
        self._weigh = weigh
        self._values: OrderedDict[K | _Mark, Any] = OrderedDict()
        """The longest unused first, with marks in between."""
        self._marks: deque[_Mark] = deque()
        self._weight = 0
        self._lock = threading.Lock()
        if fades:
            with _FADING_LOCK:
                _FADING.add(self)

    def get(self, key: K) -> V | None:
        """Return a value, and count it as used."""
        with self._lock:
            return _used(self._values, key)

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
            earlier: V | None = _used(self._values, key)
            if earlier is not None:
                return earlier
            self._put(key, value)
            return value

    def take(self, key: K) -> V | None:
        """Return a value, and forget it: it may weigh something else when it is put back."""
        with self._lock:
            return self._taken(key)

    def fade(self) -> None:
        """Forget what was not used since this was called the ``ages``th last time."""
        with self._lock:
            mark = _Mark()
            self._marks.append(mark)
            self._values[mark] = None
        while self._forget_some():
            pass

    def __len__(self) -> int:
        return len(self._values) - len(self._marks)

    def _put(self, key: K, value: V) -> None:
        self._taken(key)
        self._values[key] = value
        self._weight += self._weigh(value)
        while self._weight > self._capacity and len(self) > 1:
            self._forget_oldest()

    def _taken(self, key: K) -> V | None:
        value: V | None = self._values.pop(key, None)
        if value is not None:
            self._weight -= self._weigh(value)
        return value

    def _forget_oldest(self) -> V | None:
        """Forget what comes first, if only a mark."""
        key, value = self._values.popitem(last=False)
        if isinstance(key, _Mark):
            self._marks.popleft()
        else:
            self._weight -= self._weigh(value)
        return value  # type: ignore[no-any-return]

    def _forget_some(self) -> bool:
        """Forget some of what has faded; say whether there is more. In between others get their turn."""
        forgotten: list[V | None] = []  # goes when the lock is free again: much may go with it
        with self._lock:
            while len(self._marks) > self._ages and len(forgotten) < _AT_ONCE:
                forgotten.append(self._forget_oldest())
            return len(self._marks) > self._ages


def _used(values: "OrderedDict[K | _Mark, V]", key: K) -> V | None:
    value = values.get(key)
    if value is not None:
        values.move_to_end(key)
    return value


_FADING: "WeakSet[Recent[Any, Any]]" = WeakSet()
_FADING_LOCK = threading.Lock()


def fade() -> None:
    """Have every memory that fades forget what was not used since the last time this was called."""
    with _FADING_LOCK:
        fading = list(_FADING)
    for memory in fading:
        memory.fade()
