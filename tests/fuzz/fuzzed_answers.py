"""Answers as no provider would send them, in streams and in the frames of sockets."""

import gzip
import json
import random
import zlib
from collections.abc import Sequence
from contextlib import suppress

import anthropic_events
import brotli
import chat_chunks
import fuzzed_streams
import gemini_chunks
import mutations
import responses_events
import zstandard

from headroom_mitm.errors import MissingOriginal, UnreadableBody
from headroom_mitm.roundtrip.decoding import decoder
from headroom_mitm.roundtrip.exchange import Exchange
from headroom_mitm.roundtrip.guarded import Guarded
from headroom_mitm.roundtrip.talk import Talk, Watched, ascii_only
from headroom_mitm.segments import Digest
from headroom_mitm.wire import openai_responses_frames, sse
from headroom_mitm.wire.arguments import Arguments
from headroom_mitm.wire.replies import REPLIES
from headroom_mitm.wire.reported import Listener, is_end
from headroom_mitm.wire.retellings import COPIES, IN_FRAMES

OURS = fuzzed_streams.OURS
ASKS = b'{"type":"response.create","input":[{"role":"user","content":"x"}]}'
_SAMPLES: dict[str, Sequence[bytes]] = {
    "anthropic_messages": tuple(anthropic_events.events(anthropic_events.text("a"), anthropic_events.call("c1", OURS))),
    "openai_chat": tuple(chat_chunks.events(chat_chunks.say("a"), chat_chunks.call("c1", OURS))),
    "openai_responses": tuple(responses_events.events(responses_events.text("a"), responses_events.call("c1", OURS))),
    "gemini_generate": tuple(
        gemini_chunks.events([one])
        for one in gemini_chunks.documents(gemini_chunks.say("a"), gemini_chunks.call("c1", OURS))
    ),
}


