"""Has mitmproxy ask only those addons for an event that may have a hook for it.

mitmproxy enters a guard, a coroutine and a generator for each of its some forty addons, at each of the eight events of
a request before its answer begins: about a quarter of all it computes for a stream until then, and nearly all of these
have no hook. Who has one is asked in mitmproxy's order, and by mitmproxy itself where there is more to it than a call.
"""

import inspect
from types import FunctionType, MethodType, TracebackType
from typing import Any

from mitmproxy.addonmanager import AddonManager, safecall
from mitmproxy.exceptions import AddonHalt
from mitmproxy.hooks import Hook, all_hooks

_KNOWN = {
    "trigger_event": {"chain", "safecall", "invoke_addon", "exceptions", "AddonHalt"},
    "trigger": {"chain", "safecall", "invoke_addon_sync", "exceptions", "AddonHalt"},
    "invoke_addon": {"_iter_hooks", "args", "inspect", "isawaitable"},
    "_iter_hooks": {
        *{"isinstance", "hooks", "Hook", "traverse", "getattr", "name", "callable", "types", "ModuleType"},
        *{"exceptions", "AddonManagerError"},
    },
}
"""What mitmproxy's own methods name that are replaced here. Tested with mitmproxy 11.0.2 and 12.2.3."""
_PLAIN: dict[type, bool] = {}
"""Of classes, whether it can be asked what their objects have: nothing of theirs is called for the answer."""


class _Guard:
    """mitmproxy's, entered only where a hook fails: it costs as much as most hooks."""

    def __enter__(self) -> None:
        """Nothing has failed yet."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None
    ) -> bool:
        """Have mitmproxy log what it would, and raise what it would."""
        if error is None:
            return False
        guard = safecall()
        guard.__enter__()
        return bool(guard.__exit__(kind, error, place))


_GUARD = _Guard()


class AskedAddons(AddonManager):
    """The addons of a proxy: what differs from ``AddonManager`` is only who is passed by."""

    async def trigger_event(self, event: Hook) -> None:
        """See ``AddonManager``."""
        name, given = event.name, event.args()
        for addon in self.chain:
            if is_silent(addon, name):
                continue
            hook = own_hook(addon, name)
            try:
                with _GUARD:
                    found = hook(*given) if hook is not None else self.invoke_addon(addon, event)
                    if found is not None and inspect.isawaitable(found):
                        await found
            except AddonHalt:
                return

    def trigger(self, event: Hook) -> None:
        """See ``AddonManager``."""
        name = event.name
        for addon in self.chain:
            if is_silent(addon, name):
                continue
            try:
                with _GUARD:
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


def own_hook(addon: Any, name: str) -> Any:
    """Return the function that is all there is to ask of an addon which is not silent; None where there may be more."""
    if not _PLAIN[type(addon)] or hasattr(addon, "addons"):
        return None
    hook = getattr(addon, name)
    return hook if type(hook) in (MethodType, FunctionType) else None


def _is_plain(kind: Any) -> bool:
    held = (vars(one).get(name) for one in kind.__mro__ for name in ("addons", *all_hooks))
    is_usual = kind.__getattribute__ is object.__getattribute__ and not hasattr(kind, "__getattr__")
    return is_usual and not any(hasattr(type(one), "__get__") and not callable(one) for one in held)
