"""The model gets its own history back, however the client has kept the parts it was shown."""

import copy
import json
from collections.abc import Callable, Mapping, Sequence

import pytest
from gemini_chunks import OURS, Json, array, call, document, documents, events, read, say
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.segments import Digest
from headroom_mitm.wire.gemini_generate import GeminiGenerate
from headroom_mitm.wire.gemini_history import GeminiHistory
from headroom_mitm.wire.gemini_reply import StreamedReply, WholeReply
from headroom_mitm.wire.reply import Answered
from headroom_mitm.wire.retelling import Round
from headroom_mitm.wire.splice import splice

TOOLS = [{"functionDeclarations": [{"name": "run"}, {"name": "look"}, {"name": OURS}]}]
RUN, LOOK = call("f1", "run", command="ls"), call("", "look", path="x")
HM, AH = say("Hm", thought=True), say("Ah", thought=True)
BEFORE: list[Json] = [
    {"role": "user", "parts": [say("Look.")]},
    {"role": "model", "parts": [call("f0", "run", signature="czA=", command="ls")]},
    {"role": "user", "parts": [{"functionResponse": {"id": "f0", "name": "run", "response": {"output": "rows"}}}]},
]
# What the model says, leg by leg.
ANSWERS: dict[str, list[list[Json]]] = {
    "alone": [[call("o1", signature="czE=")], [say("Done.")]],
    "without ids": [[call()], [say("Done.")]],
    "with words": [[say("I "), say("look. "), call(signature="czE=")], [say("Done.")]],
    "with thoughts": [[HM, say("I look."), call("o1", signature="czE=")], [AH, say("Done.")]],
    "signed words": [[call("o1")], [say("Done."), say("", thoughtSignature="czI=")]],
    "three legs": [[HM, say("a"), call("o1")], [call("o2", signature="czE=")], [AH, say("c")]],
    "two of ours": [[say("a"), call("o1", signature="czE="), call("o2")], [say("Done.")]],
    "then the client": [[HM, call("o1", signature="czE=")], [say("b"), {**RUN, "thoughtSignature": "czI="}]],
    "mixed": [[HM, say("Both."), call("o1", signature="czE="), RUN]],
    "mixed, the client first": [[{**RUN, "thoughtSignature": "czI="}, call()]],
    "mixed, any order": [[call("o1", signature="czE="), RUN, call(), LOOK, call("o3")]],
    "mixed in a later leg": [[say("a"), call("o1", signature="czE=")], [say("b"), RUN, call("o2")]],
}
TABLE = pytest.mark.parametrize("name", ANSWERS)
Client = Callable[[Json], Json]


def _is_ours(part: Json) -> bool:
    return bool(part.get("functionCall", {}).get("name") == OURS)


def _response(part: Json) -> Json:
    function = part["functionCall"]
    id_ = {"id": function["id"]} if "id" in function else {}
    return {"functionResponse": {**id_, "name": function["name"], "response": {"output": "text"}}}


class Told:
    """An answer that has ended: what the client was shown, and what the model has."""

    def __init__(self, legs: Sequence[list[Json]], form: str = "whole", before: Sequence[Json] = BEFORE) -> None:
        reply = WholeReply(OURS) if form == "whole" else StreamedReply(OURS)
        body, shown = body_of(before), b""
        self.prompt = GeminiGenerate().read(body)
        for number, parts in enumerate(legs, 1):
            pieces = documents(*parts)
            data = json.dumps(document(parts, "STOP")).encode()
            shown += reply.feed({"whole": data, "events": events(pieces), "array": array(pieces)}[form])
            shown += reply.end_leg()
            if number < len(legs):
                body = reply.next_body(body, [Answered(c, "text") for c in reply.hidden])
        untold = reply.untold
        assert untold is not None
        self.rounds = (*untold.before, untold.last([Answered(c, "text") for c in untold.calls]))
        self.model = contents_in(body)
        """The contents of the last request."""
        self.last = legs[-1]
        seen = [json.loads(shown)] if form == "whole" else list(read(shown))
        parts = [part for one in seen for part in one["candidates"][0]["content"]["parts"]]
        self.client = [*before, {"role": "model", "parts": parts}]

    def behind(self, *, ours: bool) -> Json:
        """What the user's side says next: responses to the calls in the last leg, or a question."""
        calls = [part for part in self.last if "functionCall" in part and (ours or not _is_ours(part))]
        return {"role": "user", "parts": list(map(_response, calls)) or [say("And?")]}


