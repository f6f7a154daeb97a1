"""``headroom-mitm script``: what a mitmproxy of the user's own loads."""

import argparse

from headroom_mitm.commands.base import Command
from headroom_mitm.commands.mitmproxy_options import SCRIPT


def _run(asked: argparse.Namespace) -> int:
    del asked
    print(SCRIPT)
    return 0


TELL_SCRIPT = Command("script", 'print the path for mitmproxy: mitmdump -s "$(headroom-mitm script)"', _run)
