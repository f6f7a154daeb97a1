"""What a client writes around outputs is named where it stands already, and can be put back from the same request."""

import json
from typing import Any

import pytest

from headroom_mitm import deltas
from headroom_mitm.aligner import Aligner
from headroom_mitm.pipeline import Pipeline, Policy, Ticket
from headroom_mitm.roundtrip.rounds import Retold
from headroom_mitm.router import Router
from headroom_mitm.store import open_store
from headroom_mitm.wire import BY_NAME

TODOS = {"todos": [{"id": str(n), "content": f"Look at part {n} of the thing", "status": "open"} for n in range(9)]}
OUTPUT = "\n".join(f"[ ] {n} the words of number {n * 7919 % 1009}" for n in range(30))
REMINDER = (
    "\n\n<system-reminder>\nWhenever you read a file, ask yourself what it is for, and whether it is what it says. "
    "Do not change what you have not understood; say so instead, and go on with the rest.\n</system-reminder>\n"
)
SAME = '\n\n[The same system-reminder as above: "Whenever you read a file, ask…"]\n'
FILE = "\n".join(f"def function_{number}(argument): return {number * 7919 % 1009}" for number in range(60))


def echoed(arguments: Any) -> str:
    return f"Called with: {json.dumps(arguments)}. It says:\n{OUTPUT}"


class Talk:
    """A conversation about which a pipeline decides."""

    def __init__(self, tmp_path: Any, wire: str = "anthropic_messages") -> None:
        store = open_store(str(tmp_path / "s.sqlite"))
        self.pipeline = Pipeline(Aligner(store, lambda: 0.0), Router(()), Retold(store, lambda: 0.0))
        self.wire = BY_NAME[wire]
        self.messages: list[dict[str, Any]] = [{"role": "user", "content": "Go on."}]

    def call(self, call_id: str, text: str, arguments: Any) -> dict[str, str]:
        """Add a call and its result, and send; return what left, by call."""
        self.add(call_id, text, arguments)
        return self.send()

    def add(self, call_id: str, text: str, arguments: Any) -> None:
        if self.wire.name == "openai_chat":
            function = {"name": "Todo", "arguments": json.dumps(arguments)}
            call = {"id": call_id, "type": "function", "function": function}
            self.messages.append({"role": "assistant", "tool_calls": [call]})
            self.messages.append({"role": "tool", "tool_call_id": call_id, "content": text})
        else:
            call = {"type": "tool_use", "id": call_id, "name": "Todo", "input": arguments}
            result = {"type": "tool_result", "tool_use_id": call_id, "content": text}
            self.messages += [{"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]

    def send(self, policy: Policy | None = None) -> dict[str, str]:
        policy = policy or Policy(answerable=False)
        body = json.dumps({"model": "m", "messages": self.messages}).encode()
        prompt, plan = self.pipeline.plan(self.wire, body, policy)
        outcome = self.pipeline.complete(self.wire, prompt, plan, policy, Ticket())
        assert outcome is not None
        messages = json.loads(outcome.body)["messages"]
        left = {message["tool_call_id"]: message["content"] for message in messages if message["role"] == "tool"}
        blocks = [
            block for message in messages if isinstance(message.get("content"), list) for block in message["content"]
        ]
        return left | {block["tool_use_id"]: block["content"] for block in blocks if block["type"] == "tool_result"}


@pytest.mark.parametrize("wire", ["anthropic_messages", "openai_chat"])
def test_a_call_s_own_arguments_are_named(tmp_path: Any, wire: str) -> None:
    """They stand in the call, which is in the same request: a reader puts them back as ``json.dumps`` writes them."""
    left = Talk(tmp_path, wire).call("c1", echoed(TODOS), TODOS)["c1"]
    assert left.startswith("Called with: {as in the call}. It says:\n")
    assert left.replace("{as in the call}", json.dumps(TODOS)) == echoed(TODOS)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (echoed(TODOS), {"todos": []}),
        (echoed({"a": 1}), {"a": 1}),
        (echoed(TODOS) + json.dumps(TODOS), TODOS),
        (echoed(TODOS) + "{as in the call}", TODOS),
        (f"Called with: {json.dumps(TODOS, indent=1)}\n{OUTPUT}", TODOS),
    ],
    ids=["other arguments", "few", "twice", "the words themselves", "written otherwise"],
)
def test_what_could_not_be_put_back_or_is_short_stays(tmp_path: Any, text: str, arguments: Any) -> None:
    assert Talk(tmp_path).call("c1", text, arguments)["c1"] == text


def test_a_reminder_stands_once(tmp_path: Any) -> None:
    """Whole behind the first result that has it, and in every later request the same."""
    talk = Talk(tmp_path)
    talk.call("c1", OUTPUT + REMINDER, {})
    talk.call("c2", OUTPUT[::-1] + REMINDER, {})
    left = talk.call("c3", OUTPUT.upper() + REMINDER, {})
    assert left == {"c1": OUTPUT + REMINDER, "c2": OUTPUT[::-1] + SAME, "c3": OUTPUT.upper() + SAME}
    assert talk.send() == left


def test_without_the_result_behind_which_it_stands_a_reminder_is_whole_again(tmp_path: Any) -> None:
    """As where a client drops old results."""
    talk = Talk(tmp_path)
    talk.call("c1", OUTPUT + REMINDER, {})
    talk.call("c2", OUTPUT[::-1] + REMINDER, {})
    talk.messages[2]["content"][0]["content"] = "[cleared]"
    assert talk.send()["c2"] == OUTPUT[::-1] + REMINDER


def test_it_is_named_behind_what_is_told_against_another_text_that_names_it(tmp_path: Any) -> None:
    """What rests on a text rests on what that one rests on: if the first goes, all are whole again."""
    talk = Talk(tmp_path)
    lines = FILE.split("\n")
    texts = {"c1": OUTPUT, "c2": FILE, "c3": "\n".join(["new", *lines[5:30], "newer"])}
    for call_id, text in texts.items():
        left = talk.call(call_id, text + REMINDER, {"command": call_id})
    assert left["c2"] == FILE + SAME
    assert "[The same 23 lines" in left["c3"]
    assert left["c3"].endswith(SAME)
    talk.messages[2]["content"][0]["content"] = "[cleared]"
    left = talk.send()
    assert left["c2"] == FILE + REMINDER
    assert "[The same 23 lines" in left["c3"]
    assert left["c3"].endswith(SAME)


def test_another_reminder_with_the_same_beginning_leaves_both_whole(tmp_path: Any) -> None:
    """A reader could not tell which is meant."""
    talk = Talk(tmp_path)
    other = REMINDER.replace("go on", "stop")
    talk.call("c1", OUTPUT + REMINDER, {})
    talk.call("c2", OUTPUT[::-1] + other, {})
    assert talk.call("c3", OUTPUT.upper() + REMINDER, {})["c3"] == OUTPUT.upper() + REMINDER


@pytest.mark.parametrize(
    ("is_error", "policy"),
    [(True, None), (False, Policy(answerable=False, excludes=lambda name: name == deltas.NAME))],
    ids=["an error", "references excluded"],
)
def test_errors_and_what_is_excluded_are_left_alone(tmp_path: Any, is_error: bool, policy: Policy | None) -> None:
    talk = Talk(tmp_path)
    talk.add("c1", OUTPUT + REMINDER, {})
    talk.add("c2", echoed(TODOS) + REMINDER, TODOS)
    talk.messages[-1]["content"][0]["is_error"] = is_error
    assert talk.send(policy)["c2"] == echoed(TODOS) + REMINDER
