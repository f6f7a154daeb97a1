"""Who is at the other end of a connection over loopback is read from Linux's own tables."""

import os
import socket
import sys
from pathlib import Path

import pytest

from headroom_mitm.neighbours import is_loopback, is_stranger, user_of

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = "   0: {local} 00000000:0000 01 00000000:00000000 00:00000000 00000000  {user}        0 12345 1\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table in which each address belongs to another user."""
    rows = ["0100007F:1F90", "00000000000000000000000001000000:1F90", "0000000000000000FFFF00000200007F:1F90"]
    path = tmp_path / "tcp"
    path.write_text(HEAD + "".join(ROW.format(local=local, user=1_000 + at) for at, local in enumerate(rows)))
    return path


@pytest.mark.parametrize(
    ("address", "port", "user"),
    [
        ("127.0.0.1", 8080, 1_000),
        ("::ffff:127.0.0.1", 8080, 1_000),
        ("::1", 8080, 1_001),
        ("127.0.0.2", 8080, 1_002),
        ("127.0.0.1", 8081, None),
        ("127.0.0.3", 8080, None),
        ("no address", 8080, None),
    ],
)
def test_a_user_is_told_by_address_and_port(table: Path, address: str, port: int, user: int | None) -> None:
    assert user_of(address, port, (table,)) == user


def test_others_are_strangers(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 1_000)
    assert not is_stranger("127.0.0.1", 8080, (table,))
    assert is_stranger("::1", 8080, (table,))


def test_where_nothing_is_told_nobody_is_a_stranger(tmp_path: Path) -> None:
    assert not is_stranger("127.0.0.1", 8080, (tmp_path / "none",))


@pytest.mark.skipif(sys.platform != "linux", reason="the tables are Linux's")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_real_connection_is_ours(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.create_server((address, 0), family=family) as server,
        socket.create_connection(server.getsockname()[:2]) as client,
    ):
        assert user_of(*client.getsockname()[:2]) == os.getuid()


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::1%lo", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("no address", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine(address: str, here: bool) -> None:
    assert is_loopback((address, 8080)) is here


def test_where_no_peer_is_known_it_is_not_this_machine() -> None:
    assert not is_loopback(None)
