"""Where originals and decisions are kept: ``open_store`` turns the user's word for it into a ``Store``."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import url2pathname

from headroom_mitm.store.base import Clock, Decision, Limits, Store
from headroom_mitm.store.keyed import keyed
from headroom_mitm.store.sealing import Keys, Sealer
from headroom_mitm.store.sqlite import SqliteStore

__all__ = ["Decision", "Limits", "Store", "open_store"]

_ACCEPTED = (
    "a file path, sqlite:///path, redis://host:port/db or rediss://host:port/db, redis+sentinel://host:port,host:port/"
    "service or redis+cluster://host:port,host:port"
)
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # a single letter is a Windows drive


def open_store(
    url: str,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    clock: Clock = time.time,
    keys: Callable[[], Keys] | None = None,
) -> Store:
    """Return the store that a path or URL names; ``clock`` gives seconds since the epoch.

    ``keys`` are asked for whenever something is sealed or opened; without them nothing is sealed.
    What follows ``sqlite://`` is an absolute path, or begins with ``/~``. The query of a ``rediss`` URL may hold
    redis-py's ``ssl_ca_certs``, ``ssl_cert_reqs``, ``ssl_certfile`` and ``ssl_keyfile``. Nothing is opened before the
    first use, so that a store which is down does not keep the proxy from starting. Raises ``ValueError``, which names
    what is accepted.
    """
    store = _opened(url, limits, clock, Sealer(keys))
    return store if keys is None else keyed(store, keys)


def _opened(url: str, limits: Limits, clock: Clock, sealer: Sealer) -> Store:
    scheme = _SCHEME.match(url)
    if scheme is None:
        return SqliteStore(_file(url, url), limits, clock, sealer)
    if not url.startswith(f"{scheme[1]}://"):
        raise _refused(url)
    if scheme[1].lower().startswith("redis"):
        return _shared(url, limits, clock, sealer)
    parts = _split(url)
    if parts.scheme == "sqlite":
        return SqliteStore(_file_of_url(url, parts), limits, clock, sealer)
    raise _refused(url)


def _shared(url: str, limits: Limits, clock: Clock, sealer: Sealer) -> Store:
    # redis-py is a sixth of what the addon's start takes, and most stores are files
    from headroom_mitm.store.redis import RedisStore  # noqa: PLC0415
    from headroom_mitm.store.redis_place import place  # noqa: PLC0415
    from headroom_mitm.store.staged import StagedStore  # noqa: PLC0415

    try:
        return StagedStore(RedisStore(place(url), limits, clock, sealer))
    except ValueError as error:
        raise _refused(url, str(error)) from error


def _refused(url: str, why: str = "") -> ValueError:
    shown = re.sub(r"//.*@", "//…@", url)  # a password does not belong in a log
    return ValueError(f"{shown!r} is not a store{why and f' ({why})'}: give {_ACCEPTED}")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        _ = parts.port  # parsed on access
    except ValueError as error:
        raise _refused(url, str(error)) from error
    return parts


def _file(url: str, name: str) -> Path:
    if not name.strip() or "\0" in name or name == ":memory:":
        raise _refused(url)
    try:
        path = Path(name).expanduser().absolute()
    except RuntimeError as error:
        raise _refused(url, "no such home folder") from error
    if path.is_dir():
        raise _refused(url, "it is a folder")
    return path


def _file_of_url(url: str, parts: SplitResult) -> Path:
    name = url2pathname(parts.path)
    if parts.netloc or parts.query or parts.fragment or len(name) < 2:
        raise _refused(url)
    return _file(url, name[1:] if name.startswith("/~") else name)
