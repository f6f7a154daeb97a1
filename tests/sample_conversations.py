"""Conversations with Anthropic's API as a coding agent has them, and what leaves instead of their bodies."""

import asyncio
import itertools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sample_compressors import Shorten

from headroom_mitm.aligner import Aligner
from headroom_mitm.compressors import Compressor
from headroom_mitm.errors import StoreReadOnly, StoreUnavailable
from headroom_mitm.pipeline import Outcome, Pipeline, Policy, Ticket
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.segments import Digest, Key, Rendering
from headroom_mitm.service import Service
from headroom_mitm.store import Decision, Store, open_store
from headroom_mitm.store.aside import Aside, NoAside
from headroom_mitm.store.base import Kept, Offer, TallyStore, Visit, VisitStore
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.base import Wire
from headroom_mitm.wording import TOOL_NAME

Json = dict[str, Any]
ANTHROPIC = BY_NAME["anthropic_messages"]
TOOLS: tuple[Json, ...] = (
    {"name": "Bash", "description": "Runs a command.", "input_schema": {"type": "object"}},
    {"name": "Read", "description": "Reads a file.", "input_schema": {"type": "object"}},
)
COMPRESS = Policy()
SHORTENS: tuple[Compressor, ...] = (Shorten(),)


async def rewritten(service: Service, wire: Wire, given: bytes, policy: Policy, seconds: float) -> Outcome | None:
    """Return what leaves instead of a body, after the turn of the loop that there is before any answer."""
    left = await service.leaving(wire, given, policy, seconds)
    await asyncio.sleep(0)
    return left.outcome


def asked(text: str = "What is the matter with the ship?") -> list[Json]:
    """Return the beginning of a conversation."""
    return [{"role": "user", "content": [{"type": "text", "text": text}]}]


def result(call_id: str, text: str, *, tool: str = "Bash", is_error: bool = False) -> list[Json]:
    """Return the model's call of a tool and what it gave back."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": text}
    return [
        {"role": "assistant", "content": [{"type": "tool_use", "id": call_id, "name": tool, "input": {}}]},
        {"role": "user", "content": [block | ({"is_error": True} if is_error else {})]},
    ]


def body(messages: Sequence[Json], *, tools: Sequence[Json] = TOOLS, **more: Any) -> bytes:
    """Return the request that a client sends at this point. The last block is marked for the cache, as always."""
    *earlier, last = messages
    marked = dict(last["content"][-1], cache_control={"type": "ephemeral"})
    end = dict(last, content=[*last["content"][:-1], marked])
    declared = {"tools": list(tools)} if tools else {}
    return json.dumps({"model": "claude", "max_tokens": 9, **declared, **more, "messages": [*earlier, end]}).encode()


def texts(sent: bytes) -> dict[str, str]:
    """Return what each call's result says in a request."""
    blocks = itertools.chain.from_iterable(message["content"] for message in json.loads(sent)["messages"])
    return {block["tool_use_id"]: block["content"] for block in blocks if block["type"] == "tool_result"}


def declared(sent: bytes) -> list[str]:
    """Return the names of the tools in a request."""
    return [tool["name"] for tool in json.loads(sent).get("tools", [])]


def offers(sent: bytes) -> bool:
    """Say whether a request declares our tool."""
    return TOOL_NAME in declared(sent)


