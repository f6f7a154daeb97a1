"""What ``headroom-mitm run`` hands to mitmproxy's ``-s`` beside the addon: see leases.py."""

import json
import os
from pathlib import Path

from mitmproxy import ctx

from headroom_mitm.commands.leases import VARIABLE, Leases


class Leased:
    """Has the proxy end with the last of its users."""

    def __init__(self, file: Path, settings: tuple[str, ...]) -> None:
        self._leases = Leases(file, settings, ctx.master.shutdown)

    async def running(self) -> None:
        """Say where the proxy listens, now that it does."""
        host, port = ctx.master.addons.get("proxyserver").listen_addrs()[0][:2]
        await self._leases.open(f"http://{f'[{host}]' if ':' in host else host}:{port}")

    def done(self) -> None:
        """Be found no more."""
        self._leases.close()


_told = json.loads(os.environ.pop(VARIABLE))
addons = [Leased(Path(_told["file"]), tuple(_told["settings"]))]
