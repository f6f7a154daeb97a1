"""What changes in front of a conversation is told once, with its price; what may be two conversations is not."""

import json
from typing import Any

import pytest

from headroom_mitm.conversation import Conversation
from headroom_mitm.volatile import Finding, Volatile
from headroom_mitm.wire import BY_NAME

RULES = "Be brief. Say what you have verified. " * 40
MARKER: dict[str, Any] = {"cache_control": {"type": "ephemeral"}}
ANTHROPIC, CHAT, RESPONSES = (BY_NAME[name] for name in ("anthropic_messages", "openai_chat", "openai_responses"))
ASKED = {"role": "user", "content": "Do it."}


def tool(name: str) -> dict[str, Any]:
    return {"name": name, "input_schema": {"type": "object"}}


def answer(text: str = "Done.") -> dict[str, Any]:
    return {"role": "assistant", "content": [{"type": "text", "text": text}]}


class Watch:
    """One process, with a clock of its own."""

    def __init__(self, capacity: int = 10**6) -> None:
        self.volatile = Volatile(capacity)
        self.now = 0.0

    def see(
        self, system: Any = RULES, turns: int = 1, wire: Any = ANTHROPIC, after: float = 10, **members: Any
    ) -> list[Finding]:
        self.now += after
        messages = [ASKED] + [answer(members.pop("said", "Done.")), ASKED] * turns
        raw = json.dumps({"model": "m", "system": system, **members, "messages": messages}).encode()
        prompt = wire.read(raw)
        return self.volatile.observe(prompt, Conversation.of(prompt), self.now)


def kinds(findings: list[Finding]) -> list[str]:
    return [finding.change.kind for finding in findings]


def at(minute: int) -> str:
    return f"{RULES}It is 10:{minute:02}. {RULES}"


def test_it_is_told_once_with_what_stood_behind_it() -> None:
    watch = Watch()
    assert watch.see(at(1), turns=0) == []
    (finding,) = watch.see(at(2), turns=1)
    assert finding.change.kind == "time"
    behind = len(RULES) + len(json.dumps([ASKED]))
    assert behind // 4 - 10 <= finding.tokens <= behind // 4 + 60
    assert watch.see(at(3), turns=2) == []


def test_other_kinds_are_told_too() -> None:
    watch = Watch()
    watch.see(at(1), tools=[tool("a"), tool("b")])
    assert kinds(watch.see(at(2), tools=[tool("b"), tool("a")])) == ["tool order", "time"]
    assert kinds(watch.see(at(2) + " Session 5", tools=[tool("b"), tool("a")])) == ["counter"]


def test_what_stays_is_not_told() -> None:
    """Nor what is merely written otherwise, or marked otherwise."""
    watch = Watch()
    block = {"type": "text", "text": RULES}
    for system in ([block], [block | MARKER], [block], [dict(reversed(block.items()))]):
        assert watch.see(system, tools=[tool("a")]) == []


def test_conversations_that_begin_alike_are_told_apart() -> None:
    """By the model's first answer; two first requests alone do not say which of them went on."""
    watch = Watch()
    watch.see(at(1), turns=0)
    watch.see(at(2), turns=0)
    assert watch.see(at(2), said="One.") == []
    assert watch.see(at(1), said="Two.") == []
    assert watch.see(at(2), said="One.", turns=2) == []
    assert kinds(watch.see(at(3), said="Two.", turns=2)) == ["time"]


def test_another_model_is_another_conversation() -> None:
    watch = Watch()
    watch.see(at(1))
    assert watch.see(at(2), model="small") == []


def test_two_kinds_of_requests_in_turn_are_no_change() -> None:
    """A client may ask for a title with another system prompt, and go on with the first."""
    watch = Watch()
    for turns in range(1, 6):
        assert watch.see(RULES, turns) == []
        assert watch.see("Write a title.", turns) == []


def test_a_title_in_between_does_not_hide_a_change() -> None:
    watch = Watch()
    watch.see(at(1))
    watch.see("Write a title.")
    watch.see(at(1), turns=2)
    assert kinds(watch.see(at(2), turns=3)) == ["time"]


@pytest.mark.parametrize(
    ("marker", "pause", "told"),
    [(MARKER, 299, 1), (MARKER, 300, 0), ({"cache_control": {"type": "ephemeral", "ttl": "1h"}}, 3000, 1)],
)
def test_what_was_not_kept_any_more_costs_nothing(marker: Any, pause: float, told: int) -> None:
    watch = Watch()
    watch.see([{"type": "text", "text": at(1), **marker}])
    assert len(watch.see([{"type": "text", "text": at(2), **marker}], after=pause)) == told


@pytest.mark.parametrize(
    ("wire", "member"),
    [
        (CHAT, lambda text: {"messages": [{"role": "system", "content": text}]}),
        (RESPONSES, lambda text: {"instructions": text}),
    ],
    ids=["chat", "responses"],
)
def test_other_formats(wire: Any, member: Any) -> None:
    watch = Volatile()
    seen = []
    for minute in (1, 2):
        front = member(at(minute))
        messages = [*front.pop("messages", []), ASKED, {"role": "assistant", "content": "Done."}, ASKED]
        raw = json.dumps({"model": "gpt", **front, "messages" if wire is CHAT else "input": messages}).encode()
        prompt = wire.read(raw)
        seen += watch.observe(prompt, Conversation.of(prompt), float(minute))
    assert kinds(seen) == ["time"]


def test_memory_is_bounded() -> None:
    """A conversation that was forgotten begins anew, and nothing is said of it."""
    watch = Watch(capacity=3 * len(at(1)))
    watch.see(at(1), said="first")
    for number in range(9):
        watch.see(at(1), said=f"other {number}")
    assert watch.see(at(2), said="first") == []
    assert len(watch.volatile._talks) <= 4
