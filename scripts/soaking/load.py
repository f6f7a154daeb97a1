"""Agents at a constant rate, and the provider they talk to: conversations grow, end, and begin anew."""

import asyncio
import contextlib
import hashlib
import json
import random
import re
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aiohttp
from answers import Answer, Call, Json, Say, answer
from client import sse_data
from conversations import log, measurements, rows
from lengths import WORDS, code
from provider import Provider, Received
from proxy import Mitmdump
from soaking.talks import FORMATS, NAME, Chained, Socket, Talk, WrongError, named, says
from strict_openai_responses import KEPT

GOLDEN = Path(__file__).resolve().parent.parent.parent / "tests" / "golden"
OURS = "headroom_retrieve"
MARKER = re.compile(rf"{OURS}, id=([0-9a-f]{{8}})")
ASKED = ({"lines": "1-20"}, {"search": "ERROR"}, {})
"""What else the model says when it asks for a text."""
TURNS = (4, 30)
"""Of a conversation, least and most."""
PATIENCE = 60


def samples() -> list[str]:
    """Return results of tools of many kinds: what the compressors' golden files begin with."""
    texts = [path.read_text(encoding="utf-8").split("\n# output\n")[0] for path in sorted(GOLDEN.glob("*/*.txt"))]
    return [text.partition("\n")[2] if text.startswith("# flags") else text for text in texts]


class Results:
    """Results that nobody has seen before, of many kinds and sizes."""

    def __init__(self) -> None:
        self._samples = samples()

    def result(self, number: int, turn: int) -> str:
        """Return what a tool gives in some turn of some conversation: the same in each run."""
        salt, choose = f"{number}x{turn}", random.Random(f"{number}-{turn}")
        kind = choose.randrange(8)
        if kind == 0:
            return rows(choose.randrange(10, 400), salt=salt)
        if kind == 1:
            return log(choose.randrange(20, 600), salt=salt)
        if kind == 2:
            return measurements(choose.randrange(150, 800), salt=salt)
        if kind == 3:
            return "\n".join(code(choose) for _ in range(choose.randrange(1, 6)))
        if kind == 4:
            return " ".join(choose.choices(WORDS, k=choose.randrange(50, 4000)))
        # Longer words get an ending of their own, so that it is another text of the same shape.
        return re.sub(r"\b[a-z]{7,}\b", rf"\g<0>{salt}", choose.choice(self._samples))


@dataclass(slots=True)
class Seen:
    """What agents and provider have seen so far."""

    answered: int = 0
    begun: int = 0
    retrieved: int = 0
    breaks: int = 0
    turns: dict[str, int] = field(default_factory=dict)
    """By format."""
    lost: list[str] = field(default_factory=list)
    """Why a request was not answered as the provider answered."""
    broken: list[str] = field(default_factory=list)
    answers: list[tuple[float, float, float]] = field(default_factory=list)
    """When one was there, seconds until the provider had its prompt, and until it was whole."""


class Model:
    """What the provider answers; it looks at whether prompts begin as they did."""

    def __init__(self, provider: Provider, seen: Seen) -> None:
        self.provider, self.seen = provider, seen
        self.reached: dict[int, float] = {}
        """When the provider had a conversation's last prompt."""
        self._begin: dict[int, list[bytes]] = {}
        provider.script(self.step)

    def step(self, received: Received) -> Answer:
        """Answer one prompt: with a call of a tool, or first with the wish to read what was left out."""
        self.provider.script(self.step)
        self.provider.received.clear()
        try:
            return self._answer(received)
        except Exception as error:
            self.seen.lost.append(f"the stand-in provider failed: {error!r}"[:500])
            raise

    def _answer(self, received: Received) -> Answer:
        text = received.body.decode()
        # What an answer is to is the latest turn named: results may be told as what has changed since an earlier one.
        number, turn = max((int(found[1]), int(found[2])) for found in NAME.finditer(text))
        self._hold_to_prefix(number, json.loads(text))
        asked = f"look_{number}_{turn}"
        marker = MARKER.search(text, max(0, text.rfind(named(number, turn))))
        if marker is not None and turn % 3 != 2 and asked not in text:
            self.seen.retrieved += 1
            self.reached.setdefault(number, received.at)
            return answer(Say("I look closer. "), Call(asked, OURS, {"id": marker[1], **ASKED[turn % 3]}))
        self.reached.setdefault(number, received.at)
        return says(number, turn)

    def forget(self, number: int, answers: Iterable[str]) -> None:
        """A conversation has ended."""
        self._begin.pop(number, None)
        for name in answers:
            KEPT.pop(name, None)

    def _hold_to_prefix(self, number: int, body: Json) -> None:
        if "previous_response_id" in body:
            return
        items = [_digest(item) for item in body.get("messages") or body.get("input") or body["contents"]]
        front = [_digest(body.get(name)) for name in ("system", "tools", "instructions", "systemInstruction")]
        now, before = front + items, self._begin.get(number, [])
        if now[: len(before)] != before:
            self.seen.breaks += 1
            first = next((i for i, (one, other) in enumerate(zip(before, now, strict=False)) if one != other), -1)
            self.seen.broken.append(f"conversation {number}, part {first - len(front)} of {len(items)}")
        self._begin[number] = now