_CALL = {"id": "0a1b2c3d"}
_WHOLE: dict[str, object] = {
    "anthropic_messages": {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "a"}, {"type": "tool_use", "id": "c1", "name": OURS, "input": _CALL}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "openai_chat": {
        "id": "m",
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": "a",
                    "tool_calls": [{"id": "c1", "type": "function", "function": {"name": OURS, "arguments": "{}"}}],
                },
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1},
    },
    "openai_responses": {
        "id": "resp_1",
        "status": "completed",
        "output": [
            {"type": "message", "id": "i1", "role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
            {"type": "function_call", "id": "i2", "call_id": "c1", "name": OURS, "arguments": "{}"},
        ],
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
    "gemini_generate": {
        "candidates": [
            {
                "content": {"role": "model", "parts": [{"text": "a"}, {"functionCall": {"name": OURS, "args": _CALL}}]},
                "finishReason": "STOP",
            }
        ],
        "usageMetadata": {"promptTokenCount": 1},
    },
}
_PLAIN = (b"", b"a text " * 40, bytes(5_000), ASKS)
_ENCODED: dict[str, list[bytes]] = {
    "gzip": [gzip.compress(text, mtime=0) for text in _PLAIN],
    "deflate": [zlib.compress(text) for text in _PLAIN],
    "zstd": [zstandard.ZstdCompressor().compress(text) for text in _PLAIN],
    "br": [brotli.compress(text, quality=3) for text in _PLAIN],
}


def streams(rng: random.Random) -> None:
    """See ``fuzzed_streams.check``."""
    fuzzed_streams.check(rng)


def events(rng: random.Random) -> None:
    """Events joined are the stream again, the same however it is cut; what replaces data is found as data."""
    known = [b"".join(each) for each in _SAMPLES.values()]
    data = mutations.mutated(rng, rng.choice(known), known, mutations.TOKENS)
    whole = sse.Splitter()
    expected = [*whole.feed(data)]
    rest = whole.rest()
    assert b"".join(expected) + rest == data
    cut = sse.Splitter()
    found = [event for piece in mutations.cut(rng, data) for event in cut.feed(piece)]
    assert (found, cut.rest()) == (expected, rest)
    for event in expected[:10]:
        changed = sse.with_data(event, b'{"new":1}')
        assert sse.data_of(changed) == b'{"new":1}'
        assert sse.name_of(changed) == sse.name_of(event)


def legs(rng: random.Random) -> None:
    """A leg of damaged events, or a damaged document, is shown, or fails as an answer that broke off. Nothing else."""
    name = rng.choice(sorted(REPLIES))
    streamed = rng.random() < 0.6
    reply = Guarded((REPLIES[name].streamed if streamed else REPLIES[name].whole)(OURS))
    exchange = Exchange(reply, fuzzed_streams.BODIES[name], {}, _nothing)
    exchange.ear = Listener(name, streamed=streamed)
    form = COPIES[name]
    noted = f"[3 lines]\n{fuzzed_streams.NOTE}: lines 2-3 of 3, id=0a1b2c3d]"
    if rng.random() < 0.5:
        exchange.copies = Arguments([noted], fuzzed_streams.NOTE, form.calls(), form.framing() if streamed else None)
    exchange.begin_leg("")
    shown = b"".join(exchange.feed(piece) for piece in mutations.cut(rng, _leg(rng, name, streamed=streamed)))
    shown += exchange.end_leg()
    with suppress(UnreadableBody):  # the answer cannot go on, and is told to have failed
        if exchange.wants_next_leg:
            json.loads(exchange.advance(), parse_int=str)
            exchange.begin_leg("")
            exchange.feed(_leg(rng, name, streamed=streamed))
            exchange.end_leg()
        if exchange.must_conclude:
            exchange.conclude()
    assert isinstance(shown, bytes)
    exchange.ear.counted()


def _leg(rng: random.Random, name: str, *, streamed: bool) -> bytes:
    samples = list(_SAMPLES[name])
    if streamed:
        spoilt = [_spoilt_event(rng, event) if rng.random() < 0.3 else event for event in samples]
        if rng.random() < 0.3:
            rng.shuffle(spoilt)
        data = b"".join(spoilt)
    else:
        data = mutations.mutated_json(rng, json.dumps(_WHOLE[name]).encode())
    return mutations.mutated(rng, data, samples, mutations.TOKENS, 2) if rng.random() < 0.3 else data


def _spoilt_event(rng: random.Random, event: bytes) -> bytes:
    return sse.with_data(event, mutations.mutated_json(rng, sse.data_of(event)))


def _nothing(digest: Digest) -> str:
    raise MissingOriginal(digest.hex())


def frames(rng: random.Random) -> None:
    """A frame of a socket is shown, changed or dropped; where it cannot be read, it is said to be unreadable."""
    asks = mutations.mutated_json(rng, ASKS) if rng.random() < 0.5 else ASKS
    asks = mutations.mutated(rng, asks, [ASKS], mutations.TOKENS, 1)
    try:
        openai_responses_frames.asks(asks)
        openai_responses_frames.is_warm_up(asks)
        stream = openai_responses_frames.stream_of(asks)
    except UnreadableBody:
        stream = ""
    talk = Talk()
    reply = openai_responses_frames.FramesReply(OURS)
    exchange = Exchange(reply, ASKS, {}, _nothing)
    form = IN_FRAMES["openai_responses"]
    exchange.copies = Arguments([f"{fuzzed_streams.NOTE} x]"], fuzzed_streams.NOTE, form.calls(), form.framing())
    talk.watch(stream, Watched(exchange, reply))
    for event in _SAMPLES["openai_responses"]:
        frame = sse.data_of(event)
        if rng.random() < 0.3:
            frame = mutations.mutated_json(rng, frame)
        if rng.random() < 0.1:
            frame = mutations.mutated(rng, frame, [ASKS], mutations.TOKENS, 2)
        _hear(talk, stream, frame)


def _hear(talk: Talk, stream: str, frame: bytes) -> None:
    is_end(frame)
    heard = talk.hear(stream, frame)
    if heard.expands is not None:
        heard.expands.expand()
    with suppress(UnreadableBody):  # the answer cannot go on, and is told to have failed
        if heard.goes_on is not None:
            json.loads(heard.goes_on.advance(), parse_int=str)
        if heard.concludes is not None:
            heard.concludes.conclude()
    with suppress(UnreadableBody):
        ascii_only(heard.shown)


def encodings(rng: random.Random) -> None:
    """What an encoding stands for is the same however it is cut; a fault at its end is seen by some decoders only."""
    name = rng.choice(sorted(_ENCODED))
    others = [each for encoded in _ENCODED.values() for each in encoded]
    data = mutations.mutated(rng, rng.choice(_ENCODED[name]), others, [b"\x00", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"])
    results = []
    for pieces in ([data], mutations.cut(rng, data)):
        decode = decoder(name)
        assert decode is not None
        try:
            results.append(b"".join(decode(piece) for piece in pieces))
        except UnreadableBody:
            results.append(None)
    assert None in results or results[0] == results[1]
