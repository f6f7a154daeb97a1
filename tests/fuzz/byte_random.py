"""A random generator whose dice are the bytes that somebody gives: a fuzzer that changes them changes what is drawn."""

import random

_SCALE = 2.0**-32


class ByteRandom(random.Random):
    """Draws from bytes, from the first on; where they are used up, all draws are the lowest."""

    def __init__(self, data: bytes) -> None:
        super().__init__(0)
        self._data = data
        self._at = 0

    def random(self) -> float:
        return self.getrandbits(32) * _SCALE

    def getrandbits(self, k: int, /) -> int:
        size = (k + 7) // 8
        taken = self._data[self._at : self._at + size]
        self._at += size
        return int.from_bytes(taken, "little") & ((1 << k) - 1)
