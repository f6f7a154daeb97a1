"""The provider gets its own history back, however the client has kept the one it was shown."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence

import pytest
from anthropic_events import OURS, Json, call, leg, text, thinking, whole
from hypothesis import example, given
from hypothesis import strategies as st

from headroom_mitm.segments import Digest
from headroom_mitm.wire.anthropic_history import AnthropicHistory
from headroom_mitm.wire.anthropic_messages import AnthropicMessages
from headroom_mitm.wire.anthropic_reply import StreamedReply
from headroom_mitm.wire.anthropic_whole import WholeReply
from headroom_mitm.wire.reply import Answered
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wire.splice import splice

MARK = {"type": "ephemeral", "ttl": "1h"}
TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("Bash", OURS)]
BASH = call("toolu_c", "Bash", '{"command": "ls", "n": 1.50}')
READ = call("toolu_d", "Read", '{"path": "x"}')
BEFORE: list[Json] = [
    {"role": "user", "content": "Look."},
    {"role": "assistant", "content": [{**BASH, "id": "toolu_0", "input": {}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_0", "content": "rows"}]},
]
HM, AH, OH = thinking("Hm", "c2ln1"), thinking("Ah", "c2ln2"), thinking("Oh", "c2ln3")
# What the model says, leg by leg.
ANSWERS: dict[str, list[list[Json]]] = {
    "alone": [[call("toolu_1")], [text("Done.")]],
    "with words": [[text("I look. "), call("toolu_1")], [text("Done.")]],
    "with thinking": [[HM, text("I look."), call("toolu_1")], [AH, text("Done.")]],
    "three legs": [[HM, text("a"), call("toolu_1")], [AH, call("toolu_2")], [OH, text("c")]],
    "two of ours": [[text("a"), call("toolu_1"), call("toolu_2")], [text("Done.")]],
    "then the client": [[HM, call("toolu_1")], [AH, text("b"), BASH]],
    "mixed": [[HM, text("Both."), call("toolu_1"), BASH]],
    "mixed, the client first": [[BASH, call("toolu_1")]],
    "mixed, any order": [[call("toolu_1"), BASH, call("toolu_2"), READ, call("toolu_3")]],
    "mixed in a later leg": [[HM, text("a"), call("toolu_1")], [AH, text("b"), BASH, call("toolu_2")]],
}
TABLE = pytest.mark.parametrize("name", ANSWERS)
Client = Callable[[Json], Json]


class Told:
    """An answer that has ended: what the client was shown, and what the provider has."""

    def __init__(self, legs: Sequence[list[Json]], *, stream: bool = False, before: Sequence[Json] = BEFORE) -> None:
        reply = StreamedReply(OURS) if stream else WholeReply(OURS)
        asked = {"model": "m", "tools": TOOLS, "messages": list(before)}
        body = json.dumps(asked).encode()
        self.prompt = AnthropicMessages().read(body)
        for number, blocks in enumerate(legs, 1):
            reply.feed((leg if stream else whole)(*blocks))
            reply.end_leg()
            if number < len(legs):
                body = reply.next_body(body, [Answered(c, f"text of {c.id}") for c in reply.hidden])
        untold = reply.untold
        assert untold is not None
        self.rounds = (*untold.before, untold.last([Answered(c, f"text of {c.id}") for c in untold.calls]))
        self.provider = json.loads(body)["messages"] + [_said(legs[-1])]
        self.client = [*before, _said([block for blocks in legs for block in blocks if block.get("name") != OURS])]

    def behind(self, *, ours: bool) -> Json:
        """What the user's side says next: results of the calls in the last leg, or a question."""
        calls = [block for block in self.provider[-1]["content"] if block["type"] == "tool_use"]
        hidden = [_result(b["id"], is_error=False) for b in calls if b["name"] == OURS]
        own = [_result(block["id"]) for block in calls if block["name"] != OURS]
        content = ([*hidden, *own] if ours else own) or [{"type": "text", "text": "And?"}]
        return {"role": "user", "content": content}


