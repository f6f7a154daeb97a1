"""The file with the keys of a store: made on first use, readable by its owner alone, read again when it changes."""

import contextlib
import os
import stat
import tempfile
import threading
from pathlib import Path

from headroom_mitm.errors import StoreUnavailable
from headroom_mitm.store.sealing import NAMING, SEALED_ONLY, Keys, new_key, new_naming

_HEADER = """\
# Keys of headroom-mitm's store, the first one seals. Whoever has this file and the store can read what it keeps;
# without this file nobody can. `headroom-mitm key rotate` puts a new one in front.
"""


class KeyFile:
    """Gives the keys that a file holds now. Thread-safe.

    ``sealed_only`` is written into a new file: nothing can have been kept before it. Then it gets a secret for names
    as well.
    """

    def __init__(self, path: Path, *, sealed_only: bool = False) -> None:
        self.path = path
        self._sealed_only = sealed_only
        self._lock = threading.Lock()
        self._seen: tuple[int, int] | None = None
        self._keys: Keys | None = None

    def __call__(self) -> Keys:
        """Return the keys; make one if there is no file. Raises ``StoreUnavailable`` if they cannot be had."""
        with self._lock:
            try:
                return self._current()
            except (OSError, ValueError) as error:
                why = error.strerror or error if isinstance(error, OSError) else error
                raise StoreUnavailable(f"the keys in {self.path} cannot be used: {why}") from error

    def rotate(self) -> Keys:
        """Put a new key in front of the others; return all."""
        with self._lock:
            keys = self._current()
        return self._replace([new_key(), *_words(self.path)], keys.sealed_only)

    def settle(self, *, keep_old: bool) -> Keys:
        """Note that all records are sealed with the newest key; forget the others unless they are to be kept."""
        words = _words(self.path)
        naming = [word for word in words[1:] if word.startswith(NAMING)]  # what is there is found by it
        return self._replace(words if keep_old else [words[0], *naming], sealed_only=True)

    def _replace(self, words: list[str], sealed_only: bool) -> Keys:  # noqa: FBT001  # of the file's content
        write(self.path, words, sealed_only=sealed_only)
        return self()

    def _current(self) -> Keys:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self._make()
            found = self.path.stat()
        seen = (found.st_mtime_ns, found.st_ino)
        if self._keys is None or seen != self._seen:
            if stat.S_IMODE(found.st_mode) & 0o077:
                with contextlib.suppress(PermissionError):  # another's file keeps the mode that its owner gave it
                    self.path.chmod(0o600)
            self._keys, self._seen = Keys.parse(self.path.read_text(encoding="ascii")), seen
        return self._keys

    def _make(self) -> None:
        """Make a file with one key, unless another process is faster."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        words = [new_key(), new_naming()] if self._sealed_only else [new_key()]
        temporary = _written(self.path, words, sealed_only=self._sealed_only)
        try:
            with contextlib.suppress(FileExistsError):
                os.link(temporary, self.path)
        finally:
            temporary.unlink()


def write(path: Path, words: list[str], *, sealed_only: bool) -> None:
    """Put keys in the place of those in a file, all at once."""
    _written(path, words, sealed_only=sealed_only).replace(path)


def _words(path: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="ascii").splitlines())
    return [line for line in lines if line and line != SEALED_ONLY]


def _written(path: Path, words: list[str], *, sealed_only: bool) -> Path:
    """Return a new file of mode 0600 beside another."""
    handle, name = tempfile.mkstemp(prefix=".keys-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(_HEADER + "".join(f"{word}\n" for word in [*words, *([SEALED_ONLY] if sealed_only else [])]))
        file.flush()
        os.fsync(file.fileno())
    return Path(name)
