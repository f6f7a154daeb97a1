"""Who is at the other end of a connection: this machine, and where Linux tells, which of its users."""

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
_LOCAL, _USER = 1, 7  # columns of these tables


def is_loopback(peer: tuple[Any, ...] | None) -> bool:
    """Say whether a connection comes from this machine; ``peer`` begins with its address."""
    found = _address(peer[0]) if peer else None
    if found is None:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def is_stranger(address: str, port: int, tables: tuple[Path, ...] = _TABLES) -> bool:
    """Say whether a connection is known to come from another user of this machine: not from ours, and not from root."""
    user = user_of(address, port, tables)
    return user is not None and user not in (0, os.getuid())


def user_of(address: str, port: int, tables: tuple[Path, ...] = _TABLES) -> int | None:
    """Return the id of the user whose end of a connection has this address and port; None if nobody tells."""
    wanted = {f"{form}:{port:04X}" for form in _forms(address)}
    for table in tables:
        try:
            rows = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue  # another system, or one that hides it
        for row in rows:
            columns = row.split()
            if len(columns) > _USER and columns[_LOCAL] in wanted:
                return int(columns[_USER])
    return None


def _forms(address: str) -> Iterator[str]:
    """Yield an address as the tables write it: words of four bytes, the last byte first. One of version 4 has two."""
    found = _address(address)
    if found is None:
        return
    if isinstance(found, ipaddress.IPv4Address):
        yield _words(found.packed)
        found = ipaddress.IPv6Address(f"::ffff:{found}")
    elif found.ipv4_mapped is not None:
        yield _words(found.ipv4_mapped.packed)
    yield _words(found.packed)


def _words(packed: bytes) -> str:
    return "".join(packed[at : at + 4][::-1].hex().upper() for at in range(0, len(packed), 4))


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
