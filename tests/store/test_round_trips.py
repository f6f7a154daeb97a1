"""A request waits for two round trips to a shared store at most: one that asks for all, one that keeps all."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from redis_trips import Trips, counted_trips
from sample_compressors import LARGE, Shorten, rows
from sample_conversations import COMPRESS, asked, body, offers, result, rewritten, texts

from headroom_mitm.pipeline import Outcome, Policy
from headroom_mitm.roundtrip.links import link_behind
from headroom_mitm.router import Router
from headroom_mitm.segments import digest
from headroom_mitm.service import Service
from headroom_mitm.store import open_store
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.reply import Kept

Messages = list[dict[str, Any]]
TEXT = rows(LARGE)
AHA: Messages = [
    {"role": "assistant", "content": [{"type": "text", "text": "Aha."}]},
    {"role": "user", "content": [{"type": "text", "text": "And?"}]},
]
ME = Policy(account=digest(b"my key"))


@pytest.fixture(params=["redis", "sentinel", "cluster"])
def url(request: pytest.FixtureRequest) -> str:
    fixtures = {"redis": "redis_server", "sentinel": "sentinels", "cluster": "cluster"}
    servers = request.getfixturevalue(fixtures[request.param])
    servers.flush()
    return str(servers.url)


@pytest.fixture
def trips() -> Iterator[Trips]:
    with counted_trips() as counted:
        yield counted


class Worker:
    """A service, and how many round trips its last request has waited for."""

    def __init__(self, service: Service, trips: Trips) -> None:
        self.service = service
        self.waited = 0
        self._trips = trips

    async def send(self, messages: Messages, policy: Policy = ME) -> Outcome:
        before = self._trips.waited_for
        outcome = await rewritten(self.service, BY_NAME["anthropic_messages"], body(messages), policy, 60)
        self.waited = self._trips.waited_for - before
        assert outcome is not None
        self.settle()
        return outcome

    def settle(self) -> None:
        """Return when nothing waits any more."""
        self.service.shared.behind.submit(lambda: None).result()


def run(url: str, trips: Trips, count: int, talk: Callable[..., Awaitable[None]]) -> None:
    """Have some workers on one store talk. Their connections are made before."""

    async def inside() -> None:
        workers = [Worker(Service(url, Router((Shorten(),))), trips) for _ in range(count)]
        for number, worker in enumerate(workers):
            worker.settle()
            for thread in range(8):
                await worker.send(asked(f"Is anybody there? {number} {thread}"))
        await talk(*workers)
        for worker in workers:
            worker.service.close()

    asyncio.run(inside())


def test_a_conversation(url: str, trips: Trips) -> None:
    async def talk(worker: Worker) -> None:
        waited = []
        messages = asked()
        for more in ([], result("c1", TEXT), [], AHA, result("c2", rows(LARGE, "other ")), AHA):
            messages = [*messages, *more]
            sent = await worker.send(messages)
            waited.append(worker.waited)
        assert waited == [2, 2, 0, 1, 2, 1]
        assert offers(sent.body)
        assert all(len(text) < 1000 for text in texts(sent.body).values())

    run(url, trips, 1, talk)


def test_a_conversation_that_hops(url: str, trips: Trips) -> None:
    """Each worker meets what another has decided: it asks for all of it at once."""

    async def talk(*workers: Worker) -> None:
        messages, waited, sent = asked(), [], []
        for number in range(6):
            worker = workers[number % 3]
            sent.append(await worker.send(messages))
            waited.append(worker.waited)
            messages = [*messages, *result(f"c{number}", rows(LARGE, f"{number} "))]
        assert waited == [2] * 6
        last = texts(sent[-1].body)
        assert all(last[call] == text for one in sent for call, text in texts(one.body).items())

    run(url, trips, 3, talk)


def test_a_conversation_met_in_its_middle(url: str, trips: Trips) -> None:
    """Whether the tool pays there, and what becomes of its texts, is kept at once."""
    messages = asked() + [message for n in range(5) for message in result(f"m{n}", rows(LARGE, f"{n} "))]

    async def talk(worker: Worker, other: Worker) -> None:
        first = await worker.send(messages)
        waited = [worker.waited]
        assert (await other.send(messages)).body == first.body
        assert [*waited, other.waited] == [2, 1]

    run(url, trips, 2, talk)


def test_a_retrieval(url: str, trips: Trips) -> None:
    """One for the text. What follows from its having been asked for is not waited for."""

    async def talk(worker: Worker) -> None:
        await worker.send(asked())
        sent = await worker.send(asked() + result("c1", TEXT))
        ((text_id, rendering),) = sent.originals.items()
        before = trips.waited_for

        def answer() -> str:
            text = worker.service.read(rendering.original)
            worker.service.asked(sent, text_id, 4_000)
            return text

        assert await worker.service.advance(answer) == TEXT
        assert trips.waited_for - before == 1

    run(url, trips, 1, talk)


def test_frames_of_a_socket(url: str, trips: Trips) -> None:
    """Each carries only what is new; the worker that holds the socket knows the rest."""
    wire = BY_NAME["openai_responses"]
    tools = [{"type": "function", "name": "shell", "parameters": {"type": "object"}}]

    def frame(*items: dict[str, Any], **more: Any) -> bytes:
        given = {"type": "response.create", "model": "gpt-5.1", "tools": tools, "input": list(items), **more}
        return json.dumps(given).encode()

    def output(number: int) -> bytes:
        item = {"type": "function_call_output", "call_id": f"c{number}", "output": rows(LARGE, f"{number} ")}
        return frame(item, previous_response_id=f"resp_{number}")

    async def talk(worker: Worker) -> None:
        waited = []
        frames = [frame({"role": "user", "content": "What is the matter?"}), output(1), output(2), output(3)]
        for number, one in enumerate(frames):
            before = trips.waited_for
            left = await worker.service.leaving(wire, one, COMPRESS, 60)
            await asyncio.sleep(0)
            waited.append(trips.waited_for - before)
            assert left.outcome is not None
            kept = Kept(f"resp_{number + 1}", f"resp_{number + 1}", ())
            worker.service.link(link_behind(kept, left.wire, left.outcome.prompt, left.outcome.originals))
            worker.settle()
        assert waited == [2, 2, 2, 2]
        assert len(left.outcome.body) < 2_000

    run(url, trips, 1, talk)


def test_what_was_not_waited_for_is_told(url: str, trips: Trips) -> None:
    """Another worker learns when a prefix was sent, and that its tools are in the cache with ours."""

    async def talk(worker: Worker) -> None:
        await worker.send(asked())
        worker.service.close()
        store = open_store(url)
        shown = worker.service.shared.store.staging
        assert not shown.owes
        store.close()

    asyncio.run(_one(url, trips, talk))


async def _one(url: str, trips: Trips, talk: Callable[[Worker], Awaitable[None]]) -> None:
    await talk(Worker(Service(url, Router((Shorten(),))), trips))
