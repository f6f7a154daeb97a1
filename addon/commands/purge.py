"""``headroom-mitm purge``: remove what is kept."""

import argparse
import re
import time

from headroom_mitm import settings
from headroom_mitm.commands.base import Command
from headroom_mitm.store import open_store

_UNITS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}


def seconds(text: str) -> int:
    """Return the seconds of a time such as ``12h``, ``7d`` or ``4w``."""
    found = re.fullmatch(r"([0-9]{1,6})([hdw])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 12h, 7d or 4w")
    return int(found[1]) * _UNITS[found[2]]


def _declare(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--all", action="store_true", help="all texts, decisions and figures, and what is learnt")
    what.add_argument(
        "--older-than", type=seconds, metavar="TIME", help="what nobody has used for so long: 12h, 7d, 4w; to the hour"
    )
    parser.add_argument(
        "--store", default="", help="as headroom_store (default: store.sqlite in the folder of our own)"
    )


def _run(asked: argparse.Namespace) -> int:
    url = asked.store or str(settings.home() / "store.sqlite")
    store = open_store(url, keys=settings.keys(url))
    try:
        gone = store.upkeep.purge(None if asked.all else time.time() - asked.older_than)
    finally:
        store.close()
    print(f"Removed {gone} records.")
    return 0


PURGE = Command(
    "purge",
    "remove what is kept",
    _run,
    _declare,
    description="Removes what is kept. A conversation that goes on sends what was shortened in full again, once, and "
    "its model can no longer ask for what was left out.",
)
