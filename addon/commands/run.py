"""``headroom-mitm run``: one command behind the proxy, and nothing left when it has ended."""

import argparse
import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TextIO
from urllib.parse import urlsplit

from mitmproxy.options import Options

from headroom_mitm.certificates import Authority
from headroom_mitm.commands import asking
from headroom_mitm.commands.authority import authority_for
from headroom_mitm.commands.base import Command
from headroom_mitm.commands.child import Environment, client_of, environment_for
from headroom_mitm.commands.clients import CLIENTS
from headroom_mitm.commands.leases import VARIABLE, Address, Lease
from headroom_mitm.commands.mitmproxy_options import arguments_for, effective, proxy_url
from headroom_mitm.commands.routes import is_loopback
from headroom_mitm.hosts import parse_hosts
from headroom_mitm.settings import home

_SCRIPT = str(Path(__file__).with_name("leased.py"))
_CERTIFICATE = re.compile(rb"-----BEGIN [A-Z ]*CERTIFICATE-----.*?-----END [A-Z ]*CERTIFICATE-----", re.DOTALL)
_SECONDS_TO_START = 60.0
_LOOKING = 0.05
_NOT_FOUND, _NOT_RUNNABLE = 127, 126
"""Exit statuses as a shell has them."""
_FORWARDED = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2") if hasattr(signal, name)]
_OF_THE_TERMINAL = [getattr(signal, name) for name in ("SIGINT", "SIGQUIT") if hasattr(signal, name)]
"""These reach the child by themselves: it is in the same group."""


_QUIET = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL") if hasattr(signal, name)]
"""Signals that end a program without a dump of its memory."""


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--client", choices=CLIENTS, help="whose variables to set (default: told by the command's name, else all)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="an option of the proxy, such as headroom_mode=lossless; may be given again",
    )
    parser.add_argument("--alone", action="store_true", help="start a proxy even where one runs that could be joined")
    parser.add_argument("--quiet", "-q", action="store_true", help="say nothing of variables that lead elsewhere")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="with its arguments")


def _run(asked: argparse.Namespace) -> int:
    words = asked.words[1:] if asked.words[:1] == ["--"] else asked.words
    if not words:
        raise ValueError("nothing to run: headroom-mitm run -- claude")
    options = effective(arguments_for(_as_flags(asked.settings), home()))
    authority = authority_for(options)
    settings = (*asked.settings, *_upstream(options, authority, quiet=asked.quiet))
    with _proxy(options, settings, authority, alone=asked.alone) as proxy:
        extra = parse_hosts(options.headroom_hosts)
        environment = environment_for(asked.client or client_of(words[0]), os.environ, proxy, authority, extra)
        if not asked.quiet:
            for note in environment.notes:
                print(f"headroom-mitm: {note}", file=sys.stderr)
        with _certificates(environment):
            status = _waited_for(words, environment.variables)
    return _ended_as(status)


@contextmanager
def _proxy(options: Options, settings: tuple[str, ...], authority: Authority, *, alone: bool) -> Iterator[str]:
    """Yield the address of a proxy that lives as long as this block: one that runs, or a new one."""
    if not (alone or settings) and _is_ours(proxy_url(options), authority):
        yield proxy_url(options)
        return
    lease = None if alone else _joined(settings)
    lease = lease or _started(settings)
    try:
        yield lease.proxy
    finally:
        lease.give_back()


def _is_ours(proxy: str, authority: Authority) -> bool:
    """Say whether a proxy with this home, which somebody else looks after, answers there."""
    try:
        return asking.asked(proxy, authority.certificate).home == home()
    except OSError:
        return False


def _joined(settings: tuple[str, ...]) -> Lease | None:
    for file in sorted(_folder().glob("*.json")):
        address = Address.read(file)
        if address is None or address.settings != settings:
            continue
        if (lease := Lease.take(address)) is not None:
            return lease
        _forget(file)  # of a proxy that was killed
    return None


def _started(settings: tuple[str, ...]) -> Lease:
    """Start a proxy; return when it answers. It is in a session of its own: Ctrl-C is for the command."""
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    file = _folder() / f"{secrets.token_hex(8)}.json"
    log = file.with_suffix(".log")
    told = json.dumps({"file": str(file), "settings": settings})
    scripts = ["-s", _SCRIPT, "--listen-host", "127.0.0.1", "--listen-port", "0", "-q"]
    with _private_log(log) as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "headroom_mitm.cli", "proxy", *_as_flags(settings), *scripts],
            env={**os.environ, VARIABLE: told, "HEADROOM_HOME": str(home())},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    lease = _answering(process, file)
    if lease is None:
        process.kill()
        process.wait()
        said = log.read_text(encoding="utf-8", errors="replace")
        _forget(file)
        raise OSError(f"the proxy did not start:\n{said}")
    return lease


