"""In every format what the model copies of ours into a call is the original; all else passes as it is."""

import json
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import chat_chunks
import gemini_chunks
import pytest
import responses_events
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.wire import sse
from headroom_mitm.wire.arguments import Arguments
from headroom_mitm.wire.retellings import COPIES, IN_FRAMES

Json = dict[str, object]

NOTE = "[Left out here, not missing"
SHORT = f'[12 lines in order, "a" é left out]\n\tx\\n\n{NOTE}: lines 2-11 of 12. To read it: ours, id=0a1b2c3d]'
LONG = "\n".join(f'line {number} "é" \\ \t' for number in range(12))


class Sample(NamedTuple):
    """How one format writes an answer that calls the client."""

    wire: str
    written: Callable[[str], bytes]
    """With this content of a file."""
    contents: Callable[[bytes], set[str]]
    """The contents that a client may find in an answer, each in its own way."""
    streamed: bool = True
    """Is it in pieces?"""


def arguments(content: str) -> str:
    return json.dumps({"path": "x", "content": content, "n": 1.50}, ensure_ascii=len(content) % 2 == 0)


def content_in(raw: object) -> str:
    found: Json = json.loads(raw) if isinstance(raw, str) else raw  # type: ignore[assignment]
    assert {**found, "content": ""} == {"path": "x", "content": "", "n": 1.50}
    return str(found["content"])


def chat(content: str) -> list[chat_chunks.Json]:
    return [
        chat_chunks.say("I write."),
        chat_chunks.call("call_b", "Run", "{}"),
        chat_chunks.call("call_c", "Write", arguments(content)),
    ]


def chat_streamed(stream: bytes) -> set[str]:
    calls = chat_chunks.message_of(stream)["tool_calls"]
    assert calls[0] == chat_chunks.call("call_b", "Run", "{}")
    return {content_in(calls[1]["function"]["arguments"])}


def chat_whole(data: bytes) -> set[str]:
    return {content_in(json.loads(data)["choices"][0]["message"]["tool_calls"][1]["function"]["arguments"])}


def responses(content: str) -> list[responses_events.Json]:
    return [responses_events.text("I write."), responses_events.call("call_c", "write", arguments(content))]


def responses_streamed(stream: bytes) -> set[str]:
    deltas = [
        e["delta"] for e in responses_events.read(stream) if e["type"] == "response.function_call_arguments.delta"
    ]
    (done,) = [
        e["arguments"] for e in responses_events.read(stream) if e["type"] == "response.function_call_arguments.done"
    ]
    item = responses_events.answer_of(stream)["output"][1]
    return set(map(content_in, ("".join(deltas), done, item["arguments"])))


def in_frames(content: str) -> bytes:
    return b"\n".join(sse.data_of(event) for event in responses_events.events(*responses(content)))


def frames_whole(frames: bytes) -> set[str]:
    return responses_whole(json.dumps(json.loads(frames.split(b"\n")[-1])["response"]).encode())


def responses_whole(data: bytes) -> set[str]:
    return {content_in(json.loads(data)["output"][1]["arguments"])}


def gemini(content: str) -> list[gemini_chunks.Json]:
    call = gemini_chunks.call("", "Write", path="x", content=content, n=1.50)
    return gemini_chunks.documents(gemini_chunks.say("I write."), call, gemini_chunks.say(""))


def gemini_streamed(stream: bytes) -> set[str]:
    parts = gemini_chunks.answer_of(stream)["parts"]
    return {content_in(part["functionCall"]["args"]) for part in parts if "functionCall" in part}


def gemini_whole(data: bytes) -> set[str]:
    return {content_in(json.loads(data)["candidates"][0]["content"]["parts"][0]["functionCall"]["args"])}


SAMPLES = {
    "chat": Sample("openai_chat", lambda c: chat_chunks.leg(*chat(c)), chat_streamed),
    "chat whole": Sample("openai_chat", lambda c: chat_chunks.whole(*chat(c)), chat_whole, streamed=False),
    "responses": Sample("openai_responses", lambda c: responses_events.leg(*responses(c)), responses_streamed),
    "responses whole": Sample(
        "openai_responses",
        lambda c: json.dumps(responses_events.answer(*responses(c))).encode(),
        responses_whole,
        streamed=False,
    ),
    "gemini events": Sample("gemini_generate", lambda c: gemini_chunks.events(gemini(c)), gemini_streamed),
    "gemini array": Sample("gemini_generate", lambda c: gemini_chunks.array(gemini(c)), gemini_streamed),
    "gemini wrapped": Sample("gemini_generate", lambda c: gemini_chunks.wrapped(gemini(c)), gemini_streamed),
    "gemini whole": Sample(
        "gemini_generate", lambda c: json.dumps(gemini(c)[1]).encode(), gemini_whole, streamed=False
    ),
}
TABLE = pytest.mark.parametrize("sample", SAMPLES.values(), ids=SAMPLES)


def shown(sample: Sample, data: Iterable[bytes], original: str | None = LONG) -> bytes:
    """What the client gets in the end."""
    form = COPIES[sample.wire]
    copies = Arguments([SHORT], NOTE, form.calls(), form.framing() if sample.streamed else None)
    pieces: Sequence[bytes] = list(data)
    now = b"".join(map(copies.feed, pieces)) + copies.end(b"") if sample.streamed else copies.end(b"".join(pieces))
    return now + (copies.expanded(lambda _: original) if copies.held else b"")


@TABLE
@pytest.mark.parametrize("content", [SHORT, f"# Log\n{SHORT}\nEnd.", SHORT + SHORT + "x"])
@given(places=st.lists(st.integers(0, 100_000), max_size=20))
def test_a_whole_copy_becomes_the_original(sample: Sample, content: str, places: list[int]) -> None:
    found = shown(sample, gemini_chunks.cut(sample.written(content), places))
    assert sample.contents(found) == {content.replace(SHORT, LONG)}


@TABLE
@pytest.mark.parametrize("content", ["x = [12, [3]]\n" * 20, SHORT[:20], SHORT[:20] + SHORT[:10] + "[[[" + SHORT[:3]])
@given(places=st.lists(st.integers(0, 100_000), max_size=20))
def test_all_else_passes_as_it_is(sample: Sample, content: str, places: list[int]) -> None:
    data = sample.written(content)
    assert shown(sample, gemini_chunks.cut(data, places)) == data


@TABLE
def test_without_the_original_it_stays_as_it_is(sample: Sample) -> None:
    assert shown(sample, [sample.written(SHORT)], original=None) == sample.written(SHORT)


@TABLE
@given(data=st.binary())
def test_nothing_is_lost_of_what_is_no_answer(sample: Sample, data: bytes) -> None:
    assert shown(sample, [data]) == data


def test_a_frame_waits_for_no_other_one() -> None:
    """Each that has the whole arguments is expanded by itself."""
    form = IN_FRAMES["openai_responses"]
    copies = Arguments([SHORT], NOTE, form.calls(), form.framing())
    seen: list[bytes] = []
    for frame in in_frames(SHORT).split(b"\n"):
        passed = copies.feed(frame)
        assert bool(passed) != bool(copies.held)
        seen.append(passed or copies.expanded(lambda _: LONG))
    assert frames_whole(b"\n".join(seen)) == {LONG}
    assert NOTE.encode() not in seen[-1] + seen[-2] + seen[-3]