def _result(call_id: str, **members: object) -> Json:
    return {"type": "tool_result", "tool_use_id": call_id, "content": f"text of {call_id}", **members}


def _said(blocks: Sequence[Json]) -> Json:
    written = [{**b, "input": json.loads(b["input"])} if isinstance(b.get("input"), str) else b for b in blocks]
    return {"role": "assistant", "content": [copy.deepcopy(block) for block in written]}


def body_of(messages: Sequence[Json], **written: object) -> bytes:
    return json.dumps({"model": "m", "tools": TOOLS, "messages": list(messages)}, **written).encode()  # type: ignore[arg-type]


def sent(body: bytes, known: Mapping[Digest, Sequence[Round]]) -> bytes:
    """The body as the provider gets it."""
    prompt = AnthropicMessages().read(body)
    asked: list[Digest] = []

    def recall(keys: Sequence[Digest]) -> dict[Digest, Sequence[Round]]:
        asked.extend(keys)
        return {key: known[key] for key in keys if key in known}

    return splice(body, AnthropicHistory().edits(prompt.talk(), recall))


def kept(*answers: Told) -> dict[Digest, Sequence[Round]]:
    found = {AnthropicHistory().key(told.prompt, told.rounds): told.rounds for told in answers}
    return {key: rounds for key, rounds in found.items() if key is not None}


def messages_in(body: bytes) -> list[Json]:
    found: list[Json] = json.loads(body)["messages"]
    return found


def as_shown(message: Json) -> Json:
    return message


def trimmed(message: Json) -> Json:
    return _each(message, lambda b: {**b, "text": f"\n{b['text'].strip()}  "} if b["type"] == "text" else b)


def reordered(message: Json) -> Json:
    return {k: message[k] for k in reversed(message)} | {
        "content": [dict(reversed(b.items())) for b in message["content"]]
    }


def with_more_members(message: Json) -> Json:
    return _each(message, lambda b: {**b, "input": {**b["input"], "added": None}} if "input" in b else b)


def as_a_string(message: Json) -> Json:
    (block, *more) = message["content"]
    return message if more or "text" not in block else {**message, "content": block["text"]}


def with_blanks(message: Json) -> Json:
    return {**message, "content": [text(" "), *message["content"]]}


def _each(message: Json, change: Client) -> Json:
    return {**message, "content": [change(block) for block in message["content"]]}


CLIENTS = (as_shown, trimmed, reordered, with_more_members, as_a_string, with_blanks)


@TABLE
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("indent", [None, 2], ids=["compact", "indented"])
def test_the_provider_gets_its_own_history(name: str, indent: int | None, *, stream: bool) -> None:
    told = Told(ANSWERS[name], stream=stream)
    body = body_of([*told.client, told.behind(ours=False)], indent=indent)
    assert messages_in(sent(body, kept(told))) == [*told.provider, told.behind(ours=True)]


@TABLE
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_what_a_client_does_to_its_history_is_allowed_for(name: str, client: Client) -> None:
    """Earlier legs are the provider's, the last one is as the client has it."""
    told = Told(ANSWERS[name])
    own = client(told.client[-1])
    found = messages_in(sent(body_of([*told.client[:-1], own, told.behind(ours=False)]), kept(told)))
    assert found[: len(told.provider) - 1] == told.provider[:-1]
    if isinstance(own["content"], str):
        assert found[-2] == own
    else:
        assert all(block in own["content"] for block in found[-2]["content"] if block.get("name") != OURS)
    assert found[-1] == told.behind(ours=True)


@TABLE
def test_thinking_that_the_client_has_dropped_stays_dropped(name: str) -> None:
    """It may have had to: signatures hold for one model only."""
    told = Told(ANSWERS[name])

    def without(messages: Sequence[Json]) -> list[Json]:
        return [
            {**m, "content": [b for b in m["content"] if b["type"] != "thinking"]} if m["role"] == "assistant" else m
            for m in messages
        ]

    body = body_of([*without(told.client), told.behind(ours=False)])
    assert messages_in(sent(body, kept(told))) == [*without(told.provider), told.behind(ours=True)]


