"""A proxy lives as long as somebody holds a lease, and no longer."""

import asyncio
import socket
from pathlib import Path

from headroom_mitm.commands.leases import Address, Lease, Leases

PROXY = "http://127.0.0.1:8787"


async def _opened(file: Path) -> tuple[Leases, asyncio.Event, Address]:
    ended = asyncio.Event()
    leases = Leases(file, ("a=b",), ended.set)
    await leases.open(PROXY)
    address = Address.read(file)
    assert address is not None
    return leases, ended, address


def test_what_is_written_for_others_is_for_the_user_alone(tmp_path: Path) -> None:
    address = Address(PROXY, 1, "word", ("a=b",))
    address.write(tmp_path / "x.json")
    assert Address.read(tmp_path / "x.json") == address
    assert (tmp_path / "x.json").stat().st_mode & 0o077 == 0


def test_a_file_that_is_not_whole_is_none(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"proxy": "http:')
    assert Address.read(tmp_path / "x.json") is None
    assert Address.read(tmp_path / "none.json") is None


def test_it_ends_with_the_last_lease_and_is_found_no_more(tmp_path: Path) -> None:
    async def story() -> None:
        leases, ended, address = await _opened(tmp_path / "x.json")
        first = await asyncio.to_thread(Lease.take, address)
        second = await asyncio.to_thread(Lease.take, address)
        assert first is not None
        assert second is not None
        await asyncio.to_thread(first.give_back)
        assert not ended.is_set()
        giving_back = asyncio.create_task(asyncio.to_thread(second.give_back))
        await ended.wait()
        assert not (tmp_path / "x.json").exists()
        assert await asyncio.to_thread(Lease.take, address) is None
        leases.forget()  # as the end of the process does
        await giving_back

    asyncio.run(story())


def test_a_holder_that_dies_gives_back(tmp_path: Path) -> None:
    async def story() -> None:
        leases, ended, address = await _opened(tmp_path / "x.json")
        reader, writer = await asyncio.open_connection("127.0.0.1", address.port)
        writer.write(f"{address.word}\n".encode())
        assert await reader.readline() == b"ok\n"
        writer.transport.abort()
        await ended.wait()
        leases.forget()

    asyncio.run(story())


def test_who_does_not_know_the_word_gets_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        leases, ended, address = await _opened(tmp_path / "x.json")
        wrong = Address(address.proxy, address.port, "guess", ())
        assert await asyncio.to_thread(Lease.take, wrong) is None
        assert not ended.is_set()
        leases.close()

    asyncio.run(story())


def test_where_nothing_listens_there_is_no_lease() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert Lease.take(Address(PROXY, port, "word", ())) is None
