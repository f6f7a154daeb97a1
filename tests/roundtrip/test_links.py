"""A request that goes on from an answer by its id is known again: its conversation, its texts, what is owed to it."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from headroom_mitm import recent
from headroom_mitm.roundtrip.links import Link, LinkedWire, Links, link_behind
from headroom_mitm.segments import Key, Rendering, digest, digest_of_text
from headroom_mitm.store import Decision, Store, open_store
from headroom_mitm.wire.anthropic_messages import AnthropicMessages
from headroom_mitm.wire.openai_responses import OpenAIResponses
from headroom_mitm.wire.reply import HiddenCall, Kept
from headroom_mitm.wire.splice import splice

ORIGINAL = "\n".join(f"line {number}" for number in range(1, 500))
TEXT = Rendering(Key(digest(b"text")), "short", digest_of_text(ORIGINAL), "log_lines/1", 1, False, 900, 30)
OWED = HiddenCall("call_1", json.dumps({"id": TEXT.id, "lines": "7-8"}).encode())
HEAD = digest(b"the beginning")
WIRE = OpenAIResponses()
BODY = json.dumps(
    {"model": "m", "previous_response_id": "shown", "input": [{"type": "function_call_output", "output": ORIGINAL}]}
).encode()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "store.sqlite"))
    opened.freeze([Decision(TEXT, ORIGINAL)])
    yield opened
    opened.close()


def link(*owed: HiddenCall, real: str = "real") -> Link:
    return Link(Kept("shown", real, owed), HEAD, {TEXT.id: TEXT})


def input_of(body: bytes) -> list[Any]:
    items: list[Any] = json.loads(body)["input"]
    return items


@pytest.mark.parametrize("is_elsewhere", [False, True], ids=["this process", "another worker"])
def test_the_provider_gets_its_own_id_and_what_is_owed(store: Store, *, is_elsewhere: bool) -> None:
    links = Links(store)
    if is_elsewhere:
        Links(store).keep(link(OWED))
    else:
        links.note(link(OWED))
    wire, body = links.linked(WIRE, BODY)
    assert json.loads(body)["previous_response_id"] == "real"
    owed, *rest = input_of(body)
    assert rest == input_of(BODY)
    assert (owed["type"], owed["call_id"]) == ("function_call_output", "call_1")
    assert owed["output"].endswith("\nline 7\nline 8")
    assert isinstance(wire, LinkedWire)
    assert wire.originals == {TEXT.id: TEXT}
    assert links.linked(WIRE, BODY)[1] == body, "a retry is the same request"


def test_it_belongs_to_its_conversation_and_what_we_brought_is_left_alone(store: Store) -> None:
    links = Links(store)
    links.note(link(OWED))
    wire, body = links.linked(WIRE, BODY)
    prompt = wire.read(body)
    assert prompt.head == HEAD != WIRE.read(body).head
    assert [segment.protected for segment in prompt.segments] == [True, False]


def test_without_another_id_and_without_debts_the_body_stays(store: Store) -> None:
    links = Links(store)
    links.note(link(real="shown"))
    wire, body = links.linked(WIRE, BODY)
    assert body is BODY
    assert wire.read(body).head == HEAD


@pytest.mark.parametrize(
    ("wire", "body"),
    [
        (WIRE, BODY),
        (WIRE, b'{"input":[]}'),
        (WIRE, b'{"previous_response_id":"shown"'),
        (WIRE, b'{"previous_response_id":"\\ud800"}'),
        (AnthropicMessages(), BODY),
    ],
    ids=["unknown", "no id", "broken", "no text", "another format"],
)
def test_what_has_no_link_stays(store: Store, wire: Any, body: bytes) -> None:
    assert Links(store).linked(wire, body) == (wire, body)


def test_a_link_to_a_request_that_cannot_be_changed_leaves_it(store: Store) -> None:
    links = Links(store)
    links.note(link(OWED))
    body = b'{"previous_response_id":"shown","input":7}'
    assert links.linked(WIRE, body) == (WIRE, body)


def test_a_store_that_is_away_does_not_matter_to_this_process(tmp_path: Path) -> None:
    path = tmp_path / "dead.sqlite"
    path.write_bytes(b"no database at all " * 1000)
    dead = open_store(str(path))
    links = Links(dead)
    assert links.linked(WIRE, BODY) == (WIRE, BODY)
    links.keep(link())
    links.note(link(OWED))
    owed, *_ = input_of(links.linked(WIRE, BODY)[1])
    assert "cannot be read at the moment" in owed["output"]
    dead.close()


@pytest.mark.parametrize(
    ("lasts", "is_kept"), [(True, True), (False, True), (True, False)], ids=["stored", "of a socket", "store is away"]
)
def test_a_link_that_only_this_process_knows_stays_however_long_nobody_asks(
    store: Store, tmp_path: Path, *, lasts: bool, is_kept: bool
) -> None:
    path = tmp_path / "dead.sqlite"
    path.write_bytes(b"no database at all " * 1000)
    away = open_store(str(path))
    links = Links(store if is_kept else away)
    new = link()
    new = dataclasses.replace(new, kept=dataclasses.replace(new.kept, lasts=lasts))
    links.note(new)
    links.keep(new)
    for _ in range(recent.AGES + 1):
        recent.fade()
    assert links.knows("shown")
    away.close()


def test_a_warm_up_is_no_answer_and_what_follows_begins_the_conversation(store: Store) -> None:
    """So it is the same conversation after a break, when the client sends all in one."""
    tools = {"type": "additional_tools", "tools": [{"type": "custom", "name": "exec"}]}
    question = {"role": "user", "content": "So?"}
    warm_up = json.dumps({"model": "m", "generate": False, "input": [tools]}).encode()
    links = Links(store)
    links.note(dataclasses.replace(link(real="shown"), beginning=warm_up))
    body = json.dumps({"model": "m", "previous_response_id": "shown", "input": [question]}).encode()
    wire, same = links.linked(WIRE, body)
    prompt = wire.read(same)
    assert same is body
    assert prompt.head == WIRE.read(json.dumps({"model": "m", "input": [tools, question]}).encode()).head
    assert not prompt.answered


def test_where_the_tool_is_part_of_the_conversation_it_is_not_declared_again(store: Store) -> None:
    links = Links(store)
    links.note(dataclasses.replace(link(real="shown"), is_declared=True))
    wire, body = links.linked(WIRE, BODY)
    prompt = wire.read(body)
    assert prompt.tool_slot is not None
    edit = wire.declare(prompt, "retrieve", "d", b"{}")
    assert edit is not None
    assert splice(body, [edit]) == body
    following = link_behind(Kept("next", "next", ()), wire, prompt, {})
    assert (following.is_declared, following.head, following.originals) == (True, HEAD, {TEXT.id: TEXT})


def test_only_what_outlives_its_connection_is_kept(store: Store) -> None:
    for kept in (Kept("shown", "real", (), lasts=False), Kept("shown", "real", ())):
        assert Links(store).linked(WIRE, BODY)[0] is WIRE
        Links(store).keep(Link(kept, HEAD, {}))
    assert Links(store).linked(WIRE, BODY)[0] is not WIRE


@pytest.mark.parametrize(
    "text", ['{"id":"real"', "{}", '{"id":"real","owed":[["call_1","?"]],"head":"","originals":[]}']
)
def test_a_link_of_another_version_is_none(store: Store, tmp_path: Path, text: str) -> None:
    Links(store).keep(link(OWED))
    [(key, kept)] = store.recall([Key(digest(b"link", b"shown"))]).items()
    other = open_store(str(tmp_path / "other.sqlite"))
    other.freeze([Decision(dataclasses.replace(kept, key=key, text=text))])
    assert Links(other).linked(WIRE, BODY) == (WIRE, BODY)
    other.close()
