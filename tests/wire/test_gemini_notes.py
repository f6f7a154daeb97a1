"""Notes of a later leg on its text point at that text where it stands in the whole answer."""

import json

import pytest
from gemini_chunks import OURS, Json, call, document, events, read, say, written

from headroom_mitm.wire.gemini_reply import StreamedReply, WholeReply
from headroom_mitm.wire.reply import Answered, Reply

BODY = b'{"contents":[{"role":"user","parts":[{"text":"x"}]}]}'
FIRST = "caf\u00e9"  # five bytes


def source(name: str) -> Json:
    return {"web": {"uri": f"https://{name}.example"}}


def support(*numbers: int, part: int | None = None) -> Json:
    segment = {"startIndex": 1, "endIndex": 3, **({} if part is None else {"partIndex": part})}
    return {"segment": segment, "groundingChunkIndices": list(numbers)}


def grounded(*names: str, supports: list[Json], **members: object) -> Json:
    chunks = [source(name) for name in names]
    return {"groundingMetadata": {"groundingChunks": chunks, "groundingSupports": supports, **members}}


# what the candidate of each leg says beside its parts, and the whole answer's
NOTES: dict[str, tuple[list[Json], Json]] = {
    "sources of both": (
        [
            grounded("a", "b", supports=[support(0, 1)], webSearchQueries=["x"], searchEntryPoint={"n": 1}),
            grounded("c", supports=[support(0), support(0, part=1)], webSearchQueries=["y"], searchEntryPoint={"n": 2}),
        ],
        grounded(
            *("a", "b", "c"),
            supports=[support(0, 1), support(2, part=1), support(2, part=2)],
            webSearchQueries=["x", "y"],
            searchEntryPoint={"n": 2},
        ),
    ),
    "sources of the first alone": (
        [grounded("a", supports=[support(0)]), {}],
        grounded("a", supports=[support(0)]),
    ),
    "sources of the last alone": (
        [{}, grounded("a", supports=[support(0)])],
        grounded("a", supports=[support(0, part=1)]),
    ),
    "citations": (
        [
            {"citationMetadata": {"citationSources": [{"endIndex": 2, "uri": "a"}]}},
            {"citationMetadata": {"citationSources": [{"endIndex": 2, "uri": "b"}]}},
        ],
        {
            "citationMetadata": {
                "citationSources": [{"endIndex": 2, "uri": "a"}, {"startIndex": 5, "endIndex": 7, "uri": "b"}]
            }
        },
    ),
    "pages": (
        [{"urlContextMetadata": {"urlMetadata": [{"retrievedUrl": name}]}} for name in "ab"],
        {"urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "a"}, {"retrievedUrl": "b"}]}},
    ),
    "tokens": ([{"tokenCount": 3}, {"tokenCount": 4}], {"tokenCount": 7}),
    "what is a state": (
        [{"safetyRatings": [{"category": "a"}], "avgLogprobs": -1.5}, {"safetyRatings": [], "avgLogprobs": -0.5}],
        {"safetyRatings": [], "avgLogprobs": -0.5},
    ),
    "notes of a form that is new": (
        [{"groundingMetadata": 1, "citationMetadata": {"x": 1}}, {"groundingMetadata": {"groundingSupports": {}}}],
        {"groundingMetadata": {"groundingSupports": {}}, "citationMetadata": {"x": 1}},
    ),
}


def _noted(parts: list[Json], notes: Json) -> Json:
    found = document(parts, "STOP")
    found["candidates"][0] |= notes
    return found


def _answered(reply: Reply, *legs: bytes) -> bytes:
    shown, body = b"", BODY
    for data in legs:
        shown += reply.feed(data) + reply.end_leg()
        if reply.hidden:
            body = reply.next_body(body, [Answered(called, "text") for called in reply.hidden])
    return shown


@pytest.mark.parametrize(("notes", "expected"), NOTES.values(), ids=NOTES)
def test_notes_of_all_legs_are_those_of_the_answer(notes: list[Json], expected: Json) -> None:
    thought = say("Hm.", thought=True)
    first, last = (
        written(_noted(parts, said))
        for parts, said in zip(([say(FIRST), call("o1")], [say("x"), thought]), notes, strict=True)
    )
    (candidate,) = json.loads(_answered(WholeReply(OURS), first, last))["candidates"]
    assert [part["text"] for part in candidate["content"]["parts"]] == [FIRST, "x", "Hm."]
    assert {name: candidate[name] for name in expected} == expected


def test_notes_of_a_stream_point_at_the_text_that_its_client_has_put_together() -> None:
    """It keeps the notes that came last, so they are those of all legs; text that came before moves what they cite."""
    streamed, kept = [], grounded("a", supports=[support(0)])
    first = [document([say("ca")]), document([say("f\u00e9")]), _noted([call("o1")], kept)]
    last = [document([say("x")]), _noted([say("y")], grounded("b", supports=[support(0, part=0)]))]
    for value in read(_answered(StreamedReply(OURS), events(first), events(last))):
        (candidate,) = value["candidates"]
        streamed.append(
            (candidate["content"]["parts"], candidate.get("groundingMetadata"), "finishReason" in candidate)
        )
    moved = {"segment": {"startIndex": 6, "endIndex": 8, "partIndex": 0}, "groundingChunkIndices": [1]}
    both = grounded("a", "b", supports=[support(0), moved])["groundingMetadata"]
    assert [part for parts, *_ in streamed for part in parts if part["text"]] == list(
        map(say, ["ca", "f\u00e9", "x", "y"])
    )
    assert [(notes, ends) for _, notes, ends in streamed if notes] == [
        (kept["groundingMetadata"], False),
        (both, True),
    ]


def test_an_answer_of_one_leg_keeps_its_notes_as_they_are() -> None:
    whole = written(_noted([say("x")], grounded("a", supports=[support(0)])))
    assert _answered(WholeReply(OURS), whole) == whole


@pytest.mark.parametrize(
    ("feedback", "is_refused"),
    [({"safetyRatings": [{"category": "a"}]}, False), ({}, False), ({"blockReason": "SAFETY"}, True)],
    ids=["rated", "empty", "blocked"],
)
def test_a_prompt_that_was_rated_is_answered_all_the_same(feedback: Json, *, is_refused: bool) -> None:
    """Hidden rounds of such an answer are put back into the next request, unlike those of one that has failed."""
    reply = StreamedReply(OURS)
    legs = (
        events([document([call("o1")], "STOP")]),
        events([{**document([say("x")], "STOP"), "promptFeedback": feedback}]),
    )
    assert [data.get("promptFeedback") for data in read(_answered(reply, *legs))] == [feedback]
    assert (reply.has_failed, reply.untold is None) == (is_refused, is_refused)
