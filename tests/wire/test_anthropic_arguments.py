"""What the model copies of ours into a call is the original before the client runs it; all else passes at once."""

import json
import logging
from collections.abc import Sequence

import pytest
from anthropic_events import Json, call, cut, events, leg, message_of, text, whole
from hypothesis import given
from hypothesis import strategies as st

from headroom_mitm.wire.anthropic_arguments import AnthropicCalls
from headroom_mitm.wire.arguments import Arguments, Events

NOTE = "[Left out here, not missing"
SHORT = f'[12 lines in order, "a" é left out]\n\tx\\n\n{NOTE}: lines 2-11 of 12. To read it: ours, id=0a1b2c3d]'
LONG = "\n".join(f'line {number} "é" \\ \t' for number in range(12))
SERVER = {**call("srvtoolu_1", "web_search"), "type": "server_tool_use"}


def writing(content: str, *, ascii_only: bool = False) -> Json:
    arguments = json.dumps({"path": "x", "content": content, "n": 1.50}, ensure_ascii=ascii_only)
    return call("toolu_c", "Write", arguments)


def watched(*, streamed: bool = True) -> Arguments:
    return Arguments([SHORT], NOTE, AnthropicCalls(), Events() if streamed else None)


def shown(data: Sequence[bytes], *, original: str | None = LONG, streamed: bool = True) -> tuple[bytes, bytes]:
    """What the client gets at once, and in the end."""
    arguments = watched(streamed=streamed)
    asked: list[str] = []

    def original_of(wanted: str) -> str | None:
        asked.append(wanted)
        return original

    if streamed:
        now = b"".join(map(arguments.feed, data))
        now += arguments.end(b"")
    else:
        now = arguments.end(b"".join(data))
    assert not asked
    return now, now + (arguments.expanded(original_of) if arguments.held else b"")


BLOCKS: dict[str, list[Json]] = {
    "alone": [writing(SHORT)],
    "written in ASCII": [writing(SHORT, ascii_only=True)],
    "in the middle": [text("I write."), writing(f"# Log\n{SHORT}\nEnd.")],
    "twice": [writing(SHORT + SHORT)],
    "in the second call": [call("toolu_b", "Bash", '{"command": "ls [12 lines"}'), writing(SHORT)],
}


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
@given(places=st.lists(st.integers(0, 100_000), max_size=20))
def test_a_whole_copy_becomes_the_original(blocks: list[Json], places: list[int]) -> None:
    now, then = shown(cut(leg(*blocks), places))
    assert b"toolu_c" in now
    found, given_ = message_of(then)["content"][-1]["input"], blocks[-1]["input"]
    wanted = json.loads(given_)["content"].replace(SHORT, LONG)
    assert json.loads(found) == {"path": "x", "content": wanted, "n": 1.50}
    assert message_of(then)["content"][:-1] == blocks[:-1]


@pytest.mark.parametrize("blocks", BLOCKS.values(), ids=BLOCKS)
def test_in_a_document_too(blocks: list[Json]) -> None:
    now, then = shown([whole(*blocks)], streamed=False)
    assert now == b""
    before, after = json.loads(whole(*blocks)), json.loads(then)
    assert after["content"][-1]["input"]["content"] == before["content"][-1]["input"]["content"].replace(SHORT, LONG)
    after["content"][-1]["input"] = before["content"][-1]["input"]
    assert after == before


OTHERS: dict[str, list[Json]] = {
    "no copy": [text("x"), writing("x = [12, [3]]\n" * 20)],
    "only said": [text(SHORT)],
    "searched for by the provider": [{**SERVER, "input": json.dumps({"query": SHORT})}],
    "a beginning": [writing(SHORT[:20]), writing("x")],
    "beginnings": [writing(SHORT[:20] + SHORT[:10] + "[[[" + SHORT[:3])],
}


@pytest.mark.parametrize("blocks", OTHERS.values(), ids=OTHERS)
@given(places=st.lists(st.integers(0, 100_000), max_size=20))
def test_all_else_passes_at_once_and_as_it_is(blocks: list[Json], places: list[int]) -> None:
    now, then = shown(cut(leg(*blocks), places))
    assert now == then == leg(*blocks)


def test_an_ordinary_call_is_not_held_up() -> None:
    """But where it may be a beginning, for as long as it may."""
    arguments = watched()
    waiting = [
        not arguments.feed(event) for event in events(text("x"), writing("x = 5\n" * 50 + SHORT[:12] + "y" * 50))
    ]
    assert 0 < sum(waiting) <= 4


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    "content", [SHORT[:40], SHORT[40:], SHORT.replace("x", "y")], ids=["begun", "ended", "changed"]
)
def test_what_is_not_whole_stays_as_it_is(content: str, caplog: pytest.LogCaptureFixture, *, streamed: bool) -> None:
    """And if it has a note of ours, the log says so."""
    data = (leg if streamed else whole)(writing(content))
    assert shown([data], streamed=streamed)[1] == data
    assert [r.levelno for r in caplog.records] == [logging.WARNING] * (NOTE in content)


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_without_the_original_it_stays_as_it_is(*, streamed: bool) -> None:
    data = (leg if streamed else whole)(writing(SHORT))
    assert shown([data], original=None, streamed=streamed)[1] == data


@given(st.binary() | st.lists(st.sampled_from(list(events(writing(SHORT), text("x"))))).map(b"".join))
def test_nothing_is_lost_of_what_is_no_answer(data: bytes) -> None:
    assert shown([data], original=None)[1] == data
