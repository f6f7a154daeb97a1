"""Laws over random sessions with pauses: what a provider may still have in its cache leaves in the same bytes.

The cache is played: by model and bytes, it forgets what nobody has read for five minutes.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from sample_compressors import LARGE, SMALL, rows
from sample_conversations import COMPRESS, TOOLS, Hour, Worker, asked, body, offers, texts

from headroom_mitm.pipeline import Policy

KEPT = 300
"""Seconds."""
MODELS = ("claude-sonnet-4-5", "claude-opus-4-8")
TOOL_LISTS = (TOOLS, (*TOOLS, {"name": "Ask", "input_schema": {"type": "object"}}), tuple(reversed(TOOLS)))
TEXTS = (rows(LARGE), rows(LARGE, "again "), rows(SMALL), "\n".join(f"plain words {'x' * (n % 9)}" for n in range(300)))
INDEX = st.sampled_from(range(6))
PAUSES = st.sampled_from([1, 40, 250, 290, 400, 650, 700, 3_000, 90_000])


class Pauses(RuleBasedStateMachine):
    """Clients that go on after a while, with another model or other tools; two workers with one store."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "store.sqlite"
        self.clock = Hour()
        self.workers = [Worker(self.path, clock=self.clock) for _ in range(2)]
        self.conversations: list[list[Any]] = []
        self.calls = 0
        self.cache: dict[str, tuple[str, float]] = {}
        """What a client has sent so far -> what has left instead, and when it was read last."""

    def teardown(self) -> None:
        for worker in self.workers:
            worker.store.close()
        self.folder.cleanup()

    def turn(self, text: int, subject: int) -> list[Any]:
        self.calls += 1
        name, given = ("Read", {"file_path": f"/srv/file{subject}.txt"}) if subject % 2 else ("Bash", {"command": "ls"})
        call = {"type": "tool_use", "id": f"call_{self.calls}", "name": name, "input": given}
        back = {"type": "tool_result", "tool_use_id": call["id"], "content": TEXTS[text % len(TEXTS)]}
        return [{"role": "assistant", "content": [call]}, {"role": "user", "content": [back]}]

    def send(self, which: int, worker: int, *, model: int = 0, tools: int = 0, policy: Policy = COMPRESS) -> None:
        messages = self.conversations[which % len(self.conversations)]
        given = body(messages, tools=TOOL_LISTS[tools % 3], model=MODELS[model % 2])
        self.check(given, self.workers[worker % 2].outcome(given, policy).body)

    def check(self, given: bytes, sent: bytes) -> None:
        before, after = json.loads(given), json.loads(sent)
        assert offers(sent) or "Left out here" not in sent.decode()
        for message in after["messages"]:
            for block in message["content"]:
                block.pop("cache_control", None)
        for count in range(1, len(after["messages"]) + 1):
            said = [(m["role"], [{k: v for k, v in b.items() if k != "cache_control"} for b in m["content"]])
                    for m in before["messages"][:count]]  # fmt: skip
            key = json.dumps([before["model"], before["tools"], said])
            prefix = json.dumps([after["tools"], after["messages"][:count]])
            held, read = self.cache.get(key, ("", 0.0))
            if self.clock.now - read <= KEPT:
                assert prefix == held
            self.cache[key] = prefix, self.clock.now
        originals, now = texts(given), texts(sent)
        assert originals.keys() == now.keys()

    @initialize()
    def first(self) -> None:
        self.begin(0)

    @rule(worker=INDEX)
    def begin(self, worker: int) -> None:
        self.conversations.append(asked(f"Question {len(self.conversations)}"))
        self.send(len(self.conversations) - 1, worker)

    @rule(which=INDEX, text=INDEX, subject=INDEX, worker=INDEX, count=st.sampled_from([1, 1, 3, 7]))
    def go_on(self, which: int, text: int, subject: int, worker: int, count: int) -> None:
        for number in range(count):
            self.conversations[which % len(self.conversations)] += self.turn(text + number, subject + number)
            self.send(which, worker)

    @rule(which=INDEX, worker=INDEX, model=INDEX, tools=INDEX)
    def change(self, which: int, worker: int, model: int, tools: int) -> None:
        """Ask another model, or with other tools, or both."""
        self.send(which, worker, model=model, tools=tools)

    @rule(which=INDEX, worker=INDEX)
    def without_loss(self, which: int, worker: int) -> None:
        self.send(which, worker, policy=Policy(lossy=False))

    @rule(which=INDEX, length=INDEX, worker=INDEX)
    def fork(self, which: int, length: int, worker: int) -> None:
        messages = self.conversations[which % len(self.conversations)]
        self.conversations.append(messages[: 1 + 2 * (length % (1 + len(messages) // 2))])
        self.send(len(self.conversations) - 1, worker)

    @rule(seconds=PAUSES)
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(worker=INDEX)
    def restart(self, worker: int) -> None:
        self.workers[worker % 2].store.close()
        self.workers[worker % 2] = Worker(self.path, clock=self.clock)


TestPauses = Pauses.TestCase
TestPauses.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    phases=[Phase.generate, Phase.shrink],  # to explain a failure takes minutes
    deadline=None,
)
