"""``headroom-mitm uninstall``: remove what we keep, and say what else the user may have changed."""

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from headroom_mitm.certificates import KEY_FILE, load
from headroom_mitm.commands.base import Command
from headroom_mitm.commands.leases import Address, Lease
from headroom_mitm.settings import home

_OURS = ("store.sqlite*", "store.key*", "mitmproxy-*", "ca-bundle.pem", "run", "config.yaml", "config.yml")
"""What we, mitmproxy, or the user for mitmproxy, put into the folder of our own. Nothing else is removed."""


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--yes", action="store_true", help="remove it; without this, only say what would be removed")


def _run(asked: argparse.Namespace) -> int:
    folder = home()
    files, others = ours_in(folder)
    if users := list(_users(folder)):
        raise ValueError(f"proxies with this home still run ({', '.join(users)}): end what uses them first")
    if not files:
        print(f"There is nothing of ours in {folder}.")
    for file in files:
        print(f"{'Removed' if asked.yes else 'Would remove'} {file}")
    trust = _trusted(folder)
    if asked.yes:
        for file in files:
            _remove(file)
        if not others and folder.is_dir():
            folder.rmdir()
    for other in others:
        print(f"Not ours, it stays: {other}")
    print(*_instructions(trust), sep="\n")
    if files and not asked.yes:
        print("\nOriginals that were left out are among these: conversations that go on cannot ask for them any more.")
        print("To remove all of this: headroom-mitm uninstall --yes")
    return 0


def ours_in(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return what in a folder is ours, and what is not."""
    ours = {file for pattern in _OURS for file in folder.glob(pattern)}
    return sorted(ours), sorted(file for file in folder.glob("*") if file not in ours)


def _users(folder: Path) -> Iterator[str]:
    """Yield proxies that somebody uses now."""
    for file in (folder / "run").glob("*.json"):
        address = Address.read(file)
        if address is not None and (lease := Lease.take(address)) is not None:
            lease.give_back()
            if file.exists():
                yield address.proxy


def _trusted(folder: Path) -> str:
    if not (folder / KEY_FILE).is_file():
        return ""
    try:
        return load(folder).subject.removeprefix("CN=")
    except (OSError, ValueError):
        return ""


def _instructions(name: str) -> Iterator[str]:
    yield "\nWhat this program cannot see, and you may have done:"
    yield "- lines of `headroom-mitm env` in a shell's start-up file or a client's settings: take them out"
    named = f" {name!r}" if name else ""
    yield f"- trust in the authority{named} in the system's store, a browser's or Java's: see"
    yield "  certs/README.md; on Debian, for one: sudo rm /usr/local/share/ca-certificates/headroom-mitm.crt;"
    yield "  sudo update-ca-certificates --fresh"
    yield "- a store elsewhere (headroom_store): it stays as it is"
    yield f"- the program itself: {_removal()}"


def _removal() -> str:
    place = Path(sys.prefix).as_posix()
    if "/pipx/" in place:
        return "pipx uninstall headroom-mitm"
    return "uv tool uninstall headroom-mitm" if "/uv/tools/" in place else "pip uninstall headroom-mitm"


def _remove(file: Path) -> None:
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    else:
        file.unlink()


UNINSTALL = Command("uninstall", "remove what is kept; without --yes, say what that is", _run, _declare)