@TABLE
def test_without_what_was_put_back_it_is_the_clients_history_again(name: str) -> None:
    """Nothing of the client's is lost, unknown members included, and no byte of other messages is touched."""
    told = Told(ANSWERS[name])
    last = sum(block.get("name") != OURS for block in told.provider[-1]["content"])
    own = told.client[-1]["content"]
    content = [{**block, "x": n} if n >= len(own) - last else block for n, block in enumerate(own)]
    marked = {**told.client[-1], "unknown": [1.50], "content": content}
    body = body_of([*told.client[:-1], marked, told.behind(ours=False)])
    found = messages_in(sent(body, kept(told)))
    merged: list[Json] = []
    for message in found[len(BEFORE) :]:
        content = [b for b in message["content"] if b.get("name") != OURS and not _is_for_ours(b)]
        if message["role"] == "assistant" and merged:
            content = merged.pop()["content"] + content
        if content:
            merged.append({**message, "content": content})
    assert merged == [marked, told.behind(ours=False)]


@TABLE
def test_markers_stay_on_their_blocks(name: str) -> None:
    told = Told(ANSWERS[name])
    for number, block in enumerate(told.client[-1]["content"]):
        if block["type"] == "thinking":
            continue
        own = copy.deepcopy(told.client[-1])
        own["content"][number]["cache_control"] = MARK
        found = sent(body_of([*told.client[:-1], own, told.behind(ours=False)]), kept(told))
        assert found.count(b"cache_control") == 1
        (holder,) = [b for m in messages_in(found) for b in m["content"] if "cache_control" in b]
        assert holder == {**block, "cache_control": MARK}


DIFFERENT: dict[str, Client] = {
    "other words": lambda m: _each(m, lambda b: {**b, "text": "Changed."} if b["type"] == "text" else b),
    "a block more": lambda m: {**m, "content": [*m["content"], text("And more.")]},
    "other thinking": lambda m: _each(m, lambda b: {**b, "signature": "eHh4"} if b["type"] == "thinking" else b),
    "words in one block": lambda m: {**m, "content": [text("".join(b.get("text", "") for b in m["content"]))]},
    "nothing of the last leg": lambda m: {**m, "content": m["content"][:2]},
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT)
def test_what_the_client_has_changed_stays_as_it_is(change: Client) -> None:
    told = Told(ANSWERS["with thinking"])
    body = body_of([*told.client[:-1], change(told.client[-1]), told.behind(ours=False)])
    assert sent(body, dict.fromkeys(_all_keys(body), told.rounds)) is body


def _all_keys(body: bytes) -> list[Digest]:
    asked: list[Digest] = []

    def recall(keys: Sequence[Digest]) -> dict[Digest, Sequence[Round]]:
        asked.extend(keys)
        return {}

    AnthropicHistory().edits(AnthropicMessages().read(body).talk(), recall)
    return asked


@pytest.mark.parametrize("content", ["Never mind.", [text("Never mind.")]], ids=["string", "text"])
def test_a_call_is_not_put_back_where_the_client_brings_no_results(content: object) -> None:
    """The earlier legs are."""
    told = Told(ANSWERS["mixed in a later leg"])
    user = {"role": "user", "content": content}
    found = messages_in(sent(body_of([*told.client, user]), kept(told)))
    assert found[: len(told.provider) - 1] == told.provider[:-1]
    assert found[-2]["content"] == [AH, text("b"), _said([BASH])["content"][0]]
    assert found[-1] == user


def test_a_system_message_may_stand_before_the_results() -> None:
    told = Told(ANSWERS["mixed"])
    system = {"role": "system", "content": "Be brief."}
    found = messages_in(sent(body_of([*told.client, system, told.behind(ours=False)]), kept(told)))
    assert found == [*told.provider, system, told.behind(ours=True)]


