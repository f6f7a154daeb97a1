"""Laws over random sessions: what has left once leaves in the same bytes for ever, whatever happens in between."""

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sample_compressors import LARGE, SMALL, Grow, HalfACharacter, LossyOnly, Raise, Shorten, rows
from sample_conversations import COMPRESS, FailingStore, Hour, Worker, asked, body, declared, offers, result, texts

from headroom_mitm import recent, tokens
from headroom_mitm.pipeline import Policy
from headroom_mitm.store import open_store
from headroom_mitm.store.aside import FileAside
from headroom_mitm.visits import WRITTEN_EVERY
from headroom_mitm.wording import TOOL_NAME

POLICIES = (
    COMPRESS,
    COMPRESS,
    COMPRESS,
    Policy(lossy=False),
    Policy(excludes=lambda name: name == "Read"),
    Policy(excludes=lambda name: name == "shorten"),
)
COMPRESSORS = (
    (Shorten(),),
    (Shorten(version=2, word="fine"),),
    (Raise(), Grow(), HalfACharacter(), LossyOnly(word="good")),
    (),
)
TEXTS = {
    "large": rows(LARGE),
    "small": rows(SMALL),
    "framed": "Exit code 1\n" + rows(SMALL),
    "plain": "nothing " * 80,
    "empty": "",
    "odd": '"\\\0\u2028é𝄞',
}
RESULTS = st.lists(
    st.tuples(
        st.sampled_from(sorted(TEXTS)), st.sampled_from(["Bash", "Bash", "Read"]), st.sampled_from([False, False, True])
    ),
    min_size=1,
    max_size=3,
)
INDEX = st.sampled_from(range(12))
SESSIONS = settings(
    max_examples=60,
    stateful_step_count=25,
    phases=[Phase.generate, Phase.shrink],  # to explain a failure takes minutes
    deadline=None,
)


class Sessions(RuleBasedStateMachine):
    """Clients with conversations that go on, fork, are tried again and resumed; workers with one store."""

    late_beginnings = False
    """Only the worker that was late knows that a conversation has begun without the tool."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "store.sqlite"
        self.store = FailingStore(open_store(str(self.path)))
        self.workers = [Worker(self.store), *(Worker(self.path, each) for each in COMPRESSORS[1:3])]
        self.conversations: list[list[list[Any]]] = []
        self.calls = 0
        self.left: dict[tuple[str, str], str] = {}
        self.offered: dict[str, bool] = {}
        self.met: set[str] = set()

    def teardown(self) -> None:
        for worker in self.workers:
            worker.store.close()
        self.folder.cleanup()

    def turn(self, results: list[tuple[str, str, bool]]) -> list[Any]:
        """Return the model's answer with calls, all in one message, and what they gave back."""
        answer: dict[str, Any] = {"role": "assistant", "content": [{"type": "text", "text": "I will look."}]}
        given: dict[str, Any] = {"role": "user", "content": []}
        for name, tool, is_error in results:
            self.calls += 1
            call, back = result(f"c{self.calls}", TEXTS[name], tool=tool, is_error=is_error)
            answer["content"] += call["content"]
            given["content"] += back["content"]
        return [answer, given]

    def send(self, turns: list[list[Any]], worker: int, policy: int, *, late: bool = False) -> bytes:
        """Send what a client has now, and compare what leaves with all that has ever left."""
        given = body([message for turn in turns for message in turn])
        late = late and (self.late_beginnings or len(turns) > 1)
        sent = self.workers[worker % len(self.workers)].outcome(given, POLICIES[policy % 6], late=late).body
        self.check(given, sent, beginning=self.beginning(turns))
        return sent

    def beginning(self, turns: list[list[Any]]) -> str:
        """Return what the offer belongs to: where a conversation was met in the middle, the first answer, too."""
        met = len(turns) > 1 and json.dumps(turns[1][0]) in self.met
        return json.dumps([turns[0], turns[1][0]] if met else turns[0])

    def check(self, given: bytes, sent: bytes, beginning: str) -> None:
        before, after = texts(given), texts(sent)
        for call_id, text in after.items():
            assert self.left.setdefault((call_id, before[call_id]), text) == text
            assert text == before[call_id] or tokens.count(text) < tokens.count(before[call_id])
        assert self.offered.setdefault(beginning, offers(sent)) == offers(sent)
        assert offers(sent) or "Left out here" not in "".join(after.values())
        assert self.restored(sent, before) == json.loads(given)
        if not offers(sent) and before == after:
            assert sent is given

    @staticmethod
    def restored(sent: bytes, before: dict[str, str]) -> Any:
        """Return a body without what may be done to it."""
        found = json.loads(sent)
        found["tools"] = [tool for tool in found["tools"] if tool["name"] != TOOL_NAME]
        assert declared(sent)[: len(found["tools"])] == [tool["name"] for tool in found["tools"]]
        for message in found["messages"]:
            for block in message["content"]:
                if block["type"] == "tool_result":
                    assert not (block.get("is_error") and "Left out here" in block["content"])
                    block["content"] = before[block["tool_use_id"]]
        return found

    @initialize()
    def first(self) -> None:
        self.begin(0, 0, late=False)

    @rule(worker=INDEX, policy=INDEX, late=st.booleans())
    def begin(self, worker: int, policy: int, late: bool) -> None:
        self.conversations.append([asked(f"Question {len(self.conversations)}")])
        self.send(self.conversations[-1], worker, policy, late=late)

    @precondition(lambda self: self.store.is_there)  # else it is not known whether it began with the tool
    @rule(results=st.lists(RESULTS, min_size=1, max_size=4), worker=INDEX, policy=INDEX)
    def meet_in_the_middle(self, results: list[Any], worker: int, policy: int) -> None:
        """All but the last results have left raw before; they may change where all is written anew for the tool."""
        turns = [asked(f"Question {len(self.conversations)}"), *map(self.turn, results)]
        self.conversations.append(turns)
        self.met.add(json.dumps(turns[1][0]))
        sent = texts(self.send(turns, worker, policy))
        if not self.offered[self.beginning(turns)]:
            for turn in turns[1:-1]:
                assert texts(body(turn)).items() <= sent.items()

    @rule(which=INDEX, results=RESULTS, worker=INDEX, policy=INDEX, late=st.booleans())
    def go_on(self, which: int, results: list[Any], worker: int, policy: int, late: bool) -> None:
        turns = self.conversations[which % len(self.conversations)]
        turns.append(self.turn(results))
        self.send(turns, worker, policy, late=late)

    @rule(which=INDEX, worker=INDEX, policy=INDEX)
    def try_again(self, which: int, worker: int, policy: int) -> None:
        self.send(self.conversations[which % len(self.conversations)], worker, policy)

    @rule(which=INDEX, length=INDEX, worker=INDEX, policy=INDEX)
    def fork(self, which: int, length: int, worker: int, policy: int) -> None:
        """Go back to an earlier point; what follows is another conversation with the same past."""
        turns = self.conversations[which % len(self.conversations)]
        self.conversations.append(turns[: 1 + length % len(turns)])
        self.send(self.conversations[-1], worker, policy)

    @rule(which=INDEX, results=RESULTS, worker=INDEX)
    def audit(self, which: int, results: list[Any], worker: int) -> None:
        """Nothing is changed meanwhile. What is new has left raw; all else is afterwards what it was before."""
        turns = self.conversations[which % len(self.conversations)]
        turns.append(self.turn(results))
        given = body([message for turn in turns for message in turn])
        assert self.workers[worker % len(self.workers)].outcome(given, Policy(change=False)).body is given
        self.left |= {(call, text): text for call, text in texts(body(turns[-1])).items()}

    @precondition(lambda self: self.store.is_there)
    @rule(worker=INDEX, compressors=INDEX)
    def restart(self, worker: int, compressors: int) -> None:
        """A worker comes back with nothing but the store, and another version of the compressors."""
        chosen = COMPRESSORS[compressors % len(COMPRESSORS)]
        which = worker % len(self.workers)
        self.workers[which].store.close()
        self.store = FailingStore(open_store(str(self.path))) if which == 0 else self.store
        self.workers[which] = Worker(self.store if which == 0 else self.path, chosen)

    @rule()
    def pause(self) -> None:
        """Nobody asks for a while: memory forgets what the store knows."""
        for _ in range(recent.AGES + 1):
            recent.fade()


