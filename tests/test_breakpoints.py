"""Clients that set no markers get them, where the next request finds them; those that do are left alone."""

import copy
import json
from typing import Any

import pytest
from cache_rules import Json, bare, blocks, entries, errors, found, lifetimes
from hypothesis import given, settings
from hypothesis import strategies as st

from headroom_mitm.breakpoints import breakpoints
from headroom_mitm.breakpoints import lifetimes as kinds
from headroom_mitm.wire import anthropic_cache
from headroom_mitm.wire.anthropic_messages import AnthropicMessages
from headroom_mitm.wire.splice import splice

WIRE = AnthropicMessages()
LONG = "A long instruction. " * 700
MARKER = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
TOOL = {"name": "Bash", "description": LONG, "input_schema": {"type": "object"}}
MODEL = "claude-sonnet-4-5"


def text(said: str, **more: Any) -> Json:
    return {"type": "text", "text": said, **more}


def user(*content: Any) -> Json:
    return {"role": "user", "content": content[0] if isinstance(content[0], str) else list(content)}


def answer(*ids: str) -> Json:
    calls = [{"type": "tool_use", "id": id_, "name": "Bash", "input": {}} for id_ in ids]
    return {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, *calls]}


def results(*ids: str, **more: Any) -> Json:
    blocks = [{"type": "tool_result", "tool_use_id": id_, "content": f"{id_}: {LONG}"} for id_ in ids]
    return {"role": "user", "content": [*blocks[:-1], blocks[-1] | more]}


def request(*messages: Json, **members: Any) -> Json:
    return {"model": MODEL, "max_tokens": 9, "messages": list(messages), **members}


def sent(body: Json, lifetime: str = "5m") -> Json:
    """Return what leaves."""
    raw = json.dumps(body).encode()
    edits = [e for slot, ttl in breakpoints(WIRE.read(raw), lifetime) for e in anthropic_cache.marked(slot, ttl)]
    return json.loads(splice(raw, edits))


def places(body: Json) -> list[str]:
    """Return what is marked: the tool's name, or the beginning of the text."""
    marked = {position for position, _ in lifetimes(body)}
    names = [str(block.get("name") or block.get("text") or block.get("tool_use_id")) for block, _ in blocks(body)]
    return [name[:9].strip() for number, name in enumerate(names) if number in marked]


ASKED = user("The task: " + LONG)
TALK = (ASKED, answer("a1"), results("a1"), answer("b1", "b2"), results("b1", "b2"))
READ = {**TOOL, "name": "Read"}
DEFERRED = {**TOOL, "name": "Ticket", "defer_loading": True}
BILLING = text("x-anthropic-billing-header: cc_version=2; cch=abc;")
EMPTY_RESULT = {"type": "tool_result", "tool_use_id": "b1", "content": ""}
FORCED = {"tool_choice": {"type": "tool", "name": "Bash"}}

