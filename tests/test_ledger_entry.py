"""A request is written down with what it took, what it would have, and under names that say nothing of its user."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ledger_samples import HIT, LONG, SONNET, Desk, talk
from sample_conversations import asked, body

from headroom_mitm.calibration import ASSUMED
from headroom_mitm.ledger_entry import Asked, Behind, Entry, bounded, entry, figures
from headroom_mitm.ledger_figures import AUDIT, CHANGED, HOLDOUT
from headroom_mitm.ledger_sources import Sources
from headroom_mitm.segments import Digest
from headroom_mitm.usage import Counted


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.store.close()


def made(asked: Asked, *legs: Counted, retrieved: int = 0) -> Entry:
    assert asked.prompt is not None
    return entry(asked, legs, retrieved, Sources().of(asked.prompt), ASSUMED)


def test_what_was_taken_away_would_have_been_paid(desk: Desk) -> None:
    desk.asked(talk(1))
    found = made(desk.asked(talk(2)), HIT)
    taken = found.sums.texts_before - found.sums.texts_after
    assert taken > 1_000
    assert found.alone is not None
    assert found.bill is not None
    ours = found.sources["ours"].after
    assert found.alone.input == HIT.input + taken - ours
    assert found.bill.saved > 0
    assert found.taken == taken - ours


@pytest.mark.parametrize("arm", [AUDIT, HOLDOUT])
def test_nothing_is_saved_where_nothing_was_changed(desk: Desk, arm: str) -> None:
    found = made(desk.asked(talk(1), arm), HIT)
    assert found.bill is not None
    assert (found.bill.saved, found.bill.caching, found.alone) == (0.0, 0.0, HIT)
    assert "ours" not in found.sources


def test_what_a_process_before_has_estimated_is_counted(desk: Desk, tmp_path: Path) -> None:
    """A request waits for no count, so a store may know estimates alone; the ledger tells no such figures."""
    desk.asked(talk(2))
    counted = made(desk.asked(talk(3)), HIT)
    later = Desk(tmp_path)
    asked = later.asked(talk(3))
    assert any(not isinstance(one.before, int) and not one.before.is_counted for one in asked.known.values())
    assert made(asked, HIT) == counted
    later.store.close()


def test_tokens_are_told_by_source_tool_and_form(desk: Desk) -> None:
    found = made(desk.asked(talk(2)), HIT)
    assert set(found.tools) == {"Bash"}
    assert set(found.compressors) == {"shorten"}
    assert found.compressors["shorten"] == found.tools["Bash"]
    results = found.sources["results"]
    assert results.before - results.after == found.sums.texts_before - found.sums.texts_after
    assert found.sources["tools"].before == found.sources["tools"].after > 0


def test_what_nobody_reported_is_unknown(desk: Desk) -> None:
    found = made(desk.asked(talk(1)))
    assert (found.alone, found.first, found.bill) == (None, None, None)
    assert (found.sums.requests, found.sums.measured, found.sums.priced) == (1, 0, 0)
    assert found.sums.paid == found.sums.without == 0


def test_what_has_no_price_has_tokens_only(desk: Desk) -> None:
    sent = talk(1).replace(SONNET.encode(), b"claude-of-my-own")
    found = made(desk.asked(sent, host="llm.example"), HIT)
    assert found.bill is None
    assert (found.sums.measured, found.sums.priced, found.sums.read) == (1, 0, HIT.read)


def test_a_body_that_was_not_read_counts_all_the_same(desk: Desk) -> None:
    asked = replace(desk.asked(talk(1)), prompt=None, known={}, added=())
    found = entry(asked, (HIT,), 0, None, ASSUMED)
    assert (found.sums.requests, found.sums.read, asked.key) == (1, HIT.read, None)
    assert found.sources == {}


def test_further_rounds_are_in_the_sums(desk: Desk) -> None:
    found = made(desk.asked(talk(1)), HIT, HIT, retrieved=1)
    assert (found.sums.legs, found.sums.retrieved, found.sums.output) == (2, 1, 2 * HIT.output)
    assert found.sums.rounds > 0


def test_a_conversation_that_its_provider_keeps_goes_on_with_what_was_taken_from_it(desk: Desk) -> None:
    """The body holds only what is new; all before it was read as we had made it."""
    alone = desk.asked(body([{"role": "user", "content": [{"type": "text", "text": "go on"}]}], model=SONNET))
    assert alone.prompt is not None
    later = replace(alone, prompt=replace(alone.prompt, answered=True, first_answer=None))
    assert later.goes_on
    behind = replace(later, behind=Behind(Digest(b"the conversation"), 5_000.0))
    found, unknown = made(behind, HIT), made(later, HIT)
    assert behind.key == b"the conversation"
    assert found.alone is not None
    assert unknown.alone is not None
    assert found.alone.read - unknown.alone.read == 5_000
    assert found.estimated == 0
    assert found.taken == unknown.taken + 5_000


AGENTS = {
    "claude-cli/2.1.0 (external, cli)": "claude-code",
    "codex_cli_rs/0.50 (Linux)": "codex",
    "GeminiCLI/0.9 (linux; x64)": "gemini-cli",
    "opencode/1.0 ai-sdk/provider": "opencode",
    "OpenAI/Python 1.9": "openai-python",
    "my secret program/7": "other",
    "": "other",
}


@pytest.mark.parametrize(("agent", "name"), AGENTS.items(), ids=AGENTS.values())
def test_only_known_clients_have_names(desk: Desk, agent: str, name: str) -> None:
    assert desk.asked(talk(1), agent=agent).client == name


def test_a_model_may_be_named_in_the_path(desk: Desk) -> None:
    asked = desk.asked(
        talk(1).replace(f'"model": "{SONNET}", '.encode(), b""), path="/v1/models/gemini-3:generateContent"
    )
    assert asked.model == "gemini-3"
    assert replace(asked, path="/v1/x").model == "unknown"


@pytest.mark.parametrize(("name", "kept"), [("a|b\nc", "a_b_c"), ("x" * 99, "x" * 60), ("|", "_"), (" ", "other")])
def test_names_cannot_be_mistaken_for_ours(name: str, kept: str) -> None:
    assert bounded(name) == kept


def test_a_conversation_is_another_account_s_own(desk: Desk) -> None:
    one = desk.asked(talk(1))
    assert one.key == desk.asked(talk(2)).key
    assert one.key != replace(one, account=Digest(b"another")).key
    assert one.key != desk.asked(talk(1, question="else")).key


def test_a_flow_is_told_numbers_and_names_only(desk: Desk) -> None:
    asked_ = desk.asked(talk(2))
    found = figures(asked_, made(asked_, HIT, retrieved=1), (HIT,), ("0a1b2c3d",))
    told = json.dumps(found)
    assert (found["provider"], found["model"], found["arm"]) == ("anthropic", SONNET, CHANGED)
    assert found["prompt_before"] > found["prompt_after"] == HIT.input
    assert found["saved"] == pytest.approx(found["without"] - found["paid"])
    assert LONG[:30] not in told
    assert "what now" not in told
    assert json.loads(told) == found


def test_a_request_without_texts_is_none_the_less_one(desk: Desk) -> None:
    found = made(desk.asked(body(asked(), model=SONNET)), HIT)
    assert (found.sums.texts_before, found.tools, found.compressors) == (0, {}, {})
