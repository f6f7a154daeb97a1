"""The provider gets its own items back, however the client has kept the ones it was shown."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from responses_events import OURS, TOOLS, Json, answer, call, events, leg, read, reasoning, text

from headroom_mitm.segments import Digest
from headroom_mitm.wire import sse
from headroom_mitm.wire.openai_responses import OpenAIResponses
from headroom_mitm.wire.openai_responses_frames import FramesReply
from headroom_mitm.wire.openai_responses_history import ResponsesHistory
from headroom_mitm.wire.openai_responses_reply import StreamedReply, WholeReply
from headroom_mitm.wire.reply import Answered
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wire.splice import splice

RUN, LOOK = call("call_c", "shell", '{"n": 1.50}'), call("call_d", "look", "{}")
BEFORE: list[Json] = [
    {"role": "user", "content": "Look."},
    call("call_0", "shell", "{}"),
    {"type": "function_call_output", "call_id": "call_0", "output": "rows"},
]
# What the model says, leg by leg.
ANSWERS: dict[str, list[list[Json]]] = {
    "alone": [[call("ours_1")], [text("Done.")]],
    "with words": [[text("I look. ", 1), call("ours_1")], [text("Done.", 2)]],
    "with reasoning": [[reasoning(1), text("I look.", 1), call("ours_1")], [reasoning(2), text("Done.", 2)]],
    "three legs": [[reasoning(1), call("ours_1")], [reasoning(2), call("ours_2")], [reasoning(3), text("c")]],
    "two of ours": [[text("a"), call("ours_1"), call("ours_2")], [text("Done.", 2)]],
    "words behind": [[reasoning(1), call("ours_1"), text("a", 1)], [text("Done.", 2)]],
    "then the client": [[reasoning(1), call("ours_1")], [text("b"), RUN]],
    "mixed": [[reasoning(1), text("Both."), call("ours_1"), RUN]],
    "mixed, the client first": [[RUN, call("ours_1")]],
    "mixed, any order": [[call("ours_1"), RUN, call("ours_2"), LOOK, call("ours_3")]],
    "mixed in a later leg": [[reasoning(1), text("a", 1), call("ours_1")], [reasoning(2), RUN, call("ours_2")]],
}
TABLE = pytest.mark.parametrize("name", ANSWERS)
Client = Callable[[Json], Json]


def _output(item: Json) -> Json:
    return {"type": "function_call_output", "call_id": item["call_id"], "output": "text"}


class Told:
    """An answer that has ended: what the client was shown, and what the provider has."""

    def __init__(self, legs: Sequence[list[Json]], form: str = "whole", before: Sequence[Json] = BEFORE) -> None:
        reply = {"whole": WholeReply, "events": StreamedReply, "frames": FramesReply}[form](OURS)
        body, shown = body_of(before), b""
        self.prompt = OpenAIResponses().read(body)
        for number, items in enumerate(legs, 1):
            if form == "frames":
                given = [reply.feed(sse.data_of(event)) for event in events(*items)] + [reply.end_leg()]
                shown += b"".join(sse.written(json.loads(frame)["type"], frame) for frame in given if frame)
            else:
                shown += reply.feed(leg(*items) if form == "events" else json.dumps(answer(*items)).encode())
                shown += reply.end_leg()
            if number < len(legs):
                body = reply.next_body(body, [Answered(c, "text") for c in reply.hidden])
        untold = reply.untold
        assert untold is not None
        self.rounds = (*untold.before, untold.last([Answered(c, "text") for c in untold.calls]))
        *earlier, self.last = legs
        self.provider = [*before]
        for items in earlier:
            self.provider += [*items, *(_output(item) for item in items if item.get("name") == OURS)]
        last = json.loads(shown) if form == "whole" else read(shown)[-1]["response"]
        self.client = [*before, *last["output"]]

    def behind(self, *, ours: bool) -> list[Json]:
        """What the user's side says next: outputs of the calls in the last leg, or a question."""
        calls = [item for item in self.last if "call_id" in item]
        hidden = [_output(item) for item in calls if item["name"] == OURS]
        own = [_output(item) for item in calls if item["name"] != OURS]
        return [*(hidden if ours else []), *own] if own else [{"role": "user", "content": "And?"}]