def test_a_whole_conversation() -> None:
    """Answers with the same words to the same question are told apart by what stands before them."""
    told: list[Told] = []
    client, provider = list(BEFORE), list(BEFORE)
    for number in range(4):
        words = [[call(f"toolu_{number}x")], [text("Done.")]]
        told.append(Told(words, before=client))
        asked = {"role": "user", "content": f"And {number % 2}?"}
        provider = [*provider, *told[-1].provider[len(client) :], asked]
        client = [*told[-1].client, asked]
    found = messages_in(sent(body_of(client), kept(*told)))
    assert found == provider


def test_an_id_is_never_put_back_twice() -> None:
    told = Told(ANSWERS["alone"])
    body = body_of([*told.client, told.behind(ours=False), told.client[-1], told.behind(ours=False)])
    known = dict.fromkeys(_all_keys(body), told.rounds)
    found = sent(body, known)
    assert found.count(b'"toolu_1"') == 2  # the call and its result
    again = sent(found, known)
    assert again is found


def test_an_answer_that_goes_on_from_words_of_the_client_has_no_name() -> None:
    told = Told(ANSWERS["alone"], before=[*BEFORE, {"role": "assistant", "content": "I think"}])
    assert kept(told) == {}


def test_conversations_with_other_calls_share_no_names() -> None:
    other = json.loads(json.dumps(BEFORE).replace("toolu_0", "toolu_9"))
    one, two = (Told(ANSWERS["alone"], before=before) for before in (BEFORE, other))
    assert not set(kept(one)) & set(kept(two))


SAID = st.lists(st.sampled_from([text("a "), text(" b"), HM, BASH, READ, call("toolu_1"), call("toolu_2")]), max_size=6)


@given(st.lists(SAID, min_size=1, max_size=3), st.integers(0, 3), st.booleans())
@example([[BASH], [READ, call("toolu_1")]], 0, False)
@example([[HM], [READ, call("toolu_1")]], 0, False)
@example([[call("toolu_1")], [call("toolu_1"), text("b")]], 0, False)
def test_no_history_is_more_than_the_provider_takes(legs: list[list[Json]], marker: int, shuffled: bool) -> None:
    """Whatever is known under whatever name: every call has its result behind it, and no id stands twice."""
    rounds = tuple(_round(blocks) for blocks in legs)
    shown = [block for blocks in legs for block in blocks if block.get("name") != OURS]
    own = _said(shown[::-1] if shuffled else shown)
    calls = list(dict.fromkeys(b["id"] for b in own["content"] if b["type"] == "tool_use"))
    own["content"] = [b for b in own["content"] if b["type"] != "tool_use"] + [
        next(b for b in own["content"] if b.get("id") == name) for name in calls
    ]
    if own["content"] and own["content"][marker % len(own["content"])]["type"] != "thinking":
        own["content"][marker % len(own["content"])]["cache_control"] = MARK
    user = {"role": "user", "content": [_result(name) for name in calls] or "And?"}
    body = body_of([*BEFORE, own, user] if own["content"] else BEFORE)
    found = messages_in(sent(body, dict.fromkeys(_all_keys(body), rounds)))
    open_calls: list[str] = []
    ids = [b["id"] for m in found for b in m["content"] if isinstance(b, dict) and b["type"] == "tool_use"]
    assert len(ids) == len(set(ids))
    for message in found:
        assert message["content"]
        blocks = message["content"] if isinstance(message["content"], list) else []
        assert sorted(b["tool_use_id"] for b in blocks if b["type"] == "tool_result") == sorted(open_calls)
        open_calls = [b["id"] for b in blocks if b["type"] == "tool_use"]
    assert sum("cache_control" in str(m) for m in found) <= 1


def _is_for_ours(block: Json) -> bool:
    return str(block.get("tool_use_id", "")) in ("toolu_1", "toolu_2", "toolu_3")


def _round(blocks: Sequence[Json]) -> Round:
    hidden = tuple(n for n, block in enumerate(blocks) if block.get("name") == OURS)
    raws = tuple(json.dumps(block).encode() for block in _said(blocks)["content"])
    return Round(raws, hidden, tuple(json.dumps(_result(blocks[n]["id"])).encode() for n in hidden))