def _answering(process: "subprocess.Popen[bytes]", file: Path) -> Lease | None:
    latest = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < latest and process.poll() is None:
        if (address := Address.read(file)) is not None:
            return Lease.take(address)
        time.sleep(_LOOKING)
    return None


def _upstream(options: Options, authority: Authority, *, quiet: bool) -> list[str]:
    """Return what makes ours go on through the proxy that the user has to go through.

    That may be ours already, where this runs in a shell that runs behind it: two in a row would shorten twice.
    """
    theirs = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or ""
    if not theirs or options.mode != ["regular"] or theirs.rstrip("/") == proxy_url(options):
        return []
    place = urlsplit(theirs if "://" in theirs else f"http://{theirs}")
    if is_loopback(theirs) and _is_ours(theirs, authority):
        return []
    if place.scheme in ("http", "https") and place.hostname and not place.username:
        return [f"mode=upstream:{place.scheme}://{place.netloc}"]
    if not quiet:
        shown = f"{place.scheme}://{place.hostname}"
        print(
            f"headroom-mitm: HTTPS_PROXY={shown} is not used for this command. To go on through it: "
            "--set mode=upstream:http://HOST:PORT --set upstream_auth=USER:PASSWORD",
            file=sys.stderr,
        )
    return []


@contextmanager
def _certificates(environment: Environment) -> Iterator[None]:
    """Where the user trusts further authorities by a variable of which there can be one, put both into a file."""
    made: dict[tuple[Path, Path], Path] = {}
    try:
        for name, files in environment.certificates.items():
            with contextlib.suppress(OSError):  # what cannot be read, the client could not read either
                made[files] = made.get(files) or _joined_certificates(*files)
                environment.variables[name] = str(made[files])
        yield
    finally:
        for file in made.values():
            if file.parent == _folder():
                file.unlink(missing_ok=True)


def _private_log(file: Path) -> TextIO:
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8")


def _joined_certificates(theirs: Path, ours: Path) -> Path:
    """Return a file with the certificates of both: ours if it has them all."""
    known = ours.read_bytes()
    missing = [each for each in _CERTIFICATE.findall(theirs.read_bytes()) if each not in known]
    if not missing:
        return ours
    _folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    file = _folder() / f"{secrets.token_hex(8)}.pem"
    file.write_bytes(known.rstrip(b"\n") + b"\n" + b"\n".join(missing) + b"\n")
    return file


def _waited_for(words: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run the command on our own input, output and terminal; return what ``wait`` says of its end."""
    process: subprocess.Popen[bytes] | None = None

    def forward(number: int, frame: FrameType | None) -> None:
        del frame
        if process is not None and process.poll() is None:
            process.send_signal(number)

    before = {number: signal.signal(number, forward) for number in _FORWARDED}
    before |= {number: signal.signal(number, lambda *_: None) for number in _OF_THE_TERMINAL}
    try:
        process = subprocess.Popen(words, env=dict(variables))
        return process.wait()
    except FileNotFoundError:
        print(f"headroom-mitm: {words[0]}: command not found", file=sys.stderr)
        return _NOT_FOUND
    except PermissionError as error:
        print(f"headroom-mitm: {words[0]}: {error.strerror}", file=sys.stderr)
        return _NOT_RUNNABLE
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ended_as(status: int) -> int:
    """Return the command's exit status; if a signal ended it, end by the same, so that a shell sees it."""
    if status >= 0:
        return status
    if -status in _QUIET:
        with contextlib.suppress(OSError):  # what cannot be caught has no other handler
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    return 128 - status


def _as_flags(settings: Sequence[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def _folder() -> Path:
    return home() / "run"


def _forget(file: Path) -> None:
    for each in (file, file.with_suffix(".log")):
        with contextlib.suppress(OSError):
            each.unlink(missing_ok=True)


RUN = Command(
    "run",
    "run one command behind the proxy: headroom-mitm run -- claude",
    _run,
    _declare,
    description="Starts a proxy, or joins one that runs with the same home, and runs a command that uses it. Only "
    "the command's own environment is changed. The proxy ends with the last command that uses it.",
)