class FailingStore:
    """A store that can be cut off: ``down`` before anything is done, ``mute`` after it was done; or only be read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.down = False
        self.mute = False
        self.read_only = False
        self.asked = 0
        self.recalled = 0
        self.staging = store.staging
        self.holdings = store.holdings
        self.aside: Aside = NoAside()

    @property
    def is_there(self) -> bool:
        return not (self.down or self.mute or self.read_only)

    def _call(self, work: Callable[[], Any], *, writes: bool = False) -> Any:
        self.asked += 1
        if self.down:
            raise StoreUnavailable("cut off")
        if self.read_only and writes:
            raise StoreReadOnly("cannot be written to")
        found = work()
        if self.mute:
            raise StoreUnavailable("no answer in time")
        return found

    def recall(self, keys: Sequence[Key]) -> dict[Key, Rendering]:
        self.recalled += 1
        return self._call(lambda: self._store.recall(keys))

    def freeze(self, decisions: Sequence[Decision]) -> dict[Key, Rendering]:
        return self._call(lambda: self._store.freeze(decisions), writes=True)

    def original(self, digest: Digest) -> str:
        return self._call(lambda: self._store.original(digest))

    def settle(self, offer: Offer, decisions: Sequence[Decision]) -> Kept:
        holds = self.offer(offer.head, offer.offered)
        return Kept(self.freeze(decisions) if decisions and holds is offer.offered else {}, holds)

    def offered(self, head: Digest) -> bool | None:
        return self._call(lambda: self._store.offered(head))

    def offer(self, head: Digest, offered: bool) -> bool:
        return self._call(lambda: self._store.offer(head, offered), writes=True)

    def rounds(self, keys: Sequence[Digest]) -> dict[Digest, bytes]:
        return self._call(lambda: self._store.rounds(keys))

    def keep_rounds(self, key: Digest, packed: bytes) -> bytes:
        return self._call(lambda: self._store.keep_rounds(key, packed), writes=True)

    @property
    def visits(self) -> "FailingVisits":
        return FailingVisits(self._call, self._store.visits)

    @property
    def tallies(self) -> "FailingTallies":
        return FailingTallies(self._call, self._store.tallies)

    def sweep(self) -> int:
        return self._call(self._store.sweep)

    def close(self) -> None:
        self._store.close()


@dataclass
class FailingTallies:
    """The sums of such a store."""

    call: Callable[..., Any]
    tallies: TallyStore

    def add(self, amounts: Mapping[str, Mapping[str, float]]) -> None:
        self.call(lambda: self.tallies.add(amounts), writes=True)

    def read(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        return self.call(lambda: self.tallies.read(names))

    def names(self, start: str) -> list[str]:
        return self.call(lambda: self.tallies.names(start))

    def forget(self, names: Sequence[str]) -> None:
        self.call(lambda: self.tallies.forget(names), writes=True)


@dataclass
class FailingVisits:
    """The visits of such a store."""

    call: Callable[..., Any]
    visits: VisitStore

    def get(self, key: Digest) -> Visit | None:
        return self.call(lambda: self.visits.get(key))

    def touch(self, key: Digest, seen: float, lifetime: float) -> Visit:
        return self.call(lambda: self.visits.touch(key, seen, lifetime), writes=True)

    def begin(self, key: Digest, before: Visit | None, after: Visit) -> Visit:
        return self.call(lambda: self.visits.begin(key, before, after), writes=True)


@dataclass
class Hour:
    """A clock that a test turns on."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Worker:
    """One proxy: a pipeline of its own on a store that may be shared."""

    def __init__(
        self,
        store: Store | Path,
        compressors: Iterable[Compressor] = SHORTENS,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.store = open_store(str(store)) if isinstance(store, Path) else store
        now = clock or Hour()
        self.retold = Retold(self.store, now)
        self.pipeline = Pipeline(Aligner(self.store, now), Router(tuple(compressors)), self.retold, now)

    def outcome(self, sent: bytes, policy: Policy = COMPRESS, *, late: bool = False) -> Outcome:
        """Do what the service does with a body; ``late`` means that its new texts are not ready at the deadline."""
        prompt, plan = self.pipeline.plan(ANTHROPIC, sent, policy)
        if plan.is_settled:
            return self.pipeline.settled(ANTHROPIC, plan, policy)
        ticket = Ticket()
        if late:
            assert ticket.take()
        done = self.pipeline.complete(ANTHROPIC, prompt, plan, policy, ticket)
        if done is not None:
            return done
        settled = self.pipeline.settled(ANTHROPIC, plan, policy)
        self.pipeline.give_up(prompt, plan, "deadline")
        self.pipeline.keep()
        return settled

    def send(self, messages: Sequence[Json], policy: Policy = COMPRESS, *, late: bool = False, **more: Any) -> bytes:
        """Return the body that leaves for a conversation at this point."""
        return self.outcome(body(messages, **more), policy, late=late).body
