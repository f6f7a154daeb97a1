"""Agents without function calling: their outputs are rendered once and replayed, and nothing else of theirs changes."""

import json
from pathlib import Path
from typing import Any

import pytest
from sample_compressors import PHRASE
from sample_conversations import COMPRESS, Json, Worker

from headroom_mitm.store import open_store

FILE = "\n".join(f"    value_{number} = compute({number * 7919 % 1009}, {PHRASE!r})" for number in range(30))
TASK = {"role": "user", "content": f"Find the fault in this:\n{FILE}"}
FRAME = "<returncode>0</returncode>\n<output>\n{}\n</output>"


def step(number: int, command: str, output: str) -> list[Json]:
    """Return what the model says and what the agent answers in the user's place."""
    said = f"THOUGHT: step {number}\n\n```bash\n{command}\n```"
    return [{"role": "assistant", "content": said}, {"role": "user", "content": FRAME.format(output)}]


STEPS = [
    *step(1, "cat a.py", FILE.replace("value", "length")),
    *step(2, "cat b.py", FILE),
    *step(3, "sed -n 5,25p b.py", "\n".join(FILE.split("\n")[4:25])),
    *step(4, "cat b.py", FILE),
    {"role": "assistant", "content": "What do you think of it?"},
    {"role": "user", "content": FRAME.format(FILE)},
    *step(6, "cat b.py", FILE.replace("value_7 ", "value_8 ")),
]


def left(worker: Worker, messages: list[Json], **more: Any) -> list[str]:
    """Send a request; return what each message says in it."""
    sent = json.dumps({"model": "m", "max_tokens": 9, "messages": messages, **more}).encode()
    contents = [message["content"] for message in json.loads(worker.outcome(sent, COMPRESS).body)["messages"]]
    return [content if isinstance(content, str) else content[-1]["text"] for content in contents]


def talk(worker: Worker, *steps: Json) -> list[str]:
    """Send a conversation turn by turn; return what the last request says. What once left, leaves again."""
    said: list[str] = []
    for end in range(0, len(steps) + 1, 2):
        now = left(worker, [TASK, *steps[:end]])
        assert now[: len(said)] == said
        said = now
    return said


@pytest.fixture
def worker(tmp_path: Path) -> Worker:
    return Worker(tmp_path / "s.sqlite")


def test_outputs_change_and_words_do_not(worker: Worker) -> None:
    """The first output has a form, the later ones tell what is new; the task and what people say stay as they are."""
    said = talk(worker, *STEPS)
    given = [TASK["content"], *(step["content"] for step in STEPS)]
    assert said[2] == given[2].replace(PHRASE, "WELL")
    changed = [number for number, (one, other) in enumerate(zip(said, given, strict=True)) if one != other]
    assert changed == [2, 4, 6, 8, 12]
    for number in changed:
        assert said[number].startswith("<returncode>0</returncode>\n<output>\n")
        assert said[number].endswith("\n</output>")


def test_what_is_told_again_is_a_reference_inside_its_frame(tmp_path: Path) -> None:
    said = talk(Worker(tmp_path / "s.sqlite", ()), *STEPS)
    assert "[The same 19 lines" in said[6]
    assert said[8] == FRAME.format('[Unchanged, all 30 lines: the same text as the result above of bash "cat b.py".]')
    assert "[Changed since the result above" in said[12]


def test_another_worker_a_fork_and_a_cut_say_the_same(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "s.sqlite"))
    said = talk(Worker(store), *STEPS)
    assert left(Worker(store), [TASK, *STEPS]) == said
    fork = step(9, "ls", "a.py\n" * 200)
    assert left(Worker(store), [TASK, *STEPS[:4], *fork])[:5] == said[:5]
    assert left(Worker(store), [TASK, *STEPS[2:4], *fork])[1:3] == said[3:5]


def test_with_tools_declared_nothing_is_left_out_of_them(worker: Worker) -> None:
    """What stands in the user's place is told whole, even where the retrieve tool is offered."""
    large = "\n".join(f"row {number}: {PHRASE}" for number in range(400))
    tools = [{"name": "Bash", "input_schema": {"type": "object"}}]
    *_, said = left(worker, [TASK, *step(1, "cat log", large)], tools=tools)
    assert said == FRAME.format(large.replace(PHRASE, "WELL"))


def test_outputs_that_were_sent_before_stay_raw(worker: Worker) -> None:
    """A conversation that is met in the middle keeps its past."""
    messages = [TASK, *STEPS[:6]]
    *past, newest = left(worker, messages)
    assert past == [message["content"] for message in messages[:-1]]
    assert newest != messages[-1]["content"]