def body_of(items: Sequence[Json], **written: object) -> bytes:
    return json.dumps({"model": "m", "tools": TOOLS, "input": list(items)}, **written).encode()  # type: ignore[arg-type]


def items_in(body: bytes) -> list[Json]:
    found: list[Json] = json.loads(body)["input"]
    return found


def sent(body: bytes, known: Mapping[Digest, Sequence[Round]]) -> bytes:
    """The body as the provider gets it."""
    prompt = OpenAIResponses().read(body)
    edits = ResponsesHistory().edits(prompt.talk(), lambda keys: {key: known[key] for key in keys if key in known})
    return splice(body, edits)


def kept(*answers: Told) -> dict[Digest, Sequence[Round]]:
    found = {ResponsesHistory().key(told.prompt, told.rounds): told.rounds for told in answers}
    return {key: rounds for key, rounds in found.items() if key is not None}


@TABLE
@pytest.mark.parametrize("form", ["whole", "events", "frames"])
@pytest.mark.parametrize("indent", [None, 2], ids=["compact", "indented"])
def test_the_provider_gets_its_own_history(name: str, indent: int | None, form: str) -> None:
    """On a socket, when it was opened anew and the client sends all of it again."""
    told = Told(ANSWERS[name], form)
    found = items_in(sent(body_of([*told.client, *told.behind(ours=False)], indent=indent), kept(told)))
    assert found == [*told.provider, *told.last, *told.behind(ours=True)]


def trimmed(item: Json) -> Json:
    return (
        {**item, "content": [{**p, "text": p["text"].strip()} for p in item["content"]]} if "content" in item else item
    )


def without_ids(item: Json) -> Json:
    """As Codex sends them."""
    return {name: value for name, value in item.items() if name not in ("id", "status")}


def as_a_string(item: Json) -> Json:
    return {**item, "content": item["content"][0]["text"]} if "content" in item else item


@TABLE
@pytest.mark.parametrize("client", [trimmed, without_ids, as_a_string], ids=lambda client: client.__name__)
def test_what_a_client_does_to_its_history_is_allowed_for(name: str, client: Client) -> None:
    told = Told(ANSWERS[name])
    own = list(map(client, told.client[len(BEFORE) :]))
    found = items_in(sent(body_of([*BEFORE, *own, *told.behind(ours=False)]), kept(told)))
    expected = [*told.provider, *(item if item.get("name") == OURS else client(item) for item in told.last)]
    assert [without_ids(item) for item in found] == [without_ids(i) for i in [*expected, *told.behind(ours=True)]]


@TABLE
def test_reasoning_that_the_client_has_dropped_stays_dropped(name: str) -> None:
    """And what led from it goes without the id by which the provider would ask for it."""
    told = Told(ANSWERS[name])

    def without(items: Sequence[Json]) -> list[Json]:
        return [without_ids(item) for item in items if item["type"] != "reasoning"]

    body = body_of([*BEFORE, *without(told.client[len(BEFORE) :]), *told.behind(ours=False)])
    found = items_in(sent(body, kept(told)))
    expected = [*BEFORE, *without([*told.provider[len(BEFORE) :], *told.last]), *told.behind(ours=True)]
    assert [without_ids(item) for item in found] == [without_ids(item) for item in expected]
    reasoned = {
        item["call_id"]
        for items in ANSWERS[name]
        if items[0]["type"] == "reasoning"
        for item in items[1:]
        if "name" in item
    }
    assert not [item for item in found if item.get("name") == OURS and item["call_id"] in reasoned and "id" in item]


DIFFERENT: dict[str, Callable[[list[Json]], list[Json]]] = {
    "other words": lambda items: [text("Changed."), *items[1:]],
    "more words": lambda items: [*items, text("More.")],
    "words of the first leg": lambda items: items[:2],
    "other reasoning": lambda items: [reasoning(7), *items[1:]],
    "a call more": lambda items: [*items, RUN],
    "an item of another kind": lambda items: [*items, {"type": "web_search_call", "id": "ws_1"}],
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT)
def test_what_the_client_has_changed_stays_as_it_is(change: Callable[[list[Json]], list[Json]]) -> None:
    told = Told(ANSWERS["with reasoning"])
    body = body_of([*BEFORE, *change(told.client[len(BEFORE) :]), *told.behind(ours=False)])
    assert sent(body, dict.fromkeys(_all_keys(body), told.rounds)) is body