CASES: dict[str, tuple[Json, list[str]]] = {
    "an agent's first request": (request(ASKED, tools=[TOOL], system=LONG), ["Bash", "A long in", "The task:"]),
    "its third": (request(*TALK, tools=[TOOL, READ], system=LONG), ["Read", "A long in", "a1", "b2"]),
    "no system": (request(*TALK, tools=[TOOL]), ["Bash", "a1", "b2"]),
    "a system of two": (
        request(ASKED, tools=[TOOL], system=[text("Be"), text("You are")]),
        ["Bash", "You are", "The task:"],
    ),
    "a blank end of it": (
        request(ASKED, tools=[TOOL], system=[text(LONG), text(" ")]),
        ["Bash", "A long in", "The task:"],
    ),
    "a header in it": (request(ASKED, tools=[TOOL], system=[BILLING]), ["Bash", "The task:"]),
    "deferred tools": (request(ASKED, tools=[TOOL, DEFERRED]), ["Bash", "The task:"]),
    "nothing but deferred tools": (request(ASKED, tools=[DEFERRED]), ["The task:"]),
    "a single question": (request(ASKED, system=LONG), []),
    "a question and the beginning of its answer": (request(ASKED, {"role": "assistant", "content": "{"}), []),
    "an answer in a form": (request(ASKED, tools=[TOOL], **FORCED), []),
    "a second question": (
        request(ASKED, {"role": "assistant", "content": "Yes."}, user("And then?"), system=LONG),
        ["A long in", "The task:", "And then?"],
    ),
    "a form in a conversation": (request(*TALK, tools=[TOOL], **FORCED), ["Bash", "a1", "b2"]),
    "a short prompt": (request(user("Hello"), tools=[TOOL | {"description": "short"}]), []),
    "a long one behind short tools": (request(ASKED, tools=[TOOL | {"description": "short"}]), ["The task:"]),
    "another provider's model": (request(*TALK, tools=[TOOL]) | {"model": "deepseek-chat"}, []),
    "a model with a larger minimum": (
        request(ASKED, tools=[TOOL]) | {"model": "claude-haiku-4.5"},
        ["Bash", "The task:"],
    ),
    "below it": (
        request(user("Hello"), tools=[TOOL | {"description": LONG[:9000]}]) | {"model": "claude-haiku-4.5"},
        [],
    ),
    "a model in the path": (
        {k: v for k, v in request(ASKED, tools=[TOOL]).items() if k != "model"},
        ["Bash", "The task:"],
    ),
    "blank texts at the end": (
        request(ASKED, tools=[TOOL]) | {"messages": [user(text("Do it"), text("\n\t "))]},
        ["Bash", "Do it"],
    ),
    "a result without a word": (request(*TALK[:3], answer("b1"), user(EMPTY_RESULT), tools=[TOOL]), ["Bash", "a1"]),
    "two messages of the user": (
        request(*TALK, user("More"), user("Still more"), tools=[TOOL]),
        ["Bash", "a1", "Still mor"],
    ),
    "a message of the system": (
        request(*TALK, {"role": "system", "content": "Think of it"}, tools=[TOOL]),
        ["Bash", "a1", "b2"],
    ),
    "a document at the end": (
        request(user(text("Sum up"), {"type": "document", "source": {"type": "text", "data": LONG}}), tools=[TOOL]),
        ["Bash", "Sum up"],
    ),
    "a key of that name in a call": (
        request(
            ASKED,
            {"role": "assistant", "content": [{"type": "tool_use", "id": "a1", "name": "Bash", "input": MARKER}]},
            results("a1"),
            tools=[TOOL],
        ),
        ["Bash", "The task:", "a1"],
    ),
}


