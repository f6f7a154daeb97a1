"""``headroom-mitm audit``: where the tokens of recorded sessions went, and what would be saved. Needs no proxy."""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import orjson
from rich.console import Console
from rich.progress import Progress

from headroom_mitm.audit.adding import Adding
from headroom_mitm.audit.findings import Findings
from headroom_mitm.audit.measuring import Auditor
from headroom_mitm.audit.page import page
from headroom_mitm.audit.reading import Reader, files_in, own_logs
from headroom_mitm.audit.terminal import show
from headroom_mitm.commands.base import Command
from headroom_mitm.hosts import parse_hosts
from headroom_mitm.ledger_figures import told

_WIDTH = 120
"""Columns where there is no terminal."""


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="*",
        type=Path,
        metavar="PATH",
        help="files, or folders with them: mitmproxy's flows, HAR, session logs of Claude Code and Codex "
        "(default: these clients' own logs in your home folder)",
    )
    parser.add_argument("--json", action="store_true", help="print figures as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page instead")
    parser.add_argument("--host", action="append", default=[], help="a further LLM host, as in headroom_hosts")


def _run(asked: argparse.Namespace) -> int:
    paths = asked.paths or own_logs(Path.home())
    if not paths:
        raise ValueError("no logs of Claude Code or Codex were found: name files or folders")
    files = files_in(paths)
    reader = Reader(parse_hosts(asked.host))
    adding = Adding()
    with (
        _quiet(),
        tempfile.TemporaryDirectory(prefix="headroom-audit-") as folder,
        closing(Auditor(Path(folder))) as auditor,
    ):
        for file in _shown(files):
            for recording in reader.read(file):
                if (measured := auditor.measured(recording)) is not None:
                    adding.add(measured)
    found = adding.findings(len(files), reader.failed)
    _tell(found, asked)
    return 0 if found.requests else 1


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep warnings that are for a proxy's log out of the terminal: the figures tell of it."""
    logger = logging.getLogger("headroom_mitm")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def _shown(files: list[Path]) -> Iterator[Path]:
    """Yield the files, with a progress bar on a terminal."""
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        yield from progress.track(files, description="Reading")


def _tell(found: Findings, asked: argparse.Namespace) -> None:
    if asked.html:
        asked.html.write_text(page(found), encoding="utf-8")
        print(f"Written: {asked.html}", file=sys.stderr)
    if asked.json:
        print(orjson.dumps(told(found), option=orjson.OPT_INDENT_2).decode())
    elif not asked.html:
        show(found, Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False))


AUDIT = Command(
    "audit",
    "tell where the tokens of recorded sessions went, and what would be saved",
    _run,
    _declare,
    description="Reads flows that mitmproxy has saved, HAR files, and the session logs that Claude Code and Codex "
    "keep; runs what the proxy would do over them, and adds up. Nothing is sent anywhere and nothing is changed.",
)
