"""What providers report is read from answers however they come, cut or not, and nothing else is taken for it."""

import json

import pytest

from headroom_mitm.usage import Counted
from headroom_mitm.wire.reported import LONGEST, Listener, is_end


def event(name: str, **data: object) -> bytes:
    return f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()


def chunk(**data: object) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


CLAUDE_INPUT = {
    "input_tokens": 5,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 30,
    "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    "output_tokens": 1,
}
CLAUDE = (
    event("message_start", message={"id": "msg_1", "usage": CLAUDE_INPUT})
    + event("content_block_delta", delta={"text": 'he said "usage": {"input_tokens": 9}'})
    + event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 42})
    + event("message_stop")
)
STEPS = [
    {"type": "compaction", "input_tokens": 180_000, "cache_read_input_tokens": 7, "output_tokens": 3_500},
    {"type": "message", "input_tokens": 5, "output_tokens": 42},
    "new",
]
COMPACTED = CLAUDE.replace(
    b'"usage": {"output_tokens": 42}', b'"usage": {"output_tokens": 42, "iterations": %s}' % json.dumps(STEPS).encode()
)
OPENAI = {"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 64}}
RESPONSES = {"input_tokens": 100, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 64}}
GEMINI = {
    "promptTokenCount": 90,
    "toolUsePromptTokenCount": 10,
    "cachedContentTokenCount": 64,
    "candidatesTokenCount": 4,
    "thoughtsTokenCount": 3,
}
CHAT = chunk(choices=[{"delta": {"content": "x"}}], usage=None) + chunk(choices=[], usage=OPENAI) + b"data: [DONE]\n\n"
COMPLETED = event("response.created", response={"id": "r", "usage": None, "tools": [{"usage": {}}]}) + event(
    "response.completed", response={"id": "r", "usage": RESPONSES}
)
PARTS = [{"candidates": [], "usageMetadata": {"promptTokenCount": 90}}, {"candidates": [], "usageMetadata": GEMINI}]
HALF_READ = Counted(fresh=36, read=64, output=7)

STREAMS = {
    "anthropic": ("anthropic_messages", CLAUDE, Counted(5, 100, 10, 20, 42)),
    "anthropic, cut off": ("anthropic_messages", CLAUDE[:-200], Counted(5, 100, 10, 20, 1)),
    "anthropic, compacted": ("anthropic_messages", COMPACTED, Counted(180_005, 107, 10, 20, 3_542)),
    "chat": ("openai_chat", CHAT, HALF_READ),
    "responses": ("openai_responses", COMPLETED, HALF_READ),
    "gemini, events": ("gemini_generate", b"".join(chunk(**part) for part in PARTS), HALF_READ),
    "gemini, a list": ("gemini_generate", json.dumps(PARTS).encode(), HALF_READ),
    "gemini, inside": ("gemini_generate", chunk(response={"usageMetadata": GEMINI}), HALF_READ),
    "groq": ("openai_chat", chunk(choices=[], x_groq={"usage": OPENAI}), HALF_READ),
}
WHOLE = {
    "anthropic": ("anthropic_messages", {"usage": CLAUDE_INPUT}, Counted(5, 100, 10, 20, 1)),
    "anthropic, compacted": (
        "anthropic_messages",
        {"usage": {**CLAUDE_INPUT, "iterations": STEPS}},
        Counted(180_005, 107, 10, 20, 3_501),
    ),
    "chat": ("openai_chat", {"usage": OPENAI}, HALF_READ),
    "deepseek": ("openai_chat", {"usage": {"prompt_tokens": 9, "prompt_cache_hit_tokens": 4}}, Counted(5, 4)),
    "written": (
        "openai_chat",
        {"usage": {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 3}}},
        Counted(4, 2, 3),
    ),
    "responses": ("openai_responses", {"id": "r", "usage": RESPONSES}, HALF_READ),
    "gemini": ("gemini_generate", {"usageMetadata": GEMINI}, HALF_READ),
}
UNKNOWN = {
    "none": b"data: {}\n\n",
    "null": b'data: {"usage": null}\n\n',
    "no object": b'data: {"usage": 7}\n\n',
    "no numbers": b'data: {"usage": {"prompt_tokens": "many"}}\n\n',
    "no JSON": b'data: {"usage": {\n\n',
    "no text": b'data: {"usage": "\xff"}\n\n',
}


