"""The server gets its own history back, however the client has kept the message it was shown."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence

import pytest
from chat_chunks import FORMS, OURS, Json, call, details, leg, say, think, whole
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.segments import Digest
from headroom_mitm.wire.openai_chat import OpenAIChat
from headroom_mitm.wire.openai_chat_history import ChatHistory
from headroom_mitm.wire.openai_chat_reply import StreamedReply
from headroom_mitm.wire.openai_chat_whole import WholeReply
from headroom_mitm.wire.reply import Answered
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wire.splice import splice

TOOLS = [{"type": "function", "function": {"name": name, "parameters": {}}} for name in ("Bash", OURS)]
BASH, READ = call("call_c", "Bash", '{"command": "ls", "n": 1.50}'), call("call_d", "Read", '{"path": "x"}')
EDIT: Json = {"id": "call_e", "type": "custom", "custom": {"name": "Edit", "input": "*** a patch"}}
"""A tool of the client's own form."""
BEFORE: list[Json] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Look."},
    {"role": "assistant", "tool_calls": [call("call_0", "Bash", "{}")]},
    {"role": "tool", "tool_call_id": "call_0", "content": "rows"},
]
HM, AH = details({"type": "reasoning.text", "text": "Hm", "index": 0}), details({"type": "x", "data": "2", "index": 0})
# What the model says, leg by leg.
ANSWERS: dict[str, list[list[Json]]] = {
    "alone": [[call("ours_1")], [say("Done.")]],
    "with words": [[say("I look. "), call("ours_1")], [say("Done.")]],
    "words that need a break": [[say("I look."), call("ours_1")], [say("Done.")]],
    "with reasoning": [[think("Hm"), say("I look."), call("ours_1")], [think("Ah"), say("Done.")]],
    "with details": [[HM, call("ours_1")], [AH, say("Done.")]],
    "three legs": [[think("Hm"), say("a"), call("ours_1")], [call("ours_2")], [think("Oh"), say("c")]],
    "two of ours": [[say("a"), call("ours_1"), call("ours_2")], [say("Done.")]],
    "then the client": [[think("Hm"), call("ours_1")], [say("b"), BASH]],
    "words, then the client": [[say("a"), call("ours_1")], [BASH]],
    "mixed": [[think("Hm"), say("Both."), call("ours_1"), BASH]],
    "mixed, the client first": [[BASH, call("ours_1")]],
    "mixed, any order": [[call("ours_1"), BASH, call("ours_2"), READ, call("ours_3")]],
    "mixed with another form": [[say("a"), call("ours_1"), EDIT]],
    "then another form": [[say("a"), call("ours_1")], [EDIT, BASH]],
    "mixed in a later leg": [[say("a"), call("ours_1")], [say("b"), BASH, call("ours_2")]],
}
TABLE = pytest.mark.parametrize("name", ANSWERS)
Client = Callable[[Json], Json]


def _result(call_id: str) -> Json:
    return {"role": "tool", "tool_call_id": call_id, "content": f"text of {call_id}"}


def _message(shown: bytes, *, stream: bool) -> Json:
    """The message as a client keeps it."""
    if not stream:
        message: Json = json.loads(shown)["choices"][0]["message"]
        return {name: value for name, value in message.items() if value not in (None, [])} | {
            "content": message["content"]
        }
    found: Json = {"role": "assistant", "content": None}
    chunks = [json.loads(line[6:]) for line in shown.decode().split("\n") if line.startswith("data: {")]
    for delta in (choice["delta"] for chunk in chunks for choice in chunk.get("choices", ())):
        for piece in delta.pop("tool_calls", ()):
            _add(found.setdefault("tool_calls", []), piece)
        for name, value in delta.items():
            if value and name != "role":
                found[name] = (found.get(name) or value[:0]) + value
    return found


def _add(calls: list[Json], piece: Json) -> None:
    if "id" in piece:
        calls.append(copy.deepcopy({name: value for name, value in piece.items() if name != "index"}))
    else:
        own = calls[piece["index"]]
        form, member = FORMS[own["type"]]
        own[form][member] += piece[form][member]


