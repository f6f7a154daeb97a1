"""Has mitmproxy ask only those addons for an event that may have a hook for it.

mitmproxy enters a guard, a coroutine and a generator for each of its some forty addons, at each of the eight events of
a request before its answer begins: about a quarter of all it computes for a stream until then, and nearly all of these
have no hook. Who has one is asked by mitmproxy itself, in its order and under its guard.
"""

from typing import Any

from mitmproxy.addonmanager import AddonManager, safecall
from mitmproxy.exceptions import AddonHalt
from mitmproxy.hooks import Hook, all_hooks

_KNOWN = {
    "trigger_event": {"chain", "safecall", "invoke_addon", "exceptions", "AddonHalt"},
    "trigger": {"chain", "safecall", "invoke_addon_sync", "exceptions", "AddonHalt"},
}
"""What mitmproxy's own methods name that are replaced here. Tested with mitmproxy 11.0.2 and 12.2.3."""
_PLAIN: dict[type, bool] = {}
"""Of classes, whether it can be asked what their objects have: nothing of theirs is called for the answer."""


class AskedAddons(AddonManager):
    """The addons of a proxy: what differs from ``AddonManager`` is only who is passed by."""

    async def trigger_event(self, event: Hook) -> None:
        """See ``AddonManager``."""
        name = event.name
        for addon in self.chain:
            if is_silent(addon, name):
                continue
            try:
                with safecall():
                    await self.invoke_addon(addon, event)
            except AddonHalt:
                return

    def trigger(self, event: Hook) -> None:
        """See ``AddonManager``."""
        name = event.name
        for addon in self.chain:
            if is_silent(addon, name):
                continue
            try:
                with safecall():
                    self.invoke_addon_sync(addon, event)
            except AddonHalt:
                return


def take_over(addons: AddonManager) -> None:
    """Have only those asked from now on. Nothing happens where mitmproxy is not as we know it."""
    if type(addons) is AddonManager and all(
        set(getattr(AddonManager, method).__code__.co_names) == names for method, names in _KNOWN.items()
    ):
        addons.__class__ = AskedAddons


def give_back(addons: AddonManager) -> None:
    """Have all asked again."""
    if type(addons) is AskedAddons:
        addons.__class__ = AddonManager  # type: ignore[assignment]  # what it was


def is_silent(addon: Any, name: str) -> bool:
    """Say whether an addon surely has no hook of a name, nor a child that may have one."""
    kind = type(addon)
    is_plain = _PLAIN.get(kind)
    if is_plain is None:
        is_plain = _PLAIN[kind] = _is_plain(kind)
    return is_plain and not (hasattr(addon, name) or hasattr(addon, "addons"))


def _is_plain(kind: Any) -> bool:
    held = (vars(one).get(name) for one in kind.__mro__ for name in ("addons", *all_hooks))
    is_usual = kind.__getattribute__ is object.__getattribute__ and not hasattr(kind, "__getattr__")
    return is_usual and not any(hasattr(type(one), "__get__") and not callable(one) for one in held)
