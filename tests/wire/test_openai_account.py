"""What legs of OpenAI's report beside what the model says is one report."""

import json

import chat_chunks
import pytest
import responses_events
from chat_chunks import Json
from responses_events import OURS

from headroom_mitm.wire import openai_chat_reply, openai_chat_turn, openai_chat_whole, openai_responses_reply
from headroom_mitm.wire.openai_account import Account
from headroom_mitm.wire.reply import Answered, Reply

BODY = b'{"messages":[{"role":"user","content":"x"}],"input":"x","model":"m"}'
CLEAN: Json = {"type": "moderation_result", "flagged": False, "model": "x"}
FLAGGED: Json = {**CLEAN, "flagged": True}
REMOVED: Json = {"type": "reasoning", "id": "rs_1", "action": "removed", "reason": "turn_boundary"}
REMOVED_LATER: Json = {**REMOVED, "id": "rs_2"}
TOKEN: Json = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
USAGE: Json = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}


def images(spent: int, searches: int) -> Json:
    return {"image_gen": {"input_tokens": spent, "details": {"text": spent}}, "web_search": {"num_requests": searches}}


def judged(asked: Json, said: Json) -> Json:
    return {"input": asked, "output": said}


# what each leg reports, and the whole answer
RESPONSES: dict[str, tuple[list[Json], Json]] = {
    "what the provider's tools have used": (
        [{"tool_usage": images(5, 1)}, {"tool_usage": images(0, 0)}, {"tool_usage": images(2, 1)}],
        {"tool_usage": images(7, 2)},
    ),
    "tools used in the first leg alone": ([{"tool_usage": images(5, 1)}, {}], {"tool_usage": images(5, 1)}),
    "reasoning left out of the input": (
        [{"input_transformations": [REMOVED]}, {"input_transformations": [REMOVED, REMOVED_LATER]}],
        {"input_transformations": [REMOVED, REMOVED_LATER]},
    ),
    "why the client's request missed the cache": (
        [{"prompt_cache_diagnostics": {"type": kind}} for kind in ("cache_miss", "cache_hit")],
        {"prompt_cache_diagnostics": {"type": "cache_miss"}},
    ),
    "a leg that was flagged": (
        [{"moderation": judged(CLEAN, FLAGGED)}, {"moderation": judged(FLAGGED, CLEAN)}],
        {"moderation": judged(CLEAN, FLAGGED)},
    ),
    "the last leg was flagged": (
        [{"moderation": judged(CLEAN, CLEAN)}, {"moderation": judged(CLEAN, FLAGGED)}],
        {"moderation": judged(CLEAN, FLAGGED)},
    ),
    "what is a state": (
        [{"service_tier": "priority", "incomplete_details": None}, {"service_tier": "default"}],
        {"service_tier": "default"},
    ),
    "what the user pays": (
        [{"usage": {**USAGE, "cost": 0.5, "cost_details": {"x": 1}}}] * 2,
        {"usage": {**USAGE, "output_tokens": 20, "total_tokens": 120, "cost": 1.0, "cost_details": {"x": 2}}},
    ),
}


def _answered(reply: Reply, legs: list[bytes]) -> bytes:
    """Return what the client sees of all legs."""
    shown, body = b"", BODY
    for number, data in enumerate(legs, 1):
        shown += reply.feed(data) + reply.end_leg()
        assert bool(reply.hidden) == (number < len(legs))
        if reply.hidden:
            body = reply.next_body(body, [Answered(called, "text") for called in reply.hidden])
    return shown


@pytest.mark.parametrize(("reports", "expected"), RESPONSES.values(), ids=RESPONSES)
@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "document"])
def test_responses_report_as_one(reports: list[Json], expected: Json, *, streamed: bool) -> None:
    said = [*([responses_events.call(f"call_{number}")] for number in range(len(reports) - 1)), []]
    pairs = list(zip(said, reports, strict=True))
    if streamed:
        legs = [responses_events.leg(*items, **report) for items, report in pairs]
        shown = _answered(openai_responses_reply.StreamedReply(OURS), legs)
        last = json.loads(shown.rpartition(b"data: ")[2])["response"]
    else:
        legs = [json.dumps(responses_events.answer(*items, **report)).encode() for items, report in pairs]
        last = json.loads(_answered(openai_responses_reply.WholeReply(OURS), legs))
    assert {name: last[name] for name in expected} == expected


# what each leg's document reports beside its choices, and the whole answer's
CHATS: dict[str, tuple[list[Json], Json]] = {
    "a leg that was flagged": (
        [{"moderation": judged(CLEAN, {"results": [CLEAN, FLAGGED]})}, {"moderation": judged(FLAGGED, CLEAN)}],
        {"moderation": judged(CLEAN, {"results": [CLEAN, FLAGGED]})},
    ),
    "moderated in the first leg alone": (
        [{"moderation": judged(CLEAN, CLEAN)}, {}],
        {"moderation": judged(CLEAN, CLEAN)},
    ),
    "what is a state": (
        [{"service_tier": "priority", "system_fingerprint": "a"}, {"service_tier": "flex", "system_fingerprint": "b"}],
        {"service_tier": "flex", "system_fingerprint": "b"},
    ),
    "read from the cache, as Moonshot names it": (
        [{"usage": {"prompt_tokens": 9, "cached_tokens": 4}}, {"usage": {"prompt_tokens": 99, "cached_tokens": 90}}],
        {"usage": {"prompt_tokens": 9, "cached_tokens": 4}},
    ),
}