def body_of(contents: Sequence[Json], **written: object) -> bytes:
    return json.dumps({"tools": TOOLS, "contents": list(contents)}, **written).encode()  # type: ignore[arg-type]


def contents_in(body: bytes) -> list[Json]:
    found: list[Json] = json.loads(body)["contents"]
    return found


def sent(body: bytes, known: Mapping[Digest, Sequence[Round]]) -> bytes:
    """The body as the model gets it."""
    prompt = GeminiGenerate().read(body)
    return splice(
        body, GeminiHistory().edits(prompt.talk(), lambda keys: {key: known[key] for key in keys if key in known})
    )


def kept(*answers: Told) -> dict[Digest, Sequence[Round]]:
    found = {GeminiHistory().key(told.prompt, told.rounds): told.rounds for told in answers}
    return {key: rounds for key, rounds in found.items() if key is not None}


def model_said(parts: Sequence[Json]) -> Json:
    return {"role": "model", "parts": list(parts)}


@TABLE
@pytest.mark.parametrize("form", ["whole", "events", "array"])
@pytest.mark.parametrize("indent", [None, 2], ids=["compact", "indented"])
def test_the_model_gets_its_own_history(name: str, indent: int | None, form: str) -> None:
    """Every byte of a signed part."""
    told = Told(ANSWERS[name], form)
    found = contents_in(sent(body_of([*told.client, told.behind(ours=False)], indent=indent), kept(told)))
    assert found == [*told.model, model_said(told.last), told.behind(ours=True)]


def joined(content: Json) -> Json:
    """Texts in a row as one, as Google's own clients keep them."""
    parts: list[Json] = []
    for part in copy.deepcopy(content["parts"]):
        if parts and part.keys() == parts[-1].keys() == {"text"}:
            parts[-1]["text"] += part["text"]
        else:
            parts.append(part)
    return {**content, "parts": parts}


def trimmed(content: Json) -> Json:
    return {
        **content,
        "parts": [{**p, "text": p["text"].strip()} if p.keys() == {"text"} else p for p in content["parts"]],
    }


def without_ids(content: Json) -> Json:
    parts = copy.deepcopy(content["parts"])
    for part in parts:
        part.get("functionCall", {}).pop("id", None)
    return {**content, "parts": parts}


def reordered(content: Json) -> Json:
    return {"parts": [dict(reversed(part.items())) for part in content["parts"]], "role": "model", "unknown": 1}


@TABLE
@pytest.mark.parametrize("client", [joined, trimmed, without_ids, reordered], ids=lambda client: client.__name__)
def test_what_a_client_does_to_its_history_is_allowed_for(name: str, client: Client) -> None:
    told = Told(ANSWERS[name], "events")
    own = client(told.client[-1])
    found = contents_in(sent(body_of([*told.client[:-1], own, told.behind(ours=False)]), kept(told)))
    assert found[: len(told.model)] == told.model
    mine = without_ids(joined(trimmed(found[len(told.model)])))["parts"]
    assert mine == without_ids(joined(trimmed(model_said(told.last))))["parts"]
    assert found[len(told.model)].get("unknown") == own.get("unknown")
    assert found[len(told.model) + 1] == told.behind(ours=True)


@TABLE
def test_thoughts_that_the_client_has_dropped_stay_dropped(name: str) -> None:
    told = Told(ANSWERS[name])

    def without(contents: Sequence[Json]) -> list[Json]:
        return [{**c, "parts": [part for part in c["parts"] if not part.get("thought")]} for c in contents]

    found = contents_in(sent(body_of([*without(told.client), told.behind(ours=False)]), kept(told)))
    assert found == [*without([*told.model, model_said(told.last)]), told.behind(ours=True)]


