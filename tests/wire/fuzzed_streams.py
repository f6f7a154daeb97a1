"""Answers in every format as no provider would send them: at random, damaged, cut anywhere. Seeded."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import anthropic_events
import chat_chunks
import gemini_chunks
import responses_events

from headroom_mitm.errors import UnreadableBody
from headroom_mitm.wire import anthropic_reply, gemini_reply, openai_chat_reply, openai_responses_reply
from headroom_mitm.wire.arguments import Arguments
from headroom_mitm.wire.reply import Answered, Reply, is_passing
from headroom_mitm.wire.retelling import Telling
from headroom_mitm.wire.retellings import COPIES

OURS = "headroom_retrieve"
WORDS = ("I look. ", "größer — 人", "\U0001f600\U0001f601", 'a "b" \\ c', "\n\n", "", "x" * 40, "data: [DONE]\n\n")
BODIES = {
    "anthropic_messages": b'{"messages":[{"role":"user","content":"x"}]}',
    "openai_chat": b'{"messages":[{"role":"user","content":"x"}]}',
    "openai_responses": b'{"input":[{"role":"user","content":"x"}]}',
    "gemini_generate": b'{"contents":[{"role":"user","parts":[{"text":"x"}]}]}',
}
LINE_ENDS = (b"\n", b"\r\n", b"\r")
NOTE = "[Left out here, not missing"


class Format(NamedTuple):
    """How answers are written, and what watches them."""

    wire: str
    reply: Callable[[str], Reply]
    text: Callable[[str], object]
    thought: Callable[[str], object]
    call: Callable[[str, str], object]
    """From an id and a name."""
    events: Callable[..., Iterable[bytes]]


def _gemini_array(*parts: gemini_chunks.Json) -> list[bytes]:
    return [gemini_chunks.array(gemini_chunks.documents(*(parts or (gemini_chunks.say("x"),))))]


def _gemini_events(*parts: gemini_chunks.Json) -> list[bytes]:
    return [gemini_chunks.events([one]) for one in gemini_chunks.documents(*(parts or (gemini_chunks.say("x"),)))]


def _sealed(text: str) -> responses_events.Json:
    return responses_events.reasoning(len(text))


FORMATS = (
    Format(
        "anthropic_messages",
        anthropic_reply.StreamedReply,
        anthropic_events.text,
        lambda text: anthropic_events.thinking(text, "c2ln"),
        anthropic_events.call,
        anthropic_events.events,
    ),
    Format(
        "openai_chat",
        openai_chat_reply.StreamedReply,
        chat_chunks.say,
        chat_chunks.think,
        chat_chunks.call,
        chat_chunks.events,
    ),
    Format(
        "openai_responses",
        openai_responses_reply.StreamedReply,
        responses_events.text,
        _sealed,
        responses_events.call,
        responses_events.events,
    ),
    Format(
        "gemini_generate",
        gemini_reply.StreamedReply,
        gemini_chunks.say,
        lambda text: gemini_chunks.say(text, thought=True),
        gemini_chunks.call,
        _gemini_events,
    ),
    Format(
        "gemini_generate",
        gemini_reply.StreamedReply,
        gemini_chunks.say,
        lambda text: gemini_chunks.say(text, thought=True),
        gemini_chunks.call,
        _gemini_array,
    ),
)


class Failure(AssertionError):
    """A stream that was not treated as it must be."""


def check(rng: random.Random) -> int:
    """Send one answer through; return its bytes. Raises ``Failure``, or whatever else must not be raised.

    However the bytes are cut, and whether or not whole events pass at a look, the client and the provider get the same;
    without a call of ours the client gets just what was sent, and what is held back of an answer that has ended is
    shown in the end.
    """
    form = rng.choice(FORMATS)
    legs = [_leg(rng, form) for _ in range(rng.randint(1, 3))]
    whole = _run(form, [[data] for data in legs])
    if _run(form, [_cut(rng, data) for data in legs]) != whole:
        raise Failure(f"{form.wire}: other bytes where the stream is cut elsewhere")
    for cut in (_cut, _events):
        if _run(form, [cut(rng, data) for data in legs], looks=True) != whole:
            raise Failure(f"{form.wire}: other bytes where events pass at a look")
    if OURS.encode()[:8] not in legs[0] and whole[:2] != (legs[0], ""):
        raise Failure(f"{form.wire}: a stream without a call of ours has changed")
    return sum(map(len, legs))


def _leg(rng: random.Random, form: Format) -> bytes:
    blocks = [_block(rng, form, number) for number in range(rng.randint(0, 4))]
    events = list(form.events(*blocks))
    for _ in range(rng.choice((0, 0, 1, 3))):
        _damage(rng, events)
    data = b"".join(events)
    if rng.random() < 0.3:
        data = data.replace(b"\r\n", b"\n").replace(b"\n", rng.choice(LINE_ENDS))
    return data[: rng.randint(0, len(data))] if rng.random() < 0.1 else data


def _block(rng: random.Random, form: Format, number: int) -> object:
    kind = rng.randrange(4)
    if kind == 0:
        return form.thought(rng.choice(WORDS))
    if kind == 1:
        return form.text("".join(rng.choices(WORDS, k=3)))
    return form.call(f"call_{number}", OURS if kind == 2 else rng.choice(("Bash", OURS[:9], OURS + "r")))


def _damage(rng: random.Random, events: list[bytes]) -> None:
    """Drop, repeat, swap or spoil an event."""
    if not events:
        return
    at, kind = rng.randrange(len(events)), rng.randrange(5)
    if kind == 0:
        del events[at]
    elif kind == 1:
        events.insert(at, events[at])
    elif kind == 2:
        other = rng.randrange(len(events))
        events[at], events[other] = events[other], events[at]
    elif kind == 3:
        place = rng.randrange(len(events[at]) + 1)
        events[at] = events[at][:place] + rng.randbytes(rng.randint(0, 3)) + events[at][place + rng.randint(0, 3) :]
    else:
        events.insert(at, rng.choice((b": ping\n\n", b"event: ping\ndata: {}\n\n", b"\n\n", b"data: null\n\n", b"\r")))


def _cut(rng: random.Random, data: bytes) -> list[bytes]:
    if rng.random() < 0.1:
        return [data[at : at + 1] for at in range(len(data))]
    places = sorted(rng.randint(0, len(data)) for _ in range(rng.randint(1, 30)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def _events(rng: random.Random, data: bytes) -> list[bytes]:
    """Return pieces of one event or several."""
    pieces, rest = [b""], data
    while rest:
        event, end, rest = rest.partition(b"\n\n")
        pieces[-1] += event + end
        if rng.random() < 0.6:
            pieces.append(b"")
    return pieces


def _run(form: Format, legs: Sequence[Sequence[bytes]], *, looks: bool = False) -> tuple[bytes, str, bytes]:
    """Return what the client gets, the error by which the answer ends, and what the provider gets last."""
    reply = form.reply(OURS)
    made = COPIES[form.wire]
    copies = Arguments([f"[3 lines]\n{NOTE}: lines 2-3 of 3, id=0a1b2c3d]"], NOTE, made.calls(), made.framing())
    shown, body = b"", BODIES[form.wire]
    try:
        for number, pieces in enumerate(legs, 1):
            for piece in pieces:
                is_passed = looks and is_passing(reply) and reply.passes(piece)
                shown += copies.feed(piece if is_passed else reply.feed(piece))
            last = reply.end_leg()
            if not reply.hidden or number == len(legs):
                last += reply.close() if reply.hidden else b""
                break
            shown += copies.feed(last)
            body = reply.next_body(body, [Answered(call, "text") for call in reply.hidden])
            json.loads(body)
        untold = reply.untold if isinstance(reply, Telling) else None
        if untold is not None:
            untold.last([Answered(call, "text") for call in untold.calls])
    except UnreadableBody as error:
        return shown + copies.end(b""), type(error).__name__, body
    shown += copies.end(last)
    return shown + copies.expanded(lambda _: None), "", body
