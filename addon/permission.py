"""What may be done to one prompt: the mode, and whose login it goes with."""

import logging
from collections.abc import Mapping

from headroom_mitm.caching import Wishes
from headroom_mitm.credentials import account, is_subscription
from headroom_mitm.hosts import takes_cache_key
from headroom_mitm.pipeline import Policy
from headroom_mitm.settings import Mode, Settings, Stabilize, Subscription, Ttl

logger = logging.getLogger(__name__)

_SUBSCRIPTION_MODES = {Subscription.AUDIT: Mode.AUDIT, Subscription.OFF: Mode.OFF}


class Permission:
    """Says it, and tells the user once where it is less than the mode allows."""

    def __init__(self) -> None:
        self._has_told = False

    def policy(self, host: str, headers: Mapping[str, str], chosen: Settings, *, answerable: bool) -> Policy | None:
        """Return what may be done to a prompt; None: nothing at all."""
        mode = chosen.mode
        if mode is not Mode.OFF and is_subscription(host, headers):
            mode = _SUBSCRIPTION_MODES.get(chosen.subscription, mode)
            self._tell(chosen.subscription)
        if mode is Mode.OFF:
            return None
        return Policy(
            change=mode is not Mode.AUDIT,
            lossy=mode is Mode.COMPRESS,
            answerable=answerable,
            excludes=chosen.excludes,
            pins=chosen.levels,
            account=account(headers),
            caching=Wishes(
                takes_key=takes_cache_key(host),
                chooses_lifetime=chosen.ttl is Ttl.AUTO,
                orders_tools=chosen.stabilize is Stabilize.ON,
            ),
        )

    def _tell(self, choice: Subscription) -> None:
        if not self._has_told and choice is not Subscription.COMPRESS:
            self._has_told = True
            logger.warning(
                "headroom: traffic with a subscription login is not rewritten (headroom_subscription=%s): "
                "the provider may count rewritten traffic as third-party use. Set it to compress if you want that.",
                choice,
            )
