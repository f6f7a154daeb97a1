"""``headroom-mitm doctor``: is everything as it has to be, and what to do where it is not."""

import argparse
import importlib.metadata
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from mitmproxy.options import Options
from rich.console import Console
from rich.text import Text

from headroom_mitm import __version__, settings
from headroom_mitm.commands.base import Command
from headroom_mitm.commands.diagnosis import Finding, State, ok, warning
from headroom_mitm.commands.examine_clients import examine_attribution, examine_clients
from headroom_mitm.commands.examine_proxy import (
    authority_of,
    examine_authority,
    examine_environment,
    examine_proxy,
)
from headroom_mitm.commands.examine_store import examine_store
from headroom_mitm.commands.mitmproxy_options import arguments_for, effective
from headroom_mitm.roundtrip.substream import missing_names

_MARKS = {State.OK: ("ok", "green"), State.WARNING: ("warning", "yellow"), State.PROBLEM: ("problem", "red")}
_SUPPORTED = (range(11, 13), (11, 0, 2))
"""Major versions of mitmproxy, and the first one."""


def examine_versions(mitmproxy: str) -> Iterator[Finding]:
    """Look at what we run on."""
    numbers = tuple(int(part) for part in mitmproxy.split(".")[:3] if part.isdigit())
    python = ".".join(map(str, sys.version_info[:3]))
    said = f"headroom-mitm {__version__}, mitmproxy {mitmproxy}, Python {python}"
    majors, first = _SUPPORTED
    if not numbers or numbers[0] not in majors or numbers < first:
        yield warning("versions", said, "tested are mitmproxy 11.0.2 and later, and 12")
    else:
        yield ok("versions", said)
    if missing := missing_names():
        advice = "nothing is left out with this version of mitmproxy: lossless forms only"
        yield warning("retrieval", f"mitmproxy {mitmproxy} does not have {', '.join(missing)}", advice)
    else:
        yield ok("retrieval", "what was left out can be asked for")


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=int, help="the proxy's, if not 8787")
    parser.add_argument(
        "--proxy-only", action="store_true", help="ask only the proxy: ends with 1 if it does not answer"
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def _run(asked: argparse.Namespace) -> int:
    further = ["--listen-port", str(asked.port)] if asked.port else []
    options = effective(arguments_for(further, settings.home()))
    found = list(examine_proxy(options) if asked.proxy_only else _examined(options))
    if asked.json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    else:
        _show(found, Console(highlight=False, soft_wrap=True))
    wrong = {State.PROBLEM, State.WARNING} if asked.proxy_only else {State.PROBLEM}
    return int(any(one.state in wrong for one in found) or not found)


def _examined(options: Options) -> Iterator[Finding]:
    authority = authority_of(options)
    yield from examine_versions(importlib.metadata.version("mitmproxy"))
    yield from examine_authority(options, datetime.now(UTC))
    yield from examine_proxy(options)
    yield from examine_environment(os.environ, options)
    if authority is not None:
        yield from examine_clients(os.environ, authority, Path.home())
    yield from examine_attribution(os.environ)
    yield from examine_store(options.headroom_store or str(settings.home() / "store.sqlite"))


def _show(found: list[Finding], console: Console) -> None:
    for one in found:
        word, style = _MARKS[one.state]
        console.print(Text.assemble((f"{word:8}", style), (f" {one.name}: ", "bold"), one.said))
        if one.advice:
            console.print(Text(f"{'':9}-> {one.advice}"))


DOCTOR = Command("doctor", "look whether everything is as it has to be, and say what to do", _run, _declare)