class Told:
    """An answer that has ended: what the client was shown, and what the server has."""

    def __init__(self, legs: Sequence[list[Json]], *, stream: bool = False, before: Sequence[Json] = BEFORE) -> None:
        reply = StreamedReply(OURS) if stream else WholeReply(OURS)
        body = body_of(before)
        self.prompt = OpenAIChat().read(body)
        shown = b""
        for number, blocks in enumerate(legs, 1):
            shown += reply.feed((leg if stream else whole)(*blocks))
            shown += reply.end_leg()
            if number < len(legs):
                body = reply.next_body(body, [Answered(c, f"text of {c.id}") for c in reply.hidden])
        untold = reply.untold
        assert untold is not None
        self.rounds = (*untold.before, untold.last([Answered(c, f"text of {c.id}") for c in untold.calls]))
        self.server = messages_in(body)
        """Of the last request."""
        self.last = legs[-1]
        self.client = [*before, _message(shown, stream=stream)]

    def behind(self, *, ours: bool) -> list[Json]:
        """What the user's side says next: results of the calls in the last leg, or a question."""
        ids = [block["id"] for block in self.last if "id" in block]
        hidden = [_result(call_id) for call_id in ids if call_id.startswith("ours")]
        own = [_result(call_id) for call_id in ids if not call_id.startswith("ours")]
        return [*(hidden if ours else []), *own] if own else [{"role": "user", "content": "And?"}]


def body_of(messages: Sequence[Json], **written: object) -> bytes:
    return json.dumps({"model": "m", "tools": TOOLS, "messages": list(messages)}, **written).encode()  # type: ignore[arg-type]


def messages_in(body: bytes) -> list[Json]:
    """The messages; a member that is empty says nothing."""
    found: list[Json] = json.loads(body)["messages"]
    return list(map(full, found))


def full(message: Json) -> Json:
    return {name: value for name, value in message.items() if value not in ("", [], None)}


def sent(body: bytes, known: Mapping[Digest, Sequence[Round]]) -> bytes:
    """The body as the server gets it."""
    prompt = OpenAIChat().read(body)
    return splice(
        body, ChatHistory().edits(prompt.talk(), lambda keys: {key: known[key] for key in keys if key in known})
    )


def kept(*answers: Told) -> dict[Digest, Sequence[Round]]:
    found = {ChatHistory().key(told.prompt, told.rounds): told.rounds for told in answers}
    return {key: rounds for key, rounds in found.items() if key is not None}


def said_in(blocks: Sequence[Json]) -> Json:
    """A leg as its message."""
    message: Json = {"content": None}
    for name, value in (item for block in blocks if "id" not in block for item in block.items()):
        message[name] = (message.get(name) or value[:0]) + value
    calls = [block for block in blocks if "id" in block]
    return full({"role": "assistant", **message, "tool_calls": calls})


@TABLE
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("indent", [None, 2], ids=["compact", "indented"])
def test_the_server_gets_its_own_history(name: str, indent: int | None, *, stream: bool) -> None:
    told = Told(ANSWERS[name], stream=stream)
    found = messages_in(sent(body_of([*told.client, *told.behind(ours=False)], indent=indent), kept(told)))
    assert found[: len(told.server)] == told.server
    assert found[len(told.server)] == said_in(told.last)
    assert found[len(told.server) + 1 :] == told.behind(ours=True)


def trimmed(message: Json) -> Json:
    return {**message, "content": (message["content"] or "").strip() or None}


def as_parts(message: Json) -> Json:
    content = message["content"]
    return {**message, "content": [{"type": "text", "text": content}] if content else None}


def with_more_members(message: Json) -> Json:
    return {**message, "refusal": None, "annotations": [], "unknown": [1.5]}


def reordered(message: Json) -> Json:
    return dict(reversed(message.items()))


CLIENTS = (trimmed, as_parts, with_more_members, reordered)


@TABLE
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)
def test_what_a_client_does_to_its_history_is_allowed_for(name: str, client: Client) -> None:
    told = Told(ANSWERS[name])
    own = client(told.client[-1])
    found = messages_in(sent(body_of([*told.client[:-1], own, *told.behind(ours=False)]), kept(told)))
    assert found[: len(told.server)] == told.server
    assert found[len(told.server)].get("tool_calls") == said_in(told.last).get("tool_calls")
    assert found[len(told.server)].get("unknown") == own.get("unknown")
    assert found[len(told.server) + 1 :] == told.behind(ours=True)


@TABLE
def test_reasoning_that_the_client_has_dropped_stays_dropped(name: str) -> None:
    told = Told(ANSWERS[name])

    def without(messages: Sequence[Json]) -> list[Json]:
        return [{n: v for n, v in message.items() if not n.startswith("reasoning")} for message in messages]

    body = body_of([*without(told.client), *told.behind(ours=False)])
    expected = [*without([*told.server, said_in(told.last)]), *told.behind(ours=True)]
    assert messages_in(sent(body, kept(told))) == expected


