"""What is added to a request for the provider's cache, and to which."""

import json
from typing import Any

import pytest
from cache_rules import lifetimes

from headroom_mitm.caching import Caching, Wishes
from headroom_mitm.wire import BY_NAME
from headroom_mitm.wire.splice import splice

KEYED = Wishes(takes_key=True)
ASKED = {"role": "user", "content": "Do it."}
DONE = {"role": "assistant", "content": "Done."}
TOOL = {"type": "function", "function": {"name": "ls", "parameters": {}}}
CHAT, RESPONSES = BY_NAME["openai_chat"], BY_NAME["openai_responses"]


def sent(body: dict[str, Any], wishes: Wishes = KEYED, wire: Any = CHAT) -> dict[str, Any]:
    raw = json.dumps(body).encode()
    found: dict[str, Any] = json.loads(splice(raw, Caching().edits(wire.read(raw), wishes, change=True)))
    return found


def test_the_requests_of_an_agent_carry_one_key() -> None:
    """From the first on; another conversation has another."""
    first = sent({"messages": [ASKED], "tools": [TOOL]})
    later = sent({"messages": [ASKED, DONE, {"role": "user", "content": "Go on"}], "tools": [TOOL]})
    other = sent({"messages": [DONE | {"role": "user"}], "tools": [TOOL]})
    assert first["prompt_cache_key"] == later["prompt_cache_key"] != other["prompt_cache_key"]
    assert 16 <= len(first["prompt_cache_key"]) <= 64


def test_responses_carry_one_too() -> None:
    tool = {"type": "function", "name": "ls"}
    assert "prompt_cache_key" in sent({"input": [ASKED], "tools": [tool], "store": False}, wire=RESPONSES)


@pytest.mark.parametrize(
    ("body", "wishes"),
    [
        ({"messages": [ASKED], "tools": [TOOL]}, Wishes()),
        ({"messages": [ASKED]}, KEYED),
        ({"messages": [ASKED, DONE, ASKED]}, KEYED),
        (
            {"messages": [ASKED], "tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "ls"}}},
            KEYED,
        ),
        ({"messages": [ASKED], "tools": [TOOL], "prompt_cache_key": "mine"}, KEYED),
    ],
    ids=["another host", "a question", "questions", "an answer in a form", "the client's own"],
)
def test_no_key_is_added(body: dict[str, Any], wishes: Wishes) -> None:
    assert sent(body, wishes) == body


ANTHROPIC = BY_NAME["anthropic_messages"]
LONG = "A long instruction. " * 700
READ, BASH = ({"name": name, "description": LONG, "input_schema": {"type": "object"}} for name in ("Read", "Bash"))


class Proxy:
    """One process with a clock of its own, and an agent that sets no markers."""

    def __init__(self, **wishes: bool) -> None:
        self.now = 0.0
        self.caching = Caching(lambda: self.now)
        self.wishes = Wishes(**wishes)

    def send(self, turns: int, after: float = 10, change: bool = True, **members: Any) -> dict[str, Any]:
        self.now += after
        body = {
            "model": "claude-sonnet-4-5",
            "tools": [READ, BASH],
            "messages": [ASKED] + [DONE, ASKED] * turns,
            **members,
        }
        raw = json.dumps(body).encode()
        edits = self.caching.edits(ANTHROPIC.read(raw), self.wishes, change=change)
        found: dict[str, Any] = json.loads(splice(raw, edits))
        assert change or found == body
        return found


def test_an_hour_is_chosen_where_pauses_make_it_pay(caplog: pytest.LogCaptureFixture) -> None:
    """And only where the user lets us; else it is said, once."""
    proxy, kept = Proxy(chooses_lifetime=True), Proxy()
    for one in (proxy, kept):
        one.send(0)
        assert set(kinds(one.send(1))) == {"5m"}
    assert set(kinds(proxy.send(2, after=1000))) == {"1h"}
    assert "1 hour" not in caplog.text
    assert set(kinds(kept.send(2, after=1000))) == {"5m"}
    kept.send(3, after=1000)
    assert caplog.text.count("1 hour") == 1


def test_a_client_s_own_markers_are_not_prolonged(caplog: pytest.LogCaptureFixture) -> None:
    proxy = Proxy(chooses_lifetime=True)
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    for turns in range(3):
        assert kinds(proxy.send(turns, after=1000, system=system)) == ["5m"]
    assert caplog.text.count("1 hour") == 1
    already = Proxy()
    for turns in range(3):
        already.send(turns, after=1000, system=[system[0] | {"cache_control": {"type": "ephemeral", "ttl": "1h"}}])
    assert caplog.text.count("1 hour") == 1


def test_what_is_put_off_is_told_as_soon_as_somebody_looks(caplog: pytest.LogCaptureFixture) -> None:
    """And what is added is the same, since what has left is looked at before a next request rests on it."""
    proxy, usual = Proxy(), Proxy()
    proxy.caching.puts_off = True
    system = [{"type": "text", "text": LONG, "cache_control": {"type": "ephemeral"}}]
    for turns in range(3):
        assert proxy.send(turns, after=1000, system=system) == usual.send(turns, after=1000, system=system)
        assert proxy.caching.falls_due() is (turns == 0)
    assert caplog.text.count("1 hour") == 1
    assert proxy.send(3, after=9000) == usual.send(3, after=9000)
    assert caplog.text.count("1 hour") == 2
    assert not proxy.caching.falls_due()


def test_what_is_lost_before_it_is_read_is_not_written_again() -> None:
    """With a user who takes hours to answer, a cache costs a quarter more than none. It begins again when it pays."""
    proxy = Proxy()
    assert [len(kinds(proxy.send(turns, after=9000))) for turns in range(5)] == [2, 3, 0, 0, 0]
    quick = [len(kinds(proxy.send(turns))) for turns in range(5, 15)]
    assert quick[0] == 0
    assert quick[-1] == 3


def test_what_changes_in_front_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    proxy = Proxy()
    for minute in range(4):
        proxy.send(minute, system=f"{LONG}It is 10:0{minute}.")
    (record,) = caplog.records
    assert "time changed" in record.message
    assert "'10:00.' became '10:01.'" in record.message
    assert len(record.message) < 500


def test_nothing_is_said_of_a_cache_that_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    """Without markers of the client's or ours there is none."""
    proxy = Proxy()
    for minute in range(4):
        proxy.send(minute, change=False, system=f"{LONG}It is 10:0{minute}.")
    assert not caplog.records


def test_tools_leave_in_one_order_with_our_marker_on_the_last() -> None:
    proxy = Proxy(orders_tools=True)
    one, two = proxy.send(1), proxy.send(2, tools=[BASH, READ])
    assert one["tools"] == two["tools"]
    assert [(tool["name"], "cache_control" in tool) for tool in one["tools"]] == [("Bash", False), ("Read", True)]
    assert [tool["name"] for tool in Proxy().send(1)["tools"]] == ["Read", "Bash"]


def kinds(body: dict[str, Any]) -> list[str]:
    return [lifetime for _, lifetime in lifetimes(body)]
