"""What a store could not keep, put aside where a process that follows finds it: which texts left as they were.

A process that is ended while nothing can be kept, as on a disk that is read-only, would take that with it. A request
that its end cuts comes again, and has to leave as it did. Only digests are put aside, in files that nobody else reads,
in the folder that the system has for what need not last. Where that cannot be written to either, nothing is put aside.
"""

import contextlib
import itertools
import os
import stat
import struct
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from headroom_mitm.segments import DIGEST_SIZE, Digest, Key, Rendering, digest

REASON = "not kept by a process before"
_ENTRY = struct.Struct(f">{DIGEST_SIZE}s{DIGEST_SIZE}sI")
_MOST = 2**32 - 1
_MOST_BYTES = 10_000 * _ENTRY.size
_SERIAL = itertools.count()


class Aside(Protocol):
    """Each method is quick, asks nobody, and never fails."""

    def put(self, renderings: Iterable[Rendering]) -> None:
        """Put decisions aside that texts stay as they are, so that they outlive the process."""
        ...

    def found(self) -> list[Rendering]:
        """Return what processes before have put aside."""
        ...

    def clear(self) -> None:
        """Forget what was found, and what was put aside here: it is kept now."""
        ...

    def another(self) -> "Aside":
        """Return one that finds the same, and clears only what it has put there itself."""
        ...


class NoAside:
    """Where nothing can be put aside. See ``Aside``."""

    def put(self, renderings: Iterable[Rendering]) -> None:
        """See ``Aside``."""

    def found(self) -> list[Rendering]:
        """See ``Aside``."""
        return []

    def clear(self) -> None:
        """See ``Aside``."""

    def another(self) -> "Aside":
        """See ``Aside``."""
        return self


class FileAside:
    """See ``Aside``. Each process has a file of its own, so that none clears what another has just put there."""

    def __init__(self, store: Path, folder: Path | None = None) -> None:
        """Take the store's file; ``folder`` instead of the system's."""
        self._store = store
        self._folder = folder
        self._name = digest(os.fsencode(store.absolute())).hex()
        self._own = f"{self._name}-{os.getpid()}-{next(_SERIAL)}"
        self._read: list[Path] = []
        self._has_put = False

    def put(self, renderings: Iterable[Rendering]) -> None:
        """See ``Aside``."""
        packed = b"".join(_ENTRY.pack(r.key, r.original, min(r.about[0], _MOST)) for r in renderings if r.is_raw)
        if not packed:
            return
        with contextlib.suppress(OSError):
            place = self._place()
            place.mkdir(mode=0o700, exist_ok=True)
            if not _is_ours_alone(place):
                return
            file = os.open(place / self._own, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            try:
                os.write(file, packed)
            finally:
                os.close(file)
            self._has_put = True

    def found(self) -> list[Rendering]:
        """See ``Aside``."""
        self._read, packed = [], b""
        with contextlib.suppress(OSError):
            place = self._place()
            if _is_ours_alone(place):
                self._read = sorted(place.glob(f"{self._name}-*"))
                packed = b"".join(_entries(path) for path in self._read)
        return [_rendering(*values) for values in _ENTRY.iter_unpack(packed)]

    def clear(self) -> None:
        """See ``Aside``."""
        own = [self._place() / self._own] if self._has_put else []
        gone, self._read, self._has_put = [*self._read, *own], [], False
        for path in gone:
            with contextlib.suppress(OSError):
                path.unlink()

    def another(self) -> Aside:
        """See ``Aside``."""
        return FileAside(self._store, self._folder)

    def _place(self) -> Path:
        folder = self._folder or Path(tempfile.gettempdir())
        return folder / f"headroom-{os.geteuid() if hasattr(os, 'geteuid') else 'aside'}"


def _is_ours_alone(place: Path) -> bool:
    """Say whether a folder is one that we have made: its name can be guessed, and anybody may make one of that name."""
    found = place.lstat()
    is_own = not hasattr(os, "geteuid") or (found.st_uid == os.geteuid() and not found.st_mode & 0o077)
    return stat.S_ISDIR(found.st_mode) and is_own


def _entries(path: Path) -> bytes:
    """Return the whole entries of a file, which may end within one."""
    with path.open("rb") as file:
        packed = file.read(_MOST_BYTES)
    return packed[: len(packed) - len(packed) % _ENTRY.size]


def _rendering(key: bytes, original: bytes, size: int) -> Rendering:
    return Rendering(Key(key), None, Digest(original), REASON, 0, True, size, size)  # noqa: FBT003  # nothing is lost
