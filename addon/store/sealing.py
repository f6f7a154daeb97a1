"""What is kept is sealed: AES-256-GCM, bound to the place it is kept at, so that records cannot change places.

A sealed record is one byte that begins no other record of ours, a version, the id of its key, a nonce, and the text in
cipher with its tag. Records from before there was a key stay readable, until all have been sealed anew.
"""

import base64
import binascii
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from headroom_mitm.errors import UnreadableRecord

KEY_BYTES = 32
NAMING = "names:"
"""Among the keys: begins the secret that names records. It stays when keys are changed."""
SEALED_ONLY = "sealed-only"
"""Among the keys: what is not sealed is not ours."""
_MARK = b"\xff\x01"  # 0xFF stands in no UTF-8 and begins no zstd frame; then the version of this layout
_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD = len(_MARK) + _ID_BYTES + _NONCE_BYTES

_LOG = logging.getLogger("headroom_mitm.store")


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of a store by id; the first one seals, all of them open."""

    secrets: tuple[bytes, ...] = field(repr=False)
    sealed_only: bool = False
    naming: bytes = field(default=b"", repr=False)
    """Turns the names of records into others; empty: they are as they are."""
    newest: bytes = field(init=False)
    """The id of the key that seals."""
    _ciphers: dict[bytes, AESGCM] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "newest", key_id(self.secrets[0]))
        object.__setattr__(self, "_ciphers", {key_id(secret): AESGCM(secret) for secret in self.secrets})

    @classmethod
    def parse(cls, text: str) -> "Keys":
        """Return the keys in a text: words in base64, comments after ``#``. Raises ``ValueError``, without a key."""
        words = [word for line in text.splitlines() for word in line.partition("#")[0].replace(",", " ").split()]
        naming = [_secret(word.removeprefix(NAMING)) for word in words if word.startswith(NAMING)]
        if len(naming) > 1:
            raise ValueError("there are two secrets for names")
        secrets = tuple(_secret(word) for word in words if word != SEALED_ONLY and not word.startswith(NAMING))
        if not secrets:
            raise ValueError("there is no key")
        return cls(secrets, SEALED_ONLY in words, *naming)

    def cipher(self, of: bytes) -> AESGCM | None:
        """Return the cipher of a key, None if it is not here."""
        return self._ciphers.get(of)


class Sealer:
    """Seals and opens records. Without keys it seals nothing and opens what is not sealed. Thread-safe."""

    def __init__(self, keys: Callable[[], Keys] | None = None, random: Callable[[int], bytes] = os.urandom) -> None:
        self._keys = keys
        self._random = random
        self._told: set[str] = set()

    def seal(self, kind: bytes, name: bytes, raw: bytes) -> bytes:
        """Return a record that opens only as this kind under this name. Raises ``StoreUnavailable`` without its key."""
        if self._keys is None:
            return raw
        keys = self._keys()
        cipher = keys.cipher(keys.newest)
        assert cipher is not None  # noqa: S101  # the newest is one of them
        nonce = self._random(_NONCE_BYTES)
        return b"".join((_MARK, keys.newest, nonce, cipher.encrypt(nonce, raw, _bound(kind, name))))

    def open(self, kind: bytes, name: bytes, record: object) -> bytes:
        """Return what was sealed; raise ``UnreadableRecord`` if it is another's, changed, or its key is not here."""
        keys = self._keys() if self._keys is not None else None
        if not isinstance(record, bytes):  # a damaged file may give a number
            raise self._refused("a record is not even bytes")
        if not record.startswith(_MARK[:1]):
            if keys is not None and keys.sealed_only:
                raise self._refused("a record is not sealed")
            return record
        of = record[len(_MARK) : len(_MARK) + _ID_BYTES]
        cipher = keys.cipher(of) if keys is not None else None
        if cipher is None or not record.startswith(_MARK):
            raise self._refused(f"a record is sealed with key {of.hex()}, which is not here")
        try:
            return cipher.decrypt(record[_HEAD - _NONCE_BYTES : _HEAD], record[_HEAD:], _bound(kind, name))
        except (InvalidTag, ValueError):
            raise self._refused(f"a record under key {of.hex()} is damaged, or not where it was kept") from None

    def is_current(self, record: object) -> bool:
        """Say whether a record is as ``seal`` would make it now."""
        return self._keys is None or (isinstance(record, bytes) and record.startswith(_MARK + self._keys().newest))

    def _refused(self, why: str) -> UnreadableRecord:
        if why not in self._told:  # the log names each reason once
            self._told.add(why)
            _LOG.warning("%s: it counts as lost", why)
        return UnreadableRecord(why)


def key_id(secret: bytes) -> bytes:
    """Return what names a key in the records it seals, and tells nothing of it."""
    return hashlib.blake2b(secret, digest_size=_ID_BYTES, person=b"headroom key").digest()


def new_key() -> str:
    """Return a new key, as ``Keys.parse`` reads it."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode("ascii")


def new_naming() -> str:
    """Return a new secret for names, as ``Keys.parse`` reads it."""
    return NAMING + new_key()


def _bound(kind: bytes, name: bytes) -> bytes:
    return b"%b:%b" % (kind, name)


def _secret(word: str) -> bytes:
    try:
        secret = base64.b64decode(word, validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) != KEY_BYTES:
        raise ValueError(f"a key is {KEY_BYTES} bytes in base64")
    return secret
