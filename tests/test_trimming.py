"""Memory that is free goes back to the system, now and then."""

import asyncio

from headroom_mitm.trimming import Trimmer, trimming


def test_it_goes_on_until_the_proxy_ends() -> None:
    async def live() -> int:
        calls, enough = [0], asyncio.Event()
        loop = asyncio.get_running_loop()

        def trim() -> None:
            calls[0] += 1
            if calls[0] == 3:
                loop.call_soon_threadsafe(enough.set)

        trimmer = Trimmer(trim, seconds=0.0)
        trimmer.running()
        trimmer.running()
        await enough.wait()
        trimmer.done()
        trimmer.done()
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(live()) == 1


def test_where_there_is_nothing_to_call_nothing_is_called() -> None:
    async def live() -> int:
        Trimmer(None).running()
        return len(asyncio.all_tasks())

    assert asyncio.run(live()) == 1


def test_glibc_has_it() -> None:
    """Elsewhere there is nothing to call."""
    trim = trimming()
    assert trim is None or trim() in (0, 1)
