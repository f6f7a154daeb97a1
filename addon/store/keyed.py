"""A store whose records have names that nobody can reckon who has not its keys.

Names are digests of texts, so that equal texts have one. Whoever can read a store could find out by them whether it
holds a text that he guesses; where they are turned by a secret, he cannot. A store that has begun without one goes on
without: with other names, nothing of it would be found again.
"""

import threading
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from headroom_mitm.segments import DIGEST_SIZE, Digest
from headroom_mitm.store.base import Store
from headroom_mitm.store.sealing import Keys
from headroom_mitm.store.turned import Turn, TurnedStore


def keyed(store: Store, keys: Callable[[], Keys]) -> Store:
    """Return a store whose names are turned by the secret among its keys, if there is one."""
    return TurnedStore(store, KeyedTurn(keys))


class KeyedTurn(Turn):
    """A digest is one block of AES: each has one other, and who has not the secret cannot tell which. Thread-safe."""

    def __init__(self, keys: Callable[[], Keys]) -> None:
        self._keys = keys
        self._lock = threading.Lock()
        self._secret: bytes | None = None
        self._there: Any = None
        self._back: Any = None

    def __call__(self, digest: bytes) -> Digest:
        """See ``Turn``."""
        return self._turned(digest, there=True)

    def back(self, digest: bytes) -> Digest:
        """See ``Turn``."""
        return self._turned(digest, there=False)

    def _turned(self, digest: bytes, *, there: bool) -> Digest:
        with self._lock:
            if self._secret is None:
                self._begin(self._keys().naming)
            if not self._secret:
                return Digest(digest)
            if len(digest) != DIGEST_SIZE:
                raise ValueError("not a digest")
            return Digest((self._there if there else self._back).update(digest))

    def _begin(self, secret: bytes) -> None:
        """Take the secret. It stays when keys are changed, so it is asked for once."""
        if secret:
            # One block at a time, and no two are equal but where they must be: no chaining is wanted.
            cipher = Cipher(algorithms.AES(secret), modes.ECB())  # noqa: S305
            self._there, self._back = cipher.encryptor(), cipher.decryptor()
        self._secret = secret
