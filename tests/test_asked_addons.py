"""Whoever has a hook is asked, in mitmproxy's order and under its guard, whatever kind of addon it is."""

import asyncio
import types
from collections.abc import Callable
from typing import Any

import pytest
from mitmproxy import exceptions, options
from mitmproxy.addonmanager import AddonManager
from mitmproxy.hooks import UpdateHook

from headroom_mitm.asked_addons import AskedAddons, give_back, is_silent, own_hook, take_over

Told = list[str]


class Silent:
    """No hook."""


class Hooked:
    """A hook, and children."""

    def __init__(self, told: Told, name: str, *, fails: BaseException | None = None, addons: Any = ()) -> None:
        self.told, self.name, self.fails, self.addons = told, name, fails, list(addons)

    def update(self, _: object) -> None:
        self.told.append(self.name)
        if self.fails is not None:
            raise self.fails


class Slotted:
    """A hook in a slot."""

    __slots__ = ("update",)

    def __init__(self, told: Told, name: str) -> None:
        self.update = lambda _: told.append(name)


class Failing:
    """A hook that cannot be looked up."""

    @property
    def update(self) -> object:
        raise ValueError("not now")


class Evasive:
    """A hook that only shows when it is looked up."""

    def __init__(self, told: Told, name: str) -> None:
        self.told, self.name = told, name

    def __getattr__(self, name: str) -> Any:
        if name == "update":
            return lambda _: self.told.append(self.name)
        raise AttributeError(name)


class Covered(Silent):
    """All lookups are its own."""

    def __init__(self, told: Told, name: str) -> None:
        self.told, self.named = told, name

    def __getattribute__(self, name: str) -> Any:
        if name == "update":
            told, named = self.told, self.named
            return lambda _: told.append(named)
        return super().__getattribute__(name)


class Awaited:
    """A hook that is to be waited for."""

    def __init__(self, told: Told, name: str, *, fails: BaseException | None = None) -> None:
        self.told, self.name, self.fails = told, name, fails

    def __repr__(self) -> str:
        return self.name

    async def update(self, _: object) -> None:
        await asyncio.sleep(0)
        self.told.append(self.name)
        if self.fails is not None:
            raise self.fails


def late(told: Told) -> list[Any]:
    """Return an addon that gets its hook from one before it."""
    silent = Silent()

    class Giving:
        def update(self, _: object) -> None:
            silent.update = lambda _: told.append("late")  # type: ignore[attr-defined]

    return [Giving(), silent]


def script(told: Told, name: str) -> types.ModuleType:
    module = types.ModuleType(name)
    module.update = lambda _: told.append(name)  # type: ignore[attr-defined]
    return module


def wrong() -> types.SimpleNamespace:
    return types.SimpleNamespace(update=3)


def imported() -> types.SimpleNamespace:
    return types.SimpleNamespace(update=types)


CHAINS: dict[str, Callable[[Told], list[Any]]] = {
    "nobody": lambda _: [Silent(), types.ModuleType("empty")],
    "some": lambda told: [Silent(), Hooked(told, "a"), Silent(), script(told, "b"), Slotted(told, "c")],
    "odd ones": lambda told: [Evasive(told, "a"), Covered(told, "b"), imported(), Hooked(told, "c")],
    "children": lambda told: [
        types.SimpleNamespace(addons=[Silent(), Hooked(told, "a", addons=[Slotted(told, "b")])]),
        Hooked(told, "c"),
    ],
    "one fails": lambda told: [Hooked(told, "a", fails=ValueError("no")), Hooked(told, "b")],
    "a child fails": lambda told: [
        Hooked(told, "a", addons=[Hooked(told, "b", fails=ValueError("no")), Hooked(told, "c")]),
        Hooked(told, "d"),
    ],
    "one ends it": lambda told: [Hooked(told, "a", fails=exceptions.AddonHalt()), Hooked(told, "b")],
    "a hook that cannot be looked up": lambda told: [Failing(), Hooked(told, "a")],
    "a hook that is none": lambda told: [wrong(), Hooked(told, "a")],
    "a hook that comes late": late,
    "hooks that are waited for": lambda told: [
        Awaited(told, "a"),
        Awaited(told, "b", fails=ValueError("no")),
        Awaited(told, "c", fails=exceptions.AddonHalt()),
        Hooked(told, "d"),
    ],
}


def manager() -> AddonManager:
    return AddonManager(types.SimpleNamespace(options=options.Options()))


def asked(chain: Callable[[Told], list[Any]], *, ours: bool, waits: bool, caplog: pytest.LogCaptureFixture) -> Told:
    """Return who was asked, and what was logged."""
    told: Told = []

    async def inside() -> None:
        addons = manager()
        addons.chain = chain(told)
        if ours:
            take_over(addons)
            assert type(addons) is AskedAddons
        event = UpdateHook([])
        caplog.clear()
        if waits:
            await addons.trigger_event(event)
        else:
            addons.trigger(event)

    asyncio.run(inside())
    return [*told, *(record.getMessage() for record in caplog.records if record.name == "mitmproxy.addonmanager")]


@pytest.mark.parametrize("waits", [True, False], ids=["awaited", "at once"])
@pytest.mark.parametrize("name", CHAINS)
def test_the_same_are_asked(name: str, *, waits: bool, caplog: pytest.LogCaptureFixture) -> None:
    one, other = (asked(CHAINS[name], ours=ours, waits=waits, caplog=caplog) for ours in (False, True))
    assert one == other
    assert name == "nobody" or one


def test_who_has_no_hook_is_passed_by() -> None:
    assert is_silent(Silent(), "update")
    assert not is_silent(Hooked([], "a"), "request")  # its children may have one


def test_all_are_asked_again_at_the_end() -> None:
    addons = manager()
    take_over(addons)
    give_back(addons)
    assert type(addons) is AddonManager


def test_a_hook_that_is_alone_is_called_by_itself() -> None:
    told: Told = []
    alone = Awaited(told, "a")
    assert not is_silent(alone, "update")
    assert own_hook(alone, "update") == alone.update
    for other in (Hooked(told, "b", addons=[Silent()]), imported(), wrong(), Evasive(told, "d")):
        assert not is_silent(other, "update")
        assert own_hook(other, "update") is None


@pytest.mark.parametrize("method", ["trigger", "trigger_event", "invoke_addon", "_iter_hooks"])
def test_a_mitmproxy_that_does_otherwise_is_left_alone(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def otherwise(self: AddonManager, event: object) -> None:
        self.others(event)  # type: ignore[attr-defined]

    addons = manager()
    monkeypatch.setattr(AddonManager, method, otherwise)
    take_over(addons)
    assert type(addons) is AddonManager
