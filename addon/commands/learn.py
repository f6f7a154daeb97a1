"""``headroom-mitm learn``: show, forget or move what is learnt of how hard to press."""

import argparse
import sys

from rich.console import Console

from headroom_mitm import learnt
from headroom_mitm.commands.base import Command
from headroom_mitm.settings import home
from headroom_mitm.store import open_store


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action", choices=("show", "reset", "export", "import"), help="export writes JSON, import reads it instead"
    )
    parser.add_argument("--store", help="as headroom_store (default: store.sqlite in the folder of our own)")


def _run(asked: argparse.Namespace) -> int:
    store = open_store(asked.store or str(home() / "store.sqlite"))
    try:
        if asked.action == "show":
            learnt.show(store.tallies, Console(width=None if sys.stdout.isatty() else 120))
        elif asked.action == "reset":
            print(f"Forgot {learnt.reset(store.tallies)} groups and kinds.")
        elif asked.action == "export":
            learnt.export(store.tallies, sys.stdout)
        else:
            print(f"Took over {learnt.take_over(store.tallies, sys.stdin)} groups and kinds.")
    finally:
        store.close()
    return 0


LEARN = Command("learn", "show, forget or move what is learnt of how hard to press", _run, _declare)
