"""Prompts are counted by who said what; a conversation's past is counted once, and to the same figures."""

import json

from sample_conversations import ANTHROPIC, asked, body, result

from headroom_mitm import tokens
from headroom_mitm.ledger_sources import FILE, FRAME, MOST_COUNTED, Sources, size_of
from headroom_mitm.segments import Edit, Span
from headroom_mitm.wire import BY_NAME

OUT = "a line of output\n" * 40
TALK = [*asked("what now"), *result("1", OUT), *result("2", OUT, tool="Read")]


def test_texts_count_for_whoever_said_them() -> None:
    made_of = Sources().of(ANTHROPIC.read(body(TALK, system="Be brief.")))
    found = made_of.by_source
    assert found["system"] == FRAME + tokens.count("Be brief.")
    assert found["user"] == FRAME + tokens.count("what now")
    assert found["results"] == 2 * (FRAME + tokens.count(OUT))
    assert found["assistant"] > 2 * FRAME
    assert found["tools"] > 2 * FRAME
    assert found["files"] == 0
    assert made_of.total == sum(found.values())


def test_a_file_counts_as_one_whatever_is_in_it() -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 400_000}}
    prompt = ANTHROPIC.read(body([{"role": "user", "content": [image, {"type": "text", "text": "look"}]}]))
    assert Sources().of(prompt).by_source["files"] == FILE


def test_what_is_known_is_not_counted_again() -> None:
    """The same objects stand for a conversation's past, and for the whole they come to the same figures."""
    sources, wire = Sources(), type(ANTHROPIC)()
    past, replayed = None, 0
    for turns in range(1, 8):
        messages = [*asked(), *(part for n in range(turns) for part in result(str(n), f"{OUT}{n}"))]
        prompt = wire.read(body(messages))
        found = sources.of(prompt)
        fresh = type(ANTHROPIC)()
        assert found == Sources().of(fresh.read(prompt.body))
        if past is not None and prompt.known is not None:
            same, replayed = prompt.known.messages, replayed + 1
            assert same >= len(past.messages) - 1
            assert all(new is old for new, old in zip(found.messages[:same], past.messages, strict=False))
        past = found
    assert replayed > 4


def test_what_the_previous_request_carried_ends_before_the_last_answer() -> None:
    first = Sources().of(ANTHROPIC.read(body(TALK[:1])))
    later = Sources().of(ANTHROPIC.read(body(TALK[:3])))
    assert first.sent_before == 0
    assert later.sent_before == first.total


def test_a_place_has_all_before_it_that_is_read_before() -> None:
    prompt = ANTHROPIC.read(body(TALK))
    made_of = Sources().of(prompt)
    places = made_of.before(prompt, [span.start for span in prompt.messages])
    assert places == [float(start) for start in made_of.starts[:-1]]
    # Tools may stand behind the messages, and are read first.
    assert made_of.before(prompt, [0, len(prompt.body)]) == [0, 0]


def test_formats_that_do_not_say_what_stands_in_front_count_what_does() -> None:
    contents = [{"role": "user", "parts": [{"text": "hi"}]}]
    raw = {"systemInstruction": {"parts": [{"text": "Be brief. " * 100}]}, "contents": contents}
    found = Sources().of(BY_NAME["gemini_generate"].read(json.dumps(raw).encode())).by_source
    assert found["system"] > 200
    assert found["user"] == FRAME + tokens.count("hi")


def test_beyond_a_bound_length_stands_for_tokens() -> None:
    text = "word " * (MOST_COUNTED // 5 + 1)
    made_of = Sources().of(ANTHROPIC.read(body(asked(text))))
    assert not made_of.counted
    assert made_of.by_source["user"] == FRAME + tokens.estimate(len(text))


def test_edits_count_what_they_add() -> None:
    tool = b',{"name":"headroom_retrieve"}'
    found = size_of([Edit(Span(7, 7), tool), Edit(Span(9, 49), b"")])
    assert found == {7: FRAME + tokens.count(tool[1:].decode()), 9: FRAME - 10}
