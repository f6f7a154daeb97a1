"""``headroom-mitm key``: the keys that seal what is kept."""

import argparse

from headroom_mitm import settings
from headroom_mitm.commands.base import Command
from headroom_mitm.store import open_store
from headroom_mitm.store.sealing import new_key, new_naming


def _declare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "action",
        choices=("new", "rotate", "reseal"),
        help="new: print a key, for HEADROOM_KEY; rotate: put a new one in front and seal all records with it; "
        "reseal: seal all records with the first key, after HEADROOM_KEY has got a new one in front",
    )
    parser.add_argument(
        "--store", default="", help="as headroom_store (default: store.sqlite in the folder of our own)"
    )
    parser.add_argument(
        "--names",
        action="store_true",
        help="after new: a secret for the names of records as well, so that nobody without it can find out whether a "
        "store holds a text; for a store that holds nothing yet",
    )
    parser.add_argument(
        "--keep-old", action="store_true", help="after rotate: keep the old keys, for stores that this one is not"
    )


def _run(asked: argparse.Namespace) -> int:
    if asked.action == "new":
        print(f"{new_key()},{new_naming()}" if asked.names else new_key())
        return 0
    url = asked.store or str(settings.home() / "store.sqlite")
    if asked.action == "rotate":
        return _rotate(url, keep_old=asked.keep_old)
    print(_resealed(url))
    return 0


def _rotate(url: str, *, keep_old: bool) -> int:
    if not settings.has_own_keys():
        raise ValueError(
            "the keys are in HEADROOM_KEY: put a new one in front there, for all workers, then `key reseal`; "
            "what begins with names: stays, or nothing that is kept is found again"
        )
    file = settings.key_file(url)
    file.rotate()
    print(_resealed(url))
    file.settle(keep_old=keep_old)
    return 0


def _resealed(url: str) -> str:
    store = open_store(url, keys=settings.keys(url))
    try:
        found = store.upkeep.reseal()
    finally:
        store.close()
    lost = f"; {found.lost} that no key opens count as lost" if found.lost else ""
    return f"Sealed {found.sealed} records with the newest key{lost}."


KEY = Command("key", "make keys for the store, or seal what is kept with a new one", _run, _declare)