@pytest.mark.parametrize(("body", "expected"), CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("lifetime", ["5m", "1h"])
def test_what_is_marked(body: Json, expected: list[str], lifetime: str) -> None:
    """Tools, system prompt and the user's last two turns, if the prefix is long enough and a next request is likely."""
    out = sent(body, lifetime)
    assert places(out) == expected
    assert {ttl for _, ttl in lifetimes(out)} <= {lifetime}
    assert errors(out) == []
    assert bare(out) == bare(body)


def wide(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def managed(count: int, marker: Json = MARKER, **members: Any) -> Json:
    """Return a conversation as Claude Code marks it; its newest turn has some calls and as many results."""
    ids = wide("c", count)
    first = (ASKED, answer("a1"), results("a1"))
    return request(*first, answer(*ids), results(*ids, **marker), tools=[TOOL], system=[text(LONG, **HOUR)], **members)


def test_markers_of_a_client_are_left_alone() -> None:
    """As long as the provider finds the entry of the previous request."""
    for count in (1, 5, 9):
        assert breakpoints(WIRE.read(json.dumps(managed(count)).encode())) == []


@pytest.mark.parametrize("marker", [MARKER, HOUR], ids=["5m", "1h"])
@pytest.mark.parametrize("count", [10, 11, 30])
def test_a_turn_of_many_blocks_gets_one_more_marker(count: int, marker: Json) -> None:
    """The entry of the previous request lies more than 20 blocks back: it is marked again, as long as what follows."""
    body = managed(count, marker)
    before = copy.deepcopy(body) | {"messages": copy.deepcopy(body["messages"][:3])}
    before["messages"][-1]["content"][-1] |= marker
    out = sent(body)
    assert len(lifetimes(out)) == len(lifetimes(body)) + 1
    assert errors(out) == []
    assert bare(out) == bare(body)
    system_only = found(before, set()) or 2
    assert found(body, entries(before)) == system_only
    assert found(out, entries(before)) == len(list(blocks(before)))


def test_one_more_is_harmless_in_the_next_turn() -> None:
    """It goes again, and nothing has changed in what the provider reads."""
    long, ids = managed(30), wide("c", 30)
    after = request(
        *long["messages"][:-1],
        results(*ids),
        answer("d1"),
        results("d1", **MARKER),
        tools=[TOOL],
        system=long["system"],
    )
    assert sent(after) == after
    assert found(after, entries(sent(long))) == len(list(blocks(long)))


FOUR = [text(LONG, **HOUR), text("b", **HOUR), text("c", **HOUR)]
LEFT: dict[str, Json] = {
    "four markers": managed(30) | {"system": FOUR},
    "none on messages": managed(30, {}),
    "one on the entry": managed(30)
    | {"messages": [*managed(30)["messages"][:2], results("a1", **MARKER), *managed(30)["messages"][3:]]},
    "one within reach of it": managed(12)
    | {"messages": [*managed(12)["messages"][:4], results(*wide("c", 3), **MARKER), results(*wide("d", 9), **MARKER)]},
    "a first turn of many": request(results(*wide("c", 40), **MARKER), tools=[TOOL]),
    "a marker in a part of a result": request(
        ASKED,
        answer("a1"),
        user({"type": "tool_result", "tool_use_id": "a1", "content": [text("x", **MARKER)]}),
        tools=[TOOL],
    ),
    "one for the whole request": request(*TALK, tools=[TOOL], **MARKER),
    "one on a tool": request(*TALK, tools=[TOOL | MARKER]),
    "one in a document": request(
        user({"type": "document", "source": {"type": "content", "content": [text("x", **MARKER)]}}), tools=[TOOL]
    ),
}


@pytest.mark.parametrize("body", LEFT.values(), ids=LEFT.keys())
def test_nothing_is_added(body: Json) -> None:
    assert sent(body) == body
    assert kinds(WIRE.read(json.dumps(body).encode()))


def test_a_marker_for_the_whole_request_is_bridged_too() -> None:
    body = managed(30, {}) | {"cache_control": {"type": "ephemeral"}}
    assert len(lifetimes(sent(body))) == 3


ROUNDS = st.lists(st.tuples(st.integers(1, 25), st.booleans(), st.booleans()), min_size=1, max_size=7)


def conversation(rounds: list[tuple[int, bool, bool]]) -> list[list[Json]]:
    """Return the messages of each request: calls in parallel, results, now and then a word of the user's."""
    messages: list[Json] = [user("Go")]
    turns = [list(messages)]
    for number, (count, says, is_split) in enumerate(rounds):
        ids = wide(f"r{number}c", count)
        said = [text("")] if says else []
        last = results(*ids)
        tail = (
            [
                user(
                    "and",
                )
                if not is_split
                else user(text("and"), *said)
            ]
            if says
            else []
        )
        messages += [answer(*ids), last, *tail]
        turns.append(list(messages))
    return turns


@given(
    rounds=ROUNDS,
    system=st.sampled_from([None, LONG, [text(LONG)], [text(LONG), text("")]]),
    lifetime=st.sampled_from(["5m", "1h"]),
)
@settings(max_examples=150, deadline=None)
def test_each_turn_reads_all_that_the_turn_before_has_written(rounds: Any, system: Any, lifetime: str) -> None:
    """Whatever an agent's turns look like, and however many blocks they have."""
    known: set[str] = set()
    written = 0
    members = {"tools": [TOOL], **({"system": system} if system else {})}
    for messages in conversation(rounds):
        body = request(*messages, **members)
        out = sent(body, lifetime)
        assert errors(out) == []
        assert bare(out) == bare(body)
        assert found(out, known) == written
        known |= entries(out)
        written = max(position for position, _ in lifetimes(out)) + 1


@given(rounds=ROUNDS, ends=st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_client_that_marks_its_last_block_is_never_worse_off(rounds: Any, ends: bool) -> None:
    """With our fourth marker each of its turns reads what its previous one has written, even 50 blocks back."""
    known: set[str] = set()
    written = 0
    for messages in conversation(rounds):
        body = copy.deepcopy(request(*messages, tools=[TOOL], system=[text(LONG, **MARKER)]))
        holder = body["messages"][-1]
        holder["content"] = (
            [{"type": "text", "text": holder["content"]}] if isinstance(holder["content"], str) else holder["content"]
        )
        marked = next(block for block in reversed(holder["content"]) if block.get("text") != "")
        marked |= MARKER
        out = sent(body)
        assert errors(out) == []
        assert bare(out) == bare(body)
        assert found(out, known) >= max(written, found(body, known))
        known |= entries(out)
        written = max(position for position, _ in lifetimes(body)) + 1