def _all_keys(body: bytes) -> list[Digest]:
    asked: list[Digest] = []

    def recall(keys: Sequence[Digest]) -> dict[Digest, Sequence[Round]]:
        asked.extend(keys)
        return {}

    ResponsesHistory().edits(OpenAIResponses().read(body).talk(), recall)
    return asked


def test_a_call_is_not_put_back_where_the_client_brings_no_outputs() -> None:
    """The earlier legs are."""
    told = Told(ANSWERS["mixed in a later leg"])
    user = {"role": "user", "content": "Never mind."}
    found = items_in(sent(body_of([*told.client, user]), kept(told)))
    assert found == [*told.provider, *told.last[:2], user]


def test_a_whole_conversation() -> None:
    """Answers in a row are told apart by what they answer."""
    told: list[Told] = []
    client, provider = list(BEFORE), list(BEFORE)
    for number in range(4):
        told.append(Told([[call(f"ours_{number}x")], [text("Done.")]], before=client))
        asked = {"role": "user", "content": f"And {number}?"}
        provider = [*provider, *told[-1].provider[len(client) :], text("Done."), asked]
        client = [*told[-1].client, asked]
    assert items_in(sent(body_of(client), kept(*told))) == provider


def test_the_same_words_to_the_same_question_are_put_back_once() -> None:
    """A request that goes on from an answer by its id does not say what stood before: only the nearest words count."""
    told = Told(ANSWERS["alone"])
    body = body_of([*told.client, *told.behind(ours=False), told.client[-1], *told.behind(ours=False)])
    found = sent(body, dict.fromkeys(_all_keys(body), told.rounds))
    assert found.count(b'"ours_1"') == 2  # the call and its output
    assert sent(found, dict.fromkeys(_all_keys(found), told.rounds)) is found


def test_an_answer_that_goes_on_from_items_of_the_model_has_no_name() -> None:
    assert kept(Told(ANSWERS["alone"], before=[*BEFORE, text("I think")])) == {}


def test_an_answer_is_named_alike_where_the_provider_keeps_what_it_goes_on_from() -> None:
    """On a socket a request carries new items only; after a break the client sends all."""
    told = Told(ANSWERS["three legs"], "frames", before=BEFORE[2:])
    whole = [*BEFORE, *told.client[1:], *told.behind(ours=False)]
    found = items_in(sent(body_of(whole), kept(told)))
    assert found == [*BEFORE[:2], *told.provider, *told.last, *told.behind(ours=True)]


SAID = st.lists(
    st.sampled_from([text("a "), reasoning(1), reasoning(2), RUN, LOOK, call("ours_1"), call("ours_2")]), max_size=5
)


@given(st.lists(SAID, min_size=1, max_size=3), st.booleans(), st.booleans())
def test_no_history_is_more_than_the_provider_takes(legs: list[list[Json]], silent: bool, bare: bool) -> None:
    """Whatever is known under whatever name: every call has its output behind it, and no id stands twice."""
    own, calls = [], []
    for item in (item for items in legs for item in items if item.get("name") != OURS):
        if item.get("call_id") not in calls and not (bare and item["type"] == "reasoning"):
            own.append(copy.deepcopy(item))
            calls += [item["call_id"]] if "call_id" in item else []
    behind = [_output({"call_id": call_id}) for call_id in calls] or [{"role": "user", "content": "And?"}]
    body = body_of([*BEFORE, *own, *([] if silent and not calls else behind)])
    found = items_in(sent(body, dict.fromkeys(_all_keys(body), tuple(map(_round, legs)))))
    waiting: list[str] = []
    seen: list[str] = []
    for item in found:
        if item.get("type") == "function_call":
            waiting.append(item["call_id"])
            seen.append(item["call_id"])
        elif item.get("type") == "function_call_output":
            waiting.remove(item["call_id"])
    assert not waiting
    assert len(seen) == len(set(seen))


def _round(items: Sequence[Json]) -> Round:
    hidden = tuple(number for number, item in enumerate(items) if item.get("name") == OURS)
    outputs = tuple(json.dumps(_output(items[number])).encode() for number in hidden)
    return Round(tuple(json.dumps(item).encode() for item in items), hidden, outputs)
