"""What we keep is its owner's alone, whatever the umask: nobody else on the machine reads it, at no moment."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headroom_mitm.certificates import ANDROID_FILE, BUNDLE_FILE, CERTIFICATE_FILE, WINDOWS_FILE, ensure_authority
from headroom_mitm.commands import run
from headroom_mitm.commands.leases import Address
from headroom_mitm.journal import Journal
from headroom_mitm.segments import Digest, digest
from headroom_mitm.store import open_store
from headroom_mitm.store.key_file import KeyFile

PUBLIC = {CERTIFICATE_FILE, BUNDLE_FILE, ANDROID_FILE, WINDOWS_FILE}
"""Certificates, which clients of other users may have to trust. The folder is private all the same."""
FIGURES = dict.fromkeys(
    ("provider", "model", "conversation", "client", "arm", "texts_before", "texts_after", "legs", "paid", "without"), 1
) | {"saved": 1, "caching": 1, "usage": None, "retrieved": []}


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def _umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def made(home: Path) -> None:
    """Have all files made that a proxy makes."""
    ensure_authority(home, ["api.anthropic.com"], datetime.now(UTC))
    store = open_store(str(home / "below" / "store.sqlite"), keys=KeyFile(home / "store.key"))
    store.offer(Digest(digest(b"x")), True)
    KeyFile(home / "store.key").rotate()
    Journal(home / "log.jsonl").note(FIGURES, 0.0)
    Address("http://127.0.0.1:1", 2, "word", ()).write(home / "lease.json")
    run._private_log(home / "lease.log").close()
    store.close()


@pytest.mark.usefixtures("_umask")
def test_only_certificates_are_for_others(tmp_path: Path) -> None:
    home = tmp_path / "home"
    made(home)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (home, *home.rglob("*"))}
    assert {"store.sqlite", "store.key", "log.jsonl", "lease.json", "lease.log", "mitmproxy-ca.pem"} <= set(modes)
    wrong = {
        name: oct(mode)
        for name, mode in modes.items()
        if mode & 0o077 & ~(0o044 if name in PUBLIC else 0) or (mode & 0o111 and name not in {"home", "below"})
    }
    assert not wrong
    assert modes["home"] == modes["below"] == 0o700


def test_what_was_open_to_others_is_closed(tmp_path: Path) -> None:
    """What an older version, or somebody, has made with other modes."""
    home = tmp_path / "home"
    made(home)
    private = [home, home / "store.key", home / "mitmproxy-ca.pem", home / "below" / "store.sqlite"]
    for path in private:
        path.chmod(0o777)
    made(home)
    assert not [path.name for path in private if path.stat().st_mode & 0o077]