def _digest(item: object) -> bytes:
    return hashlib.blake2b(json.dumps(_unmarked(item)).encode(), digest_size=12).digest()


def _unmarked(value: object) -> object:
    if isinstance(value, dict):
        return {name: _unmarked(inner) for name, inner in value.items() if name != "cache_control"}
    return [_unmarked(inner) for inner in value] if isinstance(value, list) else value


class Agents:
    """So many at once, together so many requests a second, whatever each takes."""

    def __init__(self, proxy: Mitmdump, provider: Provider, rate: float, count: int) -> None:
        self.proxy, self.rate, self.count = proxy, rate, count
        self.seen = Seen()
        self.model = Model(provider, self.seen)
        self._results = Results()
        self._context = ssl.create_default_context(cafile=str(proxy.ca))

    async def run(self, seconds: float) -> None:
        """Talk for so long."""
        began = time.monotonic()
        await asyncio.gather(*(self._agent(which, began, began + seconds) for which in range(self.count)))

    async def _agent(self, which: int, began: float, until: float) -> None:
        slot = which
        while time.monotonic() < until:
            number = self.seen.begun
            self.seen.begun += 1
            talk = FORMATS[number % len(FORMATS)](number, stream=number // len(FORMATS) % 2 == 0)
            turns = random.Random(number).randint(*TURNS)
            try:
                async with _Line(self, talk) as line:
                    while talk.turn < turns and (due := began + slot / self.rate) < until:
                        await asyncio.sleep(max(0.0, due - time.monotonic()))
                        slot += self.count
                        await self._turn(line, talk)
            except (aiohttp.ClientError, OSError, TypeError, ValueError, KeyError, WrongError) as error:
                self.seen.lost.append(f"{type(talk).__name__} {number}, turn {talk.turn}: {error!r}"[:500])
            self.model.forget(number, line.answers)
            if began + slot / self.rate >= until:
                return

    async def _turn(self, line: "_Line", talk: Talk) -> None:
        self.model.reached.pop(talk.number, None)
        began = time.perf_counter()
        documents = await line.ask()
        ended = time.perf_counter()
        talk.take(documents)
        talk.give(self._results.result(talk.number, talk.turn))
        reached = self.model.reached.pop(talk.number, ended) - began
        name = type(talk).__name__
        self.seen.turns[name] = self.seen.turns.get(name, 0) + 1
        self.seen.answered += 1
        self.seen.answers.append((time.monotonic(), reached, ended - began))


class _Line:
    """A client's connection, for one conversation."""

    def __init__(self, agents: Agents, talk: Talk) -> None:
        self.talk = talk
        self.answers: list[str] = []
        self._through = {"proxy": agents.proxy.url, "ssl": agents._context}  # noqa: SLF001  # its own part
        self._stack = contextlib.AsyncExitStack()
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        headers = {"x-api-key": "sk-ant-api03-soak", "content-type": "application/json"}
        if not self.talk.host.startswith("api.anthropic"):
            headers = {"authorization": "Bearer sk-soak", "content-type": "application/json"}
        self._session = await self._stack.enter_async_context(aiohttp.ClientSession(timeout=timeout, headers=headers))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def ask(self) -> list[Json]:
        """Send what the conversation has come to; return the documents of the answer."""
        body = self.talk.body()
        documents = await (self._over_socket(body) if isinstance(self.talk, Socket) else self._posted(body))
        if isinstance(self.talk, Chained):
            last = documents[-1]
            self.answers.append(str(last.get("response", last)["id"]))
        return documents

    async def _posted(self, body: bytes) -> list[Json]:
        url = f"https://{self.talk.host}{self.talk.path}"
        async with self._session.post(url, data=body, **self._through) as response:
            raw = await response.read()
            if response.status != 200:
                raise WrongError(f"{response.status} {raw[:300]!r}")
        return list(sse_data(raw)) if self.talk.stream else [json.loads(raw)]

    async def _over_socket(self, body: bytes) -> list[Json]:
        if self._socket is None:
            url = f"wss://{self.talk.host}{self.talk.path}"
            opening = self._session.ws_connect(url, max_msg_size=0, **self._through)
            self._socket = await self._stack.enter_async_context(opening)
        await self._socket.send_str(body.decode())
        events: list[Json] = []
        while not events or events[-1]["type"] not in ("response.completed", "response.failed", "error"):
            events.append(json.loads(await self._socket.receive_str(timeout=PATIENCE)))
        return events
