"""mitmproxy script: writes down, every few seconds, what the process holds: of ours, of Python's, of the allocator's.

A line of JSON each. ``sizes`` are the containers of more than a few members that are reached from the addon, by the
attributes that lead to them: where memory grows, one of these tells where to look.
"""

import asyncio
import ctypes
import functools
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sized
from pathlib import Path
from typing import Any

from mitmproxy import ctx

EVERY_SECONDS = 5.0
LEAST = 50
SHARE = float(os.environ.get("SOAK_MEMORIES", "1"))
"""Of its capacity that each memory of bounded size has: a small one fills at once, and what still grows is a leak."""
_LIMITED: dict[int, object] = {}
DEEPEST = 7


class Mallinfo(ctypes.Structure):
    """What glibc's allocator says of itself, in bytes."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "_")
    )


@functools.cache
def _mallinfo() -> Callable[[], Mallinfo] | None:
    """Return what asks the allocator. Once: each library that is opened leads back to itself."""
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):
        return None
    ask.restype = Mallinfo
    return ask


def allocator() -> dict[str, int]:
    """In use, free but kept, and mapped by itself."""
    ask = _mallinfo()
    if ask is None:
        return {}
    found = ask()
    return {"used": found.uordblks, "free": found.fordblks, "mapped": found.hblkhd}


def sizes(root: object, path: str, seen: set[int], depth: int = 0) -> Iterator[tuple[str, list[int]]]:
    """Yield members, weight and capacity of the memories below an object of ours; members of other containers."""
    if id(root) in seen or depth > DEEPEST:
        return
    seen.add(id(root))
    if type(root).__name__ == "Recent":
        yield path, _limited(root)
        return
    if isinstance(root, Sized) and not isinstance(root, str | bytes) and len(root) >= LEAST:
        yield path, [len(root)]
    for name in _attributes(root):
        value = getattr(root, name, None)
        if isinstance(value, dict | list | set) or hasattr(value, "qsize") or _is_ours(value):
            yield from sizes(value, f"{path}.{name}", seen, depth + 1)
    if isinstance(root, list | tuple) and len(root) < LEAST:
        for number, value in enumerate(root):
            if _is_ours(value):
                yield from sizes(value, f"{path}[{number}]", seen, depth + 1)


def _limited(recent: Any) -> list[int]:
    """Return what a memory of bounded size holds; the first time, make it as much smaller as is wished."""
    if id(recent) not in _LIMITED:
        _LIMITED[id(recent)] = recent
        recent._capacity = max(LEAST, int(recent._capacity * SHARE))  # noqa: SLF001
    return [len(recent), recent._weight, recent._capacity]  # noqa: SLF001


def _attributes(root: object) -> list[str]:
    slots = [name for kind in type(root).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*getattr(root, "__dict__", ()), *slots] if _is_ours(root) else []


def _is_ours(value: object) -> bool:
    return type(value).__module__.startswith("headroom_mitm") or isinstance(value, list | tuple)


class Probe:
    """See the module. ``$SOAK_PROBE`` names the file."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._write(Path(os.environ["SOAK_PROBE"])))

    async def _write(self, path: Path) -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(EVERY_SECONDS)
            late = time.monotonic() - began - EVERY_SECONDS
            with path.open("a", encoding="utf-8") as file:  # some bytes
                file.write(json.dumps(self._seen() | {"late": late}) + "\n")

    def _seen(self) -> dict[str, object]:
        found: dict[str, object] = {"at": time.time(), "tasks": len(asyncio.all_tasks()), **allocator()}
        found["blocks"] = sys.getallocatedblocks()
        plugin = ctx.master.addons.get("headroom")
        service = getattr(plugin, "_service", None)
        if service is not None:
            found["ledger"] = service.shared.writer._waiting.qsize()  # noqa: SLF001  # nobody else needs to know it
            found["threads"] = [pool._work_queue.qsize() for pool in (service.shared.quick, service.shared.slow)]  # noqa: SLF001
            found["sizes"] = dict(sizes(plugin, "", set())) | dict(_of_modules())
        return found


def _of_modules() -> Iterator[tuple[str, list[int]]]:
    for name, module in list(sys.modules.items()):
        if name.startswith("headroom_mitm."):
            for attribute, value in list(vars(module).items()):
                if type(value).__name__ == "Recent":
                    yield from sizes(value, f"{name}.{attribute}", set())


addons = [Probe()]