DIFFERENT: dict[str, Client] = {
    "other words": lambda c: {**c, "parts": [say("Changed.")]},
    "more words": lambda c: {**c, "parts": [*c["parts"], say("More.")]},
    "words of the first leg": lambda c: {**c, "parts": c["parts"][:2]},
    "other thoughts": lambda c: {**c, "parts": [say("Oh", thought=True), *c["parts"][1:]]},
    "a call more": lambda c: {**c, "parts": [*c["parts"], RUN]},
    "a part of another kind": lambda c: {**c, "parts": [*c["parts"], {"inlineData": {"data": ""}}]},
}


@pytest.mark.parametrize("change", DIFFERENT.values(), ids=DIFFERENT)
def test_what_the_client_has_changed_stays_as_it_is(change: Client) -> None:
    told = Told(ANSWERS["with thoughts"])
    body = body_of([*told.client[:-1], change(told.client[-1]), told.behind(ours=False)])
    assert sent(body, dict.fromkeys(_all_keys(body), told.rounds)) is body


def _all_keys(body: bytes) -> list[Digest]:
    asked: list[Digest] = []

    def recall(keys: Sequence[Digest]) -> dict[Digest, Sequence[Round]]:
        asked.extend(keys)
        return {}

    GeminiHistory().edits(GeminiGenerate().read(body).talk(), recall)
    return asked


def test_a_whole_conversation() -> None:
    """Answers with the same words to the same question are told apart by what stands before them."""
    told: list[Told] = []
    client, model = list(BEFORE), list(BEFORE)
    for number in range(4):
        told.append(Told([[call(signature=f"cz{number}=")], [say("Done.")]], before=client))
        asked = {"role": "user", "parts": [say(f"And {number % 2}?")]}
        model = [*model, *told[-1].model[len(client) :], model_said([say("Done.")]), asked]
        client = [*told[-1].client, asked]
    assert contents_in(sent(body_of(client), kept(*told))) == model


def test_rounds_are_never_put_back_twice() -> None:
    told = Told(ANSWERS["alone"])
    body = body_of([*told.client, told.behind(ours=False), told.client[-1], told.behind(ours=False)])
    known = dict.fromkeys(_all_keys(body), told.rounds)
    assert sent(body, known).count(b'"o1"') == 2  # the call and its response


def test_an_answer_that_goes_on_from_words_of_the_client_has_no_name() -> None:
    assert kept(Told(ANSWERS["alone"], before=[*BEFORE, model_said([say("I think")])])) == {}


SAID = st.lists(st.sampled_from([say("a "), HM, RUN, LOOK, call("o1"), call()]), max_size=5)


@given(st.lists(SAID, min_size=1, max_size=3), st.booleans())
def test_no_history_is_more_than_the_model_takes(legs: list[list[Json]], silent: bool) -> None:
    """Whatever is known under whatever name: behind calls stand as many responses of the same names."""
    own = [part for parts in legs for part in parts if not _is_ours(part)]
    responses = [_response(part) for part in own if "functionCall" in part]
    behind = [] if silent and not responses else [{"role": "user", "parts": responses or [say("And?")]}]
    body = body_of([*BEFORE, *([model_said(own), *behind] if own else [])])
    found = contents_in(sent(body, dict.fromkeys(_all_keys(body), tuple(map(_round, legs)))))
    called: list[str] = []
    for content in found:
        assert content["parts"]
        answered = [p["functionResponse"]["name"] for p in content["parts"] if "functionResponse" in p]
        assert answered == called
        called = [p["functionCall"]["name"] for p in content["parts"] if "functionCall" in p]
    assert not called


def _round(parts: Sequence[Json]) -> Round:
    hidden = tuple(number for number, part in enumerate(parts) if _is_ours(part))
    results = tuple(json.dumps(_response(parts[number])).encode() for number in hidden)
    return Round(tuple(json.dumps(part).encode() for part in parts), hidden, results)