@pytest.mark.parametrize(("wire", "stream", "expected"), STREAMS.values(), ids=STREAMS)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_figures_of_a_stream_are_read_however_it_is_cut(wire: str, stream: bytes, expected: Counted, step: int) -> None:
    ear = Listener(wire, streamed=True)
    for at in range(0, len(stream), step):
        ear.feed(stream[at : at + step])
    assert ear.counted() == (expected,)


@pytest.mark.parametrize(("wire", "body", "expected"), WHOLE.values(), ids=WHOLE)
def test_figures_of_a_whole_answer_are_read(wire: str, body: object, expected: Counted) -> None:
    ear = Listener(wire, streamed=False)
    raw = json.dumps(body).encode()
    ear.feed(raw[:9])
    ear.feed(raw[9:])
    assert ear.counted() == (expected,)


@pytest.mark.parametrize("stream", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_not_said_is_unknown_and_not_zero(stream: bytes) -> None:
    ear = Listener("openai_chat", streamed=True)
    ear.feed(stream)
    assert ear.counted() == ()


def test_each_leg_has_its_own_figures() -> None:
    """Also where nobody says that another one begins, since the provider does."""
    ear = Listener("anthropic_messages", streamed=True)
    ear.feed(CLAUDE + CLAUDE)
    assert len(ear.counted()) == 2
    ear = Listener("gemini_generate", streamed=True)
    for _ in range(2):
        ear.feed(chunk(usageMetadata=GEMINI))
        ear.next_leg()
    assert ear.counted() == (HALF_READ, HALF_READ)


def test_half_an_event_does_not_spoil_the_next_attempt() -> None:
    """A leg that breaks off is asked for again, and heard from its beginning."""
    ear = Listener("anthropic_messages", streamed=True)
    ear.feed(CLAUDE[:100])
    ear.next_leg()
    ear.feed(CLAUDE)
    assert ear.counted() == (Counted(5, 100, 10, 20, 42),)


def test_an_event_without_end_is_not_held() -> None:
    ear = Listener("openai_chat", streamed=True)
    piece = b"x" * 2**20
    for _ in range(LONGEST // len(piece) + 2):
        ear.feed(piece)
    assert ear._framing is None
    assert ear.counted() == ()


def test_the_ids_of_a_kept_answer_are_known() -> None:
    ear = Listener("openai_responses", streamed=True)
    ear.feed(COMPLETED)
    ear.next_leg()
    ear.feed(COMPLETED.replace(b'"r"', b'"s"'))
    assert ear.answer_ids() == ("r", "s")


@pytest.mark.parametrize(
    ("frame", "is_one"),
    [
        ({"type": "response.completed", "response": {}}, True),
        ({"type": "response.failed"}, True),
        ({"type": "response.output_text.delta", "delta": "response.completed"}, False),
        ({"type": "response.created"}, False),
    ],
)
def test_only_the_last_frame_ends_an_answer(frame: object, *, is_one: bool) -> None:
    assert is_end(json.dumps(frame).encode()) is is_one


@pytest.mark.parametrize("figure", [b"9" * 400, b"1e300", b"1e999", b"9" * 5_000], ids=["int", "float", "inf", "long"])
def test_a_figure_that_cannot_be_spoils_no_sums(figure: bytes) -> None:
    ear = Listener("openai_chat", streamed=False)
    ear.feed(b'{"usage":{"prompt_tokens":%b,"completion_tokens":%b}}' % (figure, figure))
    assert all(leg.input + leg.output <= 2 * 10**9 for leg in ear.counted())


def test_a_deep_answer_says_nothing() -> None:
    nested = b"[" * 1_000_000 + b"]" * 1_000_000
    assert not is_end(b'{"type":"response.completed","x":%b}' % nested)
    ear = Listener("anthropic_messages", streamed=False)
    ear.feed(b'{"usage":{"input_tokens":3},"x":%b}' % nested)
    assert ear.counted() == ear.answer_ids() == ()