class SessionsWithOutages(Sessions):
    """One worker that is never started again, and a store that comes and goes."""

    late_beginnings = True

    def __init__(self) -> None:
        super().__init__()
        for _ in range(2):
            self.workers.pop().store.close()

    @precondition(lambda self: False)
    @rule()
    def restart(self) -> None:
        """Not here: what only memory knows would be lost with it."""

    @precondition(lambda self: False)
    @rule()
    def pause(self) -> None:
        """Not here: the store may be away when they go on."""

    @rule(down=st.booleans(), mute=st.booleans())
    def change(self, down: bool, mute: bool) -> None:
        """``mute``: it does what it is told, but nobody hears that it has."""
        self.store.down, self.store.mute = down, mute

    @invariant()
    def debts_are_paid(self) -> None:
        """As soon as the store answers, it knows all that left raw."""
        if self.store.is_there:
            self.workers[0].pipeline.keep()
            assert not self.workers[0].pipeline._aligner.owed.is_any()


class SessionsOnADiskThatIsReadOnly(Sessions):
    """One worker at a time, ended at any moment. Now and then nothing can be kept but what is put aside."""

    def __init__(self) -> None:
        super().__init__()
        for _ in range(2):
            self.workers.pop().store.close()
        self.read_only = False
        self.clock = Hour()
        self.restart(0, 0)

    @rule(worker=INDEX, compressors=INDEX)
    def restart(self, worker: int, compressors: int) -> None:
        """What only memory knew is gone, as where a process is killed."""
        self.workers[0].store.close()
        self.store = FailingStore(open_store(str(self.path)))
        self.store.read_only = self.read_only
        self.store.aside = FileAside(self.path, Path(self.folder.name))
        self.workers[0] = Worker(self.store, COMPRESSORS[compressors % len(COMPRESSORS)], self.clock)

    @rule()
    def wait(self) -> None:
        """What was written down of when something was sent grows old; the provider still has it."""
        self.clock.now += WRITTEN_EVERY + 1

    @rule(read_only=st.booleans())
    def change(self, read_only: bool) -> None:
        self.read_only = self.store.read_only = read_only

    @precondition(lambda self: self.store.is_there)  # else it begins without the tool, and only memory knows
    @rule(worker=INDEX, policy=INDEX, late=st.booleans())
    def begin(self, worker: int, policy: int, late: bool) -> None:
        super().begin(worker, policy, late)


TestSessions = Sessions.TestCase
TestSessions.settings = SESSIONS
TestSessionsWithOutages = SessionsWithOutages.TestCase
TestSessionsWithOutages.settings = SESSIONS
TestSessionsOnADiskThatIsReadOnly = SessionsOnADiskThatIsReadOnly.TestCase
TestSessionsOnADiskThatIsReadOnly.settings = settings(SESSIONS, max_examples=25)