DIFFERENT: dict[str, Client] = {
    "other words": lambda m: {**m, "content": "Changed."},
    "more words": lambda m: {**m, "content": m["content"] + " And more."},
    "words of the first leg": lambda m: {**m, "content": "I look."},
    "other reasoning": lambda m: {**m, "reasoning_content": "Oh"},
    "a call more": lambda m: {**m, "tool_calls": [READ]},
    "a part that is no text": lambda m: {**m, "content": [{"type": "text", "text": m["content"]}, {"type": "refusal"}]},
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT)
def test_what_the_client_has_changed_stays_as_it_is(change: Client) -> None:
    told = Told(ANSWERS["with reasoning"])
    body = body_of([*told.client[:-1], change(told.client[-1]), *told.behind(ours=False)])
    assert sent(body, dict.fromkeys(_all_keys(body), told.rounds)) is body


def _all_keys(body: bytes) -> list[Digest]:
    asked: list[Digest] = []

    def recall(keys: Sequence[Digest]) -> dict[Digest, Sequence[Round]]:
        asked.extend(keys)
        return {}

    ChatHistory().edits(OpenAIChat().read(body).talk(), recall)
    return asked


def test_a_call_is_not_put_back_where_the_client_brings_no_results() -> None:
    """The earlier legs are."""
    told = Told(ANSWERS["mixed in a later leg"])
    user = {"role": "user", "content": "Never mind."}
    found = messages_in(sent(body_of([*told.client, user]), kept(told)))
    assert found == [*told.server, {"role": "assistant", "content": "b", "tool_calls": [BASH]}, user]


def test_a_whole_conversation() -> None:
    """Answers with the same words to the same question are told apart by what stands before them."""
    told: list[Told] = []
    client, server = list(BEFORE), list(BEFORE)
    for number in range(4):
        told.append(Told([[call(f"ours_{number}x")], [say("Done.")]], before=client))
        asked = {"role": "user", "content": f"And {number % 2}?"}
        server = [*server, *told[-1].server[len(client) :], said_in([say("Done.")]), asked]
        client = [*told[-1].client, asked]
    assert messages_in(sent(body_of(client), kept(*told))) == server


def test_an_id_is_never_put_back_twice() -> None:
    told = Told(ANSWERS["alone"])
    body = body_of([*told.client, *told.behind(ours=False), told.client[-1], *told.behind(ours=False)])
    known = dict.fromkeys(_all_keys(body), told.rounds)
    found = sent(body, known)
    assert found.count(b'"ours_1"') == 2  # the call and its result
    assert sent(found, known) is found


def test_an_answer_that_goes_on_from_words_of_the_client_has_no_name() -> None:
    assert kept(Told(ANSWERS["alone"], before=[*BEFORE, {"role": "assistant", "content": "I think"}])) == {}


SAID = st.lists(st.sampled_from([say("a "), think("b"), BASH, READ, call("ours_1"), call("ours_2")]), max_size=5)


@given(st.lists(SAID, min_size=1, max_size=3), st.booleans(), st.booleans())
def test_no_history_is_more_than_the_server_takes(legs: list[list[Json]], shuffled: bool, silent: bool) -> None:
    """Whatever is known under whatever name: every call has its result behind it, and no id stands twice."""
    own = said_in([block for blocks in legs for block in blocks if block.get("function", {}).get("name") != OURS])
    own = copy.deepcopy(dict(reversed(own.items())) if shuffled else own)
    calls = {block["id"]: block for block in own.get("tool_calls", ())}
    own |= {"tool_calls": list(calls.values())} if calls else {}
    behind = [_result(call_id) for call_id in calls] or [{"role": "user", "content": "And?"}]
    messages = [*BEFORE, own, *([] if silent and not calls else behind)]
    body = body_of(messages if own.get("content") or calls else BEFORE)
    found = messages_in(sent(body, dict.fromkeys(_all_keys(body), tuple(map(_round, legs)))))
    ids = [one["id"] for message in found for one in message.get("tool_calls", ())]
    assert len(ids) == len(set(ids))
    waiting: set[str] = set()
    for message in found:
        if message["role"] == "tool":
            waiting.remove(message["tool_call_id"])
            continue
        assert not waiting
        assert message["role"] != "assistant" or message.get("content") or message.get("tool_calls")
        waiting = {one["id"] for one in message.get("tool_calls", ())}
    assert not waiting


def _round(blocks: Sequence[Json]) -> Round:
    spoken = said_in(blocks)
    calls = spoken.pop("tool_calls", [])
    hidden = tuple(n for n, one in enumerate(calls, 1) if one["function"]["name"] == OURS)
    results = tuple(json.dumps(_result(calls[n - 1]["id"])).encode() for n in hidden)
    return Round(tuple(json.dumps(raw).encode() for raw in (spoken, *calls)), hidden, results)
