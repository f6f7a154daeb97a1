"""``headroom-mitm purge``: remove what is kept."""

import argparse
import re
import time

from headroom_mitm import settings
from headroom_mitm.commands.base import Command
from headroom_mitm.store import Store, open_store

_UNITS = {"h": 3_600, "d": 86_400, "w": 7 * 86_400}


def seconds(text: str) -> int:
    """Return the seconds of a time such as ``12h``, ``7d`` or ``4w``."""
    found = re.fullmatch(r"([0-9]{1,6})([hdw])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 12h, 7d or 4w")
    return int(found[1]) * _UNITS[found[2]]


def conversation(text: str) -> str:
    """Return the ID of a conversation, or its beginning."""
    if not re.fullmatch(r"[0-9a-fA-F]{6,32}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no ID of a conversation: 6 to 32 hexadecimal digits")
    return text.lower()


def _declare(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--all", action="store_true", help="all texts, decisions and figures, and what is learnt")
    what.add_argument(
        "--older-than", type=seconds, metavar="TIME", help="what nobody has used for so long: 12h, 7d, 4w; to the hour"
    )
    what.add_argument(
        "--conversation",
        type=conversation,
        metavar="ID",
        help="what this conversation holds and no other does; the ID is shown by `headroom-mitm top`, by the page and "
        "as gen_ai.conversation.id in headroom_log; its first digits are enough",
    )
    parser.add_argument(
        "--store", default="", help="as headroom_store (default: store.sqlite in the folder of our own)"
    )


def _run(asked: argparse.Namespace) -> int:
    url = asked.store or str(settings.home() / "store.sqlite")
    store = open_store(url, keys=settings.keys(url))
    try:
        gone = _purged(store, asked)
    finally:
        store.close()
    print(f"Removed {gone} records.")
    return 0


def _purged(store: Store, asked: argparse.Namespace) -> int:
    if asked.conversation is None:
        return store.upkeep.purge(None if asked.all else time.time() - asked.older_than)
    found = store.holdings.conversations(asked.conversation)
    if len(found) != 1:
        count = f"{len(found)} conversations have" if found else "no conversation has"
        raise ValueError(f"{count} an ID that begins with {asked.conversation}")
    return store.holdings.purge(found[0])


PURGE = Command(
    "purge",
    "remove what is kept",
    _run,
    _declare,
    description="Removes what is kept. A conversation that goes on sends what was shortened in full again, once, and "
    "its model can no longer ask for what was left out.",
)