@pytest.mark.parametrize(("reports", "expected"), CHATS.values(), ids=CHATS)
def test_chats_report_as_one(reports: list[Json], expected: Json) -> None:
    said = [*(chat_chunks.call(f"ours_{number}") for number in range(len(reports) - 1)), chat_chunks.say("x")]
    legs = [
        json.dumps({**json.loads(chat_chunks.whole(block)), **report}).encode()
        for block, report in zip(said, reports, strict=True)
    ]
    shown = json.loads(_answered(openai_chat_whole.WholeReply(OURS), legs))
    assert {name: shown[name] for name in expected} == expected


def test_probabilities_stand_for_the_text_of_all_legs() -> None:
    later = {**TOKEN, "token": "b"}
    legs = []
    for blocks, tokens in (
        ([chat_chunks.say("a"), chat_chunks.call("ours_1")], [TOKEN]),
        ([chat_chunks.say("b")], [later]),
    ):
        leg = json.loads(chat_chunks.whole(*blocks))
        leg["choices"][0]["logprobs"] = {"content": tokens, "refusal": None}
        legs.append(json.dumps(leg).encode())
    shown = json.loads(_answered(openai_chat_whole.WholeReply(OURS), legs))
    assert shown["choices"][0]["logprobs"] == {"content": [TOKEN, later], "refusal": None}


def test_what_was_flagged_in_a_chat_that_streams_stays_so() -> None:
    """Within one leg it leaves as it came; the last leg's is that of all."""
    first, last = judged(CLEAN, FLAGGED), judged(FLAGGED, CLEAN)
    legs = [chat_chunks.leg(chat_chunks.call("ours_1")), chat_chunks.leg(chat_chunks.say("x"), leg_id="c-2")]
    said = [
        leg.replace(
            b"data: [DONE]", b'data: {"choices":[],"moderation":%s}\n\ndata: [DONE]' % json.dumps(found).encode()
        )
        for leg, found in zip(legs, (first, last), strict=True)
    ]
    shown = list(chat_chunks.read(_answered(openai_chat_reply.StreamedReply(OURS), said)))
    assert [data["moderation"] for data in shown if "moderation" in data] == [first]


@pytest.mark.parametrize("odd", [None, 1, "x", [], {}, {"output": 1, "results": 3}], ids=range(6))
def test_reports_that_are_not_as_documented_raise_nothing(odd: object) -> None:
    account = Account()
    names = ("usage", "tool_usage", "moderation", "input_transformations", "prompt_cache_diagnostics")
    for value in (odd, {"output": {"results": [odd]}}, odd):
        account.note(dict.fromkeys(names, value))
        account.next_leg()
    assert isinstance(account.shown(dict.fromkeys(names, odd)), dict)


def cites(start: int, end: int) -> Json:
    return {
        "type": "url_citation",
        "url_citation": {"start_index": start, "end_index": end, "url": "https://a.example"},
    }


@pytest.mark.parametrize("streamed", [True, False], ids=["stream", "document"])
def test_citations_point_at_the_text_where_it_stands(*, streamed: bool) -> None:
    """Behind the text of the legs before, and behind the break that is put between two messages."""
    said = [chat_chunks.say("caf\u00e9."), chat_chunks.say("Yes."), chat_chunks.say("Done.")]
    blocks = [
        [{**one, "annotations": [cites(0, 2)]}, *([chat_chunks.call(f"ours_{number}")] if number < 2 else [])]
        for number, one in enumerate(said)
    ]
    if streamed:
        legs = [chat_chunks.leg(*leg, leg_id=f"c-{number}") for number, leg in enumerate(blocks)]
        shown = list(chat_chunks.read(_answered(openai_chat_reply.StreamedReply(OURS), legs)))
        deltas = [choice["delta"] for chunk in shown for choice in chunk["choices"]]
        text = "".join(delta.get("content") or "" for delta in deltas)
        found = [note for delta in deltas for note in delta.get("annotations") or ()]
    else:
        legs = [chat_chunks.whole(*leg) for leg in blocks]
        message = json.loads(_answered(openai_chat_whole.WholeReply(OURS), legs))["choices"][0]["message"]
        text, found = message["content"], message["annotations"]
    places = [(note["url_citation"]["start_index"], note["url_citation"]["end_index"]) for note in found]
    assert [text[start:end] for start, end in places] == ["ca", "Ye", "Do"]


ODD = [b"[", b"[1]", b"[{}]", b'[{"url_citation": 1}]', b"{}", b"[" * 9_999, b'["\xff"]']


@pytest.mark.parametrize("odd", ODD, ids=range(len(ODD)))
def test_annotations_of_another_form_stay_as_they_are(odd: bytes) -> None:
    shown = openai_chat_turn.cited_behind(odd, 3)
    assert shown == odd or json.loads(shown) == json.loads(odd)
